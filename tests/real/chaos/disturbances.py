"""What a real control plane and the way to it are made to suffer, and how often they are asked meanwhile."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from tests.real.chaos.clocks import ChaosClock
    from tests.real.chaos.fleet import Fleet

    from kinform.testing import ControlPlane, TcpProxy

logger = logging.getLogger("kinform.chaos")

_FIRST_DELAY = 0.8  # seconds: the shortest back-off
_DAY = 86_400.0


class Disturbances:
    """Each method is one of them, done and mended when it returns; the API server serves again then.

    Args:
        control_plane: Runs the servers.
        proxy: Between it and the fleet.
        fleet: Its requests are counted.
        clock: Of the fleet.
        chance: How long something lasts.
        seconds: Of that: from, to.
    """

    def __init__(
        self,
        control_plane: ControlPlane,
        proxy: TcpProxy,
        fleet: Fleet,
        *,
        clock: ChaosClock,
        chance: random.Random,
        seconds: tuple[float, float],
    ) -> None:
        self._control_plane = control_plane
        self._proxy = proxy
        self._fleet = fleet
        self._clock = clock
        self._chance = chance
        self._seconds = seconds
        self.survived: Counter[str] = Counter()
        self.steps_judged = 0
        self.problems: list[str] = []
        self.requests_while_down = 0
        self.seconds_down = 0.0
        self.most_requests_a_second = 0.0

    def kinds(self) -> list[Callable[[], None]]:
        """All of them."""
        return [
            self.step_the_wall_clock,
            self.reset_connections,
            self.half_close_connections,
            self.black_out_the_network,
            self.cut_off_and_compact,
            self.freeze_the_api_server,
            self.kill_etcd,
            self.freeze_etcd,
            self.kill_the_api_server,
            self.restart_the_api_server,
        ]

    def make(self, kind: Callable[[], None]) -> None:
        """Makes one, mends it, and counts it."""
        name = kind.__name__.replace("_", " ")
        logger.warning("disturbance: %s", name)
        kind()
        self._proxy.heal()
        self._control_plane.wait_until_ready()
        self.survived[name] += 1
        logger.warning("over: %s", name)

    # ---- servers

    def kill_the_api_server(self) -> None:
        """SIGKILL, and a new one on the same port and data."""
        with self._down():
            self._control_plane.stop_apiserver(graceful=False)
            self._last()
        self._control_plane.start_apiserver()

    def restart_the_api_server(self) -> None:
        """SIGTERM: it drains, says good-bye to its watches, and ends; then a new one."""
        self._control_plane.restart_apiserver()

    def kill_etcd(self) -> None:
        """SIGKILL under a running API server, and a new one on the same port and data."""
        self._control_plane.stop_etcd(graceful=False)
        self._last()
        self._control_plane.start_etcd()

    def freeze_the_api_server(self) -> None:
        """SIGSTOP: connections stay, and new ones are made by the system, but nobody answers."""
        self._control_plane.freeze_apiserver()
        self._last()
        self._control_plane.thaw_apiserver()

    def freeze_etcd(self) -> None:
        """SIGSTOP: the API server answers from memory what it can."""
        self._control_plane.freeze_etcd()
        self._last()
        self._control_plane.thaw_etcd()

    # ---- the way there

    def reset_connections(self) -> None:
        """RST, and everything works again."""
        self._proxy.reset()

    def half_close_connections(self) -> None:
        """FIN from the server's side only."""
        self._proxy.half_close()

    def black_out_the_network(self) -> None:
        """Nothing arrives and nothing is refused. It heals with the connections intact, or with all of them dead."""
        self._proxy.blackhole()
        self._last()
        if self._chance.random() < 0.5:
            self._proxy.reset()

    def cut_off_and_compact(self) -> None:
        """While the fleet is cut off, writes go on and etcd is compacted: resourceVersions expire."""
        with self._down():
            self._proxy.refuse()
            self._last()
            self._control_plane.compact()

    # ---- time

    def step_the_wall_clock(self) -> None:
        """A day forward or back. Where all was well, it stays so: nothing but a watch's own end has one begin anew."""
        well, before, events = self._is_well(), self._broken(), self._fleet.events
        self._clock.step(self._chance.choice((-1, 1)) * _DAY)
        deadline = time.monotonic() + 10.0
        while self._fleet.events < events + 10 and time.monotonic() < deadline:
            time.sleep(0.05)
        if not well:
            return
        self.steps_judged += 1
        if self._fleet.events == events:
            self.problems.append("no events came after the wall clock was stepped")
        if anew := self._broken() - before:
            self.problems.append(f"the wall clock was stepped, and {anew} began anew")

    def _is_well(self) -> bool:
        """Whether all watches are open, and stay so for a second."""
        before = self._broken()
        time.sleep(1.0)
        return self._fleet.connected and self._broken() == before

    def _broken(self) -> Counter[str]:
        return Counter({reason: count for reason, count in self._fleet.restarts().items() if reason != "closed"})

    # ---- bounds

    def _last(self) -> None:
        """Lets it last."""
        time.sleep(self._chance.uniform(*self._seconds))

    @contextmanager
    def _down(self) -> Iterator[None]:
        """The fleet cannot reach the server: counts its requests, and compares them with what the back-off allows."""
        asked, began = self._fleet.attempts, time.monotonic()
        yield
        lasted = time.monotonic() - began
        asked = self._fleet.attempts - asked
        self.requests_while_down += asked
        self.seconds_down += lasted
        self.most_requests_a_second = max(self.most_requests_a_second, asked / lasted)
        allowed = self._fleet.watch_count * most_attempts(lasted * self._clock.speed)
        if asked > allowed:
            self.problems.append(f"{asked} requests in {lasted:.1f} s without a server: the back-off allows {allowed}")


def most_attempts(seconds: float) -> int:
    """How many requests one reflector may make in that time, all of which fail at once.

    One may be under way. Each failure is followed by a wait of at least 0.8 s, which doubles.
    """
    return 2 + math.floor(math.log2(seconds / _FIRST_DELAY + 1.0))
