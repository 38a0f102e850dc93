"""The clock that tests move by hand."""

from __future__ import annotations

import threading

from kinform.clock import SYSTEM_CLOCK
from kinform.testing import VirtualClock


def test_who_is_woken_waits_no_more_from_that_moment_on() -> None:
    """However long the thread takes to wake: a test that awaits its next wait must not find the last one."""
    clock = VirtualClock()
    gate, event = threading.Event(), threading.Event()

    def wait_twice() -> None:
        assert not clock.wait(event, 1)
        assert gate.wait(10)
        assert not clock.wait(event, 5)

    thread = threading.Thread(target=wait_twice)
    thread.start()
    clock.wait_for_waiters(1)
    clock.advance(1)
    assert (clock.waiters, clock.next_deadline) == (0, None)
    gate.set()
    clock.wait_for_waiters(1)
    assert clock.next_deadline == 5
    clock.advance(5)
    thread.join(10)
    assert not thread.is_alive()


def test_a_suspended_machine_lets_time_pass_that_no_wait_notices() -> None:
    clock = VirtualClock()
    before = clock.monotonic(), clock.boottime(), clock.wall()
    clock.suspend(60)
    clock.advance(1)
    assert (clock.monotonic(), clock.boottime(), clock.wall()) == (before[0] + 1, before[1] + 61, before[2] + 61)
    clock.set_wall(5.0)
    assert (clock.monotonic(), clock.boottime(), clock.wall()) == (before[0] + 1, before[1] + 61, 5.0)


def test_the_machines_own_clock_has_a_reading_that_counts_suspends() -> None:
    first, second = SYSTEM_CLOCK.boottime(), SYSTEM_CLOCK.boottime()
    assert 0 < first <= second
