"""A bench for the election: an API server that is one variable, and clocks that only the test moves."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

import pytest

from kinform.errors import ApiStatusError, Status, status_error
from kinform.leaderelection import LeaderElection
from kinform.leaderelection.actions import Failed, Finish, Instant, NewLeader, Send, Started, Stopped, Wait
from kinform.leaderelection.lease import Lease
from kinform.leaderelection.lock import Verb
from kinform.leaderelection.machine import Election, Phase
from kinform.meta import ObjectKey

KEY = ObjectKey("shop", "rollup")
CONFIG = LeaderElection(lease=KEY)


def error(code: int, reason: str = "", *, retry_after: float | None = None) -> Exception:
    return status_error(Status(code=code, reason=reason, message="the test asked for this"), retry_after=retry_after)


class Store:
    """The one lease of an API server."""

    def __init__(self) -> None:
        self.tree: dict[str, Any] | None = None
        self._version = 100

    def put(self, **spec: object) -> None:
        """Someone else writes the lease."""
        known = {} if self.tree is None else self.tree
        metadata = {"namespace": "shop", "name": "rollup", **known.get("metadata", {})}
        self._keep({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec})

    def _keep(self, tree: dict[str, Any]) -> None:
        self._version += 1
        tree["metadata"]["resourceVersion"] = str(self._version)
        self.tree = tree

    def perform(self, verb: Verb, lease: Lease | None) -> Lease:
        if verb is Verb.CREATE:
            assert lease is not None
            if self.tree is not None:
                raise error(409, "AlreadyExists")
            self._keep(json.loads(lease.encode({})))
        elif self.tree is None:
            raise error(404, "NotFound")
        elif verb is Verb.UPDATE:
            assert lease is not None
            sent = json.loads(lease.encode({}))
            if sent["metadata"]["resourceVersion"] != self.tree["metadata"]["resourceVersion"]:
                raise error(409, "Conflict")
            self._keep(sent)
        return Lease.decode(json.dumps(self.tree).encode(), KEY)

    def answer(self, send: Send) -> Lease | Exception:
        try:
            return self.perform(send.verb, send.lease)
        except ApiStatusError as refusal:
            return refusal

    @property
    def spec(self) -> dict[str, Any]:
        assert self.tree is not None
        spec: dict[str, Any] = self.tree["spec"]
        return spec


class Bench:
    """Runs one election by hand."""

    def __init__(
        self, config: LeaderElection = CONFIG, *, identity: str = "me", store: Store | None = None, seed: int = 1
    ):
        self.machine = Election(config, identity, random.Random(seed))
        self.store = store or Store()
        self.now = Instant(awake=1000.0, elapsed=5000.0, wall=1_750_000_000.0)
        self.calls: list[str] = []
        self.sends: list[Send] = []
        self.waits: list[float] = []
        self.leaders: list[str] = []
        self.errors: list[Exception] = []
        self.started = 0
        self.lost: list[Exception] = []
        self.finish: Finish | None = None

    # ---- time

    def advance(self, seconds: float) -> None:
        awake, elapsed, wall = self.now
        self.now = Instant(awake + seconds, elapsed + seconds, wall + seconds)

    def suspend(self, seconds: float) -> None:
        awake, elapsed, wall = self.now
        self.now = Instant(awake, elapsed + seconds, wall + seconds)

    # ---- steps

    def next(self) -> Send | Wait | Finish:
        action = self.machine.next(self.now)
        self._take_effects()
        return action

    def _take_effects(self) -> None:
        for effect in self.machine.take_effects():
            if isinstance(effect, Started):
                self.started += 1
            elif isinstance(effect, Stopped):
                self.lost.append(effect.lost)
            elif isinstance(effect, NewLeader):
                self.leaders.append(effect.identity)
            else:
                assert isinstance(effect, Failed)
                self.errors.append(effect.error)

    def send(self) -> Send:
        """Waits until a request is due, and leaves it unanswered."""
        while True:
            action = self.next()
            assert not isinstance(action, Finish), "the election is over"
            if isinstance(action, Send):
                self.calls.append(action.verb.name.lower())
                self.sends.append(action)
                return action
            self.waits.append(action.seconds)
            self.advance(action.seconds)

    def answer(self, outcome: Exception | None = None, *, after: float = 0.0) -> None:
        """The server does what was asked, or fails."""
        self.advance(after)
        send = self.sends[-1]
        got = self.store.answer(send) if outcome is None else outcome
        if isinstance(got, Exception):
            self.machine.failed(self.now, got)
        else:
            self.machine.answered(self.now, got)
        self._take_effects()

    def request(self, outcome: Exception | None = None) -> str:
        """One request and its answer."""
        self.send()
        self.answer(outcome)
        return self.calls[-1]

    def attempt(self) -> list[str]:
        """One try: all requests up to the next wait, or the end."""
        before = len(self.calls)
        self.request()
        while isinstance(self._peek(), Send):
            self.request()
        return self.calls[before:]

    def _peek(self) -> object:
        """Whether something is to be sent now; looked at through the machine's own eyes."""
        machine = self.machine
        if machine.phase is Phase.ENDED:
            return Finish(machine.lost)
        return machine._follow_up

    def lead(self) -> None:
        """Becomes the leader, and has forgotten how."""
        while not self.leads():
            self.request()
        self.calls.clear()
        self.waits.clear()
        self.leaders.clear()
        self.errors.clear()

    def run_out(self) -> None:
        """Lets time pass, with all requests hanging, until the leader has lost the lease."""
        while not isinstance(action := self.next(), Finish):
            self.advance(action.seconds if isinstance(action, Wait) else 0.0)
        self.finish = action

    def end(self) -> Finish:
        """Does all that is left to do."""
        while True:
            action = self.next()
            if isinstance(action, Finish):
                return action
            if isinstance(action, Send):
                self.calls.append(action.verb.name.lower())
                self.sends.append(action)
                self.answer()
            else:
                self.advance(action.seconds)

    def leads(self) -> bool:
        """Whether it leads at this moment."""
        return self.machine.leads_at(self.now.elapsed)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def config(
    *, lease_duration: float = 15, renew_deadline: float = 10, retry_period: float = 2, **more: Any
) -> LeaderElection:
    """An election whose durations are given in seconds."""
    return LeaderElection(
        lease=more.pop("lease", KEY),
        lease_duration=timedelta(seconds=lease_duration),
        renew_deadline=timedelta(seconds=renew_deadline),
        retry_period=timedelta(seconds=retry_period),
        **more,
    )
