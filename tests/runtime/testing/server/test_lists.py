"""Lists: forms, selectors, pages, and every rule of resourceVersion and resourceVersionMatch."""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.testing.server.conftest import Answer, Api

MAPS = "/api/v1/namespaces/shop/configmaps"
ALL_MAPS = "/api/v1/configmaps"
PODS = "/api/v1/namespaces/shop/pods"
WIDGETS = "/apis/example.com/v1/namespaces/shop/widgets"


def named(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


def fill(api: Api, *names: str) -> list[str]:
    """Creates config maps; returns their resourceVersions."""
    return [api.post(MAPS, named(name)).revision for name in names]


def cause_fields(answer: Answer) -> list[str]:
    """The fields that a 422 names."""
    assert (answer.code, answer.json["reason"]) == (422, "Invalid")
    assert answer.json["details"]["kind"] == "ListOptions"
    return [cause["field"] for cause in answer.json["details"]["causes"]]


# ---- form


def test_form_of_a_list(api: Api) -> None:
    created = api.post(MAPS, named("a")).json
    answer = api.get(MAPS)
    assert answer.body.startswith(b'{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"')
    del created["kind"], created["apiVersion"]
    assert answer.json["items"] == [created]
    assert answer.revision == api.server.resource_version
    assert "continue" not in answer.json["metadata"]


def test_form_of_a_list_of_custom_resources(api: Api) -> None:
    created = api.post(WIDGETS, {**named("a"), "apiVersion": "example.com/v1", "kind": "Widget"}).json
    answer = api.get(WIDGETS)
    assert answer.body.startswith(b'{"apiVersion":"example.com/v1","items":[{"apiVersion":"example.com/v1","kind":"W')
    assert answer.json["kind"] == "WidgetList"
    assert answer.json["items"] == [created]
    assert answer.json["metadata"] == {"continue": "", "resourceVersion": api.server.resource_version}


def test_empty_list(api: Api) -> None:
    answer = api.get(MAPS)
    assert answer.json["items"] == []
    assert int(answer.revision) > 0


def test_order_is_that_of_keys_and_namespaces_are_kept_apart(api: Api) -> None:
    for namespace, name in (("a", "z"), ("a-b", "a"), ("b", "a"), ("a", "b")):
        api.post(f"/api/v1/namespaces/{namespace}/configmaps", named(name))
    found = [(m["metadata"]["namespace"], m["metadata"]["name"]) for m in api.get(ALL_MAPS).json["items"]]
    assert found == [("a-b", "a"), ("a", "b"), ("a", "z"), ("b", "a")]  # as "a-b/a" sorts before "a/b"
    assert api.get("/api/v1/namespaces/a/configmaps").names == ["b", "z"]
    assert api.get("/api/v1/namespaces/none/configmaps").names == []


# ---- selectors


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=web", ["a", "b"]),
        ("app!=web", ["c", "d"]),
        ("app in (web,db),tier", ["b", "c"]),
        ("!app", ["d"]),
        ("tier notin (one)", ["a", "c", "d"]),
        ("", ["a", "b", "c", "d"]),
    ],
)
def test_label_selectors(api: Api, selector: str, names: list[str]) -> None:
    for name, labels in (("a", {"app": "web"}), ("b", {"app": "web", "tier": "one"})):
        api.post(MAPS, named(name, **labels))
    api.post(MAPS, named("c", app="db", tier="two"))
    api.post(MAPS, named("d"))
    assert api.get(MAPS, labelSelector=selector).names == names


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("metadata.name=a", ["a"]),
        ("metadata.name!=a,metadata.namespace=shop", ["b", "c"]),
        ("metadata.namespace=other", []),
        ("spec.nodeName=n1", ["a"]),
        ("spec.nodeName=", ["c"]),
        ("spec.nodeName!=n1,spec.hostNetwork=true", ["b"]),
    ],
)
def test_field_selectors(api: Api, pod: Callable[..., Any], selector: str, names: list[str]) -> None:
    api.server.put(pod("a", nodeName="n1"))
    api.server.put(pod("b", nodeName="n2", hostNetwork=True, priority=5))
    api.server.put(pod("c"))
    assert api.get(PODS, fieldSelector=selector).names == names


