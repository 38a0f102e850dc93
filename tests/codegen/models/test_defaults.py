"""Defaults in schemas, which may say anything: what of them becomes code."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from tests.codegen.models.features import DEFAULTS
from tests.codegen.models.structural import PRESERVES, QUANTITY, custom_resource

from kinform_codegen.models.defaults import default_source
from kinform_codegen.models.shapes import STRUCT, ShapeReader

if TYPE_CHECKING:
    from tests.codegen.models.conftest import MakeModels

INTEGER_OR_STRING = {"x-kubernetes-int-or-string": True}
STRINGS = {"type": "array", "items": {"type": "string"}}
STRUCTURE = {"type": "object", "properties": {"a": {"type": "string", "default": "b"}}}


@pytest.mark.parametrize(
    ("schema", "default", "source"),
    [
        ({"type": "string"}, "a", "'a'"),
        ({"type": "string"}, "", "''"),
        ({"type": "string"}, "'\"\\\n\u202e", "'\\'\"\\\\\\n\\u202e'"),
        ({"type": "string"}, 5, None),
        ({"type": "string"}, None, None),
        ({"type": "string"}, {}, None),
        ({"type": "string", "format": "duration"}, "30s", "'30s'"),
        ({"type": "integer"}, 3, "3"),
        ({"type": "integer"}, -(2**63), str(-(2**63))),
        ({"type": "integer"}, 2**63, None),
        ({"type": "integer"}, 3.0, "3"),
        ({"type": "integer"}, 3.5, None),
        ({"type": "integer"}, 1e300, None),
        ({"type": "integer"}, math.inf, None),
        ({"type": "integer"}, "3", None),
        ({"type": "integer"}, True, None),
        ({"type": "number"}, 1, "1"),
        ({"type": "number"}, 1.5, "1.5"),
        ({"type": "number"}, 1e300, "1e+300"),
        ({"type": "number"}, math.nan, None),
        ({"type": "number"}, -math.inf, None),
        ({"type": "number"}, 10**400, None),
        ({"type": "number"}, False, None),
        ({"type": "boolean"}, True, "True"),
        ({"type": "boolean"}, 1, None),
        ({"type": "boolean"}, "true", None),
        (INTEGER_OR_STRING, "25%", "'25%'"),
        (INTEGER_OR_STRING, 1, "1"),
        (INTEGER_OR_STRING, 1.5, None),
        ({**INTEGER_OR_STRING, "pattern": QUANTITY}, "100m", "'100m'"),
        ({**INTEGER_OR_STRING, "pattern": QUANTITY}, 2, "'2'"),
        ({**INTEGER_OR_STRING, "pattern": QUANTITY}, [], None),
        (PRESERVES, "a", "'a'"),
        (PRESERVES, True, "True"),
        (PRESERVES, {"a": 1}, "None"),
        (PRESERVES, [1], "None"),
        (STRINGS, ["a"], "[]"),
        (STRINGS, {}, None),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"a": "b"}, "{}"),
        ({"type": "object"}, {"a": "b"}, "{}"),
        ({"type": "object"}, "a", None),
        (STRUCTURE, {"a": "c"}, STRUCT),
        (STRUCTURE, "a", None),
        ({"type": "string", "format": "date-time"}, "2026-01-02T03:04:05Z", None),
    ],
)
def test_the_source_of_a_default(schema: dict[str, Any], default: Any, source: str | None) -> None:
    shape = ShapeReader({}, {}, lambda *_: "a.v1.Hoisted").read(schema, ("a.v1.Outer", "field"))
    assert default_source(shape, default) == source


PROPERTIES = {**DEFAULTS, "wrong": {"type": "integer", "default": "7"}}


def test_absence_reads_as_the_default(make_models: MakeModels) -> None:
    models = make_models(custom_resource(PROPERTIES, required=["needed"]))
    widget = models.cls("com.example.v1.Widget").from_wire(b'{"apiVersion":"example.com/v1","kind":"Widget","spec":{}}')
    spec = widget.spec
    assert (spec.replicas, spec.policy, spec.needed, spec.paused, spec.ratio) == (3, "Retain", "x", True, 0.5)
    assert (spec.surge, spec.cpu, spec.any, spec.timeout, spec.maybe) == ("25%", "2", "any", "1h30m", 7)
    assert (spec.wrong, spec.zero, spec.when) == (None, 0, None)
    # of these no default is told: they read as empty, or as a class whose own defaults apply
    assert (spec.list_, spec.maybe_list, spec.struct.a, spec.maybe_struct.a) == ([], [], "b", "b")
    assert json.loads(widget.to_wire())["spec"] == {}


def test_null_reads_as_the_default_unless_it_may_stand(make_models: MakeModels) -> None:
    models = make_models(custom_resource(PROPERTIES))
    widget = models.cls("com.example.v1.Widget")
    spec = widget.from_wire(json.dumps({"spec": dict.fromkeys(PROPERTIES)}).encode()).spec
    assert (spec.replicas, spec.policy, spec.paused, spec.ratio, spec.surge, spec.cpu) == (
        (3, "Retain", True, 0.5, "25%", "2")
    )
    assert (spec.maybe, spec.maybe_struct, spec.maybe_list) == (None, None, None)
    assert (spec.struct.a, spec.list_) == ("b", [])
    nulls = {"maybe": None, "maybeStruct": None, "maybeList": None, "wrong": None, "when": None, "any": None}
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": nulls}
    assert json.loads(widget.from_wire(json.dumps(body).encode()).to_wire()) == body


def test_the_built_in_kinds_keep_their_pointers(make_models: MakeModels) -> None:
    inner = {"type": "object", "properties": {"replicas": {"type": "integer", "default": 1}}}
    models = make_models({"io.k8s.api.apps.v1.Spec": {"type": "object", "properties": {**PROPERTIES, "inner": inner}}})
    spec = models.cls("io.k8s.api.apps.v1.Spec")(inner={})
    assert (spec.replicas, spec.policy, spec.zero, spec.inner.replicas) == (None, None, 0, None)
