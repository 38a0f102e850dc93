"""Clients of resources that are looked up, or given, when the program runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform import DynamicClient, DynamicObject, NoMatchError, RestMapper, TokenBucketRateLimiter
from kinform.client import DynamicResourceClient, PatchType
from kinform.errors import AlreadyExistsError, ConflictError, NotFoundError
from kinform.meta import Resource
from kinform.testing import Server as ApiServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.client.conftest import Server

    from kinform.transport import ApiClient, Transport

WIDGETS = Resource("example.com", "v1", "widgets", "Widget", namespaced=True)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
BASE = "/apis/example.com/v1/namespaces/shop/widgets"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer([WIDGETS, NODES]) as api:
        yield api


@pytest.fixture
def client(api: ApiServer) -> Iterator[DynamicClient]:
    with DynamicClient(api.client()) as client:
        yield client


def widget(name: str = "w", **spec: Any) -> DynamicObject:
    obj = DynamicObject.new(WIDGETS, name, "shop")
    obj["spec"] = spec
    return obj


def test_every_verb_of_a_looked_up_resource(client: DynamicClient) -> None:
    widgets = client.for_resource("example.com/v1", "widgets", namespace="shop")
    made = widgets.create(widget(size=1))
    assert made.metadata.uid
    with pytest.raises(AlreadyExistsError):
        widgets.create(widget(size=1))
    with widgets.watch(resource_version=made.metadata.resource_version) as watch:
        made.set_nested_field("spec.size", 2)
        made.metadata.labels["a"] = "b"
        updated = widgets.update(made)
        event = next(watch)
        assert (event.type, event.object) == ("MODIFIED", updated)
    with pytest.raises(ConflictError):
        widgets.update(made)
    updated["status"] = {"ready": True}
    assert widgets.update_status(updated).nested_bool("status.ready")
    assert widgets.patch_status("w", {"status": {"ready": False}}).nested_bool("status.ready") is False
    assert widgets.get_status("w").nested_int("spec.size") == 2
    assert widgets.patch("w", {"spec": {"size": 3}}).nested_int("spec.size") == 3
    (found,) = widgets.list(label_selector="a=b")
    assert found == widgets.get("w") == next(iter(widgets.list_all()))
    assert (found.api_version, found.kind) == ("example.com/v1", "Widget")
    widgets.delete("w")
    with pytest.raises(NotFoundError):
        widgets.get("w")
    widgets.create(widget("x"))
    widgets.delete_collection()
    assert len(widgets.list()) == 0


def test_any_object_can_be_written_to_where_it_belongs(client: DynamicClient, api: ApiServer) -> None:
    for obj in (widget(), DynamicObject.new(NODES, "n")):
        client.for_kind(obj.api_version, obj.kind).create(obj)
    assert api.get(WIDGETS, "w", "shop") is not None
    assert api.get(NODES, "n") is not None


def test_a_given_resource_is_not_looked_up(client: DynamicClient, api: ApiServer) -> None:
    widgets = client.for_resource(WIDGETS, namespace="shop")
    assert isinstance(widgets, DynamicResourceClient)
    assert (widgets.resource, widgets.namespace) == (WIDGETS, "shop")
    assert api.requests == []
    with pytest.raises(ValueError, match="cluster-scoped"):
        client.for_resource("v1", "nodes", namespace="shop")


def test_what_the_server_has_not_is_said_until_it_has(client: DynamicClient, api: ApiServer) -> None:
    with pytest.raises(NoMatchError, match=r"example\.com/v1 has no resource 'gadgets': did you mean widgets"):
        client.for_resource("example.com/v1", "gadgets")
    api.register(Resource("example.com", "v1", "gadgets", "Gadget", namespaced=False))
    assert not client.for_kind("example.com/v1", "Gadget").resource.namespaced


def test_a_mapper_may_be_shared(api: ApiServer, client: DynamicClient) -> None:
    assert isinstance(client.rest_mapper, RestMapper)
    other = DynamicClient(client.transport, mapper=client.rest_mapper)
    assert other.rest_mapper is client.rest_mapper
    other.for_resource("v1", "nodes")
    api.clear_requests()
    client.for_kind("v1", "Node")
    assert api.requests == []
    with pytest.raises(ValueError, match="rate limit"):
        DynamicClient(client.transport, rate_limiter=TokenBucketRateLimiter(1, 1))


# ---- what goes over the wire


def test_apply_and_subresources(server: Server, transport: Transport) -> None:
    widgets = DynamicResourceClient(transport, WIDGETS, "shop")
    server.answers = [{"kind": "Widget", "metadata": {"name": "w"}}]
    assert widgets.apply(widget(size=1), field_manager="me", force=True).metadata.name == "w"
    assert (server.last.method, server.last.path) == ("PATCH", f"{BASE}/w")
    assert server.last.headers["content-type"] == PatchType.APPLY
    assert server.last.query == {"fieldManager": "me", "force": "true"}
    assert server.last.json == dict(widget(size=1))

    server.answers = [{"kind": "Scale", "spec": {"replicas": 3}}]
    scale = widgets.get_subresource("w", "scale")
    assert scale.nested_int("spec.replicas") == 3
    assert (server.last.method, server.last.path) == ("GET", f"{BASE}/w/scale")
    widgets.update_subresource("w", "scale", scale, dry_run=True)
    assert (server.last.method, server.last.path, server.last.json) == ("PUT", f"{BASE}/w/scale", dict(scale))
    assert server.last.query == {"dryRun": "All"}
    widgets.patch_subresource("w", "scale", {"spec": {"replicas": 4}}, field_manager="me")
    assert (server.last.method, server.last.headers["content-type"]) == ("PATCH", "application/merge-patch+json")
    assert server.last.json == {"spec": {"replicas": 4}}
    made = widgets.create_subresource("w", "token", DynamicObject({"kind": "TokenRequest"}))
    assert (server.last.method, server.last.path) == ("POST", f"{BASE}/w/token")
    assert made.kind == "Scale"


def test_an_owned_transport_is_closed(server: Server, source: ApiClient) -> None:
    server.answers = [{"kind": "Widget"}]
    with DynamicClient(source) as client:
        widgets = client.for_resource(WIDGETS, namespace="shop")
        widgets.get("w")
    with pytest.raises(Exception, match="transport is closed"):
        widgets.get("w")
