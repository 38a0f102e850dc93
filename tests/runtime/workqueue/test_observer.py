"""What a queue tells of durations, and when."""

from __future__ import annotations

import pytest

from kinform.testing.clock import VirtualClock
from kinform.workqueue import DelayingQueue, WorkQueue


class Durations:
    def __init__(self) -> None:
        self.waits: list[float] = []
        self.works: list[float] = []

    def waited(self, seconds: float) -> None:
        self.waits.append(round(seconds, 9))

    def worked(self, seconds: float) -> None:
        self.works.append(round(seconds, 9))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.mark.scenario("Q27a")
def test_waiting_and_working_are_measured_as_in_client_go(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(name="test", clock=clock)
    told = Durations()
    queue.observe(told)

    queue.add("foo")
    first = queue.statistics()
    assert (first.adds, first.depth + first.added_again) == (1, 1)
    clock.advance(5e-05)
    queue.get(0)
    assert told.waits == [5e-05]
    for _ in range(5):
        queue.add("foo")
    again = queue.statistics()
    assert (again.adds, again.depth + again.added_again) == (2, 1)
    clock.advance(2.5e-05)
    queue.done("foo")
    assert told.works == [2.5e-05]
    queue.get(0)
    assert told.waits == [5e-05, 2.5e-05], "from the first time that it was added again"
    clock.advance(0.001)
    running = queue.statistics()
    assert (round(running.unfinished, 9), round(running.longest_processing, 9)) == (0.001, 0.001)
    queue.done("foo")
    assert told.works == [2.5e-05, 0.001]
    assert queue.statistics().unfinished == 0.0


@pytest.mark.scenario("Q27b")
def test_running_work_is_read_when_asked_for_so_nothing_ticks_after_the_shutdown(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.observe(Durations())
    queue.add("foo")
    queue.get(0)
    queue.shut_down()
    assert clock.waiters == 0
    clock.advance(3600)
    assert queue.statistics().unfinished == 3600.0
    queue.done("foo")
    clock.advance(3600)
    assert queue.statistics().unfinished == 0.0


def test_a_delayed_item_waits_from_its_deadline_on(clock: VirtualClock) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    told = Durations()
    queue.observe(told)
    queue.add_after("foo", 5.0)
    clock.advance(7.0)  # every worker was busy when it came due
    queue.done(queue.get(0))
    queue.add_after("bar", 0)
    queue.get(0)
    assert told.waits == [2.0, 0.0]


def test_what_was_added_before_the_observer_came_is_not_guessed_at(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.add("foo")
    told = Durations()
    queue.observe(told)
    clock.advance(1.0)
    queue.done(queue.get(0))
    assert (told.waits, told.works) == ([], [0.0])