@pytest.mark.parametrize(
    ("selector", "names"),
    [("spec.size=5", ["b"]), ("spec.size.deeper=", ["a", "b"]), ("spec=x", []), ("spec.x=", ["a", "b"])],
)
def test_field_selectors_on_resources_without_a_definition(api: Api, selector: str, names: list[str]) -> None:
    for name, size in (("a", 1), ("b", 5)):
        metadata = {"name": name, "namespace": "shop"}
        api.server.put({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, "spec": {"size": size}})
    assert api.get("/apis/example.com/v1/namespaces/shop/widgets", fieldSelector=selector).names == names


@pytest.mark.parametrize("path", [PODS, MAPS])
def test_fields_that_cannot_be_selected(api: Api, path: str) -> None:
    answer = api.get(path, fieldSelector="spec.priority=5")
    assert (answer.code, answer.json["reason"]) == (400, "BadRequest")
    assert "spec.priority" in answer.json["message"]


@pytest.mark.parametrize("query", [{"labelSelector": "a in b"}, {"fieldSelector": "a"}, {"limit": "x"}])
def test_parameters_that_do_not_parse(api: Api, query: dict[str, str]) -> None:
    answer = api.get(MAPS, **query)
    assert (answer.code, answer.json["reason"]) == (400, "BadRequest")
    assert api.get(MAPS, watch="1", **query).code == 400


# ---- resourceVersion


def test_unset_and_zero_and_not_older(api: Api) -> None:
    first, second = fill(api, "a", "b")
    for query in (
        {},
        {"resourceVersion": "0"},
        {"resourceVersion": first},
        {"resourceVersion": second, "resourceVersionMatch": "NotOlderThan"},
        {"resourceVersion": "0", "resourceVersionMatch": "NotOlderThan"},
    ):
        answer = api.get(MAPS, **query)
        assert answer.names == ["a", "b"], query
        assert answer.revision == second, query


def test_exact(api: Api) -> None:
    first, second = fill(api, "a", "b")
    api.merge(f"{MAPS}/a", {"data": {"x": "y"}})
    api.delete(f"{MAPS}/b")
    answer = api.get(MAPS, resourceVersion=second, resourceVersionMatch="Exact")
    assert answer.names == ["a", "b"]
    assert answer.revision == second
    assert "data" not in answer.json["items"][0]
    assert api.get(MAPS, resourceVersion=first, resourceVersionMatch="Exact").names == ["a"]
    assert api.get(MAPS).names == ["a"]


def test_a_limit_with_a_version_and_no_match_is_exact(api: Api) -> None:
    first, _ = fill(api, "a", "b")
    answer = api.get(MAPS, resourceVersion=first, limit=10)
    assert (answer.names, answer.revision) == (["a"], first)
    answer = api.get(MAPS, resourceVersion=first, limit=10, resourceVersionMatch="NotOlderThan")
    assert answer.names == ["a", "b"]


def test_exact_at_a_forgotten_version_is_gone(api: Api) -> None:
    first, second = fill(api, "a", "b")
    api.server.compact()
    answer = api.get(MAPS, resourceVersion=first, resourceVersionMatch="Exact")
    assert (answer.code, answer.json["reason"]) == (410, "Expired")
    assert api.get(MAPS, resourceVersion=first, limit=1).code == 410
    assert api.get(MAPS, resourceVersion=second, resourceVersionMatch="Exact").names == ["a", "b"]
    assert api.get(MAPS, resourceVersion=first).names == ["a", "b"]


def test_exact_goes_back_as_far_as_history_reaches(serve: Callable[..., Api]) -> None:
    api = serve(history=3)
    revisions = fill(api, "a", "b", "c", "d", "e")
    # Three changes are remembered: c, d, e. The state before them is that of b.
    assert api.get(MAPS, resourceVersion=revisions[1], resourceVersionMatch="Exact").names == ["a", "b"]
    assert api.get(MAPS, resourceVersion=revisions[0], resourceVersionMatch="Exact").code == 410


