"""Work queues, recorders and ``parallelize`` in the hands of many threads: nothing is lost, or in two hands at once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from kinform.events import EventRecorder, ObjectReference
from kinform.events.sink import EVENTS
from kinform.testing import Server
from kinform.workqueue import (
    LOW_PRIORITY,
    ItemExponentialFailureRateLimiter,
    PriorityQueue,
    RateLimitingQueue,
    ShutDown,
    parallelize,
)

if TYPE_CHECKING:
    from tests.reliability.threads.conftest import AllAtOnce

pytestmark = pytest.mark.timeout(300)

WORKERS, PRODUCERS, ITEMS = 8, 4, 100


@pytest.mark.parametrize("kind", [RateLimitingQueue, PriorityQueue])
def test_a_queue_with_many_workers(
    kind: type[RateLimitingQueue[int]], all_at_once: AllAtOnce, rounds: int, figures: Counter[str]
) -> None:
    """What is added is worked on afterwards, by one worker at a time, also where work fails or is put off."""
    queue = kind(ItemExponentialFailureRateLimiter(0.0001, 0.001))
    lock = threading.Lock()
    wanted, done = Counter[int](), Counter[int]()
    in_hand: set[int] = set()
    settled = threading.Condition(lock)

    def produce(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(1000 * rounds):
            item = chance.randrange(ITEMS)
            with lock:
                wanted[item] += 1
            if isinstance(queue, PriorityQueue):
                queue.add(item, priority=chance.choice([LOW_PRIORITY, 0, 5]))
            elif chance.random() < 0.5:
                queue.add(item)
            else:
                queue.add_after(item, chance.choice([0, 0.0005]))
            if chance.random() < 0.1:
                queue.statistics()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while True:
            try:
                item = queue.get()
            except ShutDown:
                return
            with lock:
                assert item not in in_hand, "with two workers"
                in_hand.add(item)
                seen = wanted[item]
            try:
                if chance.random() < 0.2:
                    queue.add_rate_limited(item)
                    continue
                queue.forget(item)
            finally:
                with lock:
                    in_hand.remove(item)
                queue.done(item)
            with settled:
                done[item] = max(done[item], seen)
                settled.notify_all()
                figures["threads: items worked on"] += 1

    def produce_all() -> None:
        try:
            all_at_once(*(partial(produce, seed) for seed in range(PRODUCERS)))
            with settled:
                assert settled.wait_for(lambda: done == wanted, 120), "an item was lost"
        finally:
            assert queue.shut_down_with_drain(60)

    all_at_once(produce_all, *(partial(work, seed) for seed in range(WORKERS)))
    statistics = queue.statistics()
    assert (statistics.depth, statistics.processing, statistics.delayed) == (0, 0, 0)


@pytest.mark.parametrize("api", sorted(EVENTS))
def test_a_recorder_that_everybody_tells(api: str, all_at_once: AllAtOnce, rounds: int) -> None:
    """Each occurrence is in some event's count, or is counted as lost; also those that come while it stops."""
    with Server([*EVENTS.values()]) as server:
        recorder = EventRecorder(server.client(), "example.com/test", api=api, max_pending=100_000)  # type: ignore[arg-type]  # one of EVENTS
        told = Counter[str]()

        def tell(seed: int) -> None:
            for number in range(40 * rounds):
                name = f"pod-{seed}-{number % 5}"
                pod = ObjectReference(api_version="v1", kind="Pod", namespace="shop", name=name, uid=name)
                recorder.event(pod, "Normal", "Tested", "it was tested")

        def stop() -> None:
            while recorder.statistics().recorded < 2 * 40 * rounds:
                recorder.flush(0.001)
            recorder.stop(60)

        all_at_once(*(partial(tell, seed) for seed in range(4)), stop)
        lost = recorder.stop()
        statistics = recorder.statistics()
        for found in server.objects(EVENTS[api]):
            series = found.get("series")
            count = found.get("count", 0) if api == "v1" else series["count"] if isinstance(series, dict) else 1
            assert isinstance(count, int)
            told["in events"] += count
    assert statistics.recorded == 4 * 40 * rounds
    assert statistics.waiting == 0
    assert told["in events"] > 0
    assert told["in events"] == statistics.recorded - lost


def test_each_piece_is_worked_on_once(rounds: int) -> None:
    lock = threading.Lock()
    worked = Counter[int]()

    def work(piece: int) -> None:
        with lock:
            worked[piece] += 1
        if piece % 50 == 49:
            raise OSError(piece)

    for chunk in range(1, 5 * rounds):
        worked.clear()
        with pytest.raises(ExceptionGroup) as caught:
            parallelize(work, range(200), workers=16, chunk_size=chunk)
        assert worked == dict.fromkeys(range(200), 1)
        assert [each.args[0] for each in caught.value.exceptions] == [49, 99, 149, 199]
