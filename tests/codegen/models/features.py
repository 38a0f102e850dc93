"""Every feature of structural schemas as a property: its schema, its type in Python, and values that a server takes."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tests.codegen.models.structural import PRESERVES, QUANTITY

__all__ = [
    "AMOUNT",
    "DEFAULTS",
    "FEATURES",
    "INTEGER_OR_STRING",
    "POD",
    "STRUCT",
    "TEXT",
    "Feature",
    "array",
    "nullable",
]

ANY: list[Any] = [{"a": {"b": [None, {}]}}, {}, [], [1, None], "text", "", 0, 1.5, True, False, 2**62, 1e300]
TEXT = {"type": "string"}
STRUCT = {"type": "object", "properties": {"a": TEXT}}
INTEGER_OR_STRING = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
AMOUNT = {**INTEGER_OR_STRING, "pattern": QUANTITY}
EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True}
POD: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"creationTimestamp": None, "labels": {"a": "b"}}}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "nullable": True}


def array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def mapping(values: object) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


class Feature(NamedTuple):
    """A property of WidgetSpec.

    Attributes:
        schema: Its structural schema.
        annotation: What its attribute is annotated with where it is optional.
        values: What an API server takes for it.
    """

    schema: dict[str, Any]
    annotation: str
    values: list[Any]


_FEATURES: Final[dict[str, tuple[dict[str, Any], str, list[Any]]]] = {
    "any": (PRESERVES, "Json", ANY),
    "anyWithProperties": ({**PRESERVES, "properties": {"other": TEXT}}, "Json", ANY),
    "anyMap": (mapping(PRESERVES), "dict[str, Json]", [{str(key): value for key, value in enumerate(ANY)}]),
    "anyList": (array(PRESERVES), "list[Json]", [ANY]),
    "anyNullable": (nullable(PRESERVES), "Json", [*ANY, None]),
    "anyNullableItems": (array(nullable(PRESERVES)), "list[Json]", [[*ANY, None]]),
    "free": ({**PRESERVES, "type": "object"}, "RawExtension", [{}, {"a": None}]),
    "freeNullable": ({**PRESERVES, **nullable({"type": "object"})}, "RawExtension | None", [None, {}, {"a": None}]),
    "freeList": (array({**PRESERVES, "type": "object"}), "list[RawExtension]", [[{}, {"a": [1]}]]),
    "open": ({**PRESERVES, **STRUCT}, "WidgetSpecOpen | None", [{}, {"a": "b", "c": {"d": [None]}, "A": 1}]),
    "openList": (array({**PRESERVES, **STRUCT}), "list[WidgetSpecOpenList]", [[{"b": 1}, {"a": ""}]]),
    "openMap": (mapping({**PRESERVES, **STRUCT}), "dict[str, WidgetSpecOpenMap]", [{"": {"b": None, "a": "x"}}]),
    "bare": ({"type": "object"}, "RawExtension", [{}]),
    "everything": (mapping(True), "RawExtension", [{}, {"a": [{}]}]),
    "port": (INTEGER_OR_STRING, "IntOrString | None", [0, 1, -1, "http", "", "1"]),
    "ports": (array(nullable(INTEGER_OR_STRING)), "list[IntOrString | None]", [[0, "a", None]]),
    "amount": (AMOUNT, "Quantity | None", [0, 1, -3, 10**15, "500m", "1.5Gi", ".5", "1e3", "0"]),
    "amounts": (mapping(AMOUNT), "dict[str, Quantity]", [{"cpu": 1, "memory": "2Gi"}]),
    "amountNullable": (nullable(AMOUNT), "Quantity | None", [None, 0, "1"]),
    "embedded": ({**EMBEDDED, **PRESERVES}, "RawExtension", [POD, {**POD, "spec": {"a": [None]}}]),
    "embeddedList": (array({**EMBEDDED, **PRESERVES}), "list[RawExtension]", [[POD, {**POD, "a": None}]]),
    "typed": (
        {**EMBEDDED, **PRESERVES, "properties": {"spec": STRUCT}},
        "WidgetSpecTyped | None",
        [POD, {**POD, "spec": {"a": "b"}, "status": {"x": None}}],
    ),
    "typedMap": (mapping({**EMBEDDED, "properties": {"spec": STRUCT}}), "dict[str, WidgetSpecTypedMap]", [{"a": POD}]),
    "text": (TEXT, "str | None", ["", "a"]),
    "textNullable": (nullable(TEXT), "str | None", [None, "", "a"]),
    "flagNullable": (nullable({"type": "boolean"}), "bool | None", [None, True, False]),
    "listNullable": (nullable(array(TEXT)), "list[str] | None", [None, [], ["a"]]),
    "itemsNullable": (array(nullable(TEXT)), "list[str | None]", [[], [None, "", "a"]]),
    "mapNullable": (nullable(mapping(TEXT)), "dict[str, str] | None", [None, {}, {"a": "b"}]),
    "valuesNullable": (mapping(nullable({"type": "integer"})), "dict[str, int | None]", [{"a": None, "b": 0}]),
    "structNullable": (nullable(STRUCT), "WidgetSpecStructNullable | None", [None, {}, {"a": "b"}]),
    "structsNullable": (
        nullable(array(nullable(STRUCT))),
        "list[WidgetSpecStructsNullable | None] | None",
        [None, [None, {}, {"a": ""}]],
    ),
    "nested": (mapping(mapping(array(STRUCT))), "dict[str, dict[str, list[WidgetSpecNested]]]", [{"a": {"b": [{}]}}]),
    "lists": (array(array(STRUCT)), "list[list[WidgetSpecLists]]", [[[], [{"a": "b"}, {}]]]),
    "listsNullable": (array(nullable(array(nullable(TEXT)))), "list[list[str | None] | None]", [[None, [None, "a"]]]),
    "validated": (
        {
            **STRUCT,
            "allOf": [{"required": ["a"]}],
            "anyOf": [{"properties": {"a": {"enum": ["b"]}}}, {"required": ["a"]}],
            "oneOf": [{"required": ["a"]}, {"not": {"required": ["a"]}}],
            "not": {"properties": {"a": {"maxLength": 0}}},
            "x-kubernetes-validations": [{"rule": "self.a != 'x'"}],
        },
        "WidgetSpecValidated | None",
        [{"a": "b"}],
    ),
    "validatedText": (
        {
            **TEXT,
            "allOf": [{"enum": ["a"]}],
            "not": {"enum": ["c"]},
            "x-kubernetes-validations": [{"rule": "true"}],
        },
        "str | None",
        ["a"],
    ),
    "validatedList": ({**array(TEXT), "allOf": [{"items": {"maxLength": 3}}]}, "list[str]", [["a"]]),
    "validatedMap": ({**mapping(TEXT), "oneOf": [{"properties": {"a": {}}}]}, "dict[str, str]", [{"a": "b"}]),
    "when": ({**TEXT, "format": "date-time"}, "Time | None", ["2026-01-02T03:04:05.000000Z", "2026-01-02t03:04:05z"]),
    "whens": (array({**TEXT, "format": "date-time"}), "list[Time]", [["2026-01-02T03:04:05+01:00"]]),
    "whenNullable": (array(nullable({**TEXT, "format": "date-time"})), "list[Time | None]", [[None]]),
    "duration": ({**TEXT, "format": "duration"}, "Duration | None", ["1h30m", "0s", "2 days"]),
    "bytes": ({**TEXT, "format": "byte"}, "str | None", ["/////w=="]),
    "date": ({**TEXT, "format": "date"}, "str | None", ["2026-01-02"]),
    "uuid": ({**TEXT, "format": "uuid"}, "str | None", ["123E4567-e89b-12d3-a456-426614174000"]),
    "address": ({**TEXT, "format": "ipv4"}, "str | None", ["10.0.0.1"]),
    "unheardOf": ({**TEXT, "format": "unheard-of"}, "str | None", ["a"]),
    "int32": ({"type": "integer", "format": "int32"}, "int | None", [0, 2**31 - 1]),
    "int64": ({"type": "integer", "format": "int64"}, "int | None", [2**63 - 1, -(2**63)]),
    "double": ({"type": "number", "format": "double"}, "Number | None", [0, 1, 1.5, -0.25, 1e21, 2**60]),
    "float": ({"type": "number", "format": "float"}, "Number | None", [0, 0.1]),
    "numbers": (array({"type": "number"}), "list[Number]", [[1, 1.5, -2]]),
}

FEATURES: Final = {name: Feature(*feature) for name, feature in _FEATURES.items()}
"""By property."""

DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "replicas": {"type": "integer", "default": 3},
    "policy": {"type": "string", "default": "Retain"},
    "needed": {"type": "string", "default": "x"},
    "paused": {"type": "boolean", "default": True},
    "ratio": {"type": "number", "default": 0.5},
    "surge": {**INTEGER_OR_STRING, "default": "25%"},
    "cpu": {**AMOUNT, "default": 2},
    "any": {**PRESERVES, "default": "any"},
    "timeout": {"type": "string", "format": "duration", "default": "1h30m"},
    "maybe": {"type": "integer", "nullable": True, "default": 7},
    "zero": {"type": "integer", "default": 0},
    "when": {"type": "string", "format": "date-time", "default": "2026-01-02T03:04:05Z"},
    "struct": {"type": "object", "properties": {"a": {"type": "string", "default": "b"}}, "default": {"a": "c"}},
    "maybeStruct": {
        "type": "object",
        "properties": {"a": {"type": "string", "default": "b"}},
        "default": {},
        "nullable": True,
    },
    "list": {**array(TEXT), "default": ["a"]},
    "maybeList": {**array(TEXT), "default": ["a"], "nullable": True},
}
"""Properties with a default."""
