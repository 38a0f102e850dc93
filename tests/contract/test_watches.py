"""Watches: what comes, in which order, with selectors, bookmarks and streaming lists; how they begin too late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.conftest import Api

STREAM = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
END = "k8s.io/initial-events-end"


def lease(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


def test_changes_after_a_resource_version(api: Api) -> None:
    first = api.post(api.leases, lease("a"))
    watch = api.watch(api.leases, resourceVersion=first.revision)
    api.post(api.leases, lease("b"))
    changed = api.patch(f"{api.leases}/a", {"spec": {"holderIdentity": "me"}})
    api.delete(f"{api.leases}/a")
    assert watch.take(2) == ["ADDED b", "MODIFIED a"]
    gone = watch.event()
    assert (gone["type"], gone["object"]["spec"]) == ("DELETED", {"holderIdentity": "me"})
    assert int(gone["object"]["metadata"]["resourceVersion"]) > int(changed.revision)


def test_a_watch_without_a_resource_version_begins_with_what_is_there(api: Api) -> None:
    for name in "ab":
        api.post(api.leases, lease(name))
    watch = api.watch(api.leases)
    assert sorted(watch.take(2)) == ["ADDED a", "ADDED b"]
    api.post(api.leases, lease("c"))
    assert watch.take(1) == ["ADDED c"]


def test_a_streaming_list_ends_with_its_bookmark(api: Api) -> None:
    revision = [api.post(api.leases, lease(name)).revision for name in "ab"][-1]
    watch = api.watch(api.leases, **STREAM)
    assert sorted(watch.take(2)) == ["ADDED a", "ADDED b"]
    bookmark = watch.event()
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["kind"] == "Lease"
    assert bookmark["object"]["metadata"]["annotations"] == {END: "true"}
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) >= int(revision)
    api.delete(f"{api.leases}/a")
    assert watch.take(1) == ["DELETED a"]


def test_selected_objects_come_and_go(api: Api) -> None:
    revision = api.post(api.leases, lease("a", color="blue")).revision
    watch = api.watch(api.leases, resourceVersion=revision, labelSelector="color=red")

    def paint(color: str) -> None:
        assert api.patch(f"{api.leases}/a", {"metadata": {"labels": {"color": color}}}).code == 200

    for color in ("red", "green", "red"):
        paint(color)
    api.delete(f"{api.leases}/a")
    assert watch.take(4) == ["ADDED a", "DELETED a", "ADDED a", "DELETED a"]


def test_the_object_of_a_transition_out_of_the_selection(api: Api) -> None:
    made = api.post(api.leases, lease("a", color="red"))
    watch = api.watch(api.leases, resourceVersion=made.revision, labelSelector="color=red")
    out = api.patch(f"{api.leases}/a", {"metadata": {"labels": {"color": "blue"}}})
    event = watch.event()
    assert event["type"] == "DELETED"
    assert event["object"]["metadata"]["labels"] == {"color": "red"}
    assert event["object"]["metadata"]["resourceVersion"] == out.revision


def test_field_selectors_on_watches(api: Api) -> None:
    revision = api.post(api.leases, lease("a")).revision
    watch = api.watch(api.leases, resourceVersion=revision, fieldSelector="metadata.name=c")
    for name in "bcd":
        api.post(api.leases, lease(name))
    api.delete(f"{api.leases}/c")
    assert watch.take(2) == ["ADDED c", "DELETED c"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"sendInitialEvents": "true"}, ["resourceVersionMatch"]),
        ({"resourceVersionMatch": "NotOlderThan"}, ["resourceVersionMatch"]),
        ({**STREAM, "resourceVersionMatch": "Exact"}, ["resourceVersionMatch", "resourceVersionMatch"]),
    ],
)
def test_parameters_that_contradict_each_other(api: Api, query: dict[str, str], fields: list[str]) -> None:
    code, reason, causes = api.call("GET", api.leases, watch="true", timeoutSeconds=1, **query).refusal
    assert (code, reason, [field for _, field in causes]) == (422, "Invalid", fields)
