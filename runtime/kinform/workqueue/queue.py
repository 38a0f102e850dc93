"""The work queue: first in, first out, each item at most once, and never with two workers at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import ShutDown

if TYPE_CHECKING:
    from collections.abc import Generator

    from kinform.clock import Clock

__all__ = ["WorkQueue", "WorkQueueStatistics"]

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class WorkQueueStatistics:
    """What a queue holds and has done, at one moment.

    Attributes:
        name: The queue's name.
        depth: Items ready to be handed out.
        processing: Items handed out and not done.
        delayed: Items that wait for their time.
        adds: Items added so far; one that was waiting already does not count.
        retries: Calls of ``add_after`` and ``add_rate_limited`` so far.
        longest_processing: Seconds that the longest-running item has been out.
        shutting_down: Whether the queue has been shut down.
    """

    name: str
    depth: int
    processing: int
    delayed: int
    adds: int
    retries: int
    longest_processing: float
    shutting_down: bool


class WorkQueue(Generic[T]):
    """A queue of keys to work on (client-go: ``workqueue.Typed``). Thread-safe.

    An item that is added while it waits is not added twice. One that is added while a worker has it comes out again
    after that worker's ``done()``, and not before: no item is ever with two workers.

    Args:
        name: What the queue is called in statistics.
        clock: For tests.
    """

    def __init__(self, *, name: str = "", clock: Clock = SYSTEM_CLOCK) -> None:
        self.name = name
        self._clock = clock
        # client-go's three structures: the order of waiting items, what must be worked on, what is being worked on.
        self._order: deque[T] = deque()
        self._dirty: set[T] = set()
        self._processing: dict[T, float] = {}
        self._shutting_down = False
        self._drain_cancelled = False
        self._adds = 0
        self._lock = threading.Lock()
        self._ready = threading.Condition(self._lock)  # an item, an earlier deadline, or the end
        self._drained = threading.Condition(self._lock)

    def add(self, item: T) -> None:
        """Marks the item as in need of work. Ignored once the queue is shutting down. Never blocks for long."""
        with self._lock:
            if not self._shutting_down:
                self._add_locked(item)

    def get(self, timeout: float | None = None) -> T:
        """Blocks until there is an item and hands it out; every ``get`` must be answered by ``done``.

        Items that waited when the queue was shut down are still handed out.

        Args:
            timeout: Seconds to wait at most; None waits for ever.

        Raises:
            ShutDown: The queue is shut down and empty.
            TimeoutError: Nothing came in time.
        """
        with self._lock:
            deadline = None if timeout is None else self._clock.monotonic() + timeout
            while True:
                wake = self._promote_locked()
                if self._order:
                    item = self._order.popleft()
                    self._dirty.discard(item)
                    self._processing[item] = self._clock.monotonic()
                    self._pass_alarm_locked(wake)
                    return item
                if self._shutting_down:
                    raise ShutDown
                limits = [limit for limit in (deadline, wake) if limit is not None]
                remaining = min(limits) - self._clock.monotonic() if limits else None
                if remaining is not None and remaining <= 0 and deadline is not None and min(limits) == deadline:
                    self._pass_alarm_locked(wake)
                    raise TimeoutError(f"no item within {timeout} s")
                self._clock.wait_condition(self._ready, remaining)

    def done(self, item: T) -> None:
        """The worker has finished with the item. If it was added meanwhile it goes to the end of the queue.

        Harmless for an item that no worker has, such as one that is done already.
        """
        with self._lock:
            if self._processing.pop(item, None) is None:
                return  # it may be waiting: once more in the queue, it would go to two workers
            if item in self._dirty:
                self._order.append(item)
                self._ready.notify()
            self._drained.notify_all()

    @contextmanager
    def processing(self) -> Generator[T]:
        """``with queue.processing() as item``: ``get()`` on entry, ``done(item)`` on exit, whatever happens.

        Raises:
            ShutDown: The queue is shut down and empty.
        """
        item = self.get()
        try:
            yield item
        finally:
            self.done(item)

    def __len__(self) -> int:
        """Items that are ready; not those in work, nor those that wait for their time."""
        with self._lock:
            self._promote_locked()
            return len(self._order)

    def __bool__(self) -> bool:
        """True, also when empty: a queue is not its contents."""
        return True

    def shut_down(self) -> None:
        """Accepts nothing more; workers get what is there, then ``ShutDown``. Ends a drain. Does not block."""
        with self._lock:
            self._shut_down_locked()
            self._drain_cancelled = True
            self._drained.notify_all()

    def shut_down_with_drain(self, timeout: float | None = None) -> bool:
        """Accepts nothing more and blocks until the workers have finished everything the queue held.

        client-go's ``ShutDownWithDrain`` waits for items in work only; this one for waiting ones as well, so it needs
        workers that go on until ``ShutDown``.

        Args:
            timeout: Seconds to wait at most; None waits for ever.

        Returns:
            True when all was finished; False when the time ran out or ``shut_down()`` ended the wait.
        """
        with self._lock:
            self._shut_down_locked()
            self._drain_cancelled = False
            deadline = None if timeout is None else self._clock.monotonic() + timeout
            while (self._processing or self._order) and not self._drain_cancelled:
                remaining = None if deadline is None else deadline - self._clock.monotonic()
                if remaining is not None and remaining <= 0:
                    return False
                self._clock.wait_condition(self._drained, remaining)
            return not (self._processing or self._order)

    def discard(self) -> int:
        """Shuts down and drops what waits, so that workers end after what they have in hand. Does not block.

        Returns:
            How many items were dropped.
        """
        with self._lock:
            self._shut_down_locked()
            dropped = len(self._dirty)
            self._order.clear()
            self._dirty.clear()
            self._drain_cancelled = True
            self._drained.notify_all()
            return dropped

    @property
    def shutting_down(self) -> bool:
        """True from the first ``shut_down`` or ``shut_down_with_drain``."""
        return self._shutting_down

    def statistics(self) -> WorkQueueStatistics:
        """What the queue holds and has done, now."""
        with self._lock:
            self._promote_locked()
            now = self._clock.monotonic()
            return WorkQueueStatistics(
                name=self.name,
                depth=len(self._order),
                processing=len(self._processing),
                delayed=self._delayed_locked(),
                adds=self._adds,
                retries=self._retries_locked(),
                longest_processing=max((now - since for since in self._processing.values()), default=0.0),
                shutting_down=self._shutting_down,
            )

    # ---- for the queues above

    def _add_locked(self, item: T) -> None:
        if item in self._dirty:
            return
        self._adds += 1
        self._dirty.add(item)
        if item not in self._processing:
            self._order.append(item)
            self._ready.notify()

    def _pass_alarm_locked(self, wake: float | None) -> None:
        # This worker may have been the only one that waits for the next deadline: let another one set its alarm.
        if wake is not None:
            self._ready.notify()

    def _shut_down_locked(self) -> None:
        self._shutting_down = True
        self._ready.notify_all()

    def _promote_locked(self) -> float | None:
        """Moves what has become ready into the queue; the clock's reading at which more will be, or None."""
        return None

    def _delayed_locked(self) -> int:
        return 0

    def _retries_locked(self) -> int:
        return 0
