"""Priorities: who comes first, who moves up, and that nobody waits for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.testing.clock import VirtualClock
from kinform.workqueue import LOW_PRIORITY, ItemExponentialFailureRateLimiter, PriorityQueue, ShutDown
from kinform.workqueue.order import PriorityOrder


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def queue(clock: VirtualClock) -> PriorityQueue[str]:
    return PriorityQueue(ItemExponentialFailureRateLimiter(1.0, 100.0), name="pods", clock=clock)


def drain(queue: PriorityQueue[str]) -> list[str]:
    found = []
    while len(queue):
        found.append(queue.get(0))
        queue.done(found[-1])
    return found


def test_the_highest_priority_comes_first_and_equals_as_they_came(queue: PriorityQueue[str]) -> None:
    for item, priority in [("low", LOW_PRIORITY), ("a", 0), ("urgent", 10), ("b", 0), ("low 2", LOW_PRIORITY)]:
        queue.add(item, priority=priority)
    assert queue.statistics().priorities == {LOW_PRIORITY: 2, 0: 2, 10: 1}
    assert drain(queue) == ["urgent", "a", "b", "low", "low 2"]
    assert queue.statistics().priorities == {}


def test_added_again_an_item_takes_the_higher_priority_and_comes_once(queue: PriorityQueue[str]) -> None:
    queue.add("a")
    queue.add("b", priority=LOW_PRIORITY)
    queue.add("c", priority=LOW_PRIORITY)
    queue.add("c")
    queue.add("a", priority=LOW_PRIORITY)
    assert queue.statistics().adds == 3
    assert drain(queue) == ["a", "c", "b"]


def test_a_priority_ends_with_the_hand_out(queue: PriorityQueue[str]) -> None:
    queue.add("a", priority=5)
    assert queue.get(0) == "a"
    assert queue.priority_of("a") == 5
    queue.done("a")
    assert queue.priority_of("a") == 0
    queue.add("a", priority=LOW_PRIORITY)
    queue.add("b")
    assert drain(queue) == ["b", "a"]


def test_added_in_work_the_highest_priority_meanwhile_counts(queue: PriorityQueue[str]) -> None:
    queue.add("a", priority=7)
    queue.get(0)
    queue.add("a", priority=LOW_PRIORITY)
    queue.add("a", priority=-1)
    queue.add("b", priority=-2)
    assert queue.statistics().priorities == {-1: 1, -2: 1}
    queue.done("a")
    assert queue.get(0) == "a"
    assert queue.priority_of("a") == -1


def test_a_retry_keeps_its_priority_unless_told_otherwise(queue: PriorityQueue[str], clock: VirtualClock) -> None:
    for item, priority in (("a", LOW_PRIORITY), ("b", LOW_PRIORITY)):
        queue.add(item, priority=priority)
        queue.get(0)
    queue.add_rate_limited("a")
    queue.add_rate_limited("b", priority=3)
    for item in ("a", "b"):
        queue.done(item)
    clock.advance(1.0)
    assert queue.statistics().priorities == {LOW_PRIORITY: 1, 3: 1}
    assert queue.num_requeues("a") == 1


def test_of_two_delays_the_earlier_and_the_higher_priority_count(
    queue: PriorityQueue[str], clock: VirtualClock
) -> None:
    queue.add_after("a", timedelta(seconds=5), priority=4)
    queue.add_after("a", 2, priority=LOW_PRIORITY)
    queue.add_after("b", 0, priority=1)
    assert queue.statistics().priorities == {1: 1}
    clock.advance(2.0)
    assert queue.statistics().priorities == {1: 1, 4: 1}
    assert drain(queue) == ["a", "b"]
    queue.add_after("a", 1)
    clock.advance(1.0)
    assert queue.statistics().priorities == {0: 1}, "a priority does not outlive its delay"


def test_a_delay_keeps_its_priority_while_the_item_comes_at_once_for_another_reason(
    queue: PriorityQueue[str], clock: VirtualClock
) -> None:
    queue.add_after("a", 10, priority=5)
    queue.add_after("a", 0, priority=1)
    assert queue.statistics().priorities == {1: 1}
    drain(queue)
    clock.advance(10)
    assert queue.statistics().priorities == {5: 1}
    drain(queue)
    queue.add_after("b", float("inf"), priority=9)  # never: nothing of it may stay behind
    queue.add_after("b", 1)
    clock.advance(1)
    assert queue.statistics().priorities == {0: 1}


def test_low_priorities_have_one_turn_in_eight(queue: PriorityQueue[str]) -> None:
    for number in range(4):
        queue.add(f"low {number}", priority=LOW_PRIORITY)
    order = []
    for number in range(32):
        queue.add(f"live {number}")
        queue.add(f"live {number} too")
        order.append(queue.get(0))
        queue.done(order[-1])
    assert [(turn, item) for turn, item in enumerate(order, 1) if item.startswith("low")] == [
        (8, "low 0"),
        (16, "low 1"),
        (24, "low 2"),
        (32, "low 3"),
    ]


def test_turns_count_only_while_somebody_lower_waits(queue: PriorityQueue[str]) -> None:
    for number in range(20):
        queue.add(f"live {number}")
        queue.get(0)
    queue.add("low", priority=LOW_PRIORITY)
    queue.add("live")
    assert queue.get(0) == "live"


def test_the_turn_of_the_lower_ones_goes_to_who_has_waited_longest() -> None:
    order: PriorityOrder[str] = PriorityOrder(2)
    for item, priority in [("old", -5), ("older", -9), ("a", 0), ("b", 0), ("c", 0)]:
        order.want(item, priority)
        if item == "older":
            continue
        order.push(item)
    order.push("older")
    assert [order.pop() for _ in range(5)] == ["a", "old", "b", "older", "c"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-2, 2)), max_size=60), st.integers(2, 5))
def test_nobody_waits_longer_than_the_share_promises(adds: list[tuple[int, int]], share: int) -> None:
    order: PriorityOrder[int] = PriorityOrder(share)
    waiting: dict[int, int] = {}
    for item, priority in adds:
        order.want(item, priority)
        if item in waiting:
            order.touch(item)
        else:
            order.push(item)
        waiting[item] = max(priority, waiting.get(item, priority))
    ahead = len(waiting)
    for fresh in range(100, 100 + share * (ahead + 1)):
        order.want(fresh, 99)
        order.push(fresh)
        got = order.pop()
        if got in waiting:
            assert order.last_priority == waiting.pop(got)
    assert not waiting, "whatever urgent things came, all that waited has had its turn"


def test_a_share_of_all_turns_is_none() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        PriorityOrder[str](1)


def test_shutdown_takes_nothing_more_and_discard_leaves_nothing(queue: PriorityQueue[str], clock: VirtualClock) -> None:
    queue.add("a", priority=3)
    queue.add_after("later", 5, priority=9)
    queue.shut_down()
    queue.add("b", priority=3)
    queue.add_after("c", 0, priority=3)
    clock.advance(10)
    assert drain(queue) == ["a"]
    with pytest.raises(ShutDown):
        queue.get()
    other: PriorityQueue[str] = PriorityQueue()
    for priority in (1, 2):
        other.add(str(priority), priority=priority)
    assert other.discard() == 2
    assert len(other) == 0
    assert other.statistics().priorities == {}
