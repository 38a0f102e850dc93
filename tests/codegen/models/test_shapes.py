"""What a property's schema becomes for the class generator."""

from __future__ import annotations

from typing import Any

import pytest

from kinform_codegen.models.places import Place
from kinform_codegen.models.shapes import STRUCT, ShapeReader, is_class, unwrapped

REF = "#/components/schemas/"
APIEXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
SCHEMAS: dict[str, dict[str, Any]] = {
    "a.v1.Struct": {"type": "object", "properties": {"x": {"type": "string"}}},
    "a.v1.Text": {"type": "string", "enum": ["x"]},
    "a.v1.Map": {"type": "object", "additionalProperties": {"type": "integer"}},
    f"{APIEXTENSIONS}JSONSchemaProps": {"type": "object"},
}
PLACES = {
    "a.v1.Struct": Place("a", "v1", "Struct"),
    f"{APIEXTENSIONS}JSONSchemaProps": Place("apiextensions", "v1", "JSONSchemaProps"),
}
STRUCT_REF = {"$ref": f"{REF}a.v1.Struct"}
SCHEMA_REF = {"$ref": f"{REF}apiextensions.v1.JSONSchemaProps"}


KIND = [{"group": "a.io", "version": "v1", "kind": "A"}]
QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
INTEGER_OR_STRING = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
PRESERVES = {"x-kubernetes-preserve-unknown-fields": True}
EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True}
ANY_OBJECT = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


def runtime(name: str) -> dict[str, str]:
    return {"customTypePath": f"kinform.model.{name}"}


@pytest.fixture
def hoisted() -> list[tuple[str, ...]]:
    return []


@pytest.fixture
def reader(hoisted: list[tuple[str, ...]]) -> ShapeReader:
    def hoist(_: object, path: tuple[str, ...]) -> str:
        hoisted.append(path)
        return "a.v1.Hoisted"

    return ShapeReader(SCHEMAS, PLACES, hoist)


@pytest.mark.parametrize(
    ("schema", "becomes", "zero"),
    [
        ({"type": "string", "pattern": "x", "enum": ["a"]}, {"type": "string"}, '""'),
        ({"type": "string", "format": "byte"}, {"type": "string"}, '""'),
        ({"type": "string", "format": "date-time"}, runtime("Time"), None),
        ({"type": "string", "format": "duration"}, runtime("Duration"), '""'),
        ({"type": "string", "format": "uuid"}, {"type": "string"}, '""'),
        ({"type": "string", "format": "unheard-of"}, {"type": "string"}, '""'),
        ({"type": "integer", "format": "double"}, {"type": "integer"}, "0"),
        ({"type": "number", "format": "int64"}, runtime("Number"), "0.0"),
        ({"type": "integer", "format": "int32", "minimum": 1}, {"type": "integer"}, "0"),
        ({"type": "boolean"}, {"type": "boolean"}, "False"),
        ({"type": "number"}, runtime("Number"), "0.0"),
        ({"type": ["string", "null"]}, {"type": "string"}, '""'),
        ({"type": ["string", "integer"]}, runtime("Json"), "None"),
        ({"enum": ["a", "b"]}, {"type": "string"}, '""'),
        ({"enum": ["a", 1]}, runtime("Json"), "None"),
        ({}, runtime("Json"), "None"),
        ({"x-kubernetes-int-or-string": True}, runtime("IntOrString"), "0"),
        ({"format": "int-or-string", "oneOf": []}, runtime("IntOrString"), "0"),
        (INTEGER_OR_STRING, runtime("IntOrString"), "0"),
        ({**INTEGER_OR_STRING, "pattern": "^[0-9]+%$"}, runtime("IntOrString"), "0"),
        ({**INTEGER_OR_STRING, "pattern": QUANTITY}, runtime("Quantity"), '""'),
        ({**INTEGER_OR_STRING, "allOf": [{"pattern": "x"}, {"pattern": QUANTITY}]}, runtime("Quantity"), '""'),
        ({"type": "string", "pattern": QUANTITY}, {"type": "string"}, '""'),
        (PRESERVES, runtime("Json"), "None"),
        ({**PRESERVES, "properties": {"a": {}}, "enum": ["a"]}, runtime("Json"), "None"),
        ({**PRESERVES, "nullable": True}, runtime("Json"), "None"),
        ({**PRESERVES, "type": "object"}, runtime("RawExtension"), "{}"),
        ({**PRESERVES, "type": "object", "properties": {"a": {}}}, {"$ref": f"{REF}a.v1.Hoisted"}, STRUCT),
        ({**PRESERVES, "type": "array", "items": PRESERVES}, {"type": "array", "items": runtime("Json")}, "[]"),
        (
            {"type": "array", "items": {**PRESERVES, "nullable": True}},
            {"type": "array", "items": runtime("Json")},
            "[]",
        ),
        (EMBEDDED, runtime("RawExtension"), "{}"),
        ({**EMBEDDED, "properties": ANY_OBJECT}, runtime("RawExtension"), "{}"),
        ({**EMBEDDED, "properties": {**ANY_OBJECT, "spec": {}}}, {"$ref": f"{REF}a.v1.Hoisted"}, STRUCT),
        # as Swagger v2 has it
        ({**PRESERVES, "x-kubernetes-embedded-resource": True}, runtime("RawExtension"), "{}"),
        # what only validates tells no type
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, runtime("Json"), "None"),
        ({"allOf": [{"type": "string"}]}, runtime("Json"), "None"),
        ({"type": "string", "allOf": [{"enum": ["a"]}], "not": {"type": "integer"}}, {"type": "string"}, '""'),
        ({"type": "object", "oneOf": [{"properties": {"a": {}}}]}, runtime("RawExtension"), "{}"),
        ({"type": "object"}, runtime("RawExtension"), "{}"),
        ({"type": "object", "additionalProperties": True}, runtime("RawExtension"), "{}"),
        ({"$ref": f"{REF}a.v1.Struct"}, STRUCT_REF, STRUCT),
        ({"allOf": [{"$ref": f"{REF}a.v1.Struct"}], "default": {}}, STRUCT_REF, STRUCT),
        ({"$ref": f"{REF}a.v1.Text"}, {"type": "string"}, '""'),
        ({"$ref": f"{REF}a.v1.Map"}, {"type": "object", "additionalProperties": {"type": "integer"}}, "{}"),
        ({"type": "array", "items": STRUCT_REF}, {"type": "array", "items": STRUCT_REF}, "[]"),
        ({"type": "array"}, {"type": "array", "items": runtime("Json")}, "[]"),
        (
            {"type": "array", "items": {"type": "string", "nullable": True}},
            {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "[]",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "{}",
        ),
        ({"$ref": f"{REF}{APIEXTENSIONS}JSON"}, runtime("Json"), "None"),
        ({"$ref": f"{REF}{APIEXTENSIONS}JSONSchemaPropsOrBool"}, {"anyOf": [SCHEMA_REF, {"type": "boolean"}]}, None),
        (
            {"$ref": f"{REF}{APIEXTENSIONS}JSONSchemaPropsOrArray"},
            {"anyOf": [SCHEMA_REF, {"type": "array", "items": SCHEMA_REF}]},
            None,
        ),
        (
            {"$ref": f"{REF}{APIEXTENSIONS}JSONSchemaPropsOrStringArray"},
            {"anyOf": [SCHEMA_REF, {"type": "array", "items": {"type": "string"}}]},
            None,
        ),
        ({"$ref": f"{REF}io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"}, runtime("MicroTime"), None),
        ({"$ref": f"{REF}io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"}, runtime("RawExtension"), "{}"),
        ({"$ref": f"{REF}io.k8s.apimachinery.pkg.api.resource.Quantity"}, runtime("Quantity"), '""'),
    ],
)
def test_shapes(reader: ShapeReader, schema: dict[str, Any], becomes: dict[str, Any], zero: str | None) -> None:
    shape = reader.read(schema, ("a.v1.Outer", "field"))
    assert shape.schema == becomes
    assert shape.zero == zero


