"""How long a failed item waits before its next try: client-go's rate limiters, with its formulas."""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from kinform.clock import SYSTEM_CLOCK
from kinform.token_bucket import TokenBucket

if TYPE_CHECKING:
    from kinform.clock import Clock

__all__ = [
    "BucketRateLimiter",
    "ItemExponentialFailureRateLimiter",
    "ItemFastSlowRateLimiter",
    "MaxOfRateLimiter",
    "RateLimiter",
    "WithMaxWaitRateLimiter",
    "default_controller_rate_limiter",
    "default_item_based_rate_limiter",
]

T_contra = TypeVar("T_contra", contravariant=True)


class RateLimiter(Protocol[T_contra]):
    """Decides how long an item waits (client-go: ``workqueue.TypedRateLimiter``). Implementations are thread-safe."""

    def when(self, item: T_contra) -> float:
        """Seconds to wait before the item's next try. Every call counts as one more failure."""
        ...

    def forget(self, item: T_contra) -> None:
        """The item has succeeded, or is given up: its failures no longer count. Harmless for unknown items."""
        ...

    def num_requeues(self, item: T_contra) -> int:
        """How often the item has failed since it was last forgotten."""
        ...


class _FailureCounter:
    """Failures per item, behind one lock."""

    def __init__(self) -> None:
        self._failures: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    def increment(self, item: Hashable) -> int:
        """Counts one more failure and returns how many there were before it."""
        with self._lock:
            before = self._failures.get(item, 0)
            self._failures[item] = before + 1
            return before

    def forget(self, item: Hashable) -> None:
        with self._lock:
            self._failures.pop(item, None)

    def count(self, item: Hashable) -> int:
        return self._failures.get(item, 0)


class ItemExponentialFailureRateLimiter:
    """``base_delay * 2**failures``, at most ``max_delay`` (client-go: ``TypedItemExponentialFailureRateLimiter``).

    Args:
        base_delay: Seconds after the first failure.
        max_delay: The longest wait, in seconds.
    """

    def __init__(self, base_delay: float = 0.005, max_delay: float = 1000.0) -> None:
        if base_delay <= 0 or max_delay <= 0:
            raise ValueError(f"base_delay and max_delay are seconds above 0, not {base_delay} and {max_delay}")
        self._base = base_delay
        self._max = max_delay
        self._failures = _FailureCounter()
        # From here on the power exceeds the maximum (and some day a float's range): no need to compute it.
        self._enough = max(0, math.ceil(math.log2(max_delay / base_delay)))

    def when(self, item: Hashable) -> float:
        """Seconds until the next try; counts one more failure."""
        failures = self._failures.increment(item)
        return self._max if failures >= self._enough else min(self._base * 2.0**failures, self._max)

    def forget(self, item: Hashable) -> None:
        """Starts the item again from ``base_delay``."""
        self._failures.forget(item)

    def num_requeues(self, item: Hashable) -> int:
        """Failures since the item was last forgotten."""
        return self._failures.count(item)


class ItemFastSlowRateLimiter:
    """A few quick tries, then slow ones (client-go: ``TypedItemFastSlowRateLimiter``).

    Args:
        fast_delay: Seconds before each of the first tries.
        slow_delay: Seconds before each later one.
        max_fast_attempts: How many tries are quick.
    """

    def __init__(self, fast_delay: float, slow_delay: float, max_fast_attempts: int) -> None:
        self._fast = fast_delay
        self._slow = slow_delay
        self._max_fast_attempts = max_fast_attempts
        self._failures = _FailureCounter()

    def when(self, item: Hashable) -> float:
        """Seconds until the next try; counts one more failure."""
        return self._fast if self._failures.increment(item) < self._max_fast_attempts else self._slow

    def forget(self, item: Hashable) -> None:
        """Gives the item its quick tries back."""
        self._failures.forget(item)

    def num_requeues(self, item: Hashable) -> int:
        """Failures since the item was last forgotten."""
        return self._failures.count(item)


class BucketRateLimiter:
    """A token bucket over all items together (client-go: ``TypedBucketRateLimiter``, ``golang.org/x/time/rate``).

    The bucket starts full. Each call takes a token, also one that is not there yet, and is told to wait until it would
    be; tokens are never given back.

    Args:
        qps: Tokens per second.
        burst: How many the bucket holds.
        clock: For tests.

    Raises:
        ValueError: ``qps`` is not above 0, or ``burst`` is less than 1.
    """

    def __init__(self, qps: float = 10.0, burst: int = 100, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._bucket = TokenBucket(qps, burst, clock=clock)

    def when(self, item: Hashable) -> float:  # noqa: ARG002  (all items share the bucket)
        """Seconds until a token is there for this call; takes it."""
        reservation = self._bucket.reserve()
        assert reservation is not None, "without a limit every reservation is granted"
        return reservation.delay

    def forget(self, item: Hashable) -> None:
        """Does nothing: the bucket knows no items."""

    def num_requeues(self, item: Hashable) -> int:  # noqa: ARG002
        """Always 0: the bucket knows no items."""
        return 0


class MaxOfRateLimiter(Generic[T_contra]):
    """The longest wait of several limiters; each of them counts every call (client-go: ``TypedMaxOfRateLimiter``)."""

    def __init__(self, *limiters: RateLimiter[T_contra]) -> None:
        if not limiters:
            raise ValueError("MaxOfRateLimiter needs at least one limiter")
        self._limiters = limiters

    def when(self, item: T_contra) -> float:
        """The longest of the limiters' waits, in seconds."""
        return max([limiter.when(item) for limiter in self._limiters])

    def forget(self, item: T_contra) -> None:
        """Forgets the item in each limiter."""
        for limiter in self._limiters:
            limiter.forget(item)

    def num_requeues(self, item: T_contra) -> int:
        """The largest of the limiters' counts."""
        return max(limiter.num_requeues(item) for limiter in self._limiters)


class WithMaxWaitRateLimiter(Generic[T_contra]):
    """Another limiter's wait, cut at ``max_delay`` seconds (client-go: ``TypedWithMaxWaitRateLimiter``)."""

    def __init__(self, limiter: RateLimiter[T_contra], max_delay: float) -> None:
        self._limiter = limiter
        self._max = max_delay

    def when(self, item: T_contra) -> float:
        """The inner limiter's wait, at most ``max_delay`` seconds."""
        return min(self._limiter.when(item), self._max)

    def forget(self, item: T_contra) -> None:
        """Forgets the item in the inner limiter."""
        self._limiter.forget(item)

    def num_requeues(self, item: T_contra) -> int:
        """The inner limiter's count."""
        return self._limiter.num_requeues(item)


def default_controller_rate_limiter(*, clock: Clock = SYSTEM_CLOCK) -> RateLimiter[Hashable]:
    """5 ms doubling to 1000 s per item, and 10 per second with bursts of 100 over all.

    client-go: ``DefaultTypedControllerRateLimiter``. Each call makes a limiter of its own.
    """
    return MaxOfRateLimiter[Hashable](
        ItemExponentialFailureRateLimiter(0.005, 1000.0), BucketRateLimiter(10.0, 100, clock=clock)
    )


def default_item_based_rate_limiter() -> RateLimiter[Hashable]:
    """1 ms doubling to 1000 s per item (client-go: ``DefaultTypedItemBasedRateLimiter``)."""
    return ItemExponentialFailureRateLimiter(0.001, 1000.0)
