"""Ten informers, a writer, and one disturbance after the other: is anything lost, told wrongly, or left behind?

``python -m tests.real.chaos --version v1.37 --seconds 600`` runs it by itself.
"""

from __future__ import annotations

import gc
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.real.chaos.clocks import ChaosClock
from tests.real.chaos.disturbances import Disturbances
from tests.real.chaos.fleet import NAMESPACES, Fleet
from tests.real.chaos.resources_of_process import held
from tests.real.chaos.writer import Writer

from kinform.testing import ControlPlane, TcpProxy
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from kinform import ErrorReport

APISERVER_FLAGS = {
    "watch-cache-sizes": "configmaps#0,secrets#0",  # served from etcd: these resume over a restart, and expire
    "shutdown-watch-termination-grace-period": "5s",  # else it waits for its watches to end until it is killed
}
VERSIONS = {"v1.37": {"WatchList": True}, "v1.30": {"WatchList": False}}
"""What is run, and whether it has streaming lists."""
STOP_SECONDS = 2.0
_LONGEST_BACKOFF = 60.0
_SLACK = 20.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to be.

    Attributes:
        seconds: How long disturbances are made; 0: one round of them.
        seed: Of what is written and disturbed, and of how long that lasts.
        speed: How many seconds of the fleet's clock a second has: how much shorter its waits are.
        rate: Writes in a second.
        population: Objects of each kind and namespace.
        lasting: Seconds that a disturbance lasts: from, to.
        calm: Seconds within which all watches should be open again before the next one; it comes then, anyway.
        in_order: Whether they come in the order of ``Disturbances.kinds()``, else shuffled anew in each round.
    """

    seconds: float
    seed: int
    speed: float = 1.0
    rate: float = 15.0
    population: int = 12
    lasting: tuple[float, float] = (2.0, 12.0)
    calm: float = 20.0
    in_order: bool = False


SHORT = Plan(seconds=0.0, seed=1, speed=6.0, rate=25.0, lasting=(1.0, 1.5), calm=4.0, in_order=True)
LONG = Plan(seconds=600.0, seed=1)


class Chaos:
    """One run.

    Args:
        plan: What it is to be.
        version: Of Kubernetes, one of ``VERSIONS``.
        monkeypatch: Replaces ``time.time``.
    """

    def __init__(self, plan: Plan, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._plan = plan
        self._version = version
        self._clock = ChaosClock(plan.speed)
        self._clock.replace_time(monkeypatch)
        self._chance = random.Random(plan.seed)
        self._errors: Counter[str] = Counter()
        self._recovery: list[float] = []
        self._stops: list[float] = []
        self._problems: list[str] = []

    def run(self) -> dict[str, Any]:
        """Runs it; its figures. Their ``problems`` are empty if all was well."""
        with ControlPlane(
            self._version, apiserver_flags=APISERVER_FLAGS, feature_gates=VERSIONS[self._version]
        ) as control_plane:
            before = held()
            with TcpProxy(control_plane.port) as proxy, Transport(control_plane.client()) as straight:
                writer = Writer(
                    straight,
                    NAMESPACES,
                    population=self._plan.population,
                    rate=self._plan.rate,
                    seed=self._plan.seed,
                )
                writer.fill()
                fleet = Fleet(
                    control_plane.client(port=proxy.port),
                    clock=self._clock,
                    on_error=self._error,
                    short_watches=(8, 16),
                )
                disturbances = Disturbances(
                    control_plane, proxy, fleet, clock=self._clock, chance=self._chance, seconds=self._plan.lasting
                )
                try:
                    fleet.start(60.0)
                    figures = self._run(control_plane, straight, fleet, writer, disturbances)
                finally:
                    fleet.stop()
            gc.collect()
            if left := held().left_since(before):
                self._problems.append(f"left after the end: {left}")
        stops = [round(each, 2) for each in self._stops]
        return {**figures, "seconds to stop": stops, "problems": [*self._problems, *disturbances.problems]}

    def _run(
        self,
        control_plane: ControlPlane,
        straight: Transport,
        fleet: Fleet,
        writer: Writer,
        disturbances: Disturbances,
    ) -> dict[str, Any]:
        writer.start()
        try:
            self._disturb(straight, fleet, writer, disturbances)
        finally:
            writer.stop()
        figures = {
            "version": control_plane.version,
            "seed": self._plan.seed,
            "disturbances": dict(sorted(disturbances.survived.items())),
            "writes": dict(writer.writes),
            "failed writes": dict(writer.failures),
            "events": fleet.events,
            "of them tombstones": sum(each.history.tombstones for each in fleet.members),
            "resyncs": sum(each.history.resynced for each in fleet.members),
            "whole fetches": fleet.fetches,
            "restarts": fleet.restarts(),
            "requests": fleet.requests(),
            "errors reported": dict(self._errors),
            "objects in caches": fleet.objects,
            "seconds to recover": [round(each, 2) for each in self._recovery],
            "seconds without a server": round(disturbances.seconds_down, 1),
            "requests meanwhile": disturbances.requests_while_down,
            "most of them in a second": round(disturbances.most_requests_a_second, 1),
            "steps of the wall clock while all was well": disturbances.steps_judged,
        }
        self._problems += fleet.problems()
        if self._plan.in_order and not disturbances.steps_judged:
            self._problems.append("all was not well when the wall clock was stepped: nothing is shown by it")
        self._stop_while_frozen(control_plane, fleet)
        return figures

    def _disturb(self, straight: Transport, fleet: Fleet, writer: Writer, disturbances: Disturbances) -> None:
        end = time.monotonic() + self._plan.seconds
        while True:
            for kind in self._round(disturbances):
                disturbances.make(kind)
                self._wait_until_connected(fleet)
                if self._plan.seconds and time.monotonic() >= end:
                    break
            writer.pause()
            self._recovery.append(fleet.seconds_until_equal(straight, _LONGEST_BACKOFF / self._plan.speed + _SLACK))
            fleet.let_handlers_catch_up()
            if time.monotonic() >= end:
                return
            writer.go_on()

    def _round(self, disturbances: Disturbances) -> list[Callable[[], None]]:
        kinds = disturbances.kinds()
        if not self._plan.in_order:
            self._chance.shuffle(kinds)
        return kinds

    def _wait_until_connected(self, fleet: Fleet) -> None:
        deadline = time.monotonic() + self._plan.calm
        while not fleet.connected and time.monotonic() < deadline:
            time.sleep(0.1)

    def _stop_while_frozen(self, control_plane: ControlPlane, fleet: Fleet) -> None:
        """A server that says nothing holds nobody up."""
        control_plane.freeze_apiserver()
        try:
            for factory in fleet.factories:
                began = time.monotonic()
                result = factory.stop(STOP_SECONDS)
                lasted = time.monotonic() - began
                self._stops.append(lasted)
                if not result.clean or lasted > STOP_SECONDS:
                    self._problems.append(f"stop() took {lasted:.1f} s: {result}")
        finally:
            control_plane.thaw_apiserver()

    def _error(self, report: ErrorReport) -> None:
        self._errors[str(report.reason)] += 1
