"""The clock that tests move by hand."""

from __future__ import annotations

import threading

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
