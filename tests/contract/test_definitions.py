"""CustomResourceDefinitions: what they define is served, pruned, defaulted and validated, and goes with them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.conftest import JSON_PATCH, STRATEGIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.conftest import Api

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

SPEC = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 10},
        "replicas": {"type": "integer"},
        "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 4},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2, "x-kubernetes-list-type": "set"},
        "parts": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["id"],
            "items": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "n": {"type": "integer", "default": 5}},
            },
        },
        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "port": {"x-kubernetes-int-or-string": True},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 1},
        "maybe": {"type": "string", "nullable": True},
        "when": {"type": "string", "format": "date-time"},
        "one": {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
    },
}


def definition(group: str, **version: Any) -> dict[str, Any]:
    status = {"type": "object", "properties": {"replicas": {"type": "integer"}, "selector": {"type": "string"}}}
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": SPEC, "status": status}}
    subresources = {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }
    first = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gadgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "kind": "Gadget", "shortNames": ["gd"]},
            "versions": [{**first, "subresources": subresources, **version}],
        },
    }


class Gadgets:
    """A definition of this test's own."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.group = f"g{uuid.uuid4().hex[:8]}.example.com"
        self.path = f"/apis/{self.group}/v1/namespaces/{api.namespace}/gadgets"
        self.definition = f"{DEFINITIONS}/gadgets.{self.group}"

    def made(self, name: str, spec: Any, **more: Any) -> dict[str, Any]:
        return {
            "apiVersion": f"{self.group}/v1",
            "kind": "Gadget",
            "metadata": {"name": name},
            **({} if spec is None else {"spec": spec}),
            **more,
        }


@pytest.fixture
def gadgets(api: Api) -> Iterator[Gadgets]:
    gadgets = Gadgets(api)
    assert api.post(DEFINITIONS, definition(gadgets.group)).code == 201
    api.eventually(gadgets.path, 200)
    yield gadgets
    api.delete(gadgets.definition)


