"""The work queue: first in, first out, each item at most once, and never with two workers at a time."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import ShutDown
from kinform.workqueue.order import FifoOrder

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from kinform.clock import Clock
    from kinform.workqueue.observer import WorkQueueObserver
    from kinform.workqueue.order import Order

__all__ = ["WorkQueue", "WorkQueueStatistics"]

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class WorkQueueStatistics:
    """What a queue holds and has done, at one moment.

    Attributes:
        name: The queue's name.
        depth: Items ready to be handed out.
        processing: Items handed out and not done.
        added_again: Items handed out and not done that were added again meanwhile: they come once more.
        delayed: Items that wait for their time.
        adds: Items added so far; one that was waiting already does not count.
        retries: Calls of ``add_after`` and ``add_rate_limited`` so far.
        longest_processing: Seconds that the longest-running item has been out.
        unfinished: Seconds that all items in work have been out, together. If it grows by n each second, n workers are
            stuck.
        shutting_down: Whether the queue has been shut down.
        priorities: How many of ``depth`` and ``added_again`` together wait with each priority; empty for queues
            without.
    """

    name: str
    depth: int
    processing: int
    added_again: int
    delayed: int
    adds: int
    retries: int
    longest_processing: float
    unfinished: float
    shutting_down: bool
    priorities: Mapping[int, int] = field(default_factory=dict[int, int])


class WorkQueue(Generic[T]):
    """A queue of keys to work on (client-go: ``workqueue.Typed``). Thread-safe.

    An item that is added while it waits is not added twice. One that is added while a worker has it comes out again
    after that worker's ``done()``, and not before: no item is ever with two workers.

    Args:
        name: What the queue is called in statistics.
        clock: For tests.
        order: In which order items come; by default first in, first out.
    """

    def __init__(self, *, name: str = "", clock: Clock = SYSTEM_CLOCK, order: Order[T] | None = None) -> None:
        self.name = name
        self._clock = clock
        # client-go's three structures: the order of waiting items, what must be worked on, what is being worked on.
        self._order: Order[T] = FifoOrder() if order is None else order
        self._dirty: set[T] = set()
        self._processing: dict[T, float] = {}
        self._shutting_down = False
        self._drain_cancelled = False
        self._discarded = False
        self._adds = 0
        self._observer: WorkQueueObserver | None = None
        self._added_at: dict[T, float] = {}  # kept only for an observer
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
            item = self._get_locked(timeout)
            observer, added_at, now = self._observer, self._added_at.pop(item, None), self._processing[item]
        if observer is not None and added_at is not None:
            observer.waited(now - added_at)
        return item

    def _get_locked(self, timeout: float | None) -> T:
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        while True:
            wake = self._promote_locked()
            if len(self._order):
                item = self._order.pop()
                self._dirty.discard(item)
                self._processing[item] = self._clock.monotonic()
                self._handed_out_locked(item)
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
            since = self._processing.pop(item, None)
            if since is None:
                return  # it may be waiting: once more in the queue, it would go to two workers
            self._given_back_locked(item)
            if item in self._dirty:
                self._order.push(item)
                self._ready.notify()
            self._drained.notify_all()
            observer, now = self._observer, self._clock.monotonic()
        if observer is not None:
            observer.worked(now - since)

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
            self._drain_cancelled = self._discarded  # then there is nothing to wait for, whichever came first
            deadline = None if timeout is None else self._clock.monotonic() + timeout
            while (self._processing or len(self._order)) and not self._drain_cancelled:
                remaining = None if deadline is None else deadline - self._clock.monotonic()
                if remaining is not None and remaining <= 0:
                    return False
                self._clock.wait_condition(self._drained, remaining)
            return not (self._processing or len(self._order))

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
            self._added_at.clear()
            self._discarded = self._drain_cancelled = True
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
            running = [now - since for since in self._processing.values()]
            return WorkQueueStatistics(
                name=self.name,
                depth=len(self._order),
                processing=len(self._processing),
                added_again=len(self._dirty) - len(self._order),
                delayed=self._delayed_locked(),
                adds=self._adds,
                retries=self._retries_locked(),
                longest_processing=max(running, default=0.0),
                unfinished=sum(running),
                shutting_down=self._shutting_down,
                priorities=self._priorities_locked(),
            )

    def observe(self, observer: WorkQueueObserver) -> None:
        """Has the observer told how long items wait and are worked on, from the next one on. It replaces another."""
        with self._lock:
            self._observer = observer

    # ---- for the queues above

    def _add_locked(self, item: T, since: float | None = None) -> None:
        """Adds the item; ``since``: the clock's reading when it should have been, if that was before now."""
        if item in self._dirty:
            if item not in self._processing:
                self._order.touch(item)
            return
        self._adds += 1
        self._dirty.add(item)
        if self._observer is not None:
            self._added_at[item] = self._clock.monotonic() if since is None else since
        if item not in self._processing:
            self._order.push(item)
            self._ready.notify()

    def _handed_out_locked(self, item: T) -> None:
        """The item has just gone to a worker."""

    def _given_back_locked(self, item: T) -> None:
        """The item's worker is done with it."""

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

    def _priorities_locked(self) -> Mapping[int, int]:
        return {}
