"""Who makes requests waits here for a token before each of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

from kinform.clock import SYSTEM_CLOCK
from kinform.token_bucket import TokenBucket

if TYPE_CHECKING:
    from kinform.clock import Clock

__all__ = ["RateLimiter", "TokenBucketRateLimiter"]

_SLICE: Final = 0.1  # an event of the caller's cannot tell of stop(): seconds between two looks


class RateLimiter(Protocol):
    """Lets requests through, so many a second (client-go: ``flowcontrol.RateLimiter``). Thread-safe."""

    @property
    def qps(self) -> float:
        """How many a second."""
        ...

    def try_accept(self) -> bool:
        """Takes a token if one is there. Does not block."""
        ...

    def accept(self) -> bool:
        """Blocks until it has a token; False once the limiter is stopped."""
        ...

    def wait(self, *, timeout: float | None = None, cancel: threading.Event | None = None) -> bool:
        """Blocks until it has a token.

        Args:
            timeout: Seconds that the caller would wait; None: as long as it takes.
            cancel: Set by another thread, it ends the wait.

        Returns:
            Whether a token was taken; False where ``cancel`` or ``stop()`` ended the wait.

        Raises:
            TimeoutError: It would take longer than ``timeout``; known, and raised, at once. No token was taken.
        """
        ...

    def stop(self) -> None:
        """Lets nothing through any more, and ends all waits. Does not block; again: nothing."""
        ...


class TokenBucketRateLimiter:
    """``qps`` requests a second, and ``burst`` at once after a rest (client-go: ``NewTokenBucketRateLimiter``).

    Thread-safe. Who waits is served in the order in which the waits began. One limiter may serve several transports,
    which then share its rate.

    Args:
        qps: Requests per second.
        burst: How many may go at once after a rest; the bucket starts full.
        clock: For tests.

    Raises:
        ValueError: ``qps`` is not above 0, or ``burst`` is less than 1.
    """

    def __init__(self, qps: float, burst: int, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._bucket = TokenBucket(qps, burst, clock=clock)
        self._clock = clock
        self._stopped = threading.Event()

    @property
    def qps(self) -> float:
        """Requests per second."""
        return self._bucket.rate

    @property
    def burst(self) -> int:
        """How many may go at once after a rest."""
        return self._bucket.burst

    def try_accept(self) -> bool:
        """As ``RateLimiter.try_accept``; False while others wait."""
        return not self._stopped.is_set() and self._bucket.reserve(max_delay=0.0) is not None

    def accept(self) -> bool:
        """As ``RateLimiter.accept``."""
        return self.wait()

    def wait(self, *, timeout: float | None = None, cancel: threading.Event | None = None) -> bool:
        """As ``RateLimiter.wait``. Who gives up gives its token back, as far as nobody waits behind it.

        Raises:
            TimeoutError: It would take longer than ``timeout`` seconds.
        """
        if self._stopped.is_set() or (cancel is not None and cancel.is_set()):
            return False
        reservation = self._bucket.reserve(float("inf") if timeout is None else timeout)
        if reservation is None:
            raise TimeoutError(f"the rate limit of {self.qps:g} requests a second gives no token within {timeout} s")
        if not reservation.delay or self._sleep(reservation.delay, cancel):
            return True
        self._bucket.cancel(reservation)
        return False

    def _sleep(self, seconds: float, cancel: threading.Event | None) -> bool:
        """Whether the time passed without being ended by ``cancel`` or ``stop()``."""
        if cancel is None:
            return not self._clock.wait(self._stopped, seconds)
        deadline = self._clock.monotonic() + seconds
        while (remaining := deadline - self._clock.monotonic()) > 0:
            if self._clock.wait(cancel, min(remaining, _SLICE)) or self._stopped.is_set():
                return False
        return True

    def stop(self) -> None:
        """As ``RateLimiter.stop``."""
        self._stopped.set()
