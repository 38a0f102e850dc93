"""Waiting for the client's own rate limit, so that an abort ends the wait and long waits are not a riddle."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from kinform.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinform.clock import Clock
    from kinform.flowcontrol import RateLimiter
    from kinform.transport.abort import Abort

__all__ = ["Throttle"]

_log: Final = logging.getLogger("kinform.transport")

_LONG: Final = 0.05  # seconds of waiting from which on it is logged (client-go: longThrottleLatency)
_VERY_LONG: Final = 1.0  # from which on it is a warning (extraLongThrottleLatency), …
_QUIET: Final = 10.0  # … but one in so many seconds at the most


class _Alarm:
    """Ends a wait for the rate limit as an abort ends a connection."""

    def __init__(self) -> None:
        self.rung = threading.Event()
        self._waiter = threading.get_ident()

    def shutdown(self) -> None:
        if threading.get_ident() == self._waiter:
            # A signal handler runs in the waiting thread itself, which may hold the lock that set() takes.
            threading.Thread(target=self.rung.set, name="kinform-abort", daemon=True).start()
        else:
            self.rung.set()


class Throttle:
    """A transport's use of its rate limiter. Thread-safe."""

    def __init__(self, limiter: RateLimiter, clock: Clock) -> None:
        self._limiter = limiter
        self._clock = clock
        self._lock = threading.Lock()
        self._quiet_until = float("-inf")

    def wait(self, name: str, aborts: Sequence[Abort]) -> float:
        """Blocks until the limiter lets a request through; how many seconds that took.

        Raises:
            AbortedError: A switch was thrown meanwhile.
            TransportError: The limiter has been stopped, or the transport closed.
        """
        if self._limiter.try_accept():
            return 0.0
        began = self._clock.monotonic()
        if not self._wait(aborts):
            for switch in aborts:
                switch.raise_if_aborted()
            raise TransportError(f"{name}: the transport's rate limiter has been stopped, so nothing more is sent")
        waited = self._clock.monotonic() - began
        if waited > _LONG:
            level = logging.WARNING if waited > _VERY_LONG and self._may_warn() else logging.DEBUG
            reason = "client-side throttling, not priority and fairness"
            _log.log(level, "waited %.3f s before sending %s (%s)", waited, name, reason)
        return waited

    def _wait(self, aborts: Sequence[Abort]) -> bool:
        alarm = _Alarm()
        attached: list[Abort] = []
        try:
            for switch in aborts:
                switch.attach(alarm)
                attached.append(switch)
            return self._limiter.wait(cancel=alarm.rung)
        finally:
            for switch in attached:
                switch.detach(alarm)

    def _may_warn(self) -> bool:
        with self._lock:
            now = self._clock.monotonic()
            if now < self._quiet_until:
                return False
            self._quiet_until = now + _QUIET
            return True
