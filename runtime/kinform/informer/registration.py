"""One handler on its own thread: what waits for it, when it has synced, its resync clock, and its removal."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from kinform.errors import CacheSyncError, ForkedError, InformerStoppedError
from kinform.informer.backlog import Marker
from kinform.informer.forks import ProcessMark
from kinform.informer.statistics import HandlerStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kinform.clock import Clock
    from kinform.informer.backlog import Backlog, Work
    from kinform.meta import ObjectKey
    from kinform.store import Notification
    from kinform.wire import Entry

__all__ = ["HandlerThread", "Registration"]

W_co = TypeVar("W_co", bound="Work", covariant=True)


class Registration(ABC):
    """A handler's place in its informer (client-go: ``ResourceEventHandlerRegistration``). Thread-safe."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The handler's name in reports, statistics and thread names."""

    @abstractmethod
    def has_synced(self) -> bool:
        """Whether the informer has synced and every call about what was there at first has returned or raised.

        Unlike in client-go, a handler that raises counts as told: the error was reported.
        """

    @abstractmethod
    def wait_for_sync(self, timeout: float | None = None) -> None:
        """Blocks until ``has_synced()``, for at most ``timeout`` seconds (None: for ever).

        Raises:
            CacheSyncError: The time ran out.
            InformerStoppedError: The handler was removed or the informer stopped before it had synced.
            ForkedError: The informer runs in the parent process.
        """

    @abstractmethod
    def remove(self, timeout: float | None = None) -> bool:
        """Ends the handler: drops what waits, then blocks until none of its calls runs and its thread is gone.

        Called from inside the handler it returns at once. Removing again is harmless, also after the informer's stop.
        (client-go: ``RemoveEventHandler`` and ``ShutDownEventHandler`` in one; ``timeout=0`` is the former.)

        Args:
            timeout: How many seconds to wait for a running call; None: for ever.

        Returns:
            False where another thread is still in a call after ``timeout``; that call will be the last.
        """

    @abstractmethod
    def statistics(self) -> HandlerStatistics:
        """What happened so far. Does not block."""


class HandlerThread(Registration, Generic[W_co]):
    """A registration at work: a bounded backlog, and a daemon thread that calls the handler for each item.

    Lock order: the informer's lock before this one's. Nothing of the user's runs under either.

    Args:
        name: The handler's name.
        thread_name: The thread's.
        backlog: What waits.
        call: Calls the handler with one item of work.
        resync: Seconds between resyncs; None: never.
        begin_resync: Asks the informer to call ``resync()`` with what the cache holds.
        report_error: Told of what the handler raised: the handler's name, the object's key, and the error.
        on_end: Called once when the registration has ended.
        clock: The informer's.
    """

    def __init__(
        self,
        name: str,
        thread_name: str,
        backlog: Backlog[W_co],
        call: Callable[[W_co], None],
        *,
        resync: float | None,
        begin_resync: Callable[[HandlerThread[W_co]], None],
        report_error: Callable[[str, ObjectKey, BaseException], None],
        on_end: Callable[[HandlerThread[W_co]], None],
        clock: Clock,
    ) -> None:
        self._name = name
        self._backlog = backlog
        self._call = call
        self._resync = resync
        self._begin_resync = begin_resync
        self._report_error = report_error
        self._on_end = on_end
        self._clock = clock
        self._process: ProcessMark | None = None
        self._lock = threading.Lock()
        # Two conditions on one lock, so that waking the handler's thread can never wake someone else in its place.
        self._work = threading.Condition(self._lock)
        self._state = threading.Condition(self._lock)
        self._thread = threading.Thread(target=self._run, name=thread_name, daemon=True)
        self._closed = False
        self._synced = False
        self._next_resync = 0.0
        self._running_since: float | None = None
        self._delivered = 0
        self._failed = 0

    # ---- for the user

    @property
    def name(self) -> str:  # noqa: D102
        return self._name

    def has_synced(self) -> bool:  # noqa: D102
        return self._synced

    def wait_for_sync(self, timeout: float | None = None) -> None:  # noqa: D102
        if self._is_forked():
            raise ForkedError(f"handler {self._name} runs in the parent process")
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        with self._lock:
            while not self._synced:
                if self._closed:
                    raise InformerStoppedError(f"handler {self._name} was ended before it had synced")
                remaining = None if deadline is None else deadline - self._clock.monotonic()
                if remaining is not None and remaining <= 0:
                    raise CacheSyncError(f"handler {self._name} has not synced within {timeout} s", {self._name: None})
                self._clock.wait_condition(self._state, remaining)

    def remove(self, timeout: float | None = None) -> bool:  # noqa: D102
        if self._is_forked():
            return True
        self.close()
        self._on_end(self)
        return self._thread is threading.current_thread() or self.join(timeout)

    def statistics(self) -> HandlerStatistics:  # noqa: D102
        with self._lock:
            since = self._running_since
            return HandlerStatistics(
                name=self._name,
                synced=self._synced,
                pending=self._backlog.waiting,
                delivered=self._delivered,
                failed=self._failed,
                coalesced=self._backlog.coalesced,
                running_for=None if since is None else max(0.0, self._clock.monotonic() - since),
            )

    def _is_forked(self) -> bool:
        return self._process is not None and self._process.forked

    # ---- for the informer

    @property
    def thread_name(self) -> str:
        """The name of the handler's thread."""
        return self._thread.name

    def start(self) -> None:
        """Starts the thread; its resync clock begins now. Harmless when it was started or ended before."""
        with self._lock:
            if self._process is not None or self._closed:
                return
            if self._resync is not None:
                self._next_resync = self._clock.monotonic() + self._resync
            self._thread.start()
            self._process = ProcessMark()

    def put(self, notifications: Sequence[Notification]) -> None:
        """Hands over what changed in the cache. Never waits for the handler."""
        with self._lock:
            if self._closed:
                return
            for notification in notifications:
                self._backlog.put(notification)
            self._work.notify()

    def put_synced(self) -> None:
        """Marks that the informer has synced: all that was there at first has been handed over."""
        with self._lock:
            if not self._closed:
                self._backlog.put_synced()
                self._work.notify()

    def replay(self, entries: Sequence[Entry]) -> None:
        """Adds to what the handler is told first; of these objects nothing has been ``put()``."""
        with self._lock:
            if not self._closed:
                self._backlog.replay(entries)
                self._work.notify()

    def resync(self, entries: Iterable[Entry]) -> None:
        """Sets what the handler is told again, in turns with news."""
        with self._lock:
            if not self._closed:
                self._backlog.resync(entries)

    def close(self) -> None:
        """Drops what waits, and lets the thread end after the call that it may be in. Does not block."""
        with self._lock:
            self._closed = True
            self._backlog.clear()
            self._work.notify_all()
            self._state.notify_all()

    def join(self, timeout: float | None) -> bool:
        """Blocks until the thread is gone, for at most ``timeout`` seconds; whether it is. At once from inside it."""
        with self._lock:
            started = self._process is not None
        if started and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    # ---- the thread

    def _run(self) -> None:
        while self._turn():
            pass

    def _turn(self) -> bool:
        """Blocks until there is something to do, and does it; False: the end."""
        work = self._next()
        if work is None:
            return False
        try:
            self._call(work)
        except BaseException as error:  # noqa: BLE001  (a SystemExit would end the thread, and the handler with it)
            self._failed += 1
            self._report_error(self._name, work.key, error)
        self._delivered += 1
        return True  # and with that `work` is let go: an idle handler must not keep the last object alive

    def _next(self) -> W_co | None:
        """Blocks until there is something to do; None: the end."""
        while True:
            with self._lock:
                step = self._step()
            if step is Marker.RESYNC:
                # The informer's lock comes before ours, so ours has been given back.
                self._begin_resync(self)
            elif not isinstance(step, Marker):
                return step

    def _step(self) -> W_co | Marker | None:
        self._running_since = None
        while not self._closed:
            now = self._clock.monotonic()
            if self._resync is not None and now >= self._next_resync:
                self._next_resync = now + self._resync
                if self._synced and not self._backlog.resyncing:
                    return Marker.RESYNC
            step = self._backlog.take()
            if step is None:
                idle = None if self._resync is None else self._next_resync - now
                self._clock.wait_condition(self._work, idle)
            elif step is Marker.SYNCED:
                self._synced = True
                self._state.notify_all()
            else:
                if step is not Marker.SKIPPED:
                    self._running_since = now
                return step
        return None
