"""A controller under ``run()`` against a real API server: what is new comes first, and what is measured is true."""

from __future__ import annotations

import threading
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from kinform import LOW_PRIORITY, Controller, ObjectKey, TokenBucketRateLimiter, run
from kinform.health import HealthServer
from kinform.metrics import Metrics
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.core.v1 import ConfigMap, Namespace
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from kinform.testing import ControlPlane

TIMEOUT = 30.0
COUNT = 60


def ask(health: HealthServer, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", health.port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_news_comes_before_what_was_there_and_all_of_it_is_measured(control_plane: ControlPlane) -> None:
    limiter = TokenBucketRateLimiter(qps=100, burst=20)
    with Clientset(control_plane.client(), rate_limiter=limiter) as clientset:
        namespace = clientset.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(generate_name="run-")))
        config_maps = clientset.core_v1().config_maps(namespace.metadata.name)
        began = time.monotonic()
        for number in range(COUNT):
            config_maps.create(ConfigMap(metadata=ObjectMeta(name=f"c{number:03}")))
        assert time.monotonic() - began >= (COUNT - 20) / 100, "41 and more of these had to wait for their token"

        first, stop = threading.Event(), threading.Event()
        done: list[tuple[str, int]] = []

        def reconcile(key: ObjectKey) -> None:
            if not done:
                first.set()
                until = time.monotonic() + TIMEOUT
                while not controller.queue.statistics().priorities.get(0) and time.monotonic() < until:
                    stop.wait(0.01)
            done.append((key.name, controller.queue.priority_of(key)))

        factory = SharedInformerFactory(control_plane.client(), namespace=namespace.metadata.name)
        controller = Controller("config-maps", reconcile).watches(factory.core().v1().config_maps())
        metrics, health = Metrics(CollectorRegistry()), HealthServer(0)
        metrics.add_transport(clientset.transport)
        options = {"stop": stop, "health": health, "metrics": metrics, "sync_timeout": TIMEOUT}
        runner = threading.Thread(target=run, args=(factory, controller), kwargs=options)
        runner.start()
        try:
            assert first.wait(TIMEOUT)
            assert ask(health, "/readyz") == (200, "ok")
            last = config_maps.get(f"c{COUNT - 1:03}")
            last.data["changed"] = "yes"
            config_maps.update(last)
            while len(controller.queue) or controller.statistics().queue.processing:
                assert runner.is_alive()
                stop.wait(0.01)
            _, page = ask(health, "/metrics")
        finally:
            stop.set()
            runner.join(TIMEOUT)
    assert not runner.is_alive()
    assert done[1] == (f"c{COUNT - 1:03}", 0), "news goes before the 59 others, which had come before it"
    assert {priority for _, priority in done} >= {LOW_PRIORITY, 0}
    assert len({name for name, _ in done}) >= COUNT

    series = {
        (sample.name, sample.labels.get("method", ""), sample.labels.get("code", "")): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    assert series["rest_client_requests_total", "PUT", "200"] == 1
    assert series["controller_runtime_reconcile_time_seconds_count", "", ""] == len(done)
    assert series["workqueue_queue_duration_seconds_count", "", ""] == len(done)
    assert series["kinform_informer_synced", "", ""] == 1
    assert series["kinform_informer_objects", "", ""] >= COUNT
