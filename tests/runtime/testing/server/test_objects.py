"""Creating, reading, updating and deleting: the rules about names, versions, generations and the status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.testing.server.conftest import Answer, Api

MAPS = "/api/v1/namespaces/shop/configmaps"
PODS = "/api/v1/namespaces/shop/pods"
NODES = "/api/v1/nodes"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles"
WIDGETS = "/apis/example.com/v1/namespaces/shop/widgets"


def named(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}}


def widget(name: str, size: int = 1, **metadata: Any) -> dict[str, Any]:
    return {**named(name, **metadata), "apiVersion": "example.com/v1", "kind": "Widget", "spec": {"size": size}}


def refusal(answer: Answer) -> tuple[int, str]:
    """Code and reason, once the shape of the Status has been seen to."""
    status = answer.json
    assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
    assert status["code"] == answer.code
    assert status["message"]
    return answer.code, status.get("reason", "")


# ---- create


def test_create_sets_what_is_the_servers_to_set(api: Api) -> None:
    sent = named("a", uid="mine", creationTimestamp="2001-01-01T00:00:00Z", generation=9, selfLink="/x")
    sent["metadata"]["deletionTimestamp"] = "2001-01-01T00:00:00Z"
    answer = api.post(DEPLOYMENTS, {**sent, "spec": {"replicas": 1}, "status": {"replicas": 1}})
    assert answer.code == 201
    obj = answer.json
    metadata = obj["metadata"]
    assert (obj["apiVersion"], obj["kind"]) == ("apps/v1", "Deployment")
    assert re.fullmatch(r"[0-9a-f-]{36}", metadata["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["creationTimestamp"])
    assert metadata["creationTimestamp"] > "2001-01-01T00:00:00Z"
    assert metadata["namespace"] == "shop"
    assert metadata["generation"] == 1
    assert metadata["resourceVersion"] == api.server.resource_version
    servers = {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}
    assert set(metadata) == {"name", "namespace", *servers}
    assert obj["spec"] == {"replicas": 1}
    assert obj["status"] == {}
    assert api.get(f"{DEPLOYMENTS}/a").json == obj


def test_one_resource_version_rises_over_all_resources(api: Api) -> None:
    revisions = [
        int(api.post(path, named(name)).revision)
        for path, name in ((MAPS, "a"), (NODES, "n"), (DEPLOYMENTS, "d"), (MAPS, "b"))
    ]
    assert revisions == list(range(revisions[0], revisions[0] + 4))


def test_generations_and_initial_status_are_those_of_the_kind(api: Api) -> None:
    assert "generation" not in api.post(MAPS, named("a")).json["metadata"]
    assert api.post(PODS, named("p")).json["status"] == {"phase": "Pending"}
    assert api.post(NODES, {**named("n"), "status": {"phase": "Running"}}).json["status"] == {"phase": "Running"}
    custom = api.post(WIDGETS, {**widget("w"), "status": {"size": 1}}).json
    assert "status" not in custom
    assert custom["metadata"]["generation"] == 1


def test_create_of_a_name_that_is_taken(api: Api) -> None:
    api.post(MAPS, named("a"))
    answer = api.post(MAPS, named("a"))
    assert refusal(answer) == (409, "AlreadyExists")
    assert answer.json["details"] == {"name": "a", "kind": "configmaps"}
    assert answer.json["message"] == 'configmaps "a" already exists'
    assert api.post(MAPS.replace("shop", "other"), named("a")).code == 201


@pytest.mark.parametrize(
    ("path", "body", "outcome", "fields"),
    [
        (MAPS, {"metadata": {}}, (422, "Invalid"), ["metadata.name"]),
        (MAPS, named("A_b"), (422, "Invalid"), ["metadata.name"]),
        (MAPS, named("x" * 254), (422, "Invalid"), ["metadata.name"]),
        (ROLES, named("a/b"), (422, "Invalid"), ["metadata.name"]),
        (MAPS, named("a", resourceVersion="1"), (500, ""), []),
        (MAPS, named("a", namespace="other"), (400, "BadRequest"), []),
        (MAPS, {**named("a"), "kind": "Secret"}, (400, "BadRequest"), []),
        (MAPS, {**named("a"), "apiVersion": "v2"}, (400, "BadRequest"), []),
        (WIDGETS, named("a"), (400, "BadRequest"), []),
        (MAPS, b'{"metadata":', (400, "BadRequest"), []),
        (MAPS, b"", (400, "BadRequest"), []),
        (MAPS, [], (400, "BadRequest"), []),
        (MAPS, {"metadata": []}, (400, "BadRequest"), []),
    ],
)
def test_what_create_refuses(api: Api, path: str, body: Any, outcome: tuple[int, str], fields: list[str]) -> None:
    before = api.server.resource_version
    answer = api.post(path, body)
    assert refusal(answer) == outcome
    assert [cause["field"] for cause in answer.json.get("details", {}).get("causes", [])] == fields
    assert api.server.resource_version == before


def test_names_of_roles_may_hold_colons(api: Api) -> None:
    assert api.post(ROLES, named("system:node")).code == 201
    assert api.get(f"{ROLES}/system:node").code == 200


def test_generate_name(api: Api) -> None:
    names = {api.post(MAPS, {"metadata": {"generateName": "web-"}}).json["metadata"]["name"] for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch(r"web-[a-z0-9]{5}", name) for name in names)
    long = api.post(MAPS, {"metadata": {"generateName": "x" * 70}}).json["metadata"]["name"]
    assert re.fullmatch(r"x{58}[a-z0-9]{5}", long)
    assert api.post(MAPS, {"metadata": {"name": "given", "generateName": "web-"}}).json["metadata"]["name"] == "given"


def test_dry_run_keeps_nothing(api: Api) -> None:
    before = api.server.resource_version
    answer = api.post(MAPS, named("a"), dryRun="All")
    assert answer.code == 201
    assert "resourceVersion" not in answer.json["metadata"]
    assert api.get(f"{MAPS}/a").code == 404
    answer = api.post(MAPS, named("a"), dryRun="Some")
    assert refusal(answer) == (422, "Invalid")
    assert answer.json["details"]["causes"][0]["field"] == "dryRun"
    assert api.server.resource_version == before


def test_namespaces_need_not_exist_unless_strict(api: Api, serve: Callable[..., Api]) -> None:
    assert api.post(MAPS, named("a")).code == 201
    strict = serve(strict=True)
    answer = strict.post(MAPS, named("a"))
    assert refusal(answer) == (404, "NotFound")
    assert answer.json["details"] == {"name": "shop", "kind": "namespaces"}
    assert strict.post("/api/v1/namespaces", named("shop")).code == 201
    assert strict.post(MAPS, named("a")).code == 201
    assert strict.post("/api/v1/namespaces/default/configmaps", named("a")).code == 201


# ---- get


def test_get_of_what_is_not_there(api: Api) -> None:
    answer = api.get(f"{DEPLOYMENTS}/none")
    assert refusal(answer) == (404, "NotFound")
    assert answer.json["message"] == 'deployments.apps "none" not found'
    assert answer.json["details"] == {"name": "none", "group": "apps", "kind": "deployments"}


def test_get_not_older_than(serve: Callable[..., Api]) -> None:
    api = serve(freshness_timeout=0.0)
    revision = int(api.post(MAPS, named("a")).revision)
    assert api.get(f"{MAPS}/a", resourceVersion="0").code == 200
    assert api.get(f"{MAPS}/a", resourceVersion=revision).code == 200
    answer = api.get(f"{MAPS}/a", resourceVersion=revision + 1)
    assert refusal(answer) == (504, "Timeout")
    assert answer.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert answer.headers["retry-after"] == "1"
    assert refusal(api.get(f"{MAPS}/a", resourceVersion="x")) == (500, "")


# ---- update


def test_update_bumps_the_generation_on_content_only(api: Api) -> None:
    obj = api.post(DEPLOYMENTS, {**named("a"), "spec": {"replicas": 1}}).json
    obj["metadata"]["labels"] = {"x": "y"}
    obj = api.put(f"{DEPLOYMENTS}/a", obj).json
    assert obj["metadata"]["generation"] == 1
    obj["spec"]["replicas"] = 2
    obj["metadata"]["generation"] = 7
    obj = api.put(f"{DEPLOYMENTS}/a", obj).json
    assert obj["metadata"]["generation"] == 2
    obj["status"] = {"replicas": 2}
    obj = api.put(f"{DEPLOYMENTS}/a/status", obj).json
    assert obj["metadata"]["generation"] == 2
    assert obj["status"] == {"replicas": 2}


def test_update_and_status_mind_their_own_part(api: Api) -> None:
    obj = api.post(WIDGETS, widget("a")).json
    uid = obj["metadata"]["uid"]
    obj |= {"spec": {"size": 2}, "status": {"ready": True}}
    obj = api.put(f"{WIDGETS}/a", obj).json
    assert obj["spec"] == {"size": 2}
    assert "status" not in obj
    obj |= {"spec": {"size": 3}, "status": {"ready": True}}
    obj["metadata"] |= {"labels": {"x": "y"}, "uid": uid}
    obj = api.put(f"{WIDGETS}/a/status", obj).json
    assert obj["spec"] == {"size": 2}
    assert obj["status"] == {"ready": True}
    assert "labels" not in obj["metadata"]
    patched = api.merge(f"{WIDGETS}/a/status", {"spec": {"size": 4}, "status": {"ready": None, "n": 1}}).json
    assert (patched["spec"], patched["status"]) == ({"size": 2}, {"n": 1})
    assert api.get(f"{WIDGETS}/a/status").json == patched


def test_kinds_without_status_keep_what_update_sends(api: Api) -> None:
    api.post(MAPS, named("a"))
    assert api.put(f"{MAPS}/a", {**named("a"), "status": {"x": 1}}).json["status"] == {"x": 1}
    assert refusal(api.put(f"{MAPS}/a/status", named("a"))) == (404, "NotFound")


def test_update_of_another_version_conflicts(api: Api) -> None:
    old = api.post(MAPS, named("a")).json
    api.put(f"{MAPS}/a", {**old, "data": {"x": "1"}})
    answer = api.put(f"{MAPS}/a", {**old, "data": {"x": "2"}})
    assert refusal(answer) == (409, "Conflict")
    assert answer.json["details"] == {"name": "a", "kind": "configmaps"}
    assert api.get(f"{MAPS}/a").json["data"] == {"x": "1"}


def test_update_without_version_is_for_most_built_in_kinds_only(api: Api) -> None:
    api.post(MAPS, named("a"))
    assert api.put(f"{MAPS}/a", named("a", labels={"x": "y"})).code == 200
    api.post(WIDGETS, widget("a"))
    answer = api.put(f"{WIDGETS}/a", widget("a"))
    assert refusal(answer) == (422, "Invalid")
    assert answer.json["details"]["causes"][0]["field"] == "metadata.resourceVersion"
    api.post(LEASES, named("a"))
    assert refusal(api.put(f"{LEASES}/a", named("a"))) == (422, "Invalid")


def test_update_that_changes_nothing_writes_nothing(api: Api) -> None:
    obj = api.post(DEPLOYMENTS, {**named("a"), "spec": {"replicas": 1}}).json
    before = api.server.resource_version
    for body in (
        obj,
        {**obj, "status": {"replicas": 3}},
        {**obj, "spec": {"replicas": 1}, "metadata": {**obj["metadata"]}},
    ):
        assert api.put(f"{DEPLOYMENTS}/a", body).json == obj
    assert api.merge(f"{DEPLOYMENTS}/a", {"spec": {"replicas": 1}}).json == obj
    assert api.server.resource_version == before


def test_update_cannot_change_what_is_the_servers(api: Api) -> None:
    obj = api.post(MAPS, named("a")).json
    sent = {**obj, "metadata": {**obj["metadata"], "creationTimestamp": "2001-01-01T00:00:00Z", "labels": {"x": "y"}}}
    updated = api.put(f"{MAPS}/a", sent).json
    assert updated["metadata"]["creationTimestamp"] == obj["metadata"]["creationTimestamp"]
    assert refusal(api.put(f"{MAPS}/a", named("a", uid="another"))) == (409, "Conflict")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("a", named("b"), 400),
        ("a", {"data": {}}, 400),
        ("a", named("a", namespace="other"), 400),
        ("none", named("none"), 404),
        ("none", named("none", resourceVersion="3"), 404),
    ],
)
def test_what_update_refuses(api: Api, path: str, body: Any, code: int) -> None:
    api.post(MAPS, named("a"))
    assert refusal(api.put(f"{MAPS}/{path}", body))[0] == code


def test_some_kinds_are_created_by_update(api: Api) -> None:
    answer = api.put(f"{LEASES}/a", {**named("a"), "spec": {"holderIdentity": "x"}})
    assert answer.code == 201
    assert answer.json["metadata"]["uid"]


def test_null_members_are_as_absent(api: Api) -> None:
    obj = api.post(MAPS, {**named("a", labels=None), "data": None}).json
    assert "data" not in obj
    assert "labels" not in obj["metadata"]


# ---- delete


def test_delete_answers_with_a_status_or_the_object(api: Api) -> None:
    uid = api.post(DEPLOYMENTS, named("a")).json["metadata"]["uid"]
    answer = api.delete(f"{DEPLOYMENTS}/a")
    assert answer.code == 200
    assert answer.json["status"] == "Success"
    assert answer.json["details"] == {"name": "a", "group": "apps", "kind": "deployments", "uid": uid}
    assert refusal(api.delete(f"{DEPLOYMENTS}/a")) == (404, "NotFound")
    created = int(api.post(PODS, named("p")).revision)
    answer = api.delete(f"{PODS}/p")
    assert answer.json["kind"] == "Pod"
    assert int(answer.revision) == created + 1


def test_delete_preconditions_and_dry_run(api: Api) -> None:
    obj = api.post(MAPS, named("a")).json["metadata"]
    assert refusal(api.delete(f"{MAPS}/a", {"preconditions": {"uid": "x"}})) == (409, "Conflict")
    assert refusal(api.delete(f"{MAPS}/a", {"preconditions": {"resourceVersion": "1"}})) == (409, "Conflict")
    assert api.delete(f"{MAPS}/a", dryRun="All").code == 200
    assert api.delete(f"{MAPS}/a", {"kind": "DeleteOptions", "dryRun": ["All"]}).code == 200
    assert refusal(api.delete(f"{MAPS}/a", propagationPolicy="Sideways")) == (422, "Invalid")
    assert refusal(api.delete(f"{MAPS}/a", {"kind": "Pod"})) == (400, "BadRequest")
    assert refusal(api.delete(f"{MAPS}/a", b"{")) == (400, "BadRequest")
    right = {"uid": obj["uid"], "resourceVersion": obj["resourceVersion"]}
    assert api.delete(f"{MAPS}/a", {"preconditions": right, "propagationPolicy": "Foreground"}).code == 200
    assert api.get(f"{MAPS}/a").code == 404


def test_finalizers_hold_an_object_until_the_last_is_gone(api: Api) -> None:
    api.post(WIDGETS, widget("a", finalizers=["a/b", "c/d"]))
    marked = api.delete(f"{WIDGETS}/a").json
    assert marked["metadata"]["deletionTimestamp"]
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    assert marked["metadata"]["generation"] == 2
    assert api.delete(f"{WIDGETS}/a").json == marked
    answer = api.merge(f"{WIDGETS}/a", {"metadata": {"finalizers": ["a/b", "e/f"]}})
    assert refusal(answer) == (422, "Invalid")
    assert answer.json["details"]["causes"][0]["field"] == "metadata.finalizers"
    kept = api.merge(f"{WIDGETS}/a", {"metadata": {"deletionTimestamp": None, "finalizers": ["a/b"]}}).json
    assert kept["metadata"]["deletionTimestamp"] == marked["metadata"]["deletionTimestamp"]
    before = int(api.server.resource_version)
    gone = api.merge(f"{WIDGETS}/a", {"metadata": {"finalizers": None}})
    assert gone.code == 200
    assert "finalizers" not in gone.json["metadata"]
    assert api.get(f"{WIDGETS}/a").code == 404
    assert int(api.server.resource_version) == before + 1


def test_removing_finalizers_of_a_living_object_deletes_nothing(api: Api) -> None:
    api.post(MAPS, named("a", finalizers=["a/b"]))
    assert api.merge(f"{MAPS}/a", {"metadata": {"finalizers": []}}).code == 200
    assert api.get(f"{MAPS}/a").code == 200


def test_delete_collection(api: Api) -> None:
    for name, app in (("a", "x"), ("b", "y"), ("c", "x")):
        api.post(MAPS, named(name, labels={"app": app}, finalizers=["a/b"] if name == "c" else []))
    api.post(MAPS.replace("shop", "other"), named("a", labels={"app": "x"}))
    answer = api.delete(MAPS, labelSelector="app=x")
    assert answer.code == 200
    assert answer.json["kind"] == "ConfigMapList"
    assert answer.names == ["a", "c"]
    assert api.get("/api/v1/configmaps").names == ["a", "b", "c"]
    assert api.get(f"{MAPS}/c").json["metadata"]["deletionTimestamp"]
    assert api.delete(MAPS, dryRun="All").names == ["b", "c"]
    assert api.get(MAPS).names == ["b", "c"]


# ---- versions and forms


def test_versions_of_a_resource_share_its_objects(api: Api) -> None:
    created = api.post(WIDGETS, widget("a")).json
    old = api.get(f"{WIDGETS}/a".replace("v1", "v1beta1")).json
    assert old == {**created, "apiVersion": "example.com/v1beta1"}


def test_members_stand_in_the_order_of_a_real_server(api: Api) -> None:
    api.server.put(
        {
            "metadata": {
                "managedFields": [{"manager": "x"}],
                "labels": {"b": "1", "a": "2"},
                "namespace": "shop",
                "name": "a",
            },
            "spec": {},
            "kind": "Pod",
            "apiVersion": "v1",
        }
    )
    text = api.get(f"{PODS}/a").body.decode()
    assert text.startswith('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"shop","uid":"')
    assert re.search(r'"labels":\{"b":"1","a":"2"\},"managedFields":\[\{"manager":"x"\}\]\},"spec":', text)
    api.post(WIDGETS, widget("a", labels={"b": "1", "a": "2"}))
    text = api.get(f"{WIDGETS}/a").body.decode()
    assert text.startswith('{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"creationTimestamp":"')
    assert re.search(r'"labels":\{"a":"2","b":"1"\},"managedFields":\[.*\],"name":"a"', text)
