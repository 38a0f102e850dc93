"""The programs of docs/migrating do what their pages say, against an API server in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from kinform.transport import Transport
from kinform_k8s.models.apps.v1 import ReplicaSet, ReplicaSetSpec
from kinform_k8s.models.core.v1 import Container, Pod, PodSpec, PodStatus
from kinform_k8s.models.meta.v1 import ObjectMeta, OwnerReference
from kinform_k8s.resources.core.v1 import PODS

if TYPE_CHECKING:
    from tests.conftest import Program
    from tests.docs.conftest import Start

    from kinform import Resource
    from kinform.testing import Server
    from kinform.testing.server import JsonObject

PLACES: Final[set[tuple[str, str]]] = set()


def below(page: str, heading: str) -> pytest.MarkDecorator:
    """The test runs the program below that heading."""
    place = (f"docs/migrating/{page}.md", heading)
    PLACES.add(place)
    return pytest.mark.parametrize("place", [place], ids=[f"{page}: {heading}"])


def pod(name: str, *, app: str = "web", image: str = "nginx:1", phase: str = "Pending", owner: str = "") -> Pod:
    owners = [OwnerReference(api_version="apps/v1", kind="ReplicaSet", name=owner, uid="u", controller=True)]
    return Pod(
        metadata=ObjectMeta(name=name, namespace="shop", labels={"app": app}, owner_references=owners if owner else []),
        spec=PodSpec(node_name="edge-1", containers=[Container(name="main", image=image)]),
        status=PodStatus(phase=phase),
    )


def test_every_program_is_run(programs: list[Program]) -> None:
    pages = {(program.page, program.heading) for program in programs if program.page.startswith("docs/migrating/")}
    assert pages == PLACES


# ---- from the kubernetes client


@below("from-kubernetes-client", "Follow changes")
def test_changes_are_followed_over_a_410(start: Start, server: Server) -> None:
    server.put(pod("web-0"))
    program = start()
    program.expect("web-0 is there")
    server.put(pod("web-0", phase="Running"))
    program.expect("web-0 is Running")
    server.disconnect_watches(PODS, how="expired")  # and while nobody watches:
    server.delete(PODS, "web-0", "shop")
    server.put(pod("web-1"))
    program.expect("web-0 is gone", "web-1 is there")
    assert any("expired" in line for line in program.said), "it was to be told of the 410"
    program.interrupt()


@below("from-kubernetes-client", "List, and look")
def test_a_lister_lists_and_finds(start: Start, server: Server) -> None:
    server.put(pod("web-0"))
    server.put(pod("cart-0", app="cart"))
    program = start()
    program.end()
    assert program.said == ["web-0 on edge-1", "there is no db-0"]


@below("from-kubernetes-client", "By node, by image, by owner")
def test_indexes_and_owners(start: Start, server: Server) -> None:
    server.put(ReplicaSet(metadata=ObjectMeta(name="web-1", namespace="shop"), spec=ReplicaSetSpec(replicas=3)))
    server.put(pod("web-0", owner="web-1"))
    server.put(pod("db-0", image="postgres:18"))
    program = start()
    program.end()
    assert program.said == ["web-0 belongs to web-1 3", "nginx:1 is in ['web-0']"]


@below("from-kubernetes-client", "Try again")
def test_a_controller_tries_again(start: Start, server: Server) -> None:
    refused = server.fail_next(lambda request: request.method == "PATCH", 503, times=2)
    server.put(pod("web-0"))
    program = start()
    program.expect("shop/web-0 is marked")
    assert refused.remaining == 0
    (marked,) = server.objects(PODS, Pod)
    assert marked.metadata.labels == {"app": "web", "seen": "true"}
    program.interrupt()


@below("from-kubernetes-client", "Write a status, and meet a conflict")
def test_a_status_is_written_after_a_conflict(start: Start, server: Server) -> None:
    server.fail_next("*/pods/web-0/status", 409, reason="Conflict")
    server.put(pod("web-0"))
    program = start()
    program.end()
    assert program.said == ["once more: Conflict", "['example.com/warm']"]


# ---- from kopf


def widget(name: str, *, size: int = 1, color: str = "red") -> JsonObject:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"size": size, "color": color},
    }


@below("from-kopf", "The operator")
def test_an_operator(start: Start, server: Server, widgets: Resource) -> None:
    server.put(widget("crane"))
    program = start()
    program.expect("shop/crane is built with size 1")
    crane = widgets.path("shop", "crane")

    def wait_for_statuses(count: int) -> None:
        server.wait_for_requests(lambda request: request.path == f"{crane}/status" and request.status == 200, count)

    with Transport(server.client()) as transport:
        wait_for_statuses(1)
        merge = "application/merge-patch+json"
        transport.request("PATCH", crane, body=b'{"spec": {"size": 2}}', content_type=merge)
        program.expect("shop/crane is built with size 2")
        wait_for_statuses(2)
        built = server.get(widgets, "crane", "shop")
        assert built is not None
        assert built["status"] == {"ready": True, "observedGeneration": 2}
        transport.request("DELETE", crane)
        program.expect("shop/crane is demolished")
    program.interrupt()
    assert server.get(widgets, "crane", "shop") is None
    assert len(program.said) == 3, program.said


@below("from-kopf", "The operator")
def test_an_operator_inspects_what_another_has_built(start: Start, server: Server, widgets: Resource) -> None:
    server.put(widget("crane"))
    for said in ("shop/crane is built with size 1", "shop/crane is inspected"):
        program = start()
        program.expect(said)
        program.interrupt()
        assert program.said == [said]


@below("from-kopf", "Field diffs, indexes and daemons")
def test_diffs_indexes_and_daemons(start: Start, server: Server, widgets: Resource) -> None:
    server.put(widget("crane"))
    server.put(widget("pump"))
    program = start()
    program.expect("crane is one of 2", "pump is one of 2")
    server.put(widget("crane", size=3))
    program.expect("crane was 1 is 3")
    server.delete(widgets, "crane", "shop")
    program.expect("crane is guarded no longer")
    program.interrupt()


# ---- from client-go


@below("from-client-go", "A controller, by hand")
def test_a_controller_by_hand(start: Start, server: Server) -> None:
    server.put(pod("web-0"))
    program = start()
    program.expect("shop/web-0 is Pending")
    server.put(pod("web-0", phase="Running"))
    program.expect("shop/web-0 is Running")
    server.delete(PODS, "web-0", "shop")
    program.expect("shop/web-0 is gone")
    program.interrupt()


@below("from-client-go", "Indexes, transforms, filters, tombstones")
def test_indexes_filters_and_tombstones(start: Start, server: Server) -> None:
    server.put(pod("web-0"))
    server.put(pod("cart-0", app="cart"))
    program = start()
    program.expect("added web-0 True", "2 on edge-1")
    server.put(pod("web-1"))
    program.expect("added web-1 False")
    server.delete(PODS, "web-1", "shop")
    program.expect("deleted web-1 False")
    server.disconnect_watches(PODS, how="expired")
    server.delete(PODS, "web-0", "shop")
    program.expect("deleted web-0 True")
    program.interrupt()
    assert not any("cart-0" in line for line in program.said)


@below("from-client-go", "Write, and read your own write")
def test_a_write_is_read(start: Start, server: Server) -> None:
    server.fail_next(lambda request: request.method == "PUT", 409, reason="Conflict")
    server.put(pod("web-0"))
    program = start()
    program.end()
    assert program.said == ["[ObjectKey(namespace='shop', name='web-0')]"]
    (labelled,) = server.objects(PODS, Pod)
    assert labelled.metadata.labels == {"app": "web", "tier": "front"}


@below("from-client-go", "Tests")
def test_a_test(start: Start) -> None:
    program = start()
    program.end()
    assert program.said == []