def test_inner_objects_are_hoisted_under_their_path(reader: ShapeReader, hoisted: list[tuple[str, ...]]) -> None:
    inner = {"type": "object", "properties": {"x": {"type": "string"}}}
    assert reader.read(inner, ("a.v1.Outer", "one")).schema == {"$ref": f"{REF}a.v1.Hoisted"}
    reader.read({"type": "array", "items": inner}, ("a.v1.Outer", "many"))
    reader.read({"type": "object", "additionalProperties": {"type": "array", "items": inner}}, ("a.v1.Outer", "by"))
    reader.read({"properties": {"x": {}}}, ("a.v1.Outer", "untyped"))
    assert [path[-1] for path in hoisted] == ["one", "many", "by", "untyped"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {"a": {}}}, True),
        ({"properties": {"a": {}}}, True),
        ({"type": "object"}, True),
        ({"type": "object", "additionalProperties": {"type": "string"}}, False),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, False),
        ({"type": "string"}, False),
        ({}, False),
        ({"allOf": [{"type": "object", "properties": {"a": {}}}]}, False),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "x-kubernetes-group-version-kind": KIND},
            True,
        ),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": {}}}, True),
    ],
)
def test_which_schemas_become_classes(schema: dict[str, Any], expected: bool) -> None:
    assert is_class("some.v1.Schema", schema) is expected


def test_schemas_that_the_runtime_knows_are_no_classes() -> None:
    for name in ("runtime.RawExtension", "apis.meta.v1.FieldsV1", "apis.meta.v1.Patch"):
        assert not is_class(f"io.k8s.apimachinery.pkg.{name}", {"type": "object"})


def test_what_stands_beside_a_reference_is_kept() -> None:
    assert unwrapped({"allOf": [{"$ref": "#/x"}], "default": {}, "nullable": True}) == {
        "$ref": "#/x",
        "default": {},
        "nullable": True,
    }
    assert unwrapped({"allOf": [{"a": 1}, {"b": 2}]}) == {"allOf": [{"a": 1}, {"b": 2}]}
