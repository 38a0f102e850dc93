"""Garbage collection by owner references, propagation policies, and namespaces that take their objects along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.testing.server.conftest import Api

MAPS = "/api/v1/namespaces/shop/configmaps"
NODES = "/api/v1/nodes"


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    api = serve(strict=True, garbage_collection=True)
    assert api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}}).code == 201
    return api


def make(api: Api, name: str, *owners: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A config map that these own; its metadata."""
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["name"], "uid": owner["uid"]} for owner in owners
    ]
    answer = api.post(MAPS, {"metadata": {"name": name, "ownerReferences": references, **metadata}})
    assert answer.code == 201
    found: dict[str, Any] = answer.json["metadata"]
    return found


def test_dependents_go_with_their_owner(api: Api) -> None:
    parent = make(api, "parent")
    child = make(api, "child", parent)
    make(api, "grandchild", child)
    make(api, "other")
    assert api.delete(f"{MAPS}/parent").code == 200
    assert api.get(MAPS).names == ["other"]


def test_nobody_collects_unless_asked(serve: Callable[..., Api]) -> None:
    api = serve()
    make(api, "child", make(api, "parent"))
    assert api.delete(f"{MAPS}/parent", {"propagationPolicy": "Foreground"}).code == 200
    assert api.get(MAPS).names == ["child"]


def test_one_of_two_owners_is_not_enough(api: Api) -> None:
    one, two = make(api, "one"), make(api, "two")
    make(api, "child", one, two)
    api.delete(f"{MAPS}/one")
    assert [owner["name"] for owner in api.get(f"{MAPS}/child").json["metadata"]["ownerReferences"]] == ["two"]
    api.delete(f"{MAPS}/two")
    assert api.get(MAPS).names == []


def test_who_names_an_owner_that_never_was_goes_at_once(api: Api) -> None:
    make(api, "child", {"name": "nobody", "uid": "0"})
    assert api.get(MAPS).names == []


def test_a_new_object_of_the_same_name_is_no_owner(api: Api) -> None:
    old = make(api, "parent")
    api.delete(f"{MAPS}/parent")
    make(api, "parent")
    make(api, "child", old)
    assert api.get(MAPS).names == ["parent"]


def test_orphans_stay(api: Api) -> None:
    make(api, "child", make(api, "parent"))
    assert api.delete(f"{MAPS}/parent", {"propagationPolicy": "Orphan"}).code == 200
    assert api.get(MAPS).names == ["child"]
    assert "ownerReferences" not in api.get(f"{MAPS}/child").json["metadata"]


def test_foreground_deletion_waits_for_the_dependents(api: Api) -> None:
    make(api, "child", make(api, "parent"), finalizers=["example.com/hold"])
    marked = api.delete(f"{MAPS}/parent", {"propagationPolicy": "Foreground"})
    assert marked.json["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert api.get(MAPS).names == ["child", "parent"]
    assert api.get(f"{MAPS}/child").json["metadata"]["deletionTimestamp"]
    assert api.merge(f"{MAPS}/child", {"metadata": {"finalizers": None}}).code == 200
    assert api.get(MAPS).names == []


def test_a_dependent_with_a_finalizer_is_marked(api: Api) -> None:
    make(api, "child", make(api, "parent"), finalizers=["example.com/hold"])
    api.delete(f"{MAPS}/parent")
    assert api.get(f"{MAPS}/child").json["metadata"]["deletionTimestamp"]


def test_a_dry_run_collects_nothing(api: Api) -> None:
    make(api, "child", make(api, "parent"))
    api.delete(f"{MAPS}/parent", dryRun="All")
    assert api.get(MAPS).names == ["child", "parent"]


def test_a_namespace_takes_its_objects_along(api: Api) -> None:
    make(api, "a")
    api.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "b"}})
    assert api.delete("/api/v1/namespaces/shop").code == 200
    assert api.get("/api/v1/configmaps").names == ["b"]
    assert api.get("/api/v1/namespaces/shop").code == 404


def test_a_namespace_stays_until_it_is_empty(api: Api) -> None:
    make(api, "a", finalizers=["example.com/hold"])
    marked = api.delete("/api/v1/namespaces/shop").json
    assert marked["status"] == {"phase": "Terminating"}
    refused = api.post(MAPS, {"metadata": {"name": "b"}})
    assert (refused.code, refused.json["reason"]) == (403, "Forbidden")
    assert [cause["reason"] for cause in refused.json["details"]["causes"]] == ["NamespaceTerminating"]
    assert api.merge("/api/v1/namespaces/shop", {"metadata": {"labels": {"x": "y"}}}).code == 200
    assert api.get("/api/v1/namespaces/shop").code == 200
    api.merge(f"{MAPS}/a", {"metadata": {"finalizers": None}})
    assert api.get("/api/v1/namespaces/shop").code == 404


def test_watches_see_everybody_go(api: Api) -> None:
    make(api, "child", make(api, "parent"))
    watch = api.watch(MAPS, resourceVersion=api.server.resource_version)
    api.delete(f"{MAPS}/parent")
    assert watch.types(2) == ["DELETED parent", "DELETED child"]
