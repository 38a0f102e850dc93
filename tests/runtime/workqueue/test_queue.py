"""Work queues: what is handed out, when, and to how many."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from kinform.testing.clock import VirtualClock
from kinform.workqueue import (
    DelayingQueue,
    FifoOrder,
    ItemExponentialFailureRateLimiter,
    RateLimitingQueue,
    ShutDown,
    WorkQueue,
)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.mark.scenario("Q10a")
@pytest.mark.scenario("Q10b")
@pytest.mark.parametrize("drain", [False, True], ids=["shut_down", "drain"])
def test_many_producers_and_consumers(drain: bool) -> None:
    queue: WorkQueue[int] = WorkQueue()
    seen: list[int] = []

    def consume() -> None:
        while True:
            try:
                with queue.processing() as item:
                    seen.append(item)
            except ShutDown:
                return

    def produce(items: range) -> None:
        for item in items:
            queue.add(item)

    with ThreadPoolExecutor(20) as pool:
        consumers = [pool.submit(consume) for _ in range(10)]
        producers = [pool.submit(produce, range(first, first + 50)) for first in range(0, 2500, 50)]
        for producer in producers:
            producer.result()
        if drain:
            assert queue.shut_down_with_drain(30)
        else:
            queue.shut_down()
        queue.add(-1)
        for consumer in consumers:
            consumer.result(30)
    assert sorted(seen) == list(range(2500)), "each item once, and nothing after the shutdown"
    assert len(queue) == 0


@pytest.mark.scenario("Q11a")
@pytest.mark.scenario("Q11b")
@pytest.mark.parametrize("drain", [False, True], ids=["shut_down", "drain"])
def test_items_added_again_while_processed_end_too(drain: bool) -> None:
    queue: WorkQueue[int] = WorkQueue()
    counts = dict.fromkeys(range(100), 0)

    def consume() -> None:
        while True:
            try:
                with queue.processing() as item:
                    counts[item] += 1
                    if counts[item] == 1:
                        queue.add(item)
            except ShutDown:
                return

    for item in counts:
        queue.add(item)
    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(consume) for _ in range(4)]
        if drain:
            assert queue.shut_down_with_drain(30)
        else:
            queue.shut_down()
        for worker in workers:
            worker.result(30)
    assert len(queue) == 0
    assert all(count >= 1 for count in counts.values())


@pytest.mark.scenario("Q12")
def test_len_counts_an_item_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    lengths = []
    for item in ("foo", "bar", "foo"):
        queue.add(item)
        lengths.append(len(queue))
    assert lengths == [1, 2, 2]
    assert bool(WorkQueue[str]()), "an empty queue is still a queue"


@pytest.mark.scenario("Q13")
@pytest.mark.scenario("trap-27")
def test_added_while_processed_comes_again_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("foo")
    assert queue.get() == "foo"
    queue.add("foo")
    assert len(queue) == 0, "not to be had while somebody works on it"
    queue.done("foo")
    assert queue.get(0) == "foo"
    queue.done("foo")
    assert len(queue) == 0


@pytest.mark.scenario("Q14")
def test_added_twice_comes_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("bar")
    queue.add("bar")
    assert queue.get(0) == "bar"
    queue.done("bar")
    with pytest.raises(TimeoutError):
        queue.get(0)
    assert queue.statistics().adds == 1


@pytest.mark.scenario("Q15")
@pytest.mark.scenario("trap-27")
def test_second_worker_waits_until_the_first_is_done(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.add("foo")
    assert queue.get() == "foo"
    queue.add("foo")
    queue.add("foo")
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(queue.get)
        clock.wait_for_waiters(1)
        assert not second.done(), "no item is with two workers"
        queue.done("foo")
        assert second.result(10) == "foo"
    queue.done("foo")
    assert len(queue) == 0


class Touches(FifoOrder[str]):
    """Notes who is touched, and moves them to the front."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: list[str] = []

    def touch(self, item: str) -> None:
        self.touched.append(item)
        self._items.remove(item)
        self._items.appendleft(item)


@pytest.mark.scenario("Q14")
@pytest.mark.scenario("Q15")
def test_an_order_of_ones_own_hears_of_items_that_wait_and_not_of_those_in_work() -> None:
    order = Touches()
    queue: RateLimitingQueue[str] = RateLimitingQueue(order=order)
    for item in ("foo", "bar", "bar"):
        queue.add(item)
    assert order.touched == ["bar"]
    assert queue.get(0) == "bar", "an order may hand out what it likes"
    queue.add("bar")
    queue.add("bar")
    assert order.touched == ["bar"]


def test_an_item_done_twice_is_not_with_two_workers() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("foo")
    queue.done("foo")  # nobody has it: it waits on, once
    assert queue.get(0) == "foo"
    queue.add("foo")
    queue.done("foo")
    queue.done("foo")
    assert queue.get(0) == "foo"
    with pytest.raises(TimeoutError):
        queue.get(0)


