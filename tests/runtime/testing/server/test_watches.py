"""Watches: what comes, in which order, with selectors, bookmarks, streaming lists, expiry and ends."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform.meta import Resource
from kinform.testing.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.testing.server.conftest import Api

MAPS = "/api/v1/namespaces/shop/configmaps"
ALL_MAPS = "/api/v1/configmaps"
NODES = "/api/v1/nodes"
NODE_RESOURCE = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)
WIDGETS = "/apis/example.com/v1/namespaces/shop/widgets"


def named(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


# ---- changes


def test_changes_after_a_version(api: Api) -> None:
    first = api.post(MAPS, named("a"))
    second = api.merge(f"{MAPS}/a", {"data": {"x": "y"}})
    watch = api.watch(MAPS, resourceVersion=first.revision)
    assert watch.response.getheader("Content-Type") == "application/json"
    assert watch.response.getheader("Transfer-Encoding") == "chunked"
    event = watch.event()
    assert event == {"type": "MODIFIED", "object": second.json}
    created = api.post(MAPS, named("b"))
    assert watch.event() == {"type": "ADDED", "object": created.json}
    api.delete(f"{MAPS}/a")
    gone = {**second.json, "metadata": {**second.json["metadata"], "resourceVersion": api.server.resource_version}}
    assert watch.event() == {"type": "DELETED", "object": gone}


def test_only_the_namespace_and_the_resource(api: Api) -> None:
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version)
    everywhere = api.watch(ALL_MAPS, resourceVersion=api.server.resource_version)
    api.post(NODES, named("n"))
    api.post(MAPS.replace("shop", "other"), named("o"))
    api.post(MAPS, named("a"))
    assert watch.types(1) == ["ADDED a"]
    assert everywhere.types(2) == ["ADDED o", "ADDED a"]


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "0"}, {"resourceVersion": ""}])
def test_without_version_all_objects_come_first(serve: Callable[..., Api], query: dict[str, str]) -> None:
    for mode in ("on", "off", "ignored"):
        api = serve(watch_list=mode)
        for name in ("b", "a"):
            api.post(MAPS, named(name))
        api.merge(f"{MAPS}/b", {"data": {}})
        watch = api.watch(MAPS, **query)
        assert watch.types(2) == ["ADDED a", "ADDED b"]
        api.delete(f"{MAPS}/a")
        assert watch.types(1) == ["DELETED a"]


def test_an_update_that_changes_nothing_is_no_event(api: Api) -> None:
    obj = api.post(MAPS, named("a")).json
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version)
    api.put(f"{MAPS}/a", obj)
    api.post(MAPS, named("b"))
    assert watch.types(1) == ["ADDED b"]


def test_finalizers_show_as_modified_and_then_deleted(api: Api) -> None:
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version)
    api.post(MAPS, {"metadata": {"name": "a", "finalizers": ["x/y"]}})
    api.delete(f"{MAPS}/a")
    api.merge(f"{MAPS}/a", {"metadata": {"finalizers": None}})
    added, modified, deleted = (watch.event() for _ in range(3))
    assert [event["type"] for event in (added, modified, deleted)] == ["ADDED", "MODIFIED", "DELETED"]
    assert modified["object"]["metadata"]["deletionTimestamp"]
    assert deleted["object"]["metadata"]["finalizers"] == ["x/y"]  # the last state that was stored
    assert deleted["object"]["metadata"]["resourceVersion"] == api.server.resource_version


def test_label_selectors_turn_changes_into_arrivals_and_departures(api: Api) -> None:
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version, labelSelector="app=web")
    created = api.post(MAPS, named("a", app="web")).json
    api.merge(f"{MAPS}/a", {"metadata": {"labels": {"app": "db"}}})
    left_at = api.server.resource_version
    api.merge(f"{MAPS}/a", {"data": {"x": "1"}})
    back = api.merge(f"{MAPS}/a", {"metadata": {"labels": {"app": "web"}}}).json
    same = api.merge(f"{MAPS}/a", {"data": {"x": "2"}}).json
    api.delete(f"{MAPS}/a")
    assert watch.event() == {"type": "ADDED", "object": created}
    left = {**created, "metadata": {**created["metadata"], "resourceVersion": left_at}}
    assert watch.event() == {"type": "DELETED", "object": left}  # the state that still matched
    assert watch.event() == {"type": "ADDED", "object": back}
    assert watch.event() == {"type": "MODIFIED", "object": same}
    assert watch.types(1) == ["DELETED a"]


def test_field_selectors_do_so_too(api: Api, pod: Callable[..., Any]) -> None:
    pods = "/api/v1/pods"
    watch = api.watch(pods, resourceVersion=api.server.resource_version, fieldSelector="spec.nodeName=n1")
    api.server.put(pod("a"))
    api.server.put(pod("a", nodeName="n1"))
    api.server.put(pod("a", nodeName="n2"))
    api.server.put(pod("b", nodeName="n1"))
    assert watch.types(3) == ["ADDED a", "DELETED a", "ADDED b"]
    one = api.watch(pods, fieldSelector="metadata.name=b")
    assert one.types(1) == ["ADDED b"]


def test_limit_and_continue_mean_nothing(api: Api) -> None:
    for name in ("a", "b"):
        api.post(MAPS, named(name))
    assert api.watch(MAPS, limit=1).types(2) == ["ADDED a", "ADDED b"]
    after = api.watch(MAPS, resourceVersion="1", limit=1, continue_="x")
    assert after.types(2) == ["ADDED a", "ADDED b"]


def test_many_changes_arrive_in_order(api: Api) -> None:
    start = api.server.resource_version
    watch = api.watch(MAPS, resourceVersion=start)
    for number in range(600):
        name = f"m{number % 7}"
        api.server.put(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "n": number}
        )
    late = api.watch(MAPS, resourceVersion=start)
    for each in (watch, late):
        revisions = [int(each.next()[2]) for _ in range(600)]
        assert revisions == list(range(int(start) + 1, int(start) + 601))


def test_versions_of_a_resource_have_frames_of_their_own(api: Api) -> None:
    start = api.server.resource_version
    watches = [api.watch(WIDGETS.replace("v1", version), resourceVersion=start) for version in ("v1", "v1beta1")]
    api.post(WIDGETS, {"apiVersion": "example.com/v1", "kind": "Widget", **named("a")})
    versions = [watch.event()["object"]["apiVersion"] for watch in watches]
    assert versions == ["example.com/v1", "example.com/v1beta1"]


def test_a_version_still_to_come_just_waits(api: Api) -> None:
    watch = api.watch(MAPS, resourceVersion=int(api.server.resource_version) + 1)
    api.post(MAPS, named("a"))
    api.post(MAPS, named("b"))
    assert watch.types(1) == ["ADDED b"]


def test_a_version_that_is_no_number(api: Api) -> None:
    assert api.get(MAPS, watch="1", resourceVersion="x").code == 500


@pytest.mark.parametrize("value", ["true", "1", "yes", ""])
def test_watch_is_anything_but_false(api: Api, value: str) -> None:
    assert api.watch(MAPS, watch=value).response.getheader("Transfer-Encoding") == "chunked"
    assert api.get(MAPS, watch="false").json["kind"] == "ConfigMapList"
    assert api.get(MAPS, watch="0").json["kind"] == "ConfigMapList"


# ---- streaming lists


def test_streaming_list(api: Api) -> None:
    created = {name: api.post(MAPS, named(name)).json for name in ("b", "a")}
    api.post(MAPS.replace("shop", "other"), named("o"))
    watch = api.stream(MAPS)
    assert watch.event() == {"type": "ADDED", "object": created["a"]}
    assert watch.event() == {"type": "ADDED", "object": created["b"]}
    metadata = {
        "resourceVersion": api.server.resource_version,
        "annotations": {"k8s.io/initial-events-end": "true"},
    }
    bookmark = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata}
    assert watch.event() == {"type": "BOOKMARK", "object": bookmark}
    api.delete(f"{MAPS}/a")
    assert watch.types(1) == ["DELETED a"]


def test_streaming_list_of_nothing(api: Api) -> None:
    watch = api.stream(MAPS, labelSelector="app=none")
    assert watch.event()["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_streaming_list_with_selectors(api: Api) -> None:
    api.post(MAPS, named("a", app="web"))
    api.post(MAPS, named("b", app="db"))
    assert api.stream(MAPS, labelSelector="app=db").types(2) == ["ADDED b", "BOOKMARK"]


def test_streaming_list_from_an_old_version_shows_the_present(api: Api) -> None:
    old = api.post(MAPS, named("a")).revision
    api.post(MAPS, named("b"))
    api.server.compact()
    for version in (old, "0", ""):
        assert api.stream(MAPS, resourceVersion=version).types(3) == ["ADDED a", "ADDED b", "BOOKMARK"]


def test_streaming_list_not_older_than_a_version_still_to_come(serve: Callable[..., Api]) -> None:
    api = serve(freshness_timeout=0.0)
    watch = api.stream(MAPS, resourceVersion=int(api.server.resource_version) + 1)
    event = watch.event()
    assert event["type"] == "ERROR"
    assert event["object"]["code"] == 504
    assert event["object"]["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert watch.ended()


def test_streaming_list_without_bookmarks_has_no_end(api: Api) -> None:
    api.post(MAPS, named("a"))
    watch = api.stream(MAPS, allowWatchBookmarks="false")
    assert watch.types(1) == ["ADDED a"]
    api.post(MAPS, named("b"))
    assert watch.types(1) == ["ADDED b"]


def test_no_initial_events(api: Api) -> None:
    first = api.post(MAPS, named("a")).revision
    api.post(MAPS, named("b"))
    now = api.stream(MAPS, sendInitialEvents="false")
    later = api.stream(MAPS, sendInitialEvents="false", resourceVersion=first)
    api.post(MAPS, named("c"))
    assert now.types(1) == ["ADDED c"]
    assert later.types(2) == ["ADDED b", "ADDED c"]


def test_watches_of_old_get_the_end_bookmark_from_servers_that_know_it(serve: Callable[..., Api]) -> None:
    api = serve()
    api.post(MAPS, named("a"))
    assert api.watch(MAPS, allowWatchBookmarks="true").types(2) == ["ADDED a", "BOOKMARK"]
    old = serve(watch_list="off")
    old.post(MAPS, named("a"))
    watch = old.watch(MAPS, allowWatchBookmarks="true")
    assert watch.types(1) == ["ADDED a"]
    old.server.send_bookmarks()
    assert "annotations" not in watch.event()["object"]["metadata"]


def test_servers_without_streaming_lists_refuse(serve: Callable[..., Api]) -> None:
    api = serve(watch_list="off")
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    answer = api.get(MAPS, watch="true", **query)
    assert (answer.code, answer.json["reason"]) == (422, "Invalid")
    assert answer.json["details"] == {
        "group": "meta.k8s.io",
        "kind": "ListOptions",
        "causes": [
            {
                "reason": "FieldValueForbidden",
                "message": "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is "
                "enabled",
                "field": "sendInitialEvents",
            }
        ],
    }
    answer = api.get(MAPS, watch="true", resourceVersionMatch="NotOlderThan")
    assert [cause["field"] for cause in answer.json["details"]["causes"]] == ["resourceVersionMatch"]


def test_servers_that_never_heard_of_streaming_lists(serve: Callable[..., Api]) -> None:
    api = serve(watch_list="ignored")
    first = api.post(MAPS, named("a")).revision
    watch = api.stream(MAPS)
    assert watch.types(1) == ["ADDED a"]
    after = api.stream(MAPS, resourceVersion=first)
    api.post(MAPS, named("b"))
    assert watch.types(1) == ["ADDED b"]
    assert after.types(1) == ["ADDED b"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"sendInitialEvents": "true"}, ["resourceVersionMatch"]),
        ({"sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, ["resourceVersionMatch"] * 2),
        ({"resourceVersionMatch": "NotOlderThan", "resourceVersion": "1"}, ["resourceVersionMatch"]),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "1"}, ["resourceVersionMatch"] * 2),
        (
            {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "continue": "x"},
            ["resourceVersionMatch"],
        ),
        ({"continue": "x"}, ["resourceVersionMatch"]),
    ],
)
def test_parameters_that_contradict_each_other(api: Api, query: dict[str, str], fields: list[str]) -> None:
    answer = api.get(MAPS, watch="true", **query)
    assert (answer.code, answer.json["reason"]) == (422, "Invalid")
    assert [cause["field"] for cause in answer.json["details"]["causes"]] == fields


# ---- bookmarks


def test_bookmarks_on_demand_come_behind_all_events(api: Api) -> None:
    start = api.server.resource_version
    asked = api.watch(MAPS, resourceVersion=start, allowWatchBookmarks="true")
    plain = api.watch(MAPS, resourceVersion=start)
    api.server.wait_for_watches(2)
    api.post(MAPS, named("a"))
    api.post(NODES, named("n"))
    assert api.server.send_bookmarks() == 1
    assert asked.types(1) == ["ADDED a"]
    assert asked.event() == {
        "type": "BOOKMARK",
        "object": {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": api.server.resource_version},
        },
    }
    api.post(MAPS, named("b"))
    assert plain.types(2) == ["ADDED a", "ADDED b"]


def test_bookmarks_come_by_the_clock(serve: Callable[..., Api]) -> None:
    clock = VirtualClock()
    api = serve(clock=clock, bookmark_interval=60.0)
    watch = api.watch(MAPS, resourceVersion="1", allowWatchBookmarks="true", timeoutSeconds=150)
    api.post(NODES, named("n"))
    for seconds in (60.0, 60.0, 28.0):  # each minute, and two seconds before the end
        clock.wait_for_waiters()
        clock.advance(seconds - 1)
        clock.wait_for_deadline(1)
        clock.advance(1)
        assert watch.event()["object"]["metadata"]["resourceVersion"] == api.server.resource_version
    clock.wait_for_deadline(2)
    clock.advance(2)
    assert watch.ended()


# ---- ends


def test_timeout_ends_a_watch_cleanly(serve: Callable[..., Api]) -> None:
    clock = VirtualClock()
    api = serve(clock=clock)
    watch = api.watch(MAPS, resourceVersion="1", timeoutSeconds=5)
    long = api.watch(MAPS, resourceVersion="1")
    clock.wait_for_waiters(2)
    clock.advance(5)
    assert watch.ended()
    api.server.wait_for_watches(1)
    clock.advance(3600)
    assert long.ended()


def test_too_old_a_version_is_an_event(api: Api) -> None:
    old = api.post(MAPS, named("a")).revision
    present = api.post(MAPS, named("b")).revision
    api.server.compact()
    watch = api.watch(MAPS, resourceVersion=old)
    event = watch.event()
    assert event["type"] == "ERROR"
    status = event["object"]
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"] == f"too old resource version: {old} ({present})"
    assert watch.ended()
    api.watch(MAPS, resourceVersion=present)
    api.server.wait_for_watches(1)


def test_too_old_a_version_can_be_an_answer(serve: Callable[..., Api]) -> None:
    api = serve(expired_watches="http")
    old = api.post(MAPS, named("a")).revision
    api.post(MAPS, named("b"))
    api.server.compact()
    answer = api.get(MAPS, watch="true", resourceVersion=old)
    assert (answer.code, answer.json["reason"]) == (410, "Expired")
    assert api.server.watches == []


def test_history_is_bounded(serve: Callable[..., Api]) -> None:
    api = serve(history=3)
    revisions = [api.post(MAPS, named(name)).revision for name in "abcde"]
    assert api.watch(MAPS, resourceVersion=revisions[1]).types(3) == ["ADDED c", "ADDED d", "ADDED e"]
    assert api.watch(MAPS, resourceVersion=revisions[0]).event()["object"]["code"] == 410
    api.post(NODES, named("n"))  # the history of another resource takes no room here
    assert api.watch(MAPS, resourceVersion=revisions[1]).types(1) == ["ADDED c"]


def test_a_running_watch_outlives_compaction(api: Api) -> None:
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version)
    api.server.wait_for_watches(1)
    api.post(MAPS, named("a"))
    assert watch.types(1) == ["ADDED a"]
    api.server.compact()
    api.post(MAPS, named("b"))
    assert watch.types(1) == ["ADDED b"]


def test_disconnect_cleanly_and_by_resource(api: Api) -> None:
    maps = api.watch(MAPS, resourceVersion=api.server.resource_version)
    nodes = api.watch(NODES, resourceVersion=api.server.resource_version)
    api.server.wait_for_watches(2)
    assert api.server.disconnect_watches(NODE_RESOURCE) == 1
    assert nodes.ended()
    api.post(MAPS, named("a"))
    assert maps.types(1) == ["ADDED a"]


def test_disconnect_with_an_expiry(api: Api) -> None:
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version)
    api.server.wait_for_watches(1)
    api.server.disconnect_watches(how="expired")
    assert watch.event()["object"]["code"] == 410
    assert watch.ended()


def test_disconnect_in_the_middle(api: Api) -> None:
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version)
    api.server.wait_for_watches(1)
    api.server.disconnect_watches(how="cut")
    with pytest.raises(http.client.IncompleteRead):
        watch.response.read()


def test_a_client_that_hangs_up_is_noticed(api: Api) -> None:
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version)
    api.server.wait_for_watches(1)
    assert api.server.connections == 1
    watch.close()
    api.server.wait_for_watches(0)


def test_frames_are_lines_of_json(api: Api) -> None:
    api.post(MAPS, {"metadata": {"name": "a"}, "data": {"text": 'ä\n"quoted"\u2028'}})
    line = api.watch(MAPS).response.readline()
    assert line.endswith(b"}}\n")
    assert json.loads(line)["object"]["data"] == {"text": 'ä\n"quoted"\u2028'}
