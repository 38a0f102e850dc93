"""A clock for chaos: it may run faster than time, and its time of day may be set."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

    import pytest


class ChaosClock:
    """A ``kinform.clock.Clock`` on which every wait is shorter by a factor, and whose ``wall()`` can be stepped.

    Args:
        speed: How many of its seconds a second has; 1: real time.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._step = 0.0

    def step(self, seconds: float) -> None:
        """Sets the time of day forward, or back, as an administrator or NTP may; no duration changes."""
        self._step += seconds

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    def boottime(self) -> float:
        return time.monotonic() * self.speed

    def wall(self) -> float:
        return _now() + self._step

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        return event.wait(None if timeout is None else timeout / self.speed)

    def wait_condition(self, condition: threading.Condition, timeout: float | None) -> bool:
        return condition.wait(None if timeout is None else timeout / self.speed)

    def replace_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Has ``time.time()`` of this process step along, for whoever asks it past the clock.

        Not the system's clock, which C code reads: OpenSSL goes on to judge certificates by that one.
        """
        monkeypatch.setattr(time, "time", self.wall)


_now = time.time
