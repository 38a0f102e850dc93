"""Queues and controllers, as Prometheus sees them."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from kinform import LOW_PRIORITY, Controller, ObjectKey, PriorityQueue, RateLimitingQueue, Result, TerminalError
from kinform.testing.clock import VirtualClock

if TYPE_CHECKING:
    from tests.runtime.metrics.conftest import Series

    from kinform.metrics import Metrics


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def test_a_queue_has_client_gos_metrics_with_controller_runtimes_labels(
    metrics: Metrics, series: Series, clock: VirtualClock
) -> None:
    queue: RateLimitingQueue[str] = RateLimitingQueue(name="pods", clock=clock)
    metrics.add_queue(queue)
    metrics.add_queue(queue)
    for item in ("a", "b", "a"):
        queue.add(item)
    clock.advance(0.05)
    queue.get(0)
    queue.add("a")
    queue.add_after("c", 60)
    clock.advance(3.0)
    labels = 'controller="pods",name="pods"'
    assert series(
        "workqueue_depth",
        "workqueue_adds_total",
        "workqueue_retries_total",
        "workqueue_unfinished_work_seconds",
        "workqueue_longest_running_processor_seconds",
        "workqueue_queue_duration_seconds_count",
        "workqueue_work_duration_seconds_count",
    ) == {
        f'workqueue_depth{{{labels},priority=""}}': 2,
        f"workqueue_adds_total{{{labels}}}": 3,
        f"workqueue_retries_total{{{labels}}}": 1,
        f"workqueue_unfinished_work_seconds{{{labels}}}": 3.0,
        f"workqueue_longest_running_processor_seconds{{{labels}}}": 3.0,
        f"workqueue_queue_duration_seconds_count{{{labels}}}": 1,
        f"workqueue_work_duration_seconds_count{{{labels}}}": 0,
    }
    queue.done("a")
    found = series("workqueue_queue_duration_seconds_sum", "workqueue_work_duration_seconds_sum")
    assert {name: round(value, 6) for name, value in found.items()} == {
        f"workqueue_queue_duration_seconds_sum{{{labels}}}": 0.05,
        f"workqueue_work_duration_seconds_sum{{{labels}}}": 3.0,
    }


def test_buckets_are_controller_runtimes(metrics: Metrics, series: Series) -> None:
    metrics.add_controller(Controller("pods", lambda key: None))
    queue = series("workqueue_queue_duration_seconds_bucket")
    assert len(queue) == 13
    assert 'workqueue_queue_duration_seconds_bucket{controller="pods",le="1e-08",name="pods"}' in queue
    assert 'workqueue_queue_duration_seconds_bucket{controller="pods",le="1000.0",name="pods"}' in queue
    assert series("workqueue_work_duration_seconds_bucket").keys() == {
        name.replace("_queue_duration", "_work_duration") for name in queue
    }
    reconcile = [
        float(name.split('le="')[1].split('"')[0])
        for name in series("controller_runtime_reconcile_time_seconds_bucket")
    ]
    assert len(reconcile) == 41
    assert (min(reconcile), sorted(reconcile)[-2], max(reconcile)) == (0.005, 60.0, float("inf"))


def test_depth_is_told_by_priority_and_a_priority_that_was_there_stays(metrics: Metrics, series: Series) -> None:
    queue: PriorityQueue[str] = PriorityQueue(name="pods")
    metrics.add_queue(queue)
    queue.add("a", priority=LOW_PRIORITY)
    queue.add("b")
    queue.add("c")

    def depths() -> dict[str, float]:
        return {name.split('priority="')[1].split('"')[0]: value for name, value in series("workqueue_depth").items()}

    assert depths() == {"-100": 1, "0": 2}
    for _ in range(3):
        queue.done(queue.get(0))
    assert depths() == {"-100": 0, "0": 0}
    for priority in range(100):
        queue.add(str(priority), priority=priority)
    found = depths()
    assert len(found) == 17, "however many priorities a program invents"
    assert found["other"] == 100 - 15
    assert sum(found.values()) == 100


def test_a_controller_has_controller_runtimes_metrics(metrics: Metrics, series: Series, clock: VirtualClock) -> None:
    outcomes: list[Result | Exception | None] = [
        None,
        Result(),
        Result(requeue_after=timedelta(hours=1)),
        RuntimeError("again"),
        TerminalError("never"),
    ]
    calls, go_on = threading.Semaphore(0), threading.Event()

    def reconcile(key: ObjectKey) -> Result | None:
        clock.advance(0.3)
        if not outcomes:
            calls.release()
            assert go_on.wait(10)
            return None
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    controller = Controller("pods", reconcile, workers=2, clock=clock)
    metrics.add_controller(controller)
    metrics.add_controller(controller)
    logging.getLogger("kinform.controller").disabled = True
    try:
        for number in range(5):
            controller.queue.add(ObjectKey("", str(number)))
            with controller.queue.processing() as key:
                controller._process(key)
        controller.queue.add(ObjectKey("", "long"))
        controller.start()
        for _ in range(2):  # the new key, and the one that failed
            assert calls.acquire(timeout=10)
        assert series(
            "controller_runtime_reconcile_total",
            "controller_runtime_reconcile_errors_total",
            "controller_runtime_terminal_reconcile_errors_total",
            "controller_runtime_reconcile_timeouts_total",
            "controller_runtime_max_concurrent_reconciles",
            "controller_runtime_active_workers",
            "controller_runtime_reconcile_time_seconds_count",
        ) == {
            'controller_runtime_reconcile_total{controller="pods",result="success"}': 2,
            'controller_runtime_reconcile_total{controller="pods",result="requeue_after"}': 1,
            'controller_runtime_reconcile_total{controller="pods",result="error"}': 2,
            'controller_runtime_reconcile_errors_total{controller="pods"}': 2,
            'controller_runtime_terminal_reconcile_errors_total{controller="pods"}': 1,
            'controller_runtime_reconcile_timeouts_total{controller="pods"}': 0,
            'controller_runtime_max_concurrent_reconciles{controller="pods"}': 2,
            'controller_runtime_active_workers{controller="pods"}': 2,
            'controller_runtime_reconcile_time_seconds_count{controller="pods"}': 5,
        }
        seconds = series("controller_runtime_reconcile_time_seconds_sum")
        assert [round(value, 6) for value in seconds.values()] == [1.5]
    finally:
        go_on.set()
        controller.stop(10)
        logging.getLogger("kinform.controller").disabled = False


def test_two_of_a_name_are_refused(metrics: Metrics) -> None:
    metrics.add_controller(Controller("pods", lambda key: None))
    with pytest.raises(ValueError, match="another controller named 'pods' is measured already"):
        metrics.add_controller(Controller("pods", lambda key: None))
    with pytest.raises(ValueError, match="another queue named 'pods' is measured already"):
        metrics.add_queue(RateLimitingQueue[str](name="pods"))
    with pytest.raises(ValueError, match="a queue needs a name"):
        metrics.add_queue(RateLimitingQueue[str]())