def test_a_version_still_to_come_times_out(serve: Callable[..., Api]) -> None:
    api = serve(freshness_timeout=0.0)
    (present,) = fill(api, "a")
    for query in ({}, {"resourceVersionMatch": "NotOlderThan"}, {"resourceVersionMatch": "Exact"}, {"limit": "1"}):
        answer = api.get(MAPS, resourceVersion=int(present) + 1, **query)
        assert (answer.code, answer.json["reason"]) == (504, "Timeout")
        assert answer.json["message"] == f"Timeout: Too large resource version: {int(present) + 1}, current: {present}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        assert answer.json["details"] == {"causes": [cause], "retryAfterSeconds": 1}
        assert answer.headers["retry-after"] == "1"


def test_a_read_waits_for_a_version_that_is_coming(serve: Callable[..., Api]) -> None:
    api = serve(freshness_timeout=10.0)
    (present,) = fill(api, "a")
    answers: list[Answer] = []
    wanted = str(int(present) + 1)
    reader = threading.Thread(target=lambda: answers.append(api.get(MAPS, resourceVersion=wanted)))
    reader.start()
    api.server.wait_for_requests(lambda request: request.query.get("resourceVersion") == wanted)
    assert not answers
    api.server.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}})  # any resource counts
    reader.join(10)
    assert [answer.names for answer in answers] == [["a"]]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"resourceVersionMatch": "Exact"}, ["resourceVersionMatch"]),
        ({"resourceVersionMatch": "NotOlderThan"}, ["resourceVersionMatch"]),
        ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, ["resourceVersionMatch"]),
        ({"resourceVersion": "1", "resourceVersionMatch": "Newest"}, ["resourceVersionMatch"]),
        ({"resourceVersion": "1", "resourceVersionMatch": "Exact", "continue": "x"}, ["resourceVersionMatch"]),
        ({"resourceVersionMatch": "Exact", "continue": "x"}, ["resourceVersionMatch"] * 2),
        ({"sendInitialEvents": "true"}, ["sendInitialEvents"]),
        ({"sendInitialEvents": "false"}, ["sendInitialEvents"]),
    ],
)
def test_parameters_that_contradict_each_other(api: Api, query: dict[str, str], fields: list[str]) -> None:
    assert cause_fields(api.get(MAPS, **query)) == fields


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "+1", "0x1"])
def test_a_version_that_is_no_number(api: Api, text: str) -> None:
    answer = api.get(MAPS, resourceVersion=text)
    assert (answer.code, answer.json["reason"]) == (400, "BadRequest")


# ---- pages


def test_pages_show_one_state(api: Api) -> None:
    fill(api, "a", "b", "c", "d", "e")
    state = api.server.resource_version
    first = api.get(MAPS, limit=2)
    assert first.names == ["a", "b"]
    assert first.json["metadata"]["remainingItemCount"] == 3
    api.delete(f"{MAPS}/c")
    api.merge(f"{MAPS}/d", {"data": {"x": "y"}})
    api.post(MAPS, named("bb"))
    second = api.get(MAPS, limit=2, continue_=first.json["metadata"]["continue"])
    assert second.names == ["c", "d"]
    assert "data" not in second.json["items"][1]
    assert second.json["metadata"]["remainingItemCount"] == 1
    last = api.get(MAPS, limit=2, continue_=second.json["metadata"]["continue"])
    assert last.names == ["e"]
    assert set(last.json["metadata"]) == {"resourceVersion"}
    assert {page.revision for page in (first, second, last)} == {state}
    assert api.get(MAPS).names == ["a", "b", "bb", "d", "e"]


def test_a_page_that_ends_with_the_list_has_no_token(api: Api) -> None:
    fill(api, "a", "b")
    assert set(api.get(MAPS, limit=2).json["metadata"]) == {"resourceVersion"}


