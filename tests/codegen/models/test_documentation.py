"""Docstrings of attributes: what descriptions say, and what only keywords say."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import pytest
from tests.codegen.models.structural import custom_resource

from kinform_codegen.models.documentation import member_documentation

if TYPE_CHECKING:
    from tests.codegen.models.conftest import MakeModels

MORE = "; a newer server may know more."


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, ""),
        ({"description": " "}, ""),
        ({"description": "What it is."}, "What it is."),
        ({"enum": ["Always", "Never"]}, f'One of "Always", "Never"{MORE}'),
        ({"enum": ["Always"], "description": "When."}, f'When.\n\n    One of "Always"{MORE}\n    '),
        ({"enum": [1, 2.5, True, None, "", {"a": []}]}, f'One of 1, 2.5, true, "", {{"a": []}}{MORE}'),
        ({"enum": []}, ""),
        ({"enum": [None]}, ""),
        ({"enum": "text"}, ""),
        ({"enum": list(range(13))}, f"One of {', '.join(map(str, range(12)))} and 1 more{MORE}"),
        ({"enum": ["x" * 99]}, f'One of "{"x" * 59}…{MORE}'),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, f'Each is one of "a", "b"{MORE}'),
        ({"type": "object", "additionalProperties": {"enum": ["a"]}}, f'Each is one of "a"{MORE}'),
        ({"x-kubernetes-list-type": "set"}, "A set: no two are alike."),
        (
            {"x-kubernetes-list-type": "set", "items": {"enum": ["a"]}},
            f'Each is one of "a"{MORE} A set: no two are alike.',
        ),
        ({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}, "Keyed by name."),
        ({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"]}, "Keyed by a, b."),
        ({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": []}, ""),
        ({"x-kubernetes-list-type": "atomic"}, ""),
    ],
)
def test_what_is_said(schema: dict[str, Any], text: str) -> None:
    assert member_documentation(schema) == text


def test_values_are_documented_and_not_enforced(make_models: MakeModels) -> None:
    models = make_models(
        custom_resource(
            {
                "policy": {"type": "string", "enum": ["Always", "Never"]},
                "odd": {"type": "string", "enum": ['"""', "\\", "\n", "a\u202eb", '"""\nimport os\n"""']},
                "long": {"type": "string", "enum": [f"value number {number}" for number in range(99)]},
            }
        )
    )
    text = models.sources.files["models/example/v1.py"]
    spec = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == "WidgetSpec")
    docstrings = [
        node.value.value for node in spec.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    assert docstrings[2] == f'One of "Always", "Never"{MORE}'
    assert len(docstrings) == len([node for node in spec.body if isinstance(node, ast.AnnAssign)])
    assert max(map(len, text.splitlines())) <= 120
    widget = models.cls("com.example.v1.Widget").from_wire(b'{"spec":{"policy":"Newer"}}')
    assert widget.spec.policy == "Newer"


def test_the_built_in_kinds_say_what_their_descriptions_say(make_models: MakeModels) -> None:
    """The API server writes their values into the descriptions itself."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "enum": ["x"], "description": "A."}}}
    models = make_models({"io.k8s.api.apps.v1.Spec": schema})
    assert "One of" not in models.sources.files["models/apps/v1.py"]
