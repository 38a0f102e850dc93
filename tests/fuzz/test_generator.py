"""The generator on specifications that somebody has spoiled: a package that compiles, or one clear error. Never both."""

from __future__ import annotations

import ast
import copy
import io
import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.support import broken, inputs, within

from kinform_codegen.cli import main
from kinform_codegen.crd.load import load_crds
from kinform_codegen.errors import CodegenError
from kinform_codegen.generate import generate
from kinform_codegen.progress import Progress
from kinform_codegen.settings import MODEL_KINDS, PackageOptions
from kinform_codegen.spec.load import parse_spec

ROOT: Final = Path(__file__).parents[2]
SMALL: Final = json.loads((ROOT / "tests" / "codegen" / "data" / "small.json").read_bytes())
WIDGETS: Final = next(yaml.safe_load_all((ROOT / "examples" / "widgets.yaml").read_text()))

CALL: Final = "__import__('os').system('harm')"
NAMES: Final = (
    "class",
    "None",
    "self",
    "model_config",
    "from_wire",
    "__init__",
    "_x",
    "a b",
    "a.b",
    "a/b",
    "../../evil",
    "/etc/passwd",
    "con",
    "",
    "é",
    "\u202e",
    "\u2028",
    "\x00",
    "x" * 400,
    "1",
    "$ref",
    "type",
    "properties",
    "items",
    "{{7*7}}",
    f'"""\n{CALL}\n"""',
    f"'\n{CALL}\n#",
    f"\\\n{CALL}",
    "\ud800",
)
_REFS: Final = (
    "#/components/schemas/com.example.v1.Cluster",
    "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    "#/components/schemas/nowhere",
    "#/components/schemas/",
    "#",
    "#/paths",
    "http://host.invalid/x.json#/a",
    "file:///etc/passwd",
    "../../x",
    "",
)
_WORDS: Final = (
    "string",
    "object",
    "array",
    "integer",
    "null",
    "date-time",
    "int-or-string",
    "atomic",
    "map",
    "v1",
    "get",
)


def _deep(depth: int) -> Any:
    value: Any = {"type": "string"}
    for _ in range(depth):
        value = {"type": "object", "properties": {"a": value}}
    return value


JUNK: Final = st.one_of(
    st.sampled_from([None, True, 0, -1, 10**400, 1.5, "", [], {}, [[]], [None], {"a": None}]),
    st.sampled_from(NAMES),
    st.sampled_from(_WORDS),
    st.sampled_from(_REFS).map(lambda ref: {"$ref": ref}),
    st.lists(st.sampled_from([*NAMES[:8], *_WORDS]), max_size=3),
    st.sampled_from([30, 100]).map(_deep),
    st.dictionaries(
        st.sampled_from(
            ["type", "format", "items", "properties", "additionalProperties", "required", "default", "enum", "allOf",
             "oneOf", "anyOf", "not", "nullable", "description", "title", "pattern", "$ref", "x-kubernetes-int-or-string",
             "x-kubernetes-preserve-unknown-fields", "x-kubernetes-group-version-kind", "x-kubernetes-list-type",
             "x-kubernetes-embedded-resource", "x-kinform-values"]
        ),
        st.one_of(st.sampled_from([None, True, 0, "", [], {}, "a"]), st.sampled_from(_WORDS), st.sampled_from(NAMES)),
        max_size=4,
    ),
)  # fmt: skip


def _random_path(draw: st.DrawFn, value: Any) -> tuple[Any, ...]:
    """A walk down from the root, so that what stands high up is met as often as what stands deep."""
    path: tuple[Any, ...] = ()
    while True:
        steps = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
        if not steps or (len(path) > 1 and draw(st.integers(0, 5)) == 0):
            return path
        step = draw(st.sampled_from(steps))
        path, value = (*path, step), value[step]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@st.composite
