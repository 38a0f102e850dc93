"""What runs for the time of a soak beside the informers: controllers, an elector, handlers that come and go, trouble."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kinform import (
    Controller,
    LeaderElection,
    LeaderElector,
    LeadershipLostError,
    ObjectKey,
    RateLimitingQueue,
    Result,
    ShutDown,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.real.chaos.fleet import Fleet

    from kinform import Registration
    from kinform.testing import ControlPlane, TcpProxy
    from kinform.transport import ApiSource

_FAILING = 10  # one key in so many fails at its first try
_LINGERING = 30.0


class Controllers:
    """A ``Controller`` of ConfigMaps whose keys fail now and then, and the same by hand, of Pods."""

    def __init__(self, fleet: Fleet) -> None:
        self._failures = random.Random(1)
        self._lister = fleet.streaming.core().v1().config_maps().lister()
        self._controller = Controller("soak", self._reconcile, workers=2).watches(
            fleet.streaming.core().v1().config_maps()
        )
        self._queue: RateLimitingQueue[ObjectKey] = RateLimitingQueue(name="soak-pods")
        fleet.members[1].informer.add_key_handler(self._queue.add)
        self._worker = threading.Thread(target=self._work, name="soak-worker", daemon=True)
        self._by_hand = 0

    @property
    def reconciled(self) -> int:
        """How many calls have returned, of both."""
        return self._controller.statistics().reconciled + self._by_hand

    def start(self) -> None:
        """After the first sync."""
        self._controller.wait_for_sync(30.0)
        self._controller.start()
        self._worker.start()

    def stop(self) -> list[str]:
        """Drains both; who was still at work."""
        self._queue.shut_down_with_drain(10.0)
        self._worker.join(10.0)
        return [*self._controller.stop(10.0), *([self._worker.name] if self._worker.is_alive() else [])]

    def _reconcile(self, key: ObjectKey) -> Result | None:
        found = self._lister.config_maps(key.namespace).find(key.name)
        if not self._failures.randrange(_FAILING):
            raise RuntimeError("to be tried again")
        return Result(requeue_after=timedelta(seconds=20)) if found and found.data else None

    def _work(self) -> None:
        with suppress(ShutDown):
            while True:
                with self._queue.processing() as key:
                    if self._failures.randrange(_FAILING):
                        self._queue.forget(key)
                        self._by_hand += 1
                    else:
                        self._queue.add_rate_limited(key)


class Candidate:
    """Competes for a lease all the time: after a loss with a new elector, as a restarted process would."""

    def __init__(self, source: ApiSource, lease: str) -> None:
        self._source = source
        self._config = LeaderElection(lease=lease)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="soak-candidate", daemon=True)
        self.led = 0
        self.lost = 0

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> list[str]:
        """Releases the lease and ends; who was still at work."""
        self._stopping.set()
        self._thread.join(_LINGERING)
        return [self._thread.name] if self._thread.is_alive() else []

    def _run(self) -> None:
        while not self._stopping.is_set():
            elector = LeaderElector(self._config, self._source, on_started_leading=self._lead)
            try:
                elector.run(self._stopping)
            except LeadershipLostError:
                self.lost += 1

    def _lead(self, leadership: Any) -> None:
        self.led += 1
        leadership.stop.wait()


class Visitors:
    """Handlers that are added to one informer after the other, and removed two visits later."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._present: list[Registration] = []
        self.visits = 0
        self.told = 0

    def next(self) -> None:
        """One more, one less."""
        members = self._fleet.members
        informer = members[self.visits % len(members)].informer
        add: Callable[[Callable[[Any], object]], Registration] = (
            informer.add_key_handler if self.visits % 2 else informer.add_handler
        )
        self._present.append(add(self._take))
        self.visits += 1
        if len(self._present) > 2:
            assert self._present.pop(0).remove(10.0)

    def leave(self) -> None:
        """The last ones go, too."""
        while self._present:
            assert self._present.pop().remove(10.0)

    def _take(self, _: object) -> None:
        self.told += 1


class Trouble:
    """One disturbance after the other, in an order drawn anew for each round."""

    def __init__(self, control_plane: ControlPlane, proxy: TcpProxy, stopping: threading.Event) -> None:
        self._control_plane = control_plane
        self._proxy = proxy
        self._stopping = stopping
        self._random = random.Random(2)
        self._round: list[Callable[[], object]] = []
        self.made: Counter[str] = Counter()

    def next(self) -> None:
        """Makes one, and mends it."""
        if not self._round:
            self._round = [
                self._reset,
                self._half_close,
                self._refuse,
                self._go_silent,
                self._go_silent_for_long,
                self._delay,
                self._compact,
            ]
            self._random.shuffle(self._round)
        made = self._round.pop()
        made()
        self._proxy.heal()
        self.made[made.__name__.strip("_").replace("_", " ")] += 1

    def _reset(self) -> None:
        self._proxy.reset()

    def _half_close(self) -> None:
        self._proxy.half_close()

    def _refuse(self) -> None:
        self._proxy.refuse()
        self._stopping.wait(4.0)

    def _go_silent(self) -> None:
        self._proxy.blackhole()
        self._stopping.wait(5.0)

    def _go_silent_for_long(self) -> None:
        """Longer than a leader may go without renewal."""
        self._proxy.blackhole()
        self._stopping.wait(15.0)
        self._proxy.reset()

    def _delay(self) -> None:
        self._proxy.delay(0.3)
        self._stopping.wait(5.0)

    def _compact(self) -> None:
        """While all are cut off, so that resourceVersions expire under them."""
        self._proxy.refuse()
        self._stopping.wait(3.0)
        self._control_plane.compact()


def wait_until(moment: float, stopping: threading.Event) -> None:
    """Blocks until then, by ``time.monotonic()``, or until it is stopped."""
    stopping.wait(max(0.0, moment - time.monotonic()))
