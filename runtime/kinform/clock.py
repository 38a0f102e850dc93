"""Time as kinform sees it, so that tests can hold it still: reading a clock, and waiting by it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import threading

__all__ = ["SYSTEM_CLOCK", "Clock"]


class Clock(Protocol):
    """What kinform asks of time (client-go: ``k8s.io/utils/clock.Clock``).

    Everything that waits does so through a clock, so that ``kinform.testing.VirtualClock`` can drive queues, back-off
    and resync without sleeping. Implementations are thread-safe.
    """

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back; for durations and deadlines."""
        ...

    def boottime(self) -> float:
        """As ``monotonic()``, but from another start, and it goes on while the machine is suspended."""
        ...

    def wall(self) -> float:
        """Seconds since 1970 in UTC, as far as the machine knows; for timestamps only."""
        ...

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """Blocks until the event is set or ``timeout`` seconds have passed (None: for ever); True if it is set."""
        ...

    def wait_condition(self, condition: threading.Condition, timeout: float | None) -> bool:
        """As ``condition.wait(timeout)``, by this clock: the caller holds the condition; False when time ran out.

        Like any wait on a condition it may return early: look at the state again.
        """
        ...


# Linux's CLOCK_MONOTONIC stands still while the machine is suspended and CLOCK_BOOTTIME does not; macOS has only the
# former, where it does what the latter does here. Elsewhere time.monotonic() is all there is.
_BOOTTIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


class _SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        return time.monotonic()

    def boottime(self) -> float:
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    def wall(self) -> float:
        return time.time()

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        return event.wait(timeout)

    def wait_condition(self, condition: threading.Condition, timeout: float | None) -> bool:
        return condition.wait(timeout)


SYSTEM_CLOCK: Final[Clock] = _SystemClock()
"""The clock of everything that is not given another."""
