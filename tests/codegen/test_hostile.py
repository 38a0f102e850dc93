"""Specifications that mean harm: nothing in them becomes code, and nothing in them makes a traceback."""

from __future__ import annotations

import ast
import copy
import importlib
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.errors import CodegenError
from kinform_codegen.generate import generate
from kinform_codegen.progress import Progress

if TYPE_CHECKING:
    import types
    from collections.abc import Callable
    from pathlib import Path

    from kinform_codegen.spec.load import Spec

    AsSpec = Callable[[object], Spec]

CALL = "__import__('os').system('harm')"
TEXTS = [
    f'"""\n{CALL}\n"""',
    f'\\"""\n{CALL}\n#',
    f'"\n{CALL}\n"',
    f"'\n{CALL}\n'",
    "\\",
    '"',
    f"\n{CALL}",
    f"\r{CALL}\x0c{CALL}\u2028{CALL}\x85{CALL}",
    f"\x00{CALL}\x1f",
    "{{ 7*7 }}{% raw %}",
    "\\N{BULLET}\\x",
    "😀\x7f\u202e",
    "$ref",
    "__class__",
    "",
]
CLUSTER = "com.example.v1.Cluster"


def tree_of(document: object, as_spec: AsSpec) -> dict[str, bytes]:
    return generate(as_spec(document), Progress(io.StringIO())).files


def assert_harmless(files: dict[str, bytes]) -> None:
    for path, content in files.items():
        if not path.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Name):
                assert node.id != "__import__", path
            if isinstance(node, ast.Attribute):
                assert node.attr != "system", path


def load_models(files: dict[str, bytes], folder: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Imports the models of example/v1, whose imports are relative, as a package of another name."""
    for path, content in files.items():
        if path.startswith("kinform_k8s/models/"):
            place = folder / "hostile" / path.removeprefix("kinform_k8s/models/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    monkeypatch.syspath_prepend(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "hostile"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("hostile.example.v1")


@pytest.mark.parametrize("text", TEXTS)
def test_names_and_texts_of_fields(
    small_document: dict[str, Any], as_spec: AsSpec, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = small_document["components"]["schemas"][CLUSTER]
    schema["description"] = text
    inner = {"type": "integer", "description": text, "enum": [text], "default": text, "pattern": text, "format": text}
    schema["properties"][text] = {"type": "string", "description": text, "default": text, "format": text}
    schema["properties"][f"x{text}"] = {
        "type": "object",
        "description": text,
        "properties": {text: {"type": "object", "properties": {f"y{text}": inner}}},
    }
    schema["required"] = [text]
    schema["x-kinform-values"] = [text]
    small_document["info"] = {"title": text, "version": text}
    files = tree_of(small_document, as_spec)
    assert_harmless(files)
    models = load_models(files, tmp_path, monkeypatch)
    read = models.Cluster.from_wire(json.dumps({text: "said"}).encode())
    name = next(name for name, info in models.Cluster.model_fields.items() if text in {info.alias, name})
    assert getattr(read, name) == "said"
    assert getattr(models.Cluster(), name) == text  # its default
    assert json.loads(read.to_wire())[text] == "said"


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("place", ["schema", "package", "group", "version", "kind", "plural", "subresource"])
def test_names_of_everything_else(small_document: dict[str, Any], as_spec: AsSpec, text: str, place: str) -> None:
    document = copy.deepcopy(small_document)
    schemas, paths = document["components"]["schemas"], document["paths"]
    thing = {"type": "object", "properties": {"q": {"type": "string"}}}
    match place:
        case "schema":
            schemas[f"a.b.v1.{text}"] = thing
        case "package":
            schemas[f"{text}.v1.Thing"] = thing
        case "group" | "version" | "kind":
            kind = {"group": "g", "version": "v1", "kind": "K", place: text}
            schemas["a.b.v1.Thing"] = thing | {"x-kubernetes-group-version-kind": [kind]}
            operations = copy.deepcopy(paths["/api/v1/nodes"])
            operations["get"]["x-kubernetes-group-version-kind"] = kind
            paths[f"/apis/{kind['group']}/{kind['version']}/ks"] = {"get": operations["get"]}
        case "plural":
            paths[f"/api/v1/{text}"] = paths["/api/v1/nodes"]
        case _:
            paths[f"/api/v1/nodes/{{name}}/{text}"] = paths["/api/v1/nodes/{name}"]
    try:
        files = tree_of(document, as_spec)
    except CodegenError as error:
        assert "report" not in str(error)  # noqa: PT017
        assert "gave other classes" not in str(error)  # noqa: PT017
    else:
        assert_harmless(files)


@pytest.mark.parametrize(
    "schemas",
    [
        {"a.v1.A": {"$ref": "#/components/schemas/a.v1.A"}},
        {"a.v1.A": {"$ref": "#/components/schemas/a.v1.B"}, "a.v1.B": {"$ref": "#/components/schemas/a.v1.A"}},
        {"a.v1.A": {"type": "array", "items": {"$ref": "#/components/schemas/a.v1.A"}}},
        {"a.v1.A": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/a.v1.A"}}},
        {"a.v1.A": {"allOf": [{"$ref": "#/components/schemas/a.v1.A"}]}},
    ],
    ids=["itself", "each-other", "list", "map", "allOf"],
)
def test_types_without_end(small_document: dict[str, Any], as_spec: AsSpec, schemas: dict[str, object]) -> None:
    small_document["components"]["schemas"].update(schemas)
    small_document["components"]["schemas"][CLUSTER]["properties"]["a"] = {"$ref": "#/components/schemas/a.v1.A"}
    assert b"\n    a: " in tree_of(small_document, as_spec)["kinform_k8s/models/example/v1.py"]


@pytest.mark.parametrize("kind", [{}, {"group": "", "version": "", "kind": "K"}, {"group": "g", "kind": "K"}, 5])
def test_kinds_that_are_not_whole(small_document: dict[str, Any], as_spec: AsSpec, kind: object) -> None:
    small_document["components"]["schemas"][CLUSTER]["x-kubernetes-group-version-kind"] = [kind]
    with pytest.raises(CodegenError, match=r"#/components/schemas/com\.example\.v1\.Cluster/x-kubernetes-group"):
        as_spec(small_document)


def test_a_group_that_begins_with_a_digit(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    text = json.dumps(small_document).replace("example.com", "3scale.net")
    files = tree_of(json.loads(text), as_spec)
    assert b"class Group3scaleV1Informers" in files["kinform_k8s/informers/group_3scale/v1/__init__.py"]


@pytest.mark.parametrize("key", ["required", "x-kinform-values"])
@pytest.mark.parametrize("value", [None, 5, "x", [None], [["x"]], [{}]])
def test_lists_of_names_that_are_none(small_document: dict[str, Any], as_spec: AsSpec, key: str, value: object) -> None:
    small_document["components"]["schemas"][CLUSTER][key] = value
    with pytest.raises(CodegenError, match=rf"#/components/schemas/com\.example\.v1\.Cluster/{key}"):
        as_spec(small_document)
