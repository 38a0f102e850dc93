"""Many candidates, bad networks, clocks that run apart, suspended machines: never do two lead at one moment."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest
from tests.runtime.leaderelection.conftest import Store, config, error

from kinform.errors import TransportError
from kinform.leaderelection.actions import Finish, Instant, Send, Started
from kinform.leaderelection.lease import Lease
from kinform.leaderelection.machine import Election, Phase

TICK = 0.05
"""Seconds of true time between two looks of each candidate around; a driver looks more often."""


@dataclass
class Flight:
    """A request on its way there and its answer on its way back; None: it gets lost."""

    send: Send
    arrives: float | None
    returns: float | None
    outcome: Lease | Exception | None = None


@dataclass
class Candidate:
    """One process on one machine."""

    name: str
    election: Election
    rate: float
    offset: float
    suspended_until: float = 0.0
    slept: float = 0.0
    flight: Flight | None = None
    stray: list[Flight] = field(default_factory=list)
    """Requests that were given up and arrive all the same."""

    def instant(self, now: float) -> Instant:
        elapsed = self.offset + now * self.rate
        return Instant(elapsed - self.slept * self.rate, elapsed, 1e9 + 1000 * self.offset + now)

    def leads(self, now: float) -> bool:
        """What ``is_leader()`` says: anybody may ask at any time, suspended or not."""
        return self.election.leads_at(self.instant(now).elapsed)


class World:
    """True time, one server, and what happens in between."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.store = Store()
        self.now = 0.0
        self.made = 0
        self.terms: list[str] = []
        self.candidates = [self.newcomer() for _ in range(4)]

    def newcomer(self) -> Candidate:
        self.made += 1
        name = f"c{self.made}"
        # Clocks may run apart by up to lease_duration : renew_deadline; from 0.85 to 1.25 is a little less than that.
        return Candidate(
            name,
            Election(config(), name, random.Random(self.rng.random())),
            self.rng.uniform(0.85, 1.25),
            self.rng.uniform(0, 1e6),
        )

    def tick(self) -> None:
        self.now += TICK
        for candidate in self.candidates:
            for flight in [*candidate.stray, candidate.flight]:
                if flight is not None and flight.arrives is not None and flight.arrives <= self.now:
                    self._serve(flight)
            candidate.stray = [flight for flight in candidate.stray if flight.arrives is not None]
            if candidate.suspended_until > self.now:
                candidate.slept += TICK
            else:
                self._run(candidate)
        self._trouble()

    def _serve(self, flight: Flight) -> None:
        flight.arrives = None
        refused = self.rng.random() < 0.05
        flight.outcome = error(self.rng.choice([403, 429, 500, 503])) if refused else self.store.answer(flight.send)

    def _run(self, candidate: Candidate) -> None:
        election, now = candidate.election, candidate.instant(self.now)
        flight = candidate.flight
        if flight is not None and flight.returns is not None and flight.returns <= self.now:
            candidate.flight = None
            if isinstance(flight.outcome, Exception):
                election.failed(now, flight.outcome)
            elif flight.outcome is None:
                election.failed(now, TransportError("reset"))
            else:
                election.answered(now, flight.outcome)
        action = election.next(now)
        self.terms += [candidate.name for effect in election.take_effects() if isinstance(effect, Started)]
        if isinstance(action, Send):
            if candidate.flight is not None:
                candidate.stray.append(candidate.flight)
            candidate.flight = self._launch(action)
        elif isinstance(action, Finish):
            self.candidates[self.candidates.index(candidate)] = self.newcomer()

    def _launch(self, send: Send) -> Flight:
        latency = self.rng.choice([0.05, 0.05, 0.2, 1.0, 6.0])
        arrives = self.now + latency * self.rng.random() if self.rng.random() < 0.95 else None
        returns = self.now + latency if self.rng.random() < 0.93 else None
        return Flight(send, arrives, returns)

    def _trouble(self) -> None:
        candidate = self.rng.choice(self.candidates)
        dice = self.rng.random()
        if dice < 0.002:
            candidate.suspended_until = self.now + self.rng.choice([1, 5, 9, 20, 60])
        elif dice < 0.0025:
            self.candidates[self.candidates.index(candidate)] = self.newcomer()  # killed
        elif dice < 0.004 and candidate.suspended_until <= self.now:
            now = candidate.instant(self.now)
            candidate.election.stop(now)
            if candidate.election.phase is Phase.STOPPING:
                candidate.election.work_ended(now, cleanly=True)

    def leaders(self) -> list[str]:
        return [candidate.name for candidate in self.candidates if candidate.leads(self.now)]


@pytest.mark.parametrize("seed", range(10))
def test_never_two_leaders(seed: int) -> None:
    world = World(seed)
    led = 0
    ticks = int(600 / TICK)
    for _ in range(ticks):
        world.tick()
        leaders = world.leaders()
        assert len(leaders) <= 1, f"at {world.now:.2f}"
        led += len(leaders)
    assert len(world.terms) > 3, "the lease changed hands"
    assert led > ticks / 4, "and mostly somebody led"


def test_the_check_would_find_two_leaders() -> None:
    """With clocks further apart than the durations allow, there are two at times: no test without its opposite."""
    most = 0
    for seed in range(50):
        world = World(seed)
        for candidate, rate in zip(world.candidates, (0.3, 3, 3, 3), strict=True):
            candidate.rate = rate
        for _ in range(int(300 / TICK)):
            world.tick()
            most = max(most, len(world.leaders()))
        if most > 1:
            return
    pytest.fail("never two leaders")
