"""The tracker: objects past every rule of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import pod

from kinform.errors import AlreadyExistsError, NotFoundError
from kinform.meta import Resource
from kinform_k8s.models.core.v1 import Pod, PodStatus
from kinform_k8s.resources.core.v1 import PODS
from kinform_k8s.testing import FakeClientset

if TYPE_CHECKING:
    from collections.abc import Callable


def test_what_is_there_from_the_start_is_there_whole() -> None:
    given = pod("a")
    given.status = PodStatus(phase="Running")
    given.metadata.finalizers = ["example.com/hold"]
    given.metadata.uid = "mine"
    given.metadata.resource_version = "999999"
    as_json: dict[str, object] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "j", "namespace": "shop"}}
    fake = FakeClientset(given, as_json)
    got = fake.core_v1().pods("shop").get("a")
    assert (got.status.phase, got.metadata.finalizers, got.metadata.uid) == ("Running", ["example.com/hold"], "mine")
    assert int(got.metadata.resource_version) <= int(fake.tracker.resource_version) < 999999
    assert fake.core_v1().pods("shop").get("j").metadata.uid
    assert [str(action) for action in fake.actions] == ["get pods shop/a", "get pods shop/j"]


def test_add_update_get_list_delete(fake: FakeClientset) -> None:
    tracker = fake.tracker
    tracker.add(pod("d"))
    with pytest.raises(AlreadyExistsError, match='pods "d" already exists'):
        tracker.add(pod("d"))
    changed = tracker.get(PODS, "d", "shop", model=Pod)
    changed.status.phase = "Failed"
    changed.metadata.resource_version = "1"
    tracker.update(changed)
    assert tracker.get(PODS, "d", "shop")["status"] == {"phase": "Failed"}
    assert [each.metadata.name for each in tracker.list(PODS, "shop", model=Pod)] == ["a", "b", "d"]
    assert len(tracker.list(PODS)) == 4
    tracker.delete(PODS, "d", "shop")
    missing: list[Callable[[], object]] = [
        lambda: tracker.get(PODS, "d", "shop"),
        lambda: tracker.delete(PODS, "d", "shop"),
        lambda: tracker.update(changed),
    ]
    for ask in missing:
        with pytest.raises(NotFoundError, match='pods "d" not found'):
            ask()
    assert fake.actions == []


def test_what_is_no_object_here(fake: FakeClientset) -> None:
    with pytest.raises(
        LookupError, match=r"no 'Widget' of 'example\.com/v1' is known here: add its CustomResourceDefinition first"
    ):
        fake.tracker.add({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}})
    with pytest.raises(ValueError, match=r"needs metadata\.namespace"):
        FakeClientset(pod("a", ""))
    with pytest.raises(ValueError, match=r"needs metadata\.name"):
        fake.tracker.add({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop"}})
    with pytest.raises(AlreadyExistsError):
        FakeClientset(pod("a"), pod("a"))


def test_definitions_take_effect() -> None:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    definition: dict[str, object] = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    widgets = Resource("example.com", "v1", "widgets", "Widget", namespaced=True)
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"}}
    fake = FakeClientset(widget, definition)  # in whichever order
    assert [str(each["kind"]) for each in fake.tracker.list(widgets)] == ["Widget"]


@pytest.mark.scenario("X12c")
def test_lists_are_what_they_hold() -> None:
    def named(name: str) -> dict[str, object]:
        return {"metadata": {"name": name, "namespace": "shop"}}

    typed = {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "77"}, "items": [named("a")]}
    mixed: list[dict[str, object]] = [
        {"apiVersion": "v1", "kind": "Pod", **named("b")},
        {"apiVersion": "v1", "kind": "ConfigMap", **named("m")},
    ]
    fake = FakeClientset(typed, {"apiVersion": "v1", "kind": "List", "items": mixed})
    listed = fake.core_v1().pods("shop").list()
    assert [each.metadata.name for each in listed] == ["a", "b"]
    assert (listed.resource_version, listed.continue_token) == ("4", "")
    assert fake.core_v1().config_maps("shop").get("m").metadata.uid
    with pytest.raises(LookupError, match="no 'Nothing' of 'v1'"):
        fake.tracker.add({"apiVersion": "v1", "kind": "NothingList", "items": [named("x")]})