def spoiled(draw: st.DrawFn, document: Any) -> Any:
    """A copy with one to four changes of its structure."""
    found = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 4))):
        path = _random_path(draw, found)
        if not path:
            break
        parent, last = at(found, path[:-1]), path[-1]
        match draw(st.sampled_from(["drop", "junk", "junk", "rename", "double", "move", "wrap"])):
            case "drop":
                del parent[last]
            case "junk":
                parent[last] = copy.deepcopy(draw(JUNK))  # the same junk may be spoiled in its turn
            case "rename" if isinstance(parent, dict):
                parent[draw(st.sampled_from(NAMES))] = parent.pop(last)
            case "double" if isinstance(parent, dict):
                parent[draw(st.sampled_from(NAMES))] = copy.deepcopy(parent[last])
            case "move":
                parent[last] = copy.deepcopy(at(found, _random_path(draw, found)))
            case _:
                parent[last] = draw(st.sampled_from([[parent[last]], {"a": parent[last]}, {"allOf": [parent[last]]}]))
    return found


def assert_sound(files: dict[str, bytes]) -> None:
    """Every file is where it should be, and every Python file compiles and calls nothing that the document names."""
    for path, content in files.items():
        parts = Path(path).parts
        assert not Path(path).is_absolute()
        assert ".." not in parts
        assert path.isascii()
        assert path.isprintable()
        if path.endswith(".py"):
            tree = ast.parse(content, path)
            compile(tree, path, "exec")
            for node in ast.walk(tree):
                assert not (isinstance(node, ast.Name) and node.id == "__import__"), path
                assert not (isinstance(node, ast.Attribute) and node.attr == "system"), path


def assert_clear(error: CodegenError) -> None:
    said = str(error)
    assert "report this" not in said, said
    assert "gave other classes" not in said, said
    assert "\n  mend: " in said, said
    assert all(char.isprintable() or char == "\n" for char in said)
    assert said.count("\n") <= 3, said


def attempt(make: Any) -> dict[str, bytes] | None:
    with within(60):
        try:
            files: dict[str, bytes] = make()
        except CodegenError as error:
            assert_clear(error)
            return None
        assert_sound(files)
        return files


@inputs(1.5)
@given(spoiled(SMALL), st.sampled_from(MODEL_KINDS))
def test_spoiled_specifications(document: Any, models: Any) -> None:
    data = json.dumps(document).encode("utf-8", "surrogatepass")
    attempt(
        lambda: generate(parse_spec(data, "spec.json"), Progress(io.StringIO()), PackageOptions(models=models)).files
    )


@inputs(2)
@given(broken(st.just(json.dumps(SMALL).encode())))
def test_broken_texts_of_specifications(data: bytes) -> None:
    attempt(lambda: generate(parse_spec(data, "spec.json"), Progress(io.StringIO())).files)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("definitions")


@inputs(1)
@given(spoiled(WIDGETS), st.sampled_from(MODEL_KINDS))
def test_spoiled_definitions_through_the_command(folder: Path, definition: Any, models: str) -> None:
    """The whole command: one message and no output, or all of it."""
    output = folder / "out"
    if output.exists():
        _remove(output)
    source = folder / "crd.json"
    source.write_bytes(json.dumps(definition).encode("utf-8", "surrogatepass"))
    said = io.StringIO()
    stderr, sys.stderr = sys.stderr, said
    arguments = ["--crd", str(source), "--output", str(output), "--package", "acme", "--models", models]
    with within(60):
        try:
            code = main(arguments)
        finally:
            sys.stderr = stderr
    if code == 0:
        assert_sound({str(file.relative_to(output)): file.read_bytes() for file in output.rglob("*") if file.is_file()})
        assert {file.name for file in folder.iterdir()} == {"out", "crd.json"}
    else:
        assert not output.exists(), "half of an output"
        assert "Traceback" not in said.getvalue()
        assert "mend: " in said.getvalue(), said.getvalue()
        assert "report this" not in said.getvalue(), said.getvalue()


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


@inputs(3)
@given(spoiled(WIDGETS))
def test_spoiled_definitions(folder: Path, definition: Any) -> None:
    source = folder / "alone.json"
    source.write_bytes(json.dumps(definition).encode("utf-8", "surrogatepass"))
    with within(20):
        try:
            json.dumps(load_crds([str(source)]))
        except CodegenError as error:
            assert_clear(error)