def test_a_definition_is_established(api: Api, gadgets: Gadgets) -> None:
    found = api.get(gadgets.definition).json
    conditions = {each["type"]: (each["status"], each["reason"]) for each in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": ("True", "NoConflicts"), "Established": ("True", "InitialNamesAccepted")}
    assert found["status"]["storedVersions"] == ["v1"]
    assert found["status"]["acceptedNames"] == found["spec"]["names"]
    assert found["spec"]["names"] == {
        "plural": "gadgets",
        "singular": "gadget",
        "kind": "Gadget",
        "listKind": "GadgetList",
        "shortNames": ["gd"],
    }
    assert found["spec"]["conversion"] == {"strategy": "None"}


def test_discovery_follows(api: Api, gadgets: Gadgets) -> None:
    listed = {each["name"]: each for each in api.get(f"/apis/{gadgets.group}/v1").json["resources"]}
    assert set(listed) == {"gadgets", "gadgets/status", "gadgets/scale"}
    assert listed["gadgets"]["shortNames"] == ["gd"]
    assert listed["gadgets"]["singularName"] == "gadget"
    assert (listed["gadgets/scale"]["kind"], listed["gadgets/scale"]["group"]) == ("Scale", "autoscaling")
    assert gadgets.group in [group["name"] for group in api.get("/apis").json["groups"]]


def test_unknown_fields_go_and_defaults_come(api: Api, gadgets: Gadgets) -> None:
    spec = {
        "size": 1,
        "extra": 1,
        "parts": [{"id": "1", "z": 1}],
        "any": {"x": {"y": 1}},
        "maybe": None,
        "port": "http",
    }
    made = api.post(gadgets.path, {**gadgets.made("a", spec), "more": 1})
    assert made.json["spec"] == {
        "size": 1,
        "color": "red",
        "parts": [{"id": "1", "n": 5}],
        "any": {"x": {"y": 1}},
        "maybe": None,
        "port": "http",
    }
    assert "more" not in made.json
    null = api.post(gadgets.path, gadgets.made("c", {"size": 1, "color": None}))
    assert null.json["spec"] == {"size": 1, "color": "red"}
    strict = api.post(gadgets.path, gadgets.made("b", spec), fieldValidation="Strict")
    assert strict.refusal == (400, "BadRequest", [])
    assert strict.json["message"].endswith(
        'strict decoding error: unknown field "spec.extra", unknown field "spec.parts[0].z"'
    )


@pytest.mark.parametrize(
    "spec",
    [
        None,
        {},
        [],
        {"size": "x"},
        {"size": 0, "maybe": 3},
        {"size": 11, "color": "green", "name": "ABC"},
        {"size": 1, "name": "a"},
        {"size": 1, "name": "abcde"},
        {"size": 1, "tags": ["a", "a"], "parts": [{"id": "1"}, {"id": "1"}]},
        {"size": 1, "tags": ["a", "b", "c"], "parts": [{"n": "x"}]},
        {"size": 1, "map": {"a": 1, "b": "x"}, "port": True, "when": "now"},
        {"size": 1, "one": {"a": "x", "b": "y"}},
    ],
)
def test_what_does_not_fit_the_schema(api: Api, gadgets: Gadgets, spec: Any) -> None:
    answer = api.post(gadgets.path, gadgets.made("a", spec))
    code, reason, _ = answer.refusal
    assert (code, reason) == (422, "Invalid")
    causes = answer.json["details"]["causes"]
    found = sorted((cause["reason"], cause["field"], cause["message"]) for cause in causes)
    # What a scale looks at is also complained of by the scale.
    found = [each for each in found if not each[1].startswith(".spec")]
    assert found == sorted(CAUSES[str(spec)])


def _type(path: str, wanted: str, found: str) -> tuple[str, str, str]:
    return (
        "FieldValueTypeInvalid",
        path,
        f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"',
    )


CAUSES: dict[str, list[tuple[str, str, str]]] = {
    "None": [("FieldValueRequired", "spec", "Required value")],
    "{}": [("FieldValueRequired", "spec.size", "Required value")],
    "[]": [_type("spec", "object", "array")],
    "{'size': 'x'}": [_type("spec.size", "integer", "string")],
    "{'size': 0, 'maybe': 3}": [
        _type("spec.maybe", "string", "integer"),
        (
            "FieldValueInvalid",
            "spec.size",
            "Invalid value: 0: spec.size in body should be greater than or equal to 1",
        ),
    ],
    "{'size': 11, 'color': 'green', 'name': 'ABC'}": [
        ("FieldValueInvalid", "spec.size", "Invalid value: 11: spec.size in body should be less than or equal to 10"),
        ("FieldValueNotSupported", "spec.color", 'Unsupported value: "green": supported values: "red", "blue"'),
        ("FieldValueInvalid", "spec.name", "Invalid value: \"ABC\": spec.name in body should match '^[a-z]+$'"),
    ],
    "{'size': 1, 'name': 'a'}": [
        ("FieldValueInvalid", "spec.name", 'Invalid value: "a": spec.name in body should be at least 2 chars long')
    ],
    "{'size': 1, 'name': 'abcde'}": [("FieldValueTooLong", "spec.name", "Too long: may not be more than 4 bytes")],
    "{'size': 1, 'tags': ['a', 'a'], 'parts': [{'id': '1'}, {'id': '1'}]}": [
        ("FieldValueDuplicate", "spec.tags[1]", 'Duplicate value: "a"'),
        ("FieldValueDuplicate", "spec.parts[1]", 'Duplicate value: {"id":"1"}'),
    ],
    "{'size': 1, 'tags': ['a', 'b', 'c'], 'parts': [{'n': 'x'}]}": [
        ("FieldValueTooMany", "spec.tags", "Too many: 3: must have at most 2 items"),
        ("FieldValueRequired", "spec.parts[0].id", "Required value"),
        _type("spec.parts[0].n", "integer", "string"),
    ],
    "{'size': 1, 'map': {'a': 1, 'b': 'x'}, 'port': True, 'when': 'now'}": [
        ("FieldValueTooMany", "spec.map", "Too many: 2: must have at most 1 item"),
        _type("spec.map.b", "integer", "string"),
        _type("spec.port", "integer,string", "boolean"),
        _type("spec.when", "date-time", "now"),
    ],
    "{'size': 1, 'one': {'a': 'x', 'b': 'y'}}": [
        (
            "FieldValueInvalid",
            "<nil>",
            'Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
        )
    ],
}


def test_updates_need_a_resource_version_and_count_generations(api: Api, gadgets: Gadgets) -> None:
    made = api.post(gadgets.path, gadgets.made("a", {"size": 1}, status={"replicas": 3}))
    assert "status" not in made.json
    refused = api.put(f"{gadgets.path}/a", gadgets.made("a", {"size": 2}))
    assert refused.refusal == (422, "Invalid", [("FieldValueInvalid", "metadata.resourceVersion")])
    changed = api.put(f"{gadgets.path}/a", {**made.json, "spec": {"size": 2}})
    assert (changed.code, changed.metadata["generation"]) == (200, 2)
    wrong = api.patch(f"{gadgets.path}/a", {"spec": {"size": 99}})
    assert wrong.refusal == (422, "Invalid", [("FieldValueInvalid", "spec.size")])
    assert api.patch(f"{gadgets.path}/a", {"spec": {"size": 3}}, STRATEGIC).refusal[0] == 415
    steps = [{"op": "replace", "path": "/spec/size", "value": 4}]
    assert api.patch(f"{gadgets.path}/a", steps, JSON_PATCH).json["spec"]["size"] == 4


def test_another_kind_and_fields_that_cannot_be_selected(api: Api, gadgets: Gadgets) -> None:
    other = api.post(gadgets.path, {**gadgets.made("a", {"size": 1}), "kind": "Other"})
    assert other.refusal == (422, "Invalid", [("FieldValueInvalid", "kind")])
    nameless = {name: value for name, value in gadgets.made("a", {"size": 1}).items() if name != "kind"}
    assert api.post(gadgets.path, nameless).refusal == (400, "BadRequest", [])
    selected = api.get(gadgets.path, fieldSelector="spec.size=1")
    assert selected.refusal == (400, "BadRequest", [])
    assert selected.json["message"] == "field label not supported: spec.size"


def test_status_and_scale_are_apart(api: Api, gadgets: Gadgets) -> None:
    api.post(gadgets.path, gadgets.made("a", {"size": 1}))
    assert api.get(f"{gadgets.path}/a/scale").refusal == (500, "InternalError", [("", "")])
    status = {"status": {"replicas": 2, "selector": "a=b"}, "spec": {"size": 9}, "metadata": {"labels": {"x": "y"}}}
    answer = api.patch(f"{gadgets.path}/a/status", status)
    assert (answer.json["spec"]["size"], answer.metadata.get("labels"), answer.metadata["generation"]) == (1, None, 1)
    assert api.patch(f"{gadgets.path}/a", {"spec": {"replicas": 0}}).code == 200
    scale = api.get(f"{gadgets.path}/a/scale")
    assert (scale.json["kind"], scale.json["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (scale.json["spec"], scale.json["status"]) == ({}, {"replicas": 2, "selector": "a=b"})
    assert api.patch(f"{gadgets.path}/a/scale", {"spec": {"replicas": 5}}).json["spec"] == {"replicas": 5}
    found = api.get(f"{gadgets.path}/a")
    assert (found.json["spec"]["replicas"], found.metadata["generation"]) == (5, 3)
    stale = {**scale.json, "spec": {"replicas": 7}}
    assert api.put(f"{gadgets.path}/a/scale", stale).refusal == (409, "Conflict", [])
    assert api.patch(f"{gadgets.path}/a/scale", {"spec": {"replicas": -1}}).refusal == (
        422,
        "Invalid",
        [("FieldValueInvalid", ".spec.replicas")],
    )


def test_lists_and_watches(api: Api, gadgets: Gadgets) -> None:
    revision = api.post(gadgets.path, gadgets.made("a", {"size": 1})).revision
    listed = api.get(gadgets.path)
    assert listed.json["kind"] == "GadgetList"
    assert [item["kind"] for item in listed.json["items"]] == ["Gadget"]
    watch = api.watch(gadgets.path, resourceVersion=revision)
    api.post(gadgets.path, gadgets.made("b", {"size": 1}))
    assert watch.take(1) == ["ADDED b"]


def test_versions_share_their_objects(api: Api, gadgets: Gadgets) -> None:
    api.post(gadgets.path, gadgets.made("a", {"size": 1}))
    found = api.get(gadgets.definition).json
    found["spec"]["versions"].append({**found["spec"]["versions"][0], "name": "v2", "storage": False})
    assert api.put(gadgets.definition, found).code == 200
    newer = gadgets.path.replace("/v1/", "/v2/")
    assert api.eventually(f"{newer}/a", 200).json["apiVersion"] == f"{gadgets.group}/v2"
    found = api.get(gadgets.definition).json
    found["spec"]["versions"][0]["served"] = False
    assert api.put(gadgets.definition, found).code == 200
    api.eventually(gadgets.path, 404)
    assert api.get(f"{newer}/a").code == 200


def test_a_definition_takes_its_objects_with_it(api: Api, gadgets: Gadgets) -> None:
    revision = api.post(gadgets.path, gadgets.made("a", {"size": 1})).revision
    watch = api.watch(gadgets.path, resourceVersion=revision)
    assert api.delete(gadgets.definition).code == 200
    assert watch.take(1) == ["DELETED a"]
    api.eventually(gadgets.definition, 404)
    api.eventually(gadgets.path, 404)
    assert watch.ended()
    assert api.post(DEFINITIONS, definition(gadgets.group)).code == 201
    assert api.eventually(gadgets.path, 200).names == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"group": "other.example.com"}, "metadata.name"),
        ({"scope": "Everywhere"}, "spec.scope"),
        ({"versions": []}, "spec.versions"),
    ],
)
def test_definitions_that_define_nothing(api: Api, change: dict[str, Any], field: str) -> None:
    wrong = definition(f"g{uuid.uuid4().hex[:8]}.example.com")
    wrong["spec"] |= change
    code, reason, causes = api.post(DEFINITIONS, wrong).refusal
    assert (code, reason) == (422, "Invalid")
    assert field in [each for _, each in causes]


def test_a_schema_is_required(api: Api) -> None:
    wrong = definition("x.example.com", schema={"openAPIV3Schema": None})
    _, _, causes = api.post(DEFINITIONS, wrong).refusal
    assert ("FieldValueRequired", "spec.versions[0].schema.openAPIV3Schema") in causes
