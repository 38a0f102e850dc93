"""Informers, handlers and elections, as Prometheus sees them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from kinform.meta import ObjectKey
from kinform.testing import Server
from kinform.testing.fake_source import FakeSource
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import Pod
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import NODES, PODS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.metrics.conftest import Series

    from kinform.metrics import Metrics

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


def test_informers_and_their_handlers_are_read_from_their_statistics(
    metrics: Metrics, series: Series, factory: SharedInformerFactory, source: FakeSource
) -> None:
    metrics.add_factory(factory)
    metrics.add_factory(factory)
    inside, go_on = threading.Event(), threading.Event()

    def hold(pod: Pod) -> None:
        inside.set()
        assert go_on.wait(REAL)

    informer = factory.core().v1().pods().informer()
    informer.add_event_handler(on_add=hold, name="slow")
    factory.core().v1().nodes(label_selector="a=b").informer()
    factory.start()
    pods = [
        Pod(metadata=ObjectMeta(namespace="shop", name=f"p{n}", uid=f"u{n}", resource_version="7")) for n in range(3)
    ]
    source.feed(PODS).replace(*pods, resource_version="9876543210123456789")
    assert inside.wait(REAL)
    pod_labels = 'group="",name="pods/v1",resource="pods",version="v1"'
    node_labels = 'group="",name="nodes/v1 (a=b)",resource="nodes",version="v1"'
    assert series(
        "informer_queued_items",
        "informer_store_resource_version",
        "kinform_informer_objects",
        "kinform_informer_synced",
        "kinform_informer_connected",
        "kinform_informer_errors_total",
        "reflector_lists_total",
        "kinform_handler_calls_total",
        "kinform_handler_failures_total",
    ) == {
        f"informer_queued_items{{{pod_labels}}}": 2,
        f"informer_queued_items{{{node_labels}}}": 0,
        f"informer_store_resource_version{{{pod_labels}}}": 210123456789 + 543 * 10**12,
        f"kinform_informer_objects{{{pod_labels}}}": 3,
        f"kinform_informer_objects{{{node_labels}}}": 0,
        f"kinform_informer_synced{{{pod_labels}}}": 1,
        f"kinform_informer_synced{{{node_labels}}}": 0,
        f"kinform_informer_connected{{{pod_labels}}}": 1,
        f"kinform_informer_connected{{{node_labels}}}": 0,
        f"kinform_informer_errors_total{{{pod_labels}}}": 0,
        f"kinform_informer_errors_total{{{node_labels}}}": 0,
        'reflector_lists_total{name="pods/v1"}': 1,
        'reflector_lists_total{name="nodes/v1 (a=b)"}': 0,
        'kinform_handler_calls_total{handler="slow",name="pods/v1"}': 0,
        'kinform_handler_failures_total{handler="slow",name="pods/v1"}': 0,
    }
    assert series("kinform_handler_running_seconds").keys() == {
        'kinform_handler_running_seconds{handler="slow",name="pods/v1"}'
    }
    go_on.set()


def test_a_watch_tells_of_its_requests_and_why_it_began_anew(metrics: Metrics, series: Series) -> None:
    with Server(resources=[NODES]) as server, SharedInformerFactory(server.client) as factory:
        metrics.add_factory(factory, name="main")
        told = threading.Event()
        factory.on_error(lambda report: told.set())
        factory.core().v1().nodes().informer()
        factory.wait_for_cache_sync(REAL)
        assert series("reflector_watches_total") == {'reflector_watches_total{name="main: nodes/v1"}': 1}
        assert len(series("kinform_informer_silence_seconds")) == 1
        (request,) = series("rest_client_requests_total")
        assert 'code="200"' in request
        assert series("kinform_reflector_restarts_total") == {}
        server.wait_for_watches(1)
        server.stop()
        assert told.wait(REAL)
        restarts = series("kinform_reflector_restarts_total")
        assert restarts
        assert all('name="main: nodes/v1",reason="' in name for name in restarts)


@dataclass
class Election:
    lease: ObjectKey
    is_leader: bool
    slow_renewals: int


class Elector:
    def __init__(self, name: str) -> None:
        self.now = Election(ObjectKey("shop", name), is_leader=False, slow_renewals=0)

    def statistics(self) -> Election:
        return self.now


def test_an_election_has_client_gos_metrics(metrics: Metrics, series: Series) -> None:
    elector = Elector("rollup")
    metrics.add_elector(elector)
    metrics.add_elector(elector)
    names = ("leader_election_master_status", "leader_election_slowpath_total")
    assert list(series(*names).values()) == [0, 0]
    elector.now = Election(ObjectKey("shop", "rollup"), is_leader=True, slow_renewals=2)
    assert series(*names) == {
        'leader_election_master_status{name="shop/rollup"}': 1,
        'leader_election_slowpath_total{name="shop/rollup"}': 2,
    }
    with pytest.raises(ValueError, match="another elector named 'shop/rollup'"):
        metrics.add_elector(Elector("rollup"))


def test_two_factories_need_names(metrics: Metrics, factory: SharedInformerFactory) -> None:
    metrics.add_factory(factory)
    other = SharedInformerFactory(factory.transport)
    with pytest.raises(ValueError, match="another factory named '' is measured already"):
        metrics.add_factory(other)
    metrics.add_factory(other, name="other")
