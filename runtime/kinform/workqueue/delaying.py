"""Queues whose items can come later: after a time, or after the time that a rate limiter sets."""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from kinform.clock import SYSTEM_CLOCK
from kinform.workqueue.limiters import default_controller_rate_limiter
from kinform.workqueue.queue import WorkQueue

if TYPE_CHECKING:
    from kinform.clock import Clock
    from kinform.workqueue.limiters import RateLimiter
    from kinform.workqueue.order import Order

__all__ = ["DelayingQueue", "RateLimitingQueue", "seconds_of"]

T = TypeVar("T", bound=Hashable)


def seconds_of(delay: timedelta | float) -> float:
    """A delay in seconds.

    Raises:
        ValueError: It is not a number.
    """
    seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
    if math.isnan(seconds):
        raise ValueError("a delay must be a number of seconds, not NaN")
    return seconds


class DelayingQueue(WorkQueue[T]):
    """A work queue with ``add_after`` (client-go: ``workqueue.TypedDelayingInterface``). Thread-safe.

    There is no thread behind it: whoever asks the queue moves what is due, and a blocked ``get`` waits until the
    earliest deadline.

    Args:
        name: What the queue is called in statistics.
        clock: For tests.
        order: In which order items that are ready come; by default first in, first out.
    """

    def __init__(self, *, name: str = "", clock: Clock = SYSTEM_CLOCK, order: Order[T] | None = None) -> None:
        super().__init__(name=name, clock=clock, order=order)
        # The heap may hold outdated deadlines of an item; _due has the one that counts.
        self._heap: list[tuple[float, int, T]] = []
        self._due: dict[T, float] = {}
        self._sequence = 0
        self._retries = 0

    def add_after(self, item: T, delay: timedelta | float) -> None:
        """Adds the item when the delay has passed; at once if it is not above 0. Does not block.

        Of two delays for one item the earlier deadline counts, and it fires once. A direct ``add`` does not cancel a
        delay. Ignored once the queue is shutting down; what still waits then is dropped.

        Args:
            item: What to add.
            delay: A ``timedelta``, or seconds.

        Raises:
            ValueError: ``delay`` is not a number.
        """
        seconds = seconds_of(delay)
        with self._lock:
            if not self._shutting_down:
                self._add_after_locked(item, seconds)

    def _add_after_locked(self, item: T, seconds: float) -> None:
        self._retries += 1
        if seconds <= 0:
            self._due_locked(item, None)
            return
        deadline = self._clock.monotonic() + seconds
        if deadline >= self._due.get(item, float("inf")):
            return
        self._due[item] = deadline
        self._sequence += 1
        heapq.heappush(self._heap, (deadline, self._sequence, item))
        if self._heap[0][0] == deadline:
            self._ready.notify()  # one waiting worker sets its alarm anew

    def _due_locked(self, item: T, since: float | None) -> None:
        """The item's time has come, at ``since``, as nobody may have looked since then; None: now."""
        self._add_locked(item, since)

    def _promote_locked(self) -> float | None:
        now = self._clock.monotonic()
        while self._heap:
            deadline, _, item = self._heap[0]
            outdated = self._due.get(item) != deadline
            if not outdated and deadline > now:
                return deadline
            heapq.heappop(self._heap)
            if not outdated:
                del self._due[item]
                self._due_locked(item, deadline)
        return None

    def _shut_down_locked(self) -> None:
        super()._shut_down_locked()
        self._heap.clear()
        self._due.clear()

    def _delayed_locked(self) -> int:
        return len(self._due)

    def _retries_locked(self) -> int:
        return self._retries


class RateLimitingQueue(DelayingQueue[T]):
    """A work queue that makes failing items wait (client-go: ``workqueue.TypedRateLimitingInterface``). Thread-safe.

    Args:
        limiter: How long to wait; by default ``default_controller_rate_limiter()``.
        name: What the queue is called in statistics.
        clock: For tests.
        order: In which order items that are ready come; by default first in, first out.
    """

    def __init__(
        self,
        limiter: RateLimiter[T] | None = None,
        *,
        name: str = "",
        clock: Clock = SYSTEM_CLOCK,
        order: Order[T] | None = None,
    ) -> None:
        super().__init__(name=name, clock=clock, order=order)
        self._limiter: RateLimiter[T] = default_controller_rate_limiter(clock=clock) if limiter is None else limiter

    def add_rate_limited(self, item: T) -> None:
        """Adds the item when its limiter allows; counts as a failure of the item. Does not block."""
        self.add_after(item, self._limiter.when(item))

    def forget(self, item: T) -> None:
        """The item succeeded, or is given up: it starts anew with the limiter. Does not replace ``done``."""
        self._limiter.forget(item)

    def num_requeues(self, item: T) -> int:
        """How often the item has been rate-limited since it was last forgotten."""
        return self._limiter.num_requeues(item)
