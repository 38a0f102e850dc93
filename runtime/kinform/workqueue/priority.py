"""A queue that hands out urgent items first, so that an initial list or a resync does not hold up what is happening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import TYPE_CHECKING, Final, TypeVar

from kinform.clock import SYSTEM_CLOCK
from kinform.workqueue.delaying import RateLimitingQueue, seconds_of
from kinform.workqueue.order import PriorityOrder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from kinform.clock import Clock
    from kinform.workqueue.limiters import RateLimiter

__all__ = ["LOW_PRIORITY", "PriorityQueue", "check_priority"]

T = TypeVar("T", bound=Hashable)

LOW_PRIORITY: Final = -100
"""For what can wait: objects of an initial list, and resyncs (controller-runtime: ``handler.LowPriority``)."""

_SHARE: Final = 8


def check_priority(priority: object) -> None:
    """Makes sure that a priority is one, where it comes from: the queue could not order its items by another.

    Raises:
        TypeError: It is no integer.
    """
    if not isinstance(priority, int):
        raise TypeError(f"priority is {priority!r}: give an integer; 0 is the usual one, higher ones come first")


class PriorityQueue(RateLimitingQueue[T]):
    """A rate-limiting queue with priorities (controller-runtime: ``priorityqueue.PriorityQueue``). Thread-safe.

    The highest priority comes first, equal ones in the order in which they were added; 0 is the usual one. An item is
    still in the queue at most once: added again, it takes the higher of its priorities. One in 8 hand-outs goes to the
    lower priorities, to the item of them that has waited longest, so none of them waits for ever
    (controller-runtime's can).

    Args:
        limiter: How long failed items wait; by default ``default_controller_rate_limiter()``.
        name: What the queue is called in statistics.
        clock: For tests.
    """

    def __init__(self, limiter: RateLimiter[T] | None = None, *, name: str = "", clock: Clock = SYSTEM_CLOCK) -> None:
        self._ranking: PriorityOrder[T] = PriorityOrder(_SHARE)
        super().__init__(limiter, name=name, clock=clock, order=self._ranking)
        self._held: dict[T, int] = {}
        self._due_priorities: dict[T, int] = {}

    def add(self, item: T, *, priority: int = 0) -> None:
        """Marks the item as in need of work, with a priority. Ignored once the queue is shutting down.

        Raises:
            TypeError: ``priority`` is no integer.
        """
        check_priority(priority)
        with self._lock:
            if not self._shutting_down:
                self._ranking.want(item, priority)
                self._add_locked(item)

    def add_after(self, item: T, delay: timedelta | float, *, priority: int = 0) -> None:
        """As ``DelayingQueue.add_after``; of two delays for one item the earlier and the higher priority count.

        Raises:
            ValueError: ``delay`` is not a number.
        """
        check_priority(priority)
        seconds = seconds_of(delay)
        with self._lock:
            if self._shutting_down:
                return
            if seconds <= 0:
                self._ranking.want(item, priority)
            self._add_after_locked(item, seconds)
            if seconds > 0 and item in self._due:
                self._due_priorities[item] = max(priority, self._due_priorities.get(item, priority))

    def add_rate_limited(self, item: T, *, priority: int | None = None) -> None:
        """Adds the item when its limiter allows; counts as a failure of the item. Does not block.

        Args:
            item: What has failed.
            priority: For its next try; None: the one with which a worker has it in hand now, or else 0.
        """
        self.add_after(
            item, self._limiter.when(item), priority=self.priority_of(item) if priority is None else priority
        )

    def priority_of(self, item: T) -> int:
        """The priority with which a worker was handed the item, until it is done; 0 where none has it.

        (controller-runtime: ``GetWithPriority``.)
        """
        return self._held.get(item, 0)

    # ---- for the queues below

    def _handed_out_locked(self, item: T) -> None:
        self._held[item] = self._ranking.last_priority

    def _given_back_locked(self, item: T) -> None:
        del self._held[item]

    def _due_locked(self, item: T, since: float | None) -> None:
        if since is not None:
            self._ranking.want(item, self._due_priorities.pop(item, 0))
        super()._due_locked(item, since)

    def _shut_down_locked(self) -> None:
        super()._shut_down_locked()
        self._due_priorities.clear()

    def _priorities_locked(self) -> Mapping[int, int]:
        depths = Counter(self._ranking.depths())
        depths.update(self._ranking.wanted(item) for item in self._processing if item in self._dirty)
        return depths
