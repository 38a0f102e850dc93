"""A token bucket with reservations, as ``golang.org/x/time/rate`` has it; queues and request limiters stand on it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kinform.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from kinform.clock import Clock

__all__ = ["Reservation", "TokenBucket"]

_SECOND: Final = 1_000_000_000  # the bucket counts in whole nanoseconds, as Go does: 0.1 s at 10 a second is one token


@dataclass(frozen=True, slots=True)
class Reservation:
    """A token that was taken, perhaps before it is there.

    Attributes:
        delay: Seconds from the reservation until its token is there; 0: it was.
        due: When that is, in nanoseconds of the bucket's clock.
    """

    delay: float
    due: int


class TokenBucket:
    """Lets ``rate`` calls a second pass, and ``burst`` at once after a rest (Go: ``rate.Limiter``). Thread-safe.

    It starts full. No method blocks.

    Args:
        rate: Tokens per second.
        burst: How many the bucket holds.
        clock: For tests.

    Raises:
        ValueError: ``rate`` is not above 0, or ``burst`` is less than 1: nothing would ever pass.
    """

    def __init__(self, rate: float, burst: int, *, clock: Clock = SYSTEM_CLOCK) -> None:
        if not rate > 0 or burst < 1:
            raise ValueError(f"qps must be above 0 and burst at least 1, not {rate} and {burst}")
        self.rate: Final = float(rate)
        self.burst: Final = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._last = self._now()
        self._last_due = self._last

    def _now(self) -> int:
        return round(self._clock.monotonic() * _SECOND)

    def reserve(self, max_delay: float = float("inf")) -> Reservation | None:
        """Takes a token, if need be one of the future (Go: ``ReserveN``).

        Args:
            max_delay: Seconds that its taker would wait at most.

        Returns:
            The reservation; None where it would take longer: then no token is taken.
        """
        with self._lock:
            now = self._now()
            tokens = self._tokens_at(now) - 1.0
            delay = self._duration(-tokens) if tokens < 0 else 0
            if delay > max_delay * _SECOND:
                return None
            self._tokens = tokens
            self._last = now
            self._last_due = now + delay
            return Reservation(delay / _SECOND, now + delay)

    def cancel(self, reservation: Reservation) -> None:
        """Gives back what can be of a token whose taker gave up waiting (Go: ``Reservation.Cancel``).

        That is all of it for the latest reservation; one after which others were made stays paid for, since these wait
        behind it already. Nothing for a token that was due.
        """
        with self._lock:
            now = self._now()
            restored = 1.0 - (self._last_due - reservation.due) / _SECOND * self.rate
            if reservation.due < now or restored <= 0:
                return
            self._tokens = min(float(self.burst), self._tokens_at(now) + restored)
            self._last = now
            if reservation.due == self._last_due:
                self._last_due = max(now, reservation.due - self._duration(1.0))

    def tokens(self) -> float:
        """How many tokens are there now; below 0 where some have been taken in advance."""
        with self._lock:
            return self._tokens_at(self._now())

    def _tokens_at(self, now: int) -> float:
        elapsed = max(0, now - self._last)
        return min(float(self.burst), self._tokens + elapsed / _SECOND * self.rate)

    def _duration(self, tokens: float) -> int:
        return int(tokens / self.rate * _SECOND)
