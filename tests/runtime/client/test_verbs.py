"""Each verb: what it asks the server, and what it makes of the answer."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Self

import pytest

from kinform.client import PatchType, Preconditions, PropagationPolicy, ResourceVersionMatch
from kinform.errors import (
    ConflictError,
    ExpiredError,
    NotFoundError,
    SelectorError,
    TooManyRequestsError,
    TransportError,
    UndecodableObjectError,
)
from kinform.selectors import FieldSelector, LabelSelector

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.client.conftest import (
        Eviction,
        MakeWidget,
        Models,
        NodeClient,
        Orders,
        Server,
        Widget,
        WidgetClient,
        Widgets,
    )

    from kinform.client import PatchBody
    from kinform.meta import ObjectMetaLike
    from kinform.selectors import LabelSelectorLike
    from kinform.transport import ApiClient, Transport

BASE = "/apis/shop.example/v1/namespaces/eu/widgets"
STORED = {
    "apiVersion": "shop.example/v1",
    "kind": "Widget",
    "metadata": {"name": "a", "namespace": "eu", "uid": "u1", "resourceVersion": "7"},
    "size": 3,
}


def asked(server: Server) -> tuple[str, str, dict[str, str]]:
    return server.last.method, server.last.path, server.last.query


# ---- reading


def test_get(server: Server, widgets: Widgets) -> None:
    server.answers = [STORED]
    found = widgets("eu").get("a")
    assert (found.metadata.name, found.metadata.uid, found.size) == ("a", "u1", 3)
    assert asked(server) == ("GET", f"{BASE}/a", {})
    widgets("eu").get("a", resource_version="0")
    assert asked(server) == ("GET", f"{BASE}/a", {"resourceVersion": "0"})
    widgets("eu").get_status("a")
    assert asked(server) == ("GET", f"{BASE}/a/status", {})


def test_get_of_what_is_not_there(server: Server, widgets: Widgets) -> None:
    server.answers = [(404, {"kind": "Status", "reason": "NotFound", "message": "no a"}, {})]
    with pytest.raises(NotFoundError, match=f"GET {BASE}/a: 404 no a"):
        widgets("eu").get("a")


def test_a_cluster_scoped_resource_needs_no_namespace(server: Server, nodes: NodeClient) -> None:
    server.answers = [STORED, {"items": []}]
    nodes.get("n1")
    assert server.last.path == "/api/v1/nodes/n1"
    nodes.list()
    assert server.last.path == "/api/v1/nodes"
    nodes.delete_collection(label_selector="old")
    assert asked(server) == ("DELETE", "/api/v1/nodes", {"labelSelector": "old"})


def test_list(server: Server, widgets: Widgets) -> None:
    items = [{"metadata": {"name": name}} for name in "abc"]
    server.answers = [
        {
            "kind": "WidgetList",
            "metadata": {"resourceVersion": "9", "continue": "token", "remainingItemCount": 5},
            "items": items,
        }
    ]
    found = widgets("eu").list()
    assert [each.metadata.name for each in found] == ["a", "b", "c"]
    assert (found.resource_version, found.continue_token, found.remaining_item_count) == ("9", "token", 5)
    assert (len(found), found[1].metadata.name, len(found[1:])) == (3, "b", 2)
    assert repr(found) == "<ObjectList of 3 at resourceVersion 9, more to come>"
    assert asked(server) == ("GET", BASE, {})
    widgets().list()
    assert server.last.path == "/apis/shop.example/v1/widgets"  # all namespaces


def test_items_are_given_their_kind_and_version_where_the_list_leaves_them_out(
    server: Server, transport: Transport
) -> None:
    """Items of built-in kinds come without; what an item says by itself stays."""
    from kinform.client import Listable
    from kinform.meta import Resource

    class Kept:
        def __init__(self, data: bytes) -> None:
            self.data = data

        @property
        def metadata(self) -> ObjectMetaLike:
            raise NotImplementedError

        @classmethod
        def from_wire(cls, data: bytes) -> Self:
            return cls(data)

        def to_wire(self) -> bytes:
            return self.data

    body = (
        b'{"items":[ {} , {"metadata":{}}, { "kind":"Other","apiVersion":"x/v2"}, {"apiVersion":"x/v2","a":1} ],'
        b'"metadata":{}}'
    )
    server.answers = [body]
    found = Listable(transport, Resource("apps", "v1", "deployments", "Deployment", namespaced=True), Kept).list()
    filled = [each.data for each in found]
    assert filled[0] == b'{"kind":"Deployment","apiVersion":"apps/v1"}'
    assert filled[1] == b'{"kind":"Deployment","apiVersion":"apps/v1","metadata":{}}'
    assert json.loads(filled[2]) == {"kind": "Other", "apiVersion": "x/v2"}
    assert json.loads(filled[3]) == {"kind": "Deployment", "apiVersion": "x/v2", "a": 1}


@pytest.mark.parametrize("items", ["null", "[]"])
def test_an_empty_list_may_be_null(server: Server, widgets: Widgets, items: str) -> None:
    server.answers = [b'{"items":%b,"metadata":{"resourceVersion":"4"}}' % items.encode()]
    found = widgets().list()
    assert (found.items, found.resource_version) == ((), "4")


def test_selectors_are_text_or_objects_and_are_sent_in_one_form(server: Server, widgets: Widgets) -> None:
    server.answers = [{"items": []}]
    pairs: list[tuple[LabelSelectorLike, str | FieldSelector]] = [
        ("tier in (b, a),app=web", "spec.nodeName==n1"),
        (LabelSelector.parse("app=web,tier in (a,b)"), FieldSelector({"spec.nodeName": "n1"})),
    ]
    for labels, fields in pairs:
        widgets().list(label_selector=labels, field_selector=fields)
        assert server.last.query == {"labelSelector": "app=web,tier in (a,b)", "fieldSelector": "spec.nodeName=n1"}
    widgets().list(label_selector="", field_selector="")
    assert server.last.query == {}
    with pytest.raises(SelectorError):
        widgets().list(label_selector="a in b")


def test_a_list_of_a_version_says_how_it_is_meant(server: Server, widgets: Widgets) -> None:
    server.answers = [{"items": []}]
    widgets().list(limit=5, resource_version="7")
    assert server.last.query == {"limit": "5", "resourceVersion": "7", "resourceVersionMatch": "NotOlderThan"}
    widgets().list(resource_version="7", resource_version_match=ResourceVersionMatch.EXACT)
    assert server.last.query == {"resourceVersion": "7", "resourceVersionMatch": "Exact"}
    widgets().list(limit=5, continue_token="t")
    assert server.last.query == {"limit": "5", "continue": "t"}
    count = len(server.seen)
    with pytest.raises(ValueError, match="continue token"):
        widgets().list(resource_version="7", continue_token="t")
    assert len(server.seen) == count


def page(names: str, rv: str, token: str = "") -> dict[str, object]:
    return {
        "items": [{"metadata": {"name": name}} for name in names],
        "metadata": {"resourceVersion": rv, "continue": token},
    }


def test_list_all_reads_all_pages_of_one_version(server: Server, widgets: Widgets) -> None:
    server.answers = [page("ab", "9", "t1"), page("cd", "9", "t2"), page("e", "9")]
    found = widgets("eu").list_all(label_selector="x")
    assert [each.metadata.name for each in found] == list("abcde")
    assert (found.resource_version, found.continue_token) == ("9", "")
    assert [seen.query for seen in server.seen] == [
        {"labelSelector": "x", "limit": "500"},
        {"labelSelector": "x", "limit": "500", "continue": "t1"},
        {"labelSelector": "x", "limit": "500", "continue": "t2"},
    ]


def test_list_all_begins_again_in_one_piece_where_its_pages_expire(server: Server, widgets: Widgets) -> None:
    expired: tuple[int, dict[str, object], dict[str, str]] = (
        410,
        {"kind": "Status", "reason": "Expired", "metadata": {"continue": "inconsistent"}},
        {},
    )
    server.answers = [page("ab", "9", "t1"), expired, page("xyz", "12")]
    found = widgets("eu").list_all()
    assert ([each.metadata.name for each in found], found.resource_version) == (["x", "y", "z"], "12")
    assert server.last.query == {}
    server.answers = [expired]
    with pytest.raises(ExpiredError):  # the first page has no token that could expire
        widgets("eu").list_all()


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[]", b'{"kind":"Status"}', b'{"items":[1]}', b""])
def test_what_is_no_list_is_an_error(server: Server, widgets: Widgets, body: bytes) -> None:
    server.answers = [body]
    with pytest.raises(
        UndecodableObjectError, match=r"the answer to GET /apis/shop.example/v1/widgets cannot be decoded"
    ):
        widgets().list()


def test_what_is_no_object_is_an_error(server: Server, widgets: Widgets) -> None:
    server.answers = [b"<html>login</html>"]
    with pytest.raises(UndecodableObjectError, match=f"the answer to GET {BASE}/a cannot be decoded"):
        widgets("eu").get("a")


# ---- writing


def test_create(server: Server, widgets: Widgets, widget: MakeWidget) -> None:
    server.answers = [(201, STORED, {})]
    made = widgets("eu").create(widget("a", size=3))
    assert made.metadata.resource_version == "7"
    assert asked(server) == ("POST", BASE, {})
    assert server.last.headers["content-type"] == "application/json"
    assert server.last.json == {
        "metadata": {"name": "a"},
        "kind": "Widget",
        "apiVersion": "shop.example/v1",
        "size": 3,
    }
    widgets("eu").create(widget(), dry_run=True, field_manager="me")  # generateName is the server's business
    assert server.last.query == {"dryRun": "All", "fieldManager": "me"}


def test_update(server: Server, widgets: Widgets, widget: MakeWidget) -> None:
    server.answers = [STORED]
    widgets("eu").update(widget("a", resource_version="6"), field_manager="me")
    assert asked(server) == ("PUT", f"{BASE}/a", {"fieldManager": "me"})
    assert server.last.fields["metadata"] == {"name": "a", "resourceVersion": "6"}
    widgets("eu").update_status(widget("a"), dry_run=True)
    assert asked(server) == ("PUT", f"{BASE}/a/status", {"dryRun": "All"})
    server.answers = [(409, {"kind": "Status", "reason": "Conflict"}, {})]
    with pytest.raises(ConflictError):
        widgets("eu").update(widget("a"))


@pytest.mark.parametrize(
    ("patch", "kind", "sent"),
    [
        ({"size": None, "list": (1, 2)}, PatchType.MERGE, {"size": None, "list": [1, 2]}),
        ([{"op": "remove", "path": "/size"}], PatchType.JSON, [{"op": "remove", "path": "/size"}]),
        (({"op": "remove", "path": "/size"},), PatchType.JSON, [{"op": "remove", "path": "/size"}]),
        ({"size": 1}, PatchType.STRATEGIC, {"size": 1}),
        (b'{"size":1}', PatchType.APPLY, {"size": 1}),
        (b"[]", PatchType.MERGE, []),
    ],
)
def test_patch(server: Server, widgets: Widgets, patch: PatchBody, kind: PatchType, sent: object) -> None:
    server.answers = [STORED]
    assert widgets("eu").patch("a", patch, type=kind).size == 3
    assert asked(server) == ("PATCH", f"{BASE}/a", {})
    assert server.last.headers["content-type"] == kind.value
    assert server.last.json == sent


def test_a_patch_is_a_merge_patch_by_default_and_may_hold_models_and_other_mappings(
    server: Server, widgets: Widgets, models: Models
) -> None:
    from types import MappingProxyType

    widgets("eu").patch_status("a", MappingProxyType({"inner": MappingProxyType({"scale": models.scale(2)})}))
    assert server.last.headers["content-type"] == "application/merge-patch+json"
    assert server.last.path == f"{BASE}/a/status"
    assert server.last.json == {"inner": {"scale": {"replicas": 2, "kind": "Scale"}}}
    widgets("eu").patch("a", {}, type=PatchType.APPLY, field_manager="me", force=True, dry_run=True)
    assert server.last.query == {"fieldManager": "me", "force": "true", "dryRun": "All"}


@pytest.mark.parametrize(
    ("patch", "kind"),
    [({"op": "remove"}, PatchType.JSON), ([{}], PatchType.MERGE), ({"a": object()}, PatchType.MERGE)],
)
def test_a_patch_of_the_wrong_shape_is_refused_here(
    server: Server, widgets: Widgets, patch: PatchBody, kind: PatchType
) -> None:
    with pytest.raises(TypeError):
        widgets("eu").patch("a", patch, type=kind)
    assert not server.seen


def test_apply_is_server_side_apply(server: Server, widgets: Widgets, widget: MakeWidget) -> None:
    server.answers = [STORED]
    widgets("eu").apply(widget("a", size=2), field_manager="me", force=True)
    assert asked(server) == ("PATCH", f"{BASE}/a", {"fieldManager": "me", "force": "true"})
    assert server.last.headers["content-type"] == "application/apply-patch+yaml"
    assert server.last.fields["size"] == 2
    widgets("eu").apply_status(widget("a"), field_manager="me")
    assert asked(server) == ("PATCH", f"{BASE}/a/status", {"fieldManager": "me"})


# ---- deleting


def test_delete(server: Server, widgets: Widgets, widget: MakeWidget) -> None:
    server.answers = [{"kind": "Status", "status": "Success"}, STORED]
    assert widgets("eu").delete("a") is None
    assert asked(server) == ("DELETE", f"{BASE}/a", {})
    assert server.last.json == {"kind": "DeleteOptions", "apiVersion": "v1"}
    left = widgets("eu").delete(
        "a",
        propagation=PropagationPolicy.FOREGROUND,
        grace_period_seconds=0,
        preconditions=Preconditions.of(widget("a", uid="u1", resource_version="7")),
        dry_run=True,
    )
    assert left is not None
    assert left.metadata.uid == "u1"  # it goes on to exist for a while
    assert server.last.json == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Foreground",
        "gracePeriodSeconds": 0,
        "preconditions": {"uid": "u1", "resourceVersion": "7"},
        "dryRun": ["All"],
    }
    widgets("eu").delete("a", preconditions=Preconditions(uid="u1"))
    assert server.last.fields["preconditions"] == {"uid": "u1"}


def test_delete_collection(server: Server, widgets: Widgets) -> None:
    server.answers = [{"kind": "WidgetList", "items": []}]
    widgets("eu").delete_collection(
        label_selector="a=b", field_selector="metadata.name=x", propagation=PropagationPolicy.ORPHAN
    )
    assert asked(server) == ("DELETE", BASE, {"labelSelector": "a=b", "fieldSelector": "metadata.name=x"})
    assert server.last.fields["propagationPolicy"] == "Orphan"


# ---- subresources


def test_subresources_of_other_kinds(server: Server, widgets: Widgets, models: Models) -> None:
    server.answers = [{"kind": "Scale", "replicas": 4}]
    assert widgets("eu").get_scale("a").replicas == 4
    assert asked(server) == ("GET", f"{BASE}/a/scale", {})
    assert widgets("eu").update_scale("a", models.scale(4)).replicas == 4
    assert asked(server) == ("PUT", f"{BASE}/a/scale", {})
    assert server.last.json == {"replicas": 4, "kind": "Scale"}
    assert widgets("eu").patch_scale("a", {"spec": {}}).replicas == 4
    assert asked(server) == ("PATCH", f"{BASE}/a/scale", {})
    server.answers = [(201, {"kind": "TokenRequest", "token": "t"}, {})]
    assert widgets("eu").create_token("a", models.token_request()).token == "t"
    assert asked(server) == ("POST", f"{BASE}/a/token", {})


def test_what_is_answered_with_a_mere_success_returns_nothing(
    server: Server, widgets: Widgets, orders: Orders, models: Models, widget: MakeWidget
) -> None:
    server.answers = [(201, {"kind": "Status", "status": "Success"}, {})]
    evict: Callable[[str, Eviction], object] = widgets("eu").create_eviction
    assert evict("a", models.eviction()) is None
    assert asked(server) == ("POST", f"{BASE}/a/eviction", {})
    assert server.last.json == {"kind": "Eviction"}
    create: Callable[..., object] = orders("eu").create
    assert create(widget("a"), dry_run=True) is None
    assert asked(server) == ("POST", BASE, {"dryRun": "All"})
    assert server.last.fields["metadata"]["name"] == "a"
    with pytest.raises(ValueError, match="live in namespaces"):
        orders().create(widget("a"))
    server.answers = [(429, {"kind": "Status", "reason": "TooManyRequests"}, {})]
    with pytest.raises(TooManyRequestsError):
        widgets("eu").create_eviction("a", models.eviction())


# ---- namespaces


BY_NAME: dict[str, Callable[[WidgetClient], object]] = {
    "get": lambda client: client.get("a"),
    "get_status": lambda client: client.get_status("a"),
    "patch": lambda client: client.patch("a", {}),
    "patch_status": lambda client: client.patch_status("a", {}),
    "delete": lambda client: client.delete("a"),
    "delete_collection": lambda client: client.delete_collection(),
    "get_scale": lambda client: client.get_scale("a"),
}


@pytest.mark.parametrize("verb", BY_NAME)
def test_a_client_of_all_namespaces_refuses_bare_names_and_says_what_to_do(
    server: Server, widgets: Widgets, verb: str
) -> None:
    with pytest.raises(ValueError, match=r'take a client of one namespace, such as widgets\("default"\)'):
        BY_NAME[verb](widgets())
    assert not server.seen


def test_a_client_of_all_namespaces_writes_where_the_object_says(
    server: Server, widgets: Widgets, widget: MakeWidget
) -> None:
    obj = widget("a", "eu")
    writes: list[tuple[Callable[[Widget], Widget], str]] = [
        (widgets().create, BASE),
        (widgets().update, f"{BASE}/a"),
        (widgets().update_status, f"{BASE}/a/status"),
        (lambda obj: widgets().apply(obj, field_manager="me"), f"{BASE}/a"),
        (lambda obj: widgets().apply_status(obj, field_manager="me"), f"{BASE}/a/status"),
    ]
    for write, path in writes:
        write(obj)
        assert server.last.path == path
        with pytest.raises(ValueError, match=r"set its metadata\.namespace"):
            write(widget("a"))


def test_a_client_and_an_object_of_different_namespaces_are_refused(
    server: Server, widgets: Widgets, widget: MakeWidget
) -> None:
    client = widgets("us")
    for write in (client.create, client.update, client.update_status, lambda obj: client.apply(obj, field_manager="m")):
        with pytest.raises(ValueError, match=r"'a' has metadata.namespace 'eu', but this client is for 'us'"):
            write(widget("a", "eu"))
    assert not server.seen


def test_a_namespace_for_a_cluster_scoped_resource_is_refused(nodes: NodeClient, transport: Transport) -> None:
    with pytest.raises(ValueError, match="cluster-scoped"):
        type(nodes)(transport, "eu")


@pytest.mark.parametrize("verb", sorted(set(BY_NAME) - {"delete_collection"}))
def test_an_empty_name_never_reaches_the_collection(
    server: Server, widgets: Widgets, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``DELETE …/widgets/`` would be the deletion of all widgets."""
    client = widgets("eu")
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: client.get(""),
        "get_status": lambda: client.get_status(""),
        "patch": lambda: client.patch("", {}),
        "patch_status": lambda: client.patch_status("", {}),
        "delete": lambda: client.delete(""),
        "get_scale": lambda: client.get_scale(""),
    }
    with pytest.raises(ValueError, match="the name is empty"):
        calls[verb]()
    assert not server.seen


