"""What a run answers to probes and to Prometheus, from its beginning to its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from prometheus_client import CollectorRegistry

from kinform import Controller, InformerFactory, ObjectKey, run
from kinform.health import HealthServer
from kinform.metrics import Metrics
from kinform.testing import Server
from kinform.testing.fake_source import FakeSource
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import Pod
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import PODS

REAL = 10.0


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def factory(source: FakeSource) -> Iterator[SharedInformerFactory]:
    with Server(resources=[]) as server:
        made = SharedInformerFactory(server.client, source_factory=source)
        yield made
        made.stop()


def ask(health: HealthServer, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", health.port, timeout=REAL)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def start_run(
    factory: InformerFactory,
    controller: Controller,
    stop: threading.Event,
    health: HealthServer,
    metrics: Metrics | None,
) -> threading.Thread:
    """A run in a thread, whose factory has started when this returns."""
    started = threading.Event()
    original = factory.start

    def start() -> None:
        original()
        started.set()

    factory.start = start  # type: ignore[method-assign]
    options = {"stop": stop, "health": health, "metrics": metrics, "drain_timeout": REAL}
    runner = threading.Thread(target=run, args=(factory, controller), kwargs=options)
    runner.start()
    assert started.wait(REAL)
    return runner


def test_probes_follow_a_run(factory: SharedInformerFactory, source: FakeSource) -> None:
    inside, go_on, stop = threading.Event(), threading.Event(), threading.Event()

    def reconcile(key: ObjectKey) -> None:
        inside.set()
        assert go_on.wait(REAL)

    controller = Controller("pods", reconcile).watches(factory.core().v1().pods())
    health, metrics = HealthServer(0), Metrics(CollectorRegistry())
    runner = start_run(factory, controller, stop, health, metrics)
    assert ask(health, "/healthz") == (200, "ok")
    assert ask(health, "/readyz") == (
        500,
        "[+]ping ok\n[-]informer-sync failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n",
    )
    assert ask(health, "/readyz/informer-sync") == (
        500,
        "internal server error: 1 informers have not synced: pods/v1\n",
    )
    pod = Pod(metadata=ObjectMeta(namespace="shop", name="a", uid="u", resource_version="1"))
    source.feed(PODS).replace(pod, resource_version=1)
    assert inside.wait(REAL)
    assert ask(health, "/readyz") == (200, "ok")
    status, page = ask(health, "/metrics")
    assert status == 200
    assert 'controller_runtime_active_workers{controller="pods"} 1.0' in page
    assert 'kinform_informer_objects{group="",name="pods/v1",resource="pods",version="v1"} 1.0' in page
    stop.set()
    assert ask(health, "/readyz/shutdown") == (500, "internal server error: the process is shutting down\n")
    go_on.set()
    runner.join(REAL)
    assert not runner.is_alive()
    with pytest.raises(ConnectionRefusedError):
        ask(health, "/healthz")


def test_an_endpoint_that_runs_already_is_left_running_as_it_was(factory: SharedInformerFactory) -> None:
    stop = threading.Event()
    with HealthServer(0, metrics=lambda accept: ("text/plain", b"mine")) as health:
        controller = Controller("pods", lambda key: None).watches(factory.core().v1().pods())
        runner = start_run(factory, controller, stop, health, Metrics(CollectorRegistry()))
        assert ask(health, "/readyz")[0] == 500
        assert ask(health, "/metrics") == (200, "mine")
        stop.set()
        runner.join(REAL)
        assert ask(health, "/readyz?verbose") == (200, "[+]ping ok\nreadyz check passed\n")


def test_without_metrics_there_is_no_page_and_without_an_endpoint_they_are_measured_all_the_same(
    factory: SharedInformerFactory,
) -> None:
    stop = threading.Event()
    controller = Controller("pods", lambda key: None)
    health = HealthServer(0)
    runner = start_run(factory, controller, stop, health, None)
    assert ask(health, "/metrics")[0] == 404
    stop.set()
    runner.join(REAL)
    metrics = Metrics(CollectorRegistry())
    with Server(resources=[]) as server:
        run(InformerFactory(server.client), Controller("other", lambda key: None), stop=stop, metrics=metrics)
    assert b'controller="other"' in metrics.render()[1]


def test_an_endpoint_that_cannot_listen_starts_nothing(factory: SharedInformerFactory) -> None:
    with HealthServer(0) as taken, pytest.raises(OSError, match="cannot listen"):
        run(factory, Controller("pods", lambda key: None), health=HealthServer(taken.port))
    assert not factory.statistics().started
