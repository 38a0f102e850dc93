"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["VirtualClock"]


class _Waiter:
    """One thread that waits on a condition, and until when."""

    def __init__(self, condition: threading.Condition, deadline: float | None) -> None:
        self.condition = condition
        self.deadline = deadline


class VirtualClock:
    """A ``kinform.clock.Clock`` whose time moves only by ``advance()``; waiting threads wake when theirs has come.

    ``wait_for_waiters(n)`` is how a test knows that the threads under test have reached their wait: then no sleep is
    needed before ``advance()``. Thread-safe.

    Args:
        start: The first ``monotonic()`` reading, in seconds.
        wall: The first ``wall()`` reading, in seconds since 1970.
    """

    def __init__(self, start: float = 1_000.0, wall: float = 1_750_000_000.0) -> None:
        self._now = start
        self._wall_offset = wall - start
        self._suspended = 0.0
        self._waiters: list[_Waiter] = []
        self._changed = threading.Condition()

    def monotonic(self) -> float:
        """The virtual time, in seconds."""
        return self._now

    def boottime(self) -> float:
        """The virtual time, in seconds, with that of ``suspend()``."""
        return self._now + self._suspended

    def wall(self) -> float:
        """The virtual time of day, in seconds since 1970."""
        return self._now + self._suspended + self._wall_offset

    def suspend(self, seconds: float) -> None:
        """Lets time pass as while a machine is suspended: ``monotonic()`` and all waits stand still."""
        with self._changed:
            self._suspended += seconds

    def set_wall(self, wall: float) -> None:
        """Sets the time of day, as an administrator may, forwards or back; nothing else moves."""
        with self._changed:
            self._wall_offset = wall - self._now - self._suspended

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        """As ``Clock.wait``: returns when the event is set or the clock has been advanced past the deadline."""
        # An Event cannot be woken without setting it, so wait on the condition inside it, as Event.wait itself does.
        condition = cast("threading.Condition", vars(event)["_cond"])
        with condition:
            deadline = None if timeout is None else self._now + timeout
            while not event.is_set() and (deadline is None or self._now < deadline):
                self.wait_condition(condition, None if deadline is None else deadline - self._now)
            return event.is_set()

    def wait_condition(self, condition: threading.Condition, timeout: float | None) -> bool:
        """As ``Clock.wait_condition``: the caller holds the condition."""
        deadline = None if timeout is None else self._now + timeout
        waiter = _Waiter(condition, deadline)
        with self._changed:
            # Decided under the lock that advance() takes: a move that happens now either sees this waiter or is seen.
            if deadline is not None and self._now >= deadline:
                return False
            self._waiters.append(waiter)
            self._changed.notify_all()
        try:
            condition.wait()
        finally:
            with self._changed:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                    self._changed.notify_all()
        return deadline is None or self._now < deadline

    def advance(self, seconds: float) -> None:
        """Moves time forward and wakes every thread whose deadline has come. Must not be called holding its lock."""
        with self._changed:
            self._now += seconds
            due = [w for w in self._waiters if w.deadline is not None and w.deadline <= self._now]
            # They count as waiting no more, though they may take a moment to wake: who awaits one now means another.
            self._waiters = [w for w in self._waiters if w not in due]
            self._changed.notify_all()
        for waiter in due:
            with waiter.condition:
                waiter.condition.notify_all()

    @property
    def waiters(self) -> int:
        """How many threads wait by this clock."""
        return len(self._waiters)

    @property
    def next_deadline(self) -> float | None:
        """Seconds until the earliest deadline of a waiting thread; None when none waits with a deadline."""
        with self._changed:
            return min((w.deadline - self._now for w in self._waiters if w.deadline is not None), default=None)

    def wait_for_waiters(self, count: int = 1, *, real_timeout: float = 10.0) -> None:
        """Blocks, in real time, until at least ``count`` threads wait by this clock.

        Raises:
            TimeoutError: They did not within ``real_timeout`` seconds.
        """
        self._await(lambda: len(self._waiters) >= count, f"{count} waiting threads", real_timeout)

    def wait_for_deadline(self, seconds: float, *, real_timeout: float = 10.0) -> None:
        """Blocks, in real time, until some thread waits for a deadline at most ``seconds`` ahead.

        Raises:
            TimeoutError: None did within ``real_timeout`` seconds.
        """

        def within() -> bool:
            limit = self._now + seconds
            return any(w.deadline is not None and w.deadline <= limit for w in self._waiters)

        self._await(within, f"a thread that waits for at most {seconds} s", real_timeout)

    def _await(self, reached: Callable[[], bool], what: str, real_timeout: float) -> None:
        with self._changed:
            if not self._changed.wait_for(reached, real_timeout):
                raise TimeoutError(f"no {what} within {real_timeout} s (waiting now: {len(self._waiters)})")