def test_pages_across_namespaces(api: Api) -> None:
    for namespace in ("a", "a-b", "b"):
        for name in ("x", "y"):
            api.post(f"/api/v1/namespaces/{namespace}/configmaps", named(name))
    seen: list[tuple[str, str]] = []
    query: dict[str, Any] = {}
    while True:
        page = api.get(ALL_MAPS, limit=1, **query)
        seen += [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in page.json["items"]]
        if not page.json["metadata"].get("continue"):
            break
        query = {"continue_": page.json["metadata"]["continue"]}
    assert seen == [("a-b", "x"), ("a-b", "y"), ("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")]


def test_pages_of_a_selection_do_not_count_the_rest(api: Api) -> None:
    for number in range(6):
        api.post(MAPS, named(f"m{number}", even=str(number % 2 == 0)))
    page = api.get(MAPS, limit=2, labelSelector="even=True")
    assert page.names == ["m0", "m2"]
    assert "remainingItemCount" not in page.json["metadata"]
    rest = api.get(MAPS, limit=2, labelSelector="even=True", continue_=page.json["metadata"]["continue"])
    assert rest.names == ["m4"]
    assert "continue" not in rest.json["metadata"]


@pytest.mark.parametrize("query", [{}, {"resourceVersionMatch": "NotOlderThan"}])
def test_version_zero_ignores_the_limit(api: Api, query: dict[str, str]) -> None:
    fill(api, "a", "b", "c")
    answer = api.get(MAPS, limit=1, resourceVersion="0", **query)
    assert answer.names == ["a", "b", "c"]
    assert "continue" not in answer.json["metadata"]


def test_continue_allows_no_version(api: Api) -> None:
    fill(api, "a", "b", "c")
    token = api.get(MAPS, limit=1).json["metadata"]["continue"]
    answer = api.get(MAPS, limit=1, continue_=token, resourceVersion="2")
    assert (answer.code, answer.json["reason"]) == (400, "BadRequest")
    assert api.get(MAPS, limit=1, continue_=token, resourceVersion="0").names == ["b", "c"]


def test_an_expired_token_is_gone_and_offers_an_inconsistent_one(api: Api) -> None:
    fill(api, "a", "b", "c", "d")
    token = api.get(MAPS, limit=2).json["metadata"]["continue"]
    api.delete(f"{MAPS}/c")
    api.post(MAPS, named("e"))
    api.server.compact()
    answer = api.get(MAPS, limit=2, continue_=token)
    assert (answer.code, answer.json["reason"]) == (410, "Expired")
    assert "too old to display a consistent list" in answer.json["message"]
    rest = api.get(MAPS, limit=1, continue_=answer.json["metadata"]["continue"])
    assert rest.names == ["d"]
    assert rest.revision == api.server.resource_version
    assert api.get(MAPS, continue_=rest.json["metadata"]["continue"]).names == ["e"]


def test_a_token_outlives_changes_within_the_history(serve: Callable[..., Api]) -> None:
    api = serve(history=3)
    fill(api, "a", "b", "c")
    token = api.get(MAPS, limit=1).json["metadata"]["continue"]
    fill(api, "d", "e", "f")
    assert api.get(MAPS, continue_=token).names == ["b", "c"]
    fill(api, "g")
    assert api.get(MAPS, continue_=token).code == 410


def encoded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "abc",
        "%%%",
        encoded({"v": "meta.k8s.io/v2", "rv": 1, "start": "a"}),
        encoded({"v": "meta.k8s.io/v1", "rv": 0, "start": "a"}),
        encoded({"v": "meta.k8s.io/v1", "rv": 1}),
        encoded([]),
    ],
)
def test_tokens_that_are_none(api: Api, token: str) -> None:
    answer = api.get(MAPS, continue_=token)
    assert (answer.code, answer.json["reason"]) == (400, "BadRequest")
    assert "continue key is not valid" in answer.json["message"]


def test_delete_collection_takes_a_page(api: Api) -> None:
    fill(api, "a", "b", "c")
    assert api.delete(MAPS, limit=2).names == ["a", "b"]
    assert api.get(MAPS).names == ["c"]
