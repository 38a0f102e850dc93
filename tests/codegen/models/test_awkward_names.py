"""Names that mean something to Python, pydantic, kinform or the class generator: of kinds and of properties."""

from __future__ import annotations

import builtins
import json
import keyword
import re
import typing
import warnings
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from tests.codegen.models.structural import object_meta, published

import kinform.model

if TYPE_CHECKING:
    from tests.codegen.models.conftest import MakeModels, Models

WORDS = sorted(
    {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *typing.__all__, *pydantic.__all__, *kinform.model.__all__}
    | {"Annotated", "AnyUrl", "ConfigDict", "Enum", "Field", "RootModel", "UUID", "annotations", "date", "datetime"}
)
# No two kinds of a group may differ in case only.
KINDS = sorted({word.lower(): word for word in reversed(WORDS) if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", word)}.values())
PROPERTIES = sorted(
    {*WORDS, "$ref", "größe", "日本語", "π", "ﬁ", "5xx", "-", "a b", "_a", "__a", "x.y/z", "self", "cls", "data"}
    | {
        "fooBar",
        "foo_bar",
        "foo-bar",
        "FooBar",
        "model_fields",
        "fromWire",
        "to_wire",
        "v1",
        "meta",
        "alias",
        "default",
    }
    | {"ObjectMeta", "__pydantic_extra__", "__slots__", "__qualname__", "__init__", "Widget", "WidgetSpec"}
)


@pytest.fixture(scope="module")
def kinds(make_models: MakeModels) -> Models:
    spec = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "map": {"type": "object", "additionalProperties": {"type": "boolean"}},
            "number": {"type": "number"},
            "port": {"x-kubernetes-int-or-string": True},
            "time": {"type": "string", "format": "date-time"},
        },
    }
    schemas = object_meta()
    for kind in KINDS:
        schemas |= published({"type": "object", "properties": {"spec": spec}}, "example.com", "v1", kind)
    return make_models(schemas)


def test_kinds_may_have_any_name(kinds: Models) -> None:
    assert len(KINDS) > 300
    spec = {"list": [{"a": "b"}], "map": {"a": True}, "number": 1.5, "port": "a", "time": "2026-01-02T03:04:05Z"}
    names = set()
    for kind in KINDS:
        ref = kinds.sources.classes[f"com.example.v1.{kind}"]
        names.add(ref.name)
        body = {"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}
        read = kinds.named(ref).from_wire(json.dumps(body).encode())
        assert type(read.spec).__name__ == f"{ref.name}Spec"
        assert json.loads(read.to_wire()) == body
    assert len(names) == len(KINDS)
    assert {
        "List",
        "Any",
        "Optional",
        "BaseModel",
        "None_",
        "True_",
        "Model_",
        "Time_",
        "Field_",
        "ConfigDict_",
    } <= names


def test_properties_may_have_any_name(make_models: MakeModels) -> None:
    def inner(name: str) -> dict[str, Any]:
        text, struct = {"type": "string"}, {"type": "object", "properties": {"y": {"type": "boolean"}}}
        return {"type": "object", "properties": {name: text, f"{name}s": {"type": "array", "items": struct}}}

    spec = {"type": "object", "properties": {name: inner(name) for name in PROPERTIES}}
    schemas = published({"type": "object", "properties": {"spec": spec}}, "example.com", "v1", "Widget")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of an attribute that hides one of the base class
        models = make_models({**object_meta(), **schemas})
        widget = models.cls("com.example.v1.Widget")
        body: dict[str, Any] = {
            "apiVersion": "example.com/v1",
            "kind": "Widget",
            "spec": {name: {name: name, f"{name}s": [{"y": True}]} for name in PROPERTIES},
        }
        read = widget.from_wire(json.dumps(body).encode())
    assert json.loads(read.to_wire()) == body
    assert read.spec.model_extra == {}
    attributes = {info.alias or attribute: attribute for attribute, info in type(read.spec).model_fields.items()}
    assert len(attributes) == len(PROPERTIES)
    for wire, attribute in attributes.items():
        part = getattr(read.spec, attribute)
        assert part.model_extra == {}
        assert json.loads(part.to_wire()) == body["spec"][wire]
    assert (attributes["fooBar"], attributes["FooBar"], attributes["foo-bar"]) == ("foo_bar", "foo_bar_", "foo_bar__")
    assert (attributes["match"], attributes["type"], attributes["from"]) == ("match", "type", "from_")
