"""Informers of nothing but metadata against an API server in memory, which sends them nothing else."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import Heard, lists_asked_for, pod

from kinform import Controller, ObjectKey, PartialObjectMetadata, generation_changed, matches_labels
from kinform.testing import Server
from kinform_k8s.models.core.v1 import Pod
from kinform_k8s.models.meta.v1 import OwnerReference
from kinform_k8s.resources.core.v1 import NODES, PODS

if TYPE_CHECKING:
    from tests.runtime.end_to_end.conftest import Connect, Errors

TIMEOUT = 10.0


@pytest.mark.scenario("I01b")
def test_it_syncs_by_a_streaming_list_alone(streaming: Server, connect: Connect, errors: Errors) -> None:
    streaming.fail_next(lambda request: request.verb != "watch", 500, times=100)
    factory = connect(streaming)
    lister = factory.metadata().for_resource(PODS).lister()
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        assert len(lister) == 0
    assert lists_asked_for(streaming) == []
    assert errors.all == []


@pytest.mark.scenario("I02b")
@pytest.mark.scenario("I04a")
@pytest.mark.scenario("I04b")
@pytest.mark.scenario("I04c")
def test_handlers_hear_of_all_that_happens(server: Server, connect: Connect, errors: Errors) -> None:
    """By streaming lists, and by lists where the server has none."""
    server.put(pod("a", image="large" * 1000))
    factory, heard = connect(server), Heard()
    pods = factory.metadata().for_resource(PODS, namespace="shop")
    changed: queue.Queue[tuple[str, str]] = queue.Queue()
    pods.informer().add_handler(heard)
    pods.informer().add_event_handler(
        on_update=lambda old, new: changed.put((old.metadata.resource_version, new.metadata.labels["app"]))
    )
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        assert heard.take(1) == ["ADDED a initial"]
        before = pods.lister().get(ObjectKey("shop", "a")).metadata.resource_version
        server.wait_for_watches(1)
        server.put(pod("b"))
        server.put(pod("elsewhere", namespace="test"))
        server.put(pod("a", app="db"))
        server.delete(PODS, "b", "shop")
        assert heard.take(3) == ["ADDED b", "MODIFIED a", "DELETED b"]
        assert changed.get(timeout=TIMEOUT) == (before, "db")
        assert list(map(str, pods.lister().keys())) == ["shop/a"]
        assert pods.informer().statistics().bytes < 1000
    assert heard.nothing_more
    assert errors.all == []
    asked = [each.headers["accept"] for each in server.requests if each.verb in {"list", "watch"}]
    assert all("PartialObjectMetadata" in each for each in asked)


def test_both_views_of_one_resource_side_by_side(streaming: Server, connect: Connect) -> None:
    streaming.put(pod("a", image="nginx"))
    factory = connect(streaming)
    whole, partial = factory.core().v1().pods(), factory.metadata().for_resource(PODS)
    whole.informer()
    partial.informer()
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        streaming.wait_for_watches(2, resource=PODS)
        written = Pod.from_wire(pod("b").to_wire())
        streaming.put(written)
        stored = streaming.objects(PODS, Pod)[1]
        whole.informer().wait_for(stored, TIMEOUT)
        partial.informer().wait_for(PartialObjectMetadata.of(stored), TIMEOUT)
        assert whole.lister().pods("shop").get("a").spec.containers[0].image == "nginx"
        assert partial.lister().namespace("shop").get("a").kind == "Pod"
        assert set(factory.statistics().informers) == {"pods/v1", "pods/v1 metadata"}


def test_controllers_take_it_as_any_source(streaming: Server, connect: Connect) -> None:
    owner = OwnerReference(api_version="v1", kind="Node", name="n1", uid="u", controller=True)
    owned, mapped = pod("owned"), pod("mapped", node="n3")
    owned.metadata.owner_references.append(owner)
    mapped.metadata.annotations["node"] = "n2"
    streaming.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n0"}})
    streaming.put(owned)
    streaming.put(mapped)
    factory = connect(streaming)
    pods, nodes = factory.metadata().for_resource(PODS), factory.metadata().for_resource(NODES)
    seen: queue.Queue[str] = queue.Queue()

    def annotated(obj: PartialObjectMetadata) -> list[ObjectKey]:
        return [ObjectKey("", name) for key, name in obj.metadata.annotations.items() if key == "node"]

    controller = (
        Controller("nodes", lambda key: seen.put(str(key)))
        .watches(nodes, where=generation_changed)
        .owns(pods, where=matches_labels("app=web"))
        .maps(pods, annotated, where=lambda obj: obj.metadata.namespace == "shop")
    )
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        controller.wait_for_sync(TIMEOUT)
        controller.start()
        assert sorted(seen.get(timeout=TIMEOUT) for _ in range(3)) == ["n0", "n1", "n2"]
        controller.stop(TIMEOUT)
