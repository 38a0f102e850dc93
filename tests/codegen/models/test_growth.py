"""Definitions grow: what is added to them renames no class, no attribute, and changes no type."""

from __future__ import annotations

import ast
import copy
import random
from typing import TYPE_CHECKING, Any

import pytest
from tests.codegen.models.conftest import openapi
from tests.codegen.models.structural import object_meta, published

from kinform_codegen.models import generate_models

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = {"type": "string"}
SELECTOR = {"type": "object", "properties": {"app": TEXT, "fooBar": TEXT, "from": TEXT}}
ROOT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer"},
                "selector": SELECTOR,
                "items": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"selector": SELECTOR, "int": TEXT}},
                },
                "zones": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"selector": SELECTOR}},
                    },
                },
                "template": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "properties": {"spec": {"type": "object", "properties": {"deep": SELECTOR}}},
                },
            },
        },
        "status": {"type": "object", "properties": {"selector": SELECTOR, "podIPs": {"type": "array", "items": TEXT}}},
    },
}
KINDS = [("example.com", "v1", "Widget"), ("example.com", "v1alpha1", "Widget"), ("net.example.com", "v1", "Gadget")]


def attributes(schemas: dict[str, Any]) -> dict[tuple[str, str, str], str]:
    """Module, class and attribute → annotation and default."""
    sources = generate_models(openapi(schemas), package="p")
    found: dict[tuple[str, str, str], str] = {}
    for path, text in sources.files.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef):
                found[path, node.name, ""] = ast.unparse(node.bases[0])
                found |= {
                    (
                        path,
                        node.name,
                        ast.unparse(field.target),
                    ): f"{ast.unparse(field.annotation)} = {field.value and ast.unparse(field.value)}"
                    for field in node.body
                    if isinstance(field, ast.AnnAssign)
                }
    return found


def document(kinds: list[tuple[str, str, str]], root: dict[str, Any] = ROOT) -> dict[str, Any]:
    schemas = object_meta()
    for kind in kinds:
        schemas |= published(root, *kind)
    return schemas


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All objects with properties, the outermost first."""
    if "properties" in schema:
        yield schema
        for inner in schema["properties"].values():
            yield from objects(inner)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from objects(schema[key])


def grown(root: dict[str, Any]) -> dict[str, Any]:
    """The same with more properties at every level, before and behind those that were there."""
    root = copy.deepcopy(root)
    for schema in list(objects(root)):
        schema["properties"] |= {
            "aaa": {"type": "object", "properties": {"selector": SELECTOR, "spec": SELECTOR}},
            "FooBar": TEXT,
            "foo_bar": {"type": "integer"},
            "from_": TEXT,
            "str": TEXT,
            "specs": {"type": "array", "items": SELECTOR},
            "zzz": {"type": "object", "additionalProperties": SELECTOR, "nullable": True},
            "selectors": SELECTOR,
        }
        rng = random.Random(len(schema["properties"]))
        items = list(schema["properties"].items())
        rng.shuffle(items)
        schema["properties"] = dict(items)
    return root


MORE_KINDS = [
    ("example.com", "v1", "Awidget"),
    ("example.com", "v1", "WidgetList"),
    ("example.com", "v1", "Wid"),
    ("example.com", "v1beta1", "Widget"),
    ("example.com", "v2", "Widget"),
    ("apps", "v1", "Widget"),
    ("policy.example.com", "v1", "Widget"),
    ("gadgets.example.com", "v1", "Gadget"),
]


@pytest.mark.parametrize(
    ("kinds", "root"),
    [(KINDS, grown(ROOT)), ([*MORE_KINDS, *KINDS], ROOT), ([*KINDS, *MORE_KINDS], grown(ROOT))],
    ids=["properties", "kinds and versions", "all"],
)
def test_what_is_added_changes_nothing_that_was_there(kinds: list[tuple[str, str, str]], root: dict[str, Any]) -> None:
    before, after = attributes(document(KINDS)), attributes(document(kinds, root))
    assert len(after) > len(before) * 1.5
    assert {key: after.get(key) for key in before} == before


def classes(schemas: dict[str, Any]) -> dict[str, set[str]]:
    """Class → its attributes that are no metadata."""
    found: dict[str, set[str]] = {}
    for path, cls, attribute in attributes(schemas):
        if path == "models/example/v1.py":
            found.setdefault(cls, set()).update({attribute} - {"", "api_version", "kind", "metadata"})
    return found


def struct(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_of_paths_that_spell_one_name_the_shorter_one_takes_it() -> None:
    specs: list[tuple[dict[str, Any], dict[str, set[str]]]] = [
        (
            struct(specFoo=struct(a=TEXT)),
            {"Widget": {"spec_foo"}, "WidgetSpecFoo": {"a"}},
        ),
        (
            struct(specFoo=struct(a=TEXT), spec=struct(foo=struct(b=TEXT))),
            {"Widget": {"spec_foo", "spec"}, "WidgetSpecFoo": {"a"}, "WidgetSpec": {"foo"}, "WidgetSpecFoo_": {"b"}},
        ),
    ]
    for root, expected in specs:
        schemas = {**object_meta(), **published(root, "example.com", "v1", "Widget")}
        assert classes(schemas) == expected


def test_shorter_paths_come_first_also_those_of_other_kinds() -> None:
    """What stands deep inside one kind never renames what stands at the top of another."""
    schemas = {
        **object_meta(),
        **published(struct(getFOo=struct(a=TEXT)), "example.com", "v1", "Wid"),
        **published(struct(f=struct(oo=struct(b=TEXT))), "example.com", "v1", "WidGet"),
    }
    found = classes(schemas)
    assert (found["WidGetFOo"], found["WidGetFOo_"]) == ({"a"}, {"b"})


def test_kinds_come_before_inner_objects_wherever_these_are() -> None:
    schemas = {
        **object_meta(),
        **published(struct(b=TEXT), "example.com", "v1", "AwidgetSpec"),
        **published(struct(spec=struct(a=TEXT)), "example.com", "v1", "Awidget"),
    }
    assert classes(schemas) == {"Awidget": {"spec"}, "AwidgetSpec": {"b"}, "AwidgetSpec_": {"a"}}


def test_inner_objects_never_take_a_name_that_the_module_imports() -> None:
    schemas = {
        **object_meta(),
        **published(
            struct(orString=struct(a=TEXT), b={"x-kubernetes-int-or-string": True}), "example.com", "v1", "Int"
        ),
        **published(struct(meta=struct(a=TEXT)), "example.com", "v1", "Object"),
    }
    assert classes(schemas) == {
        "Int": {"or_string", "b"},
        "IntOrString_": {"a"},
        "Object": {"meta"},
        "ObjectMeta": {"a"},
    }


def test_of_two_inner_objects_of_one_name_the_conventional_one_takes_it() -> None:
    names = {"fooBar": "a", "FooBar": "b", "foo-bar": "c", "foo.bar": "d"}
    root = struct(**{name: struct(**{attribute: TEXT}) for name, attribute in names.items()})
    expected = {"WidgetFooBar": {"a"}, "WidgetFooBar_": {"b"}, "WidgetFoobar": {"c"}, "WidgetFoobar_": {"d"}}
    for seed in range(4):
        items = list(root["properties"].items())
        random.Random(seed).shuffle(items)
        schemas = published({"type": "object", "properties": dict(items)}, "example.com", "v1", "Widget")
        found = classes({**object_meta(), **schemas})
        assert found == {"Widget": {"foo_bar", "foo_bar_", "foo_bar__", "foo_bar___"}, **expected}