def test_order_is_first_in_first_out() -> None:
    queue: WorkQueue[int] = WorkQueue()
    for item in (3, 1, 2, 3):
        queue.add(item)
    assert [queue.get(0) for _ in range(3)] == [3, 1, 2]


@pytest.mark.scenario("Q16")
@pytest.mark.scenario("trap-27")
def test_drain_returns_after_the_last_done(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    for item in ("foo", "bar"):
        queue.add(item)
        queue.get()
    with ThreadPoolExecutor(1) as pool:
        drain = pool.submit(queue.shut_down_with_drain)
        clock.wait_for_waiters(1)
        assert queue.shutting_down
        with pytest.raises(ShutDown):
            queue.get()
        queue.done("foo")
        assert not drain.done()
        queue.done("bar")
        assert drain.result(10) is True


@pytest.mark.scenario("Q17")
def test_shut_down_does_not_wait_for_work() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("foo")
    queue.get()
    queue.shut_down()
    with pytest.raises(ShutDown):
        queue.get()


@pytest.mark.scenario("Q18")
def test_shut_down_ends_a_drain(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.add("foo")
    queue.get()
    with ThreadPoolExecutor(1) as pool:
        drain = pool.submit(queue.shut_down_with_drain)
        clock.wait_for_waiters(1)
        queue.shut_down()
        assert drain.result(10) is False


@pytest.mark.scenario("Q19")
def test_item_added_again_is_still_handed_out_during_a_drain(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.add("foo")
    queue.get()
    queue.add("foo")
    with ThreadPoolExecutor(1) as pool:
        drain = pool.submit(queue.shut_down_with_drain)
        clock.wait_for_waiters(1)
        with pytest.raises(ShutDown):
            queue.get()
        queue.done("foo")
        assert queue.get() == "foo"
        queue.done("foo")
        with pytest.raises(ShutDown):
            queue.get()
        assert drain.result(10) is True


def test_discard_drops_what_waits_and_ends_a_drain(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    for item in ("foo", "bar"):
        queue.add(item)
    assert queue.get() == "foo"
    queue.add("foo")
    with ThreadPoolExecutor(1) as pool:
        drain = pool.submit(queue.shut_down_with_drain)
        clock.wait_for_waiters(1)
        assert queue.discard() == 2
        queue.done("foo")
        drain.result(10)
    with pytest.raises(ShutDown):
        queue.get()


def test_drain_gives_up_in_time(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    queue.add("foo")
    with ThreadPoolExecutor(1) as pool:
        drain = pool.submit(queue.shut_down_with_drain, 5.0)
        clock.wait_for_deadline(5.0)
        clock.advance(5.0)
        assert drain.result(10) is False


@pytest.mark.scenario("Q20")
def test_a_finished_item_is_not_kept() -> None:
    class Big:
        pass

    queue: RateLimitingQueue[Big] = RateLimitingQueue()
    item = Big()
    gone = weakref.ref(item)
    queue.add(item)
    queue.done(queue.get())
    queue.add_after(item, 0)
    queue.done(queue.get())
    del item
    gc.collect()
    assert gone() is None


@pytest.mark.scenario("Q21")
def test_add_after_fires_once_in_its_time(clock: VirtualClock) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    queue.add_after("foo", timedelta(milliseconds=50))
    assert len(queue) == 0
    assert queue.statistics().delayed == 1
    clock.advance(0.06)
    assert len(queue) == 1
    queue.done(queue.get(0))
    clock.advance(10)
    assert len(queue) == 0


@pytest.mark.scenario("Q22")
@pytest.mark.parametrize(("second", "step"), [(0.07, 0.06), (0.03, 0.04)], ids=["later", "earlier"])
@pytest.mark.scenario("trap-28")
def test_of_two_delays_the_earlier_counts(clock: VirtualClock, second: float, step: float) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    queue.add_after("foo", 0.05)
    queue.add_after("foo", second)
    clock.advance(step)
    queue.done(queue.get(0))
    clock.advance(0.02)
    assert len(queue) == 0
    clock.advance(10)
    assert len(queue) == 0


@pytest.mark.scenario("Q23")
def test_later_items_do_not_hold_up_earlier_ones(clock: VirtualClock) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    queue.add_after("foo", 1.0)
    queue.add_after("bar", 0.05)
    clock.advance(0.06)
    assert queue.get(0) == "bar"
    queue.add_after("baz", 2.0)
    clock.advance(1.0)
    assert queue.get(0) == "foo"
    clock.advance(2.0)
    assert queue.get(0) == "baz"


@pytest.mark.scenario("Q24")
def test_due_items_come_in_the_order_of_their_deadlines(clock: VirtualClock) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    for item, delay in (("foo", 1.0), ("bar", 0.5), ("baz", 0.25)):
        queue.add_after(item, delay)
    clock.advance(2.0)
    assert [queue.get(0) for _ in range(3)] == ["baz", "bar", "foo"]


def test_a_blocked_worker_wakes_for_an_earlier_deadline(clock: VirtualClock) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    queue.add_after("late", 100.0)
    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(queue.get)
        clock.wait_for_deadline(100.0)
        queue.add_after("early", 1.0)
        clock.wait_for_deadline(1.0)
        clock.advance(1.0)
        assert worker.result(10) == "early"


def test_the_alarm_is_passed_on_when_its_worker_takes_other_work(clock: VirtualClock) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(queue.get) for _ in range(2)]
        clock.wait_for_waiters(2)
        queue.add_after("due", 5.0)  # one of the two sets its alarm for it
        clock.wait_for_deadline(5.0)
        queue.add("now")
        queue.add("now too")
        assert {worker.result(10) for worker in workers} == {"now", "now too"}
        workers = [pool.submit(queue.get) for _ in range(2)]
        clock.wait_for_waiters(2)
        queue.add("third")
        clock.wait_for_waiters(1)
        clock.wait_for_deadline(5.0)  # whoever still waits has the alarm
        clock.advance(5.0)
        assert {worker.result(10) for worker in workers} == {"third", "due"}


@pytest.mark.scenario("trap-28")
def test_a_direct_add_does_not_cancel_a_delay(clock: VirtualClock) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    queue.add_after("foo", 1.0)
    queue.add("foo")
    queue.done(queue.get(0))
    clock.advance(1.0)
    assert queue.get(0) == "foo"


def test_what_is_delayed_is_dropped_at_shutdown(clock: VirtualClock) -> None:
    queue: DelayingQueue[str] = DelayingQueue(clock=clock)
    queue.add_after("foo", 1.0)
    queue.shut_down()
    queue.add_after("bar", 0.0)
    clock.advance(10.0)
    with pytest.raises(ShutDown):
        queue.get()
    assert queue.statistics().delayed == 0


@pytest.mark.scenario("trap-28")
def test_delay_of_nothing_adds_at_once_and_counts_as_a_retry() -> None:
    queue: DelayingQueue[str] = DelayingQueue()
    queue.add_after("foo", -1)
    assert len(queue) == 1
    assert queue.statistics().retries == 1


@pytest.mark.scenario("Q25")
@pytest.mark.scenario("trap-28")
def test_rate_limited_delays_per_item(clock: VirtualClock) -> None:
    queue: RateLimitingQueue[str] = RateLimitingQueue(ItemExponentialFailureRateLimiter(0.001, 1.0), clock=clock)
    queue.add_rate_limited("one")
    clock.advance(0.001)
    queue.done(queue.get(0))
    queue.add_rate_limited("one")
    assert queue.num_requeues("one") == 2
    clock.advance(0.001)
    assert len(queue) == 0, "the second delay is twice the first"
    queue.add_rate_limited("two")
    clock.advance(0.001)
    assert {queue.get(0), queue.get(0)} == {"one", "two"}
    queue.forget("one")
    assert queue.num_requeues("one") == 0


def test_statistics_tell_what_is_going_on(clock: VirtualClock) -> None:
    queue: RateLimitingQueue[str] = RateLimitingQueue(name="pods", clock=clock)
    queue.add("a")
    queue.add("b")
    queue.get()
    clock.advance(3.0)
    queue.add_after("c", 60)
    statistics = queue.statistics()
    assert (statistics.name, statistics.depth, statistics.processing, statistics.delayed) == ("pods", 1, 1, 1)
    assert (statistics.adds, statistics.retries, statistics.longest_processing) == (2, 1, 3.0)
    assert not statistics.shutting_down
    queue.get()
    queue.add("a")
    clock.advance(1.0)
    statistics = queue.statistics()
    assert (statistics.added_again, statistics.longest_processing, statistics.unfinished) == (1, 4.0, 5.0)
    assert statistics.priorities == {}


def test_a_delay_must_be_a_number() -> None:
    queue: DelayingQueue[str] = DelayingQueue()
    with pytest.raises(ValueError, match="NaN"):
        queue.add_after("foo", float("nan"))
    queue.add_after("foo", float("inf"))
    assert queue.statistics().delayed == 0, "never is never"


def test_processing_marks_done_also_on_an_exception() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("foo")
    with pytest.raises(RuntimeError), queue.processing():
        raise RuntimeError
    assert queue.statistics().processing == 0


def test_get_times_out_by_the_clock(clock: VirtualClock) -> None:
    queue: WorkQueue[str] = WorkQueue(clock=clock)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(queue.get, 3.0)
        clock.wait_for_deadline(3.0)
        clock.advance(3.0)
        with pytest.raises(TimeoutError):
            waiting.result(10)
    assert threading.active_count() >= 1


def test_a_drain_after_a_discard_waits_for_nobody() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert queue.get() == "a"
    queue.discard()
    assert not queue.shut_down_with_drain(None), "the worker still has it in hand"