@pytest.mark.parametrize("name", ["../secrets/x", "..", "a/b", "a%2Fb"])
def test_a_name_cannot_leave_its_place(server: Server, widgets: Widgets, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a path"):
        widgets("eu").get(name)
    assert not server.seen


# ---- the rest


def test_warnings_of_the_server_are_logged(
    server: Server, widgets: Widgets, widget: MakeWidget, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = [(201, STORED, {"Warning": r'299 - "unknown field \"spec.x\"", 299 - "shop.example/v1 is old"'})]
    with caplog.at_level(logging.WARNING, "kinform.client"):
        widgets("eu").create(widget("a"))
    assert [record.getMessage() for record in caplog.records] == [
        f'POST {BASE}: the API server warns: unknown field "spec.x"',
        f"POST {BASE}: the API server warns: shop.example/v1 is old",
    ]


def test_clients_say_what_they_are(widgets: Widgets, nodes: NodeClient) -> None:
    assert repr(widgets("eu")) == "<WidgetClient widgets.shop.example/v1 in eu>"
    assert repr(nodes) == "<NodeClient nodes/v1>"
    assert (widgets("eu").namespace, nodes.resource.plural) == ("eu", "nodes")


def test_a_clientset_owns_the_transport_it_makes_and_shares_the_one_it_gets(
    server: Server, source: ApiClient, models: Models
) -> None:
    with models.clientset(source) as own:
        sharing = models.clientset(own.transport)
        with sharing:
            models.widget_client(sharing.transport, "eu").get("a")
        models.widget_client(own.transport, "eu").get("a")
        assert repr(own) == f"<ClientsetBase of <Transport {server.url}>>"
    with pytest.raises(TransportError, match="closed"):
        models.widget_client(own.transport, "eu").get("a")
    assert models.clientset(lambda: source).transport.generation == 1


@pytest.mark.parametrize("verb", ["list", "watch", "delete_collection"])
def test_a_selector_that_is_not_there_is_not_sent_as_all(server: Server, widgets: Widgets, verb: str) -> None:
    with pytest.raises(TypeError):
        getattr(widgets("eu"), verb)(label_selector=None)
    assert server.seen == []


def test_nor_where_pages_are_read_one_by_one(server: Server, widgets: Widgets) -> None:
    with pytest.raises(TypeError):
        list(widgets("eu").list_all(label_selector=None))  # type: ignore[arg-type]
    assert server.seen == []
