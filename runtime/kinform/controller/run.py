"""Runs controllers until the process is told to end, then ends them in the right order."""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from kinform.clock import SYSTEM_CLOCK
from kinform.controller.crew import Crew
from kinform.controller.serving import serving
from kinform.informer.waits import wait_unless_cancelled

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from kinform.controller.controller import Controller
    from kinform.controller.serving import MetricsSink
    from kinform.events import EventRecorderLike
    from kinform.factory import InformerFactory
    from kinform.health import HealthServer
    from kinform.leaderelection import LeaderElection

__all__ = ["run"]

logger: Final = logging.getLogger("kinform.controller")

# Seconds between two looks around. Python runs signal handlers in the main thread, between two steps of its code: a
# signal that comes just before a wait begins is seen only when that wait ends, so no wait here is long.
_SLICE: Final = 0.25


def run(
    factory: InformerFactory,
    *controllers: Controller,
    leader_election: LeaderElection | None = None,
    recorder: EventRecorderLike | None = None,
    health: HealthServer | None = None,
    metrics: MetricsSink | None = None,
    stop: threading.Event | None = None,
    sync_timeout: float | None = None,
    drain_timeout: float = 30.0,
) -> None:
    """Starts the factory, waits for its caches, runs the controllers, and ends all of it gracefully. Blocks.

    Ends on SIGINT or SIGTERM (when called in the main thread; a second signal acts as it would without kinform), or
    when ``stop`` is set. The order of the end: no new keys, running and queued keys finish, workers end, informers end.

    With ``leader_election`` the workers run only while this process leads; the caches are filled and kept up to date
    before, so that it can take over at once. When it is told to end it drains, then releases the lease. When it loses
    the lease, no ``reconcile`` begins any more, the requests of those that run are ended, and the error says that the
    process should end: let it end the program, and have the program started anew.

    Args:
        factory: What the controllers' sources came from.
        controllers: What to run.
        leader_election: The lease to hold, such as ``LeaderElection(lease="shop/rollup")``; None: no other process does
            this work. Its requests go the factory's way, over connections of their own.
        recorder: Records the election's beginning and end as events of the lease, such as an ``EventRecorder``. Yours
            to stop, after this has returned or raised: ``with EventRecorder(…) as recorder: run(…)``.
        health: Answers probes from the start until the end, ``/readyz`` with success while the caches are synced and
            the end has not begun, whoever leads; ``/healthz`` with failure where this should have ended, having lost
            its lease; and shows the metrics. Left running where it runs already.
        metrics: Measures the factory, the controllers and the election; ``kinform.metrics.Metrics()``.
        stop: Set it to end the run from elsewhere.
        sync_timeout: Seconds to wait for the first sync; None: for ever.
        drain_timeout: Seconds that the controllers have, all together, to finish their keys.

    Raises:
        CacheSyncError: The caches have not synced in time; it names those that are missing, and why.
        LeadershipLostError: The lease was lost: this process led, and another may lead now.
        OSError: The health server cannot listen.
        ValueError: No controller is given, or something of the same name is measured already.
    """
    if not controllers:
        raise ValueError("run() needs at least one controller")
    ended = threading.Event() if stop is None else stop
    crew = Crew(controllers, drain_timeout)
    elector = None if leader_election is None else crew.elector(leader_election, factory, recorder)
    shown = serving(factory, controllers, elector, ended, health=health, metrics=metrics)
    with _end_on_signals(ended), shown, factory:
        try:
            factory.wait_for_cache_sync(timeout=sync_timeout, cancel=ended)
            for controller in controllers:
                deadline = None if sync_timeout is None else SYSTEM_CLOCK.monotonic() + sync_timeout
                synced = wait_unless_cancelled(controller.wait_for_sync, deadline, ended, SYSTEM_CLOCK)
                if synced and elector is None:
                    controller.start()
            if elector is not None:
                crew.run(elector, ended)
            while not ended.wait(_SLICE):
                pass
        finally:
            crew.stop()


@contextmanager
def _end_on_signals(ended: threading.Event) -> Generator[None]:
    """Sets the event at the first SIGINT or SIGTERM; from then on the former handlers are back."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  (the signature that signal wants)
        logger.info("%s: finishing", signal.Signals(number).name)
        restore()
        # Event.set() takes a lock that the interrupted main thread may hold inside wait(): let another thread take it.
        threading.Thread(target=ended.set, name="kinform-signal").start()

    for number in former:
        signal.signal(number, end)
    try:
        yield
    finally:
        restore()
