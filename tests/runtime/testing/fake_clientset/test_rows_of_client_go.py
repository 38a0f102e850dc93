"""What client-go's tests of its fakes show, row by row; where a server does otherwise, it is a server's behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.generated.test_fake_clientset import definition
from tests.runtime.end_to_end.conftest import Heard, pod

from kinform import DynamicClient, DynamicObject
from kinform.client import PatchType
from kinform.errors import BadRequestError, ConflictError, InternalServerError, NotFoundError
from kinform.testing.fake_clientset import Action, CreateAction, Handled, Refuse, WatchAction
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import ConfigMap, Node
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.models.policy.v1 import Eviction
from kinform_k8s.resources.core.v1 import PODS
from kinform_k8s.testing import FakeClientset

if TYPE_CHECKING:
    from kinform.client import Watch
    from kinform_k8s.models.core.v1 import Pod


def take(watch: Watch[Pod], count: int) -> list[tuple[str, str]]:
    events = [next(watch) for _ in range(count)]
    return [(str(event.type), event.object.metadata.name) for event in events]


def config_map(**data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="m", namespace="shop"), data=data)


@pytest.mark.scenario("X01a")
@pytest.mark.scenario("X01b")
@pytest.mark.scenario("X02")
def test_watchers_of_a_namespace_and_of_all_see_what_is_theirs_in_order(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods
    since = fake.tracker.resource_version
    watches = [pods().watch(resource_version=since) for _ in range(2)]
    watches += [pods("shop").watch(resource_version=since) for _ in range(2)]
    nodes = fake.core_v1().nodes().watch(resource_version=since)
    made = pods("shop").create(pod("foo"))
    pods("other").create(pod("bar", "other"))
    fake.core_v1().nodes().create(Node(metadata=ObjectMeta(name="baz")))
    pods("shop").update(made)  # which changes nothing, and is told to nobody
    changed = pods("shop").patch("foo", {"metadata": {"labels": {"x": "y"}}})
    pods("other").delete("bar")
    fake.core_v1().nodes().delete("baz")
    pods("shop").delete("foo")
    mine = [("ADDED", "foo"), ("MODIFIED", "foo"), ("DELETED", "foo")]
    for everywhere in watches[:2]:
        assert take(everywhere, 5) == [mine[0], ("ADDED", "bar"), mine[1], ("DELETED", "bar"), mine[2]]
    assert take(watches[2], 3) == mine
    events = [next(watches[3]).object for _ in range(2)]
    assert events == [made, changed]
    assert [str(next(nodes).type) for _ in range(2)] == ["ADDED", "DELETED"]


@pytest.mark.scenario("X03")
def test_writes_after_a_watch_has_been_closed(fake: FakeClientset) -> None:
    fake.core_v1().pods("shop").watch().close()
    assert fake.core_v1().pods("shop").create(pod("x")).metadata.uid


@pytest.mark.scenario("X04")
def test_a_patch_of_what_is_not_there(fake: FakeClientset) -> None:
    with pytest.raises(NotFoundError, match='nodes "node-1" not found'):
        fake.core_v1().nodes().patch_status("node-1", {"status": {}}, type=PatchType.STRATEGIC)


@pytest.mark.scenario("X05a")
@pytest.mark.scenario("X05b")
def test_an_apply_creates_and_has_to_name_what(fake: FakeClientset) -> None:
    maps = fake.core_v1().config_maps("shop")
    assert maps.apply(config_map(a="1"), field_manager="one").data == {"a": "1"}
    nameless: dict[str, object] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"a": "b"}}}
    with pytest.raises(BadRequestError, match="name must be provided"):
        maps.patch("n", nameless, type=PatchType.APPLY, field_manager="one")


@pytest.mark.scenario("X06a")
@pytest.mark.scenario("X06b")
@pytest.mark.scenario("X06c")
@pytest.mark.scenario("X06d")
@pytest.mark.scenario("X06e")
@pytest.mark.scenario("X06f")
@pytest.mark.scenario("X13b")
def test_managers_of_fields(fake: FakeClientset) -> None:
    maps = fake.core_v1().config_maps("shop")
    maps.create(config_map(k0="0"))
    assert maps.apply(config_map(k1="1"), field_manager="manager-1").data == {"k0": "0", "k1": "1"}
    with pytest.raises(ConflictError, match=r'conflict with "manager-1".*\.data\.k1') as told:
        maps.apply(config_map(k1="2"), field_manager="manager-2")
    assert len(told.value.status.details.causes) == 1
    assert maps.apply(config_map(k2="2"), field_manager="manager-2").data == {"k0": "0", "k1": "1", "k2": "2"}
    assert maps.apply(config_map(k1="3"), field_manager="manager-1").data == {"k0": "0", "k1": "3", "k2": "2"}
    forced = maps.apply(config_map(k1="4"), field_manager="manager-2", force=True)
    assert forced.data == {"k0": "0", "k1": "4"}
    assert maps.update(config_map(k99="99"), field_manager="manager-1").data == {"k99": "99"}


@pytest.mark.scenario("X07")
def test_objects_are_found_where_they_are(fake: FakeClientset) -> None:
    fake.core_v1().nodes().create(Node(metadata=ObjectMeta(name="n")))
    assert fake.core_v1().nodes().get("n").metadata.name == "n"
    with pytest.raises(NotFoundError):
        fake.transport.request("GET", "/api/v1/namespaces/shop/nodes/n")
    with pytest.raises(NotFoundError):
        fake.core_v1().pods("other").get("a")


@pytest.mark.scenario("X08")
@pytest.mark.parametrize(
    ("wanted", "resource", "subresource", "covered"),
    [
        ("*", "pods", "", True),
        ("*", "pods", "status", True),
        ("serviceaccounts", "pods", "", False),
        ("serviceaccounts", "serviceaccounts", "token", True),
        ("serviceaccounts/token", "pods", "", False),
        ("serviceaccounts/token", "serviceaccounts", "", False),
        ("serviceaccounts/token", "pods", "token", False),
        ("serviceaccounts/token", "serviceaccounts", "token", True),
    ],
)
def test_which_resources_a_reactor_is_for(wanted: str, resource: str, subresource: str, covered: bool) -> None:
    fake = FakeClientset()
    asked: list[str] = []

    def react(action: Action) -> Handled:
        asked.append(str(action))
        return Handled({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x"}})

    fake.add_reactor("*", "*", lambda _: Handled({"kind": "Pod", "apiVersion": "v1"}))
    fake.prepend_reactor("create", wanted, react)
    path = (
        f"/api/v1/namespaces/shop/{resource}/x/{subresource}" if subresource else f"/api/v1/namespaces/shop/{resource}"
    )
    fake.transport.request("POST", path, body=b'{"metadata":{"name":"x"}}')
    assert bool(asked) is covered


@pytest.mark.scenario("X09a")
@pytest.mark.scenario("X09b")
@pytest.mark.scenario("X12a")
@pytest.mark.scenario("X12b")
def test_kinds_that_come_later_and_have_no_class() -> None:
    fake = FakeClientset(pod("a"))
    dynamic = DynamicClient(fake.client)
    crds = dynamic.for_kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    for kind in ("Widget", "Gadget"):
        crds.create(DynamicObject(definition(kind, status=True)))
    gadgets = dynamic.for_kind("example.com/v1", "Gadget", namespace="shop")
    widgets = dynamic.for_kind("example.com/v1", "Widget", namespace="shop")
    wanted: dict[str, object] = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "b", "namespace": "shop", "labels": {"x": "1"}},
    }
    widgets.apply(DynamicObject(wanted), field_manager="me")
    wanted["spec"] = {"size": 3}
    applied = widgets.apply(DynamicObject(wanted), field_manager="me")
    assert (applied["kind"], applied["spec"], applied.metadata.labels) == ("Widget", {"size": 3}, {"x": "1"})
    for name in "ca":
        widgets.create(DynamicObject({**wanted, "metadata": {"name": name}}))
    gadgets.create(DynamicObject({"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}}))
    assert widgets.get("b") == applied
    assert [each.metadata.name for each in widgets.list()] == ["a", "b", "c"]


@pytest.mark.scenario("X10")
def test_streaming_lists_are_served(fake: FakeClientset) -> None:
    events = fake.core_v1().pods("shop").watch(send_initial_events=True)
    assert [str(next(events).type) for _ in range(3)] == ["ADDED", "ADDED", "BOOKMARK"]


@pytest.mark.scenario("X11a")
@pytest.mark.scenario("X11b")
def test_reactors_change_nothing_but_their_own_answer(fake: FakeClientset) -> None:
    def look(action: Action) -> None:
        assert isinstance(action, CreateAction)
        action.object["metadata"] = {"name": "looked at"}  # a copy

    def answer(action: Action) -> Handled:
        assert isinstance(action, CreateAction)
        changed = action.object_as(ConfigMap)
        changed.data["seen"] = "yes"
        return Handled(changed)

    fake.prepend_reactor("create", "configmaps", answer)
    fake.prepend_reactor("create", "configmaps", look)
    assert fake.core_v1().config_maps("shop").create(config_map(a="1")).data == {"a": "1", "seen": "yes"}
    (recorded,) = fake.actions
    assert isinstance(recorded, CreateAction)
    assert recorded.object_as(ConfigMap) == config_map(a="1")


@pytest.mark.scenario("X12e")
def test_patches_by_json_and_by_merge(fake: FakeClientset) -> None:
    maps = fake.core_v1().config_maps("shop")
    before = maps.create(config_map(a="1"))
    assert maps.patch("m", [], type=PatchType.JSON) == before
    operations: list[dict[str, object]] = [
        {"op": "replace", "path": "/data/a", "value": "2"},
        {"op": "add", "path": "/data/b", "value": "3"},
        {"op": "remove", "path": "/data/a"},
    ]
    assert maps.patch("m", operations, type=PatchType.JSON).data == {"b": "3"}
    assert maps.patch("m", {"data": {"b": "4"}}).data == {"b": "4"}
    with pytest.raises((BadRequestError, InternalServerError)):
        maps.patch("m", b"[]", type=PatchType.STRATEGIC)


@pytest.mark.scenario("X13a")
@pytest.mark.scenario("X13c")
def test_a_pod_is_evicted_and_another_stays(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    pods.create_eviction("a", Eviction())
    (left,) = pods.list()
    assert (left.metadata.name, left.api_version, left.kind) == ("b", "v1", "Pod")  # which objects always have here


@pytest.mark.scenario("X14")
@pytest.mark.scenario("X15")
def test_what_comes_between_a_list_and_its_watch_is_told_once() -> None:
    """The informer's watch is held up, and while it is a pod is made: no test needs to wait until somebody watches."""
    fake = FakeClientset(pod("one"))
    listed = fake.tracker.resource_version

    def hold_up(action: WatchAction) -> Refuse | None:
        if action.send_initial_events:
            return Refuse(422, 'Forbidden: "sendInitialEvents"')  # so that it lists first
        if action.resource_version == listed:
            fake.tracker.add(pod("two"))
        return None

    fake.prepend_watch_reactor("pods", hold_up)
    heard = Heard()
    factory = SharedInformerFactory(fake.client)
    registration = factory.core().v1().pods().informer().add_handler(heard)
    with factory:
        assert heard.take(2) == ["ADDED one initial", "ADDED two"]
        registration.wait_for_sync(10)
        assert heard.nothing_more
    assert [str(action) for action in fake.actions] == ["watch pods", "list pods", "watch pods"]
    assert len(fake.tracker.list(PODS)) == 2
