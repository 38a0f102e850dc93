"""Single objects: what the server sets, keeps, counts and refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.conftest import JSON_PATCH, MERGE

if TYPE_CHECKING:
    from tests.contract.conftest import Api


def named(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}}


def lease(name: str, **spec: Any) -> dict[str, Any]:
    return {**named(name), "spec": spec}


def deployment(name: str, image: str = "a", **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": image}]}}
    return {**named(name), "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}}


# ---- create


def test_what_the_server_sets(api: Api) -> None:
    sent = named("a", uid="mine", creationTimestamp="2001-01-01T00:00:00Z", generation=9)
    answer = api.post(api.deployments, {**sent, "spec": deployment("a")["spec"], "status": {"replicas": 4}})
    assert answer.code == 201
    metadata = answer.metadata
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata["uid"])
    assert metadata["creationTimestamp"] > "2001-01-01T00:00:00Z"
    assert metadata["generation"] == 1
    assert metadata["namespace"] == api.namespace
    assert (answer.json["kind"], answer.json["apiVersion"]) == ("Deployment", "apps/v1")
    assert answer.json["status"] == {}
    assert api.get(f"{api.deployments}/a").json == answer.json


def test_generate_name(api: Api) -> None:
    answer = api.post(api.maps, {"metadata": {"generateName": "web-"}})
    assert re.fullmatch(r"web-[a-z0-9]{5}", answer.metadata["name"])
    assert answer.metadata["generateName"] == "web-"
    long = api.post(api.maps, {"metadata": {"generateName": "x" * 70}})
    assert re.fullmatch(r"x{58}[a-z0-9]{5}", long.metadata["name"])


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"metadata": {}}, (422, "Invalid", [("FieldValueRequired", "metadata.name")])),
        (named("A_b"), (422, "Invalid", [("FieldValueInvalid", "metadata.name")])),
        (named("a", resourceVersion="1"), (500, "", [])),
        (named("a", namespace="other"), (400, "BadRequest", [])),
        ({**named("a"), "kind": "Secret", "apiVersion": "v1"}, (400, "BadRequest", [])),
        ({**named("a"), "kind": "ConfigMap", "apiVersion": "v2"}, (400, "BadRequest", [])),
        (b'{"metadata":', (400, "BadRequest", [])),
    ],
)
def test_what_create_refuses(api: Api, body: Any, refusal: tuple[int, str, list[tuple[str, str]]]) -> None:
    assert api.post(api.maps, body).refusal == refusal


def test_a_taken_name_and_a_missing_object(api: Api) -> None:
    api.post(api.maps, named("a"))
    taken = api.post(api.maps, named("a"))
    assert taken.refusal == (409, "AlreadyExists", [])
    assert taken.json["message"] == 'configmaps "a" already exists'
    assert taken.json["details"] == {"name": "a", "kind": "configmaps"}
    for answer in (api.get(f"{api.deployments}/b"), api.delete(f"{api.deployments}/b")):
        assert answer.refusal == (404, "NotFound", [])
        assert answer.json["message"] == 'deployments.apps "b" not found'
        assert answer.json["details"] == {"name": "b", "group": "apps", "kind": "deployments"}


def test_a_namespace_that_is_not_there(api: Api) -> None:
    answer = api.post("/api/v1/namespaces/nowhere/configmaps", named("a"))
    assert answer.refusal == (404, "NotFound", [])
    assert answer.json["details"] == {"name": "nowhere", "kind": "namespaces"}
    assert api.get("/api/v1/namespaces/nowhere/configmaps").names == []


@pytest.mark.parametrize(
    ("metadata", "cause"),
    [
        ({"labels": {"a b": "c"}}, ("FieldValueInvalid", "metadata.labels")),
        ({"labels": {"a": "c d"}}, ("FieldValueInvalid", "metadata.labels")),
        ({"labels": {"A_b.example/a": "c"}}, ("FieldValueInvalid", "metadata.labels")),
        ({"labels": {"a" * 64: "c"}}, ("FieldValueInvalid", "metadata.labels")),
        ({"annotations": {"a b": "anything goes"}}, ("FieldValueInvalid", "metadata.annotations")),
        ({"annotations": {"a": "x" * 270_000}}, ("FieldValueTooLong", "metadata.annotations")),
        ({"finalizers": ["nope"]}, ("FieldValueInvalid", "metadata.finalizers[0]")),
        ({"finalizers": ["a b/c"]}, ("FieldValueInvalid", "metadata.finalizers")),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x"}]},
            ("FieldValueRequired", "metadata.ownerReferences[0].uid"),
        ),
        (
            {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "X", "name": "x", "uid": uid, "controller": True} for uid in "ab"
                ]
            },
            ("FieldValueInvalid", "metadata.ownerReferences"),
        ),
    ],
)
def test_what_metadata_may_not_say(api: Api, metadata: dict[str, Any], cause: tuple[str, str]) -> None:
    assert api.post(api.maps, named("a", **metadata)).refusal == (422, "Invalid", [cause])
    api.post(api.maps, named("a"))
    assert api.patch(f"{api.maps}/a", {"metadata": metadata}).refusal == (422, "Invalid", [cause])


@pytest.mark.parametrize("wrong", [{"metadata": {"name": 3}}, {**named("a", labels=["a"])}, {**named("a"), "data": 1}])
def test_wrong_types(api: Api, wrong: dict[str, Any]) -> None:
    answer = api.post(api.maps, wrong)
    assert answer.refusal == (400, "BadRequest", [])
    assert "cannot be handled as a ConfigMap: json: cannot unmarshal" in answer.json["message"]


def test_unknown_fields_of_built_in_kinds(api: Api) -> None:
    strange = deployment("a", extra=1)
    strange["spec"]["template"]["spec"]["containers"][0]["more"] = 2
    strict = api.post(api.deployments, strange, fieldValidation="Strict")
    assert strict.refusal == (400, "BadRequest", [])
    assert strict.json["message"] == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field '
        '"spec.template.spec.containers[0].more", unknown field "spec.extra"'
    )
    made = api.post(api.deployments, strange)
    assert made.code == 201
    assert "extra" not in made.json["spec"]
    assert "more" not in made.json["spec"]["template"]["spec"]["containers"][0]


def test_namespaces_carry_their_name_as_a_label(api: Api) -> None:
    found = api.get(f"/api/v1/namespaces/{api.namespace}").json
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": api.namespace}
    assert (found["spec"], found["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})


# ---- update


def test_generation_counts_changes_of_the_spec(api: Api) -> None:
    made = api.post(api.deployments, deployment("a")).json
    made["metadata"]["labels"] = {"x": "y"}
    labelled = api.put(f"{api.deployments}/a", made)
    assert labelled.metadata["generation"] == 1
    changed = api.patch(f"{api.deployments}/a", {"spec": {"replicas": 3}})
    assert changed.metadata["generation"] == 2
    status = api.patch(f"{api.deployments}/a/status", {"status": {"replicas": 3}, "spec": {"replicas": 9}})
    assert status.metadata["generation"] == 2
    assert (status.json["spec"]["replicas"], status.json["status"]["replicas"]) == (3, 3)
    again = api.patch(f"{api.deployments}/a", {"status": {"replicas": 8}})
    assert again.json["status"]["replicas"] == 3
    assert again.revision == status.revision


def test_an_update_that_changes_nothing_writes_nothing(api: Api) -> None:
    made = api.post(api.maps, {**named("a"), "data": {"x": "1"}})
    assert api.put(f"{api.maps}/a", made.json).revision == made.revision
    assert api.patch(f"{api.maps}/a", {"data": {"x": "1"}}).json == made.json


def test_optimistic_locking(api: Api) -> None:
    old = api.post(api.maps, {**named("a"), "data": {"x": "1"}}).json
    assert api.patch(f"{api.maps}/a", {"data": {"x": "2"}}).code == 200
    refused = api.put(f"{api.maps}/a", old)
    assert refused.refusal == (409, "Conflict", [])
    assert refused.json["details"] == {"name": "a", "kind": "configmaps"}
    assert refused.json["message"] == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to '
        "the latest version and try again"
    )
    del old["metadata"]["resourceVersion"]
    assert api.put(f"{api.maps}/a", {**named("a"), "data": {"x": "3"}}).code == 200
    other_uid = {**named("a", uid="00000000-0000-0000-0000-000000000000"), "data": {}}
    assert api.put(f"{api.maps}/a", other_uid).refusal == (409, "Conflict", [])


def test_updates_of_leases_need_a_resource_version(api: Api) -> None:
    api.post(api.leases, lease("a", holderIdentity="me"))
    refused = api.put(f"{api.leases}/a", lease("a", holderIdentity="you"))
    assert refused.refusal == (422, "Invalid", [("FieldValueInvalid", "metadata.resourceVersion")])


def test_name_and_url_must_agree(api: Api) -> None:
    api.post(api.maps, named("a"))
    assert api.put(f"{api.maps}/a", named("b")).refusal == (400, "BadRequest", [])
    assert api.put(f"{api.maps}/nothere", named("nothere")).refusal == (404, "NotFound", [])


# ---- patch


def test_merge_and_json_patches(api: Api) -> None:
    api.post(api.maps, {**named("a"), "data": {"x": "1", "y": "2"}})
    assert api.patch(f"{api.maps}/a", {"data": {"x": None, "z": "3"}}, MERGE).json["data"] == {"y": "2", "z": "3"}
    steps = [
        {"op": "test", "path": "/data/y", "value": "2"},
        {"op": "replace", "path": "/data/y", "value": "4"},
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/q~1r", "value": "5"},
        {"op": "remove", "path": "/data/z"},
    ]
    patched = api.patch(f"{api.maps}/a", steps, JSON_PATCH)
    assert (patched.json["data"], patched.metadata["annotations"]) == ({"y": "4"}, {"q/r": "5"})
    failed = [{"op": "test", "path": "/data/y", "value": "9"}]
    assert api.patch(f"{api.maps}/a", failed, JSON_PATCH).refusal == (422, "Invalid", [])
    assert api.patch(f"{api.maps}/a", [{"op": "remove", "path": "/data/no"}], JSON_PATCH).code == 422
    assert api.patch(f"{api.maps}/a", b"{", MERGE).refusal == (400, "BadRequest", [])
    assert api.patch(f"{api.maps}/a", {"data": {}}, "application/nonsense").refusal == (415, "UnsupportedMediaType", [])
    stale = {"metadata": {"resourceVersion": "1"}, "data": {"x": "6"}}
    assert api.patch(f"{api.maps}/a", stale, MERGE).refusal == (409, "Conflict", [])
    other_uid = {"metadata": {"uid": "other"}}
    assert api.patch(f"{api.maps}/a", other_uid).refusal == (422, "Invalid", [("FieldValueInvalid", "metadata.uid")])


# ---- delete


def test_deletion(api: Api) -> None:
    uid = api.post(api.maps, named("a")).metadata["uid"]
    deleted = api.delete(f"{api.maps}/a")
    assert deleted.code == 200
    assert deleted.json["status"] == "Success"
    assert deleted.json["details"] == {"name": "a", "kind": "configmaps", "uid": uid}
    assert api.get(f"{api.maps}/a").code == 404


def test_preconditions_of_deletion(api: Api) -> None:
    made = api.post(api.maps, named("a"))
    wrong = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "other"}}
    refused = api.delete(f"{api.maps}/a", wrong)
    assert refused.refusal == (409, "Conflict", [])
    assert "the UID in the precondition (other) does not match the UID in record" in refused.json["message"]
    assert api.delete(f"{api.maps}/a", {"preconditions": {"resourceVersion": "1"}}).refusal == (409, "Conflict", [])
    right = {"preconditions": {"uid": made.metadata["uid"], "resourceVersion": made.revision}}
    assert api.delete(f"{api.maps}/a", right).code == 200


def test_finalizers_hold_an_object(api: Api) -> None:
    api.post(api.maps, named("a", finalizers=["example.com/one", "example.com/two"]))
    marked = api.delete(f"{api.maps}/a")
    assert marked.code == 200
    assert marked.metadata["deletionTimestamp"]
    assert marked.metadata["deletionGracePeriodSeconds"] == 0
    assert api.delete(f"{api.maps}/a").metadata["deletionTimestamp"] == marked.metadata["deletionTimestamp"]
    more = {"metadata": {"finalizers": ["example.com/one", "example.com/new"]}}
    assert api.patch(f"{api.maps}/a", more).refusal == (
        422,
        "Invalid",
        [("FieldValueForbidden", "metadata.finalizers")],
    )
    assert api.patch(f"{api.maps}/a", {"metadata": {"finalizers": ["example.com/two"]}}).code == 200
    assert api.get(f"{api.maps}/a").code == 200
    assert api.patch(f"{api.maps}/a", {"metadata": {"finalizers": None}}).code == 200
    assert api.get(f"{api.maps}/a").code == 404


def test_deletecollection(api: Api) -> None:
    for name, color in (("a", "red"), ("b", "blue"), ("c", "red")):
        api.post(api.maps, named(name, labels={"color": color}))
    deleted = api.delete(api.maps, labelSelector="color=red")
    assert (deleted.code, deleted.json["kind"]) == (200, "ConfigMapList")
    left = [name for name in api.get(api.maps).names if name != "kube-root-ca.crt"]
    assert left == ["b"]


def test_nothing_new_comes_into_a_namespace_that_is_going(api: Api) -> None:
    api.post(api.maps, named("a", finalizers=["example.com/hold"]))
    going = api.delete(f"/api/v1/namespaces/{api.namespace}")
    assert (going.code, going.json["status"]["phase"]) == (200, "Terminating")
    refused = api.post(api.maps, named("b"))
    assert refused.refusal == (403, "Forbidden", [("NamespaceTerminating", "metadata.namespace")])
    assert refused.json["message"] == (
        f'configmaps "b" is forbidden: unable to create new content in namespace {api.namespace} because it is being '
        "terminated"
    )
    api.patch(f"{api.maps}/a", {"metadata": {"finalizers": None}})


# ---- dry run


def test_dry_run(api: Api) -> None:
    made = api.post(api.maps, named("a"), dryRun="All")
    assert (made.code, "resourceVersion" in made.metadata) == (201, False)
    assert api.get(f"{api.maps}/a").code == 404
    assert api.post(api.maps, named("a"), dryRun="Some").refusal[:2] == (422, "Invalid")
    kept = api.post(api.maps, named("a"))
    assert api.patch(f"{api.maps}/a", {"data": {"x": "1"}}, dryRun="All").json["data"] == {"x": "1"}
    assert api.delete(f"{api.maps}/a", dryRun="All").code == 200
    assert api.get(f"{api.maps}/a").json == kept.json


# ---- paths


def test_paths_that_lead_nowhere(api: Api) -> None:
    nowhere = api.get("/apis/nothing.example.com/v1/things")
    assert (nowhere.code, nowhere.json) == (404, "404 page not found\n")
    assert api.get(f"{api.core}/nothings").refusal == (404, "NotFound", [])
    assert api.post("/api/v1/configmaps", named("a")).refusal == (405, "MethodNotAllowed", [])
    assert api.get(f"{api.maps}/a/nothing").code == 404
