"""Schemas: what is refused, and what becomes of the rest. tests/real/test_crd_openapi.py asks real servers the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kinform_codegen.errors import SpecError, json_pointer

if TYPE_CHECKING:
    from collections.abc import Callable

    SchemaOf = Callable[[object], dict[str, Any]]

VERDICTS = yaml.safe_load((Path(__file__).parent / "data" / "verdicts.yaml").read_text())
ROOT = ["spec", "versions", "0", "schema", "openAPIV3Schema"]
META = {"apiVersion", "kind", "metadata"}
EITHER = [{"type": "integer"}, {"type": "string"}]


@pytest.mark.parametrize("verdict", VERDICTS, ids=[each["case"] for each in VERDICTS])
def test_verdicts(schema_of: SchemaOf, verdict: dict[str, Any]) -> None:
    of_kind = "root" in verdict
    root = verdict["root"] if of_kind else {"type": "object", "properties": {"field": verdict["field"]}}
    if "refused" not in verdict:
        schema_of(root)
        return
    with pytest.raises(SpecError) as caught:
        schema_of(root)
    assert verdict["refused"] in caught.value.problem
    assert caught.value.mend
    assert caught.value.source == "crd.yaml, CustomResourceDefinition 'widgets.example.com'"
    field = [] if of_kind else ["properties", "field"]
    assert caught.value.pointer == json_pointer([*ROOT, *field, *verdict.get("at", [])])


def field(schema_of: SchemaOf, schema: object) -> object:
    return schema_of({"type": "object", "properties": {"field": schema}})["properties"]["field"]


@pytest.mark.parametrize(
    ("schema", "published"),
    [
        # Kept as they are.
        *(
            (schema, schema)
            for schema in (
                {"type": "string", "default": "", "enum": ["", "a"]},
                {"type": "integer", "default": 0, "minimum": 0, "maximum": 9, "exclusiveMaximum": True},
                {"type": "boolean", "default": False, "example": 0},
                {"type": "object", "default": {}, "properties": {"a": {"type": "string", "default": "b"}}},
                {"type": "object", "additionalProperties": False},
                {"type": "string", "nullable": True, "format": "date-time", "minLength": 0},
                {"properties": {"a": {"type": "string"}}, "x-kubernetes-preserve-unknown-fields": True},
                {"type": "string", "enum": ["a", None], "nullable": True},
            )
        ),
        # What is empty or null, and what is unknown.
        (
            {"type": "object", "properties": {}, "required": [], "nullable": False, "description": "", "default": None},
            {"type": "object"},
        ),
        ({"type": "string", "enum": [], "x-kubernetes-int-or-string": False, "anyOf": []}, {"type": "string"}),
        ({"type": "string", "readOnly": True, "x-mine": 1, "const": "a"}, {"type": "string"}),
        # An integer or a string.
        ({"x-kubernetes-int-or-string": True}, {"anyOf": EITHER, "x-kubernetes-int-or-string": True}),
        (
            {"x-kubernetes-int-or-string": True, "anyOf": EITHER, "pattern": "a"},
            {"x-kubernetes-int-or-string": True, "anyOf": EITHER, "pattern": "a"},
        ),
        (
            {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": EITHER}, {"maximum": 1}]},
            {"x-kubernetes-int-or-string": True, "allOf": [{"anyOf": EITHER}, {"maximum": 1}]},
        ),
        (
            {"x-kubernetes-int-or-string": True, "anyOf": [{"maximum": 1}], "allOf": [{"pattern": "a"}]},
            {
                "x-kubernetes-int-or-string": True,
                "anyOf": [{"maximum": 1}],
                "allOf": [{"anyOf": EITHER}, {"pattern": "a"}],
            },
        ),
        (
            {"x-kubernetes-int-or-string": True, "allOf": [{"pattern": "a"}]},
            {"x-kubernetes-int-or-string": True, "anyOf": EITHER, "allOf": [{"pattern": "a"}]},
        ),
        # Inside of junctors.
        (
            {"type": "object", "not": {"properties": {}, "required": ["a"], "additionalProperties": False, "x": 1}},
            {"type": "object", "not": {"required": ["a"]}},
        ),
    ],
)
def test_fields(schema_of: SchemaOf, schema: dict[str, Any], published: dict[str, Any]) -> None:
    assert field(schema_of, schema) == published
    assert field(schema_of, {"type": "array", "items": schema}) == {"type": "array", "items": published}
    assert field(schema_of, {"type": "object", "additionalProperties": schema}) == {
        "type": "object",
        "additionalProperties": published,
    }


def test_what_is_embedded_has_the_fields_of_an_object(schema_of: SchemaOf) -> None:
    published: Any = field(
        schema_of,
        {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "required": ["spec", "kind"],
            "properties": {
                "apiVersion": {"type": "string", "enum": ["v1"]},
                "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
                "spec": {"type": "object"},
            },
        },
    )
    assert published["required"] == ["spec", "kind", "apiVersion"]
    anything = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    bare: Any = field(schema_of, anything)
    assert bare["required"] == ["kind", "apiVersion"]
    assert bare["properties"].keys() == META
    assert published["properties"].keys() == META | {"spec"}
    assert published["properties"]["apiVersion"].keys() == {"description", "type"}
    assert published["properties"]["kind"]["description"].startswith("kind is a string value")
    assert published["properties"]["metadata"]["allOf"] == [
        {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    ]


@pytest.mark.parametrize(
    "metadata",
    [None, {"type": "object"}, {"type": "object", "properties": {"name": {"type": "string", "pattern": "^a$"}}}],
)
def test_a_kind_has_the_fields_of_an_object(schema_of: SchemaOf, metadata: object) -> None:
    own = {"metadata": metadata} if metadata else {}
    root = {
        "type": "object",
        "description": "A widget.",
        "required": ["spec", "metadata"],
        "properties": {**own, "kind": {"type": "string", "description": "Mine."}, "spec": {"type": "object"}},
    }
    published = schema_of(root)
    assert published["description"] == "A widget."
    assert published["required"] == ["spec", "metadata"]
    assert published["properties"].keys() == META | {"spec"}
    assert published["properties"]["kind"]["description"].startswith("Kind is a string value representing the REST")
    assert published["properties"]["metadata"].keys() == {"description", "allOf"}


def test_what_may_hold_anything_needs_no_type(schema_of: SchemaOf) -> None:
    published = schema_of({"x-kubernetes-preserve-unknown-fields": True})
    assert "type" not in published
    assert published["properties"].keys() == META


def test_the_definition_is_not_changed(schema_of: SchemaOf) -> None:
    root = {"type": "object", "properties": {"a": {"x-kubernetes-int-or-string": True, "allOf": [{"maximum": 1}]}}}
    copy: Any = yaml.safe_load(yaml.safe_dump(root))
    assert schema_of(root) == schema_of(root)
    assert root == copy


def test_names_of_fields_may_be_the_words_of_schemas(schema_of: SchemaOf) -> None:
    words = ("properties", "items", "$ref", "type", "allOf", "anyOf", "not", "default", "required", "", "a/b~c", "é")
    published = schema_of({"type": "object", "properties": {word: {"type": "string"} for word in words}})
    assert published["properties"].keys() == META | set(words)
    with pytest.raises(SpecError) as caught:
        schema_of({"type": "object", "properties": {"anyOf": {"type": "object", "properties": {"a/b~c": {}}}}})
    assert caught.value.pointer == json_pointer([*ROOT, "properties", "anyOf", "properties", "a/b~c"])
    assert caught.value.pointer.endswith("/a~1b~0c")
