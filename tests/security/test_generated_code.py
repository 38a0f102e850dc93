"""A specification is data: nothing in it becomes code, leaves the output folder, or gets into a package's metadata."""

from __future__ import annotations

import ast
import copy
import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from kinform_codegen.config import read_config
from kinform_codegen.crd.load import load_crds
from kinform_codegen.errors import CodegenError, SettingsError
from kinform_codegen.generate import generate
from kinform_codegen.progress import Progress
from kinform_codegen.settings import (
    MODEL_KINDS,
    PackageOptions,
    Sources,
    check_license,
    check_package_name,
    check_version,
)
from kinform_codegen.spec.gather import gather
from kinform_codegen.spec.load import parse_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).parents[2]
SMALL: Final = json.loads((ROOT / "tests" / "codegen" / "data" / "small.json").read_bytes())
WIDGETS: Final = next(yaml.safe_load_all((ROOT / "examples" / "widgets.yaml").read_text()))
CLUSTER: Final = "com.example.v1.Cluster"

HARM: Final = "harm"
"""The file that appears where any of it is run."""
CALL: Final = f"open({HARM!r}, 'w').close()"
TEXTS: Final = (
    CALL,
    f'"""\n{CALL}\n"""',
    f'\\"""\n{CALL}\n#',
    f'"\n{CALL}\n"',
    f"'\n{CALL}\n'",
    f'")\n{CALL}\nx=("',
    f"')]\n{CALL}\n[('",
    f"\n{CALL}\n",
    f"\r{CALL}\x0c{CALL}\u2028{CALL}\u2029{CALL}\x85{CALL}",
    f"{{{{ {CALL} }}}}{{% set x = 1 %}}{{# #}}",
    f"{{{{ ''.__class__.__mro__[1].__subclasses__() }}}} {CALL}",
    f"-*- coding: utf-7 -*- +AAo-{CALL}+AAo-",
    f"# coding: rot13\n{CALL}",
    f"\u202e{CALL}\u202c\u2066",
    "ends with a backslash \\",
    'ends with quotes """',
    'ends with a quote "',
    "\\N{BULLET}\\x\\u12\\777",
    f"lambda: {CALL}",
    f"(x := {CALL})",
    f'"]\n[project.scripts]\nharm = "os:system"\n[x]\ny = ["{CALL}',
    "\x00\x1b[31m\x7f",
)


def options(models: Any, package: str | None = None) -> PackageOptions:
    return PackageOptions(models=models, package=package)


def make(document: object, chosen: PackageOptions) -> dict[str, bytes]:
    return generate(parse_spec(json.dumps(document).encode(), "spec.json"), Progress(io.StringIO()), chosen).files


# ---- what generated code may consist of


def calls_in(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def kinds_in(tree: ast.AST) -> set[str]:
    return {type(node).__name__ for node in ast.walk(tree)}


def trees(files: Mapping[str, bytes]) -> Iterator[tuple[str, ast.Module]]:
    for path, content in files.items():
        if path.endswith(".py"):
            yield path, ast.parse(content, path)


class Allowed:
    """What the code that comes of a harmless specification is made of: kinds of nodes, and what it calls.

    Names of its own classes are called, too: as zero values of fields.
    """

    def __init__(self, models: Any) -> None:
        found = [tree for _, tree in trees(make(SMALL, options(models)))]
        self.kinds = set[str]().union(*map(kinds_in, found)) | {"UnaryOp", "USub", "List", "Dict", "Set"}
        self.calls = {call for tree in found for call in calls_in(tree)}

    def check(self, files: Mapping[str, bytes]) -> None:
        for path, tree in trees(files):
            assert kinds_in(tree) <= self.kinds, (path, kinds_in(tree) - self.kinds)
            classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
            known = self.calls | classes | {"Field", "msgspec.field", "int", "float", "str", "super"}
            for call in calls_in(tree) - known:
                # What is left are names that the specification gave to kinds, as clients and informers call them.
                assert all(part.isidentifier() for part in call.replace("()", "").split(".")), (path, call)
                assert "open" not in call.split("."), (path, call)
            for node in ast.walk(tree):
                if isinstance(node, ast.Name):
                    assert node.id not in {"open", "eval", "exec", "compile", "__import__", "getattr", "globals"}, path
                if isinstance(node, ast.Attribute):
                    assert node.attr not in {"system", "popen", "__subclasses__", "__globals__"}, path
            text = files[path].decode()
            assert not any(
                char in text for char in "\x00\x0c\x1b\x85\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067"
            ), path


@pytest.fixture(scope="module", params=MODEL_KINDS)
def allowed(request: pytest.FixtureRequest) -> tuple[Any, Allowed]:
    return request.param, Allowed(request.param)


def check_paths(files: Mapping[str, bytes]) -> None:
    for path in files:
        parts = PurePosixPath(path).parts
        assert not path.startswith("/")
        assert ".." not in parts
        assert path.isascii()
        assert path.isprintable()
        assert "\\" not in path


def check_metadata(files: Mapping[str, bytes], package: str) -> None:
    metadata = tomllib.loads(files["pyproject.toml"].decode())
    assert set(metadata) == {"build-system", "project", "tool"}
    assert set(metadata["project"]) <= {
        *("name", "dynamic", "description", "readme", "license", "authors", "requires-python", "keywords"),
        *("classifiers", "dependencies"),
    }
    assert metadata["project"]["name"] == package.replace("_", "-")
    assert metadata["build-system"] == {"requires": ["hatchling"], "build-backend": "hatchling.build"}
    assert set(metadata["tool"]) == {"hatch"}
    assert all(each.startswith(("kinform", "pydantic", "msgspec")) for each in metadata["project"]["dependencies"])


def run(folder: Path, packages: list[str]) -> None:
    """Imports all modules of these packages, in a process of their own, and builds every model."""
    program = """
import importlib, pathlib, sys
for package in sys.argv[1:]:
    for path in sorted(pathlib.Path(package).rglob("*.py")):
        module = importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
        for name, value in list(vars(module).items()):
            if isinstance(value, type) and hasattr(value, "from_wire") and value.__module__.startswith(package):
                value.from_wire(b"{}"), repr(value()), value.__doc__
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *packages], cwd=folder, check=False, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not list(folder.rglob(HARM)), "it was run"


def write(files: Mapping[str, bytes], folder: Path, package: str) -> None:
    for path, content in files.items():
        if path.startswith(f"{package}/"):
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


# ---- texts


def poisoned(text: str, name: str) -> Any:
    """A specification with the text wherever a schema may hold one, and a name for fields."""
    document = copy.deepcopy(SMALL)
    schema = document["components"]["schemas"][CLUSTER]
    everything = {
        **dict.fromkeys(("description", "title", "format", "pattern", "example", "externalDocs", "x-harm"), text),
        "enum": [text],
        "default": text,
        "x-kubernetes-validations": [{"rule": text, "message": text}],
        "x-kubernetes-list-type": text,
        "x-kubernetes-patch-strategy": text,
        "x-kubernetes-patch-merge-key": text,
    }
    schema |= {"description": text, "title": text, "x-harm": text}
    schema["properties"][name] = {"type": "string", **everything}
    schema["properties"][f"x{name}"] = {
        "type": "object",
        "description": text,
        "default": {text: text},
        "properties": {
            name: {
                "type": "array",
                "items": {"type": "object", "properties": {name: {"type": "string", **everything}}},
            },
            f"y{name}": {"type": "object", "additionalProperties": {"type": "integer", "description": text}},
            f"z{name}": {"type": "number", "default": text, "enum": [text]},
        },
    }
    schema["required"] = [name, *schema.get("required", [])]
    for operations in document["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation |= {"description": text, "operationId": text, "tags": [text], "summary": text}
    document["info"] = {"title": text, "version": text, "description": text}
    return document


def test_texts_stay_texts(allowed: tuple[Any, Allowed], tmp_path: Path) -> None:
    models, judge = allowed
    packages = [f"hostile_{number}" for number in range(len(TEXTS))]
    for package, text in zip(packages, TEXTS, strict=True):
        try:
            files = make(poisoned(text, text), options(models, package))
        except CodegenError as error:  # msgspec has no fields of some names
            assert models == "msgspec"
            assert "a name that no msgspec field can have" in str(error)
            files = make(poisoned(text, "plain"), options(models, package))
        judge.check(files)
        check_paths(files)
        check_metadata(files, package)
        literals = [
            node.value
            for _, tree in trees(files)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert text in literals, "the default of a field, at least"
        write(files, tmp_path, package)
    run(tmp_path, packages)


# ---- names

PLACES: Final = ("schema", "package", "group", "version", "kind", "plural", "subresource", "parameter", "ref", "mime")


@pytest.mark.parametrize("place", PLACES)
def test_names_stay_names(allowed: tuple[Any, Allowed], place: str, tmp_path: Path) -> None:
    models, judge = allowed
    made: list[str] = []
    texts = TEXTS if place in {"schema", "group", "version", "kind", "plural"} else TEXTS[::3]
    for number, text in enumerate(texts):
        package = f"named_{number}"
        try:
            files = make(_renamed(place, text), options(models, package))
        except CodegenError as error:
            said = str(error)
            assert "report" not in said
            assert all(char.isprintable() or char == "\n" for char in said)
            continue
        judge.check(files)
        check_paths(files)
        check_metadata(files, package)
        if number % 5 == 0:
            write(files, tmp_path, package)
            made.append(package)
    if made:
        run(tmp_path, made)


def _renamed(place: str, text: str) -> Any:
    document = copy.deepcopy(SMALL)
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
            paths[f"/apis/{kind['group']}/{kind['version']}/ks"] = operations
        case "plural":
            paths[f"/api/v1/{text}"] = paths["/api/v1/nodes"]
        case "subresource":
            paths[f"/api/v1/nodes/{{name}}/{text}"] = paths["/api/v1/nodes/{name}"]
        case "parameter":
            paths["/api/v1/nodes"]["get"]["parameters"] = [{"name": text, "in": "query", "description": text}]
        case "ref":
            schemas[CLUSTER]["properties"]["r"] = {"$ref": f"#/components/schemas/{text}"}
        case _:
            content = paths["/api/v1/nodes"]["get"]["responses"]["200"]["content"]
            content[text] = next(iter(content.values()))
    return document


@pytest.mark.parametrize(
    "place", ["group", "plural", "singular", "kind", "listKind", "version", "name", "category", "path"]
)
def test_names_of_definitions_stay_names(allowed: tuple[Any, Allowed], place: str, tmp_path: Path) -> None:
    models, judge = allowed
    for text in TEXTS if place in {"group", "plural", "kind", "version"} else TEXTS[::8]:
        definition = copy.deepcopy(WIDGETS)
        spec, version = definition["spec"], definition["spec"]["versions"][0]
        match place:
            case "group":
                spec["group"] = text
                definition["metadata"]["name"] = f"{spec['names']['plural']}.{text}"
            case "version":
                version["name"] = text
            case "name":
                definition["metadata"]["name"] = text
            case "category":
                spec["names"] |= {"categories": [text], "shortNames": [text]}
                definition["metadata"]["annotations"] = {text: text}
            case "path":
                version["subresources"] = {"scale": {"specReplicasPath": text, "statusReplicasPath": text}}
                version["additionalPrinterColumns"] = [{"name": text, "type": "string", "jsonPath": text}]
            case _:
                spec["names"][place] = text
        source = tmp_path / "crd.json"
        source.write_text(json.dumps(definition))
        try:
            gathered = gather(Sources(crds=(str(source),)), ())
            files = generate(gathered, Progress(io.StringIO()), options(models, "acme")).files
        except CodegenError as error:
            assert "report" not in str(error)
            continue
        judge.check(files)
        check_paths(files)
        check_metadata(files, "acme")
    assert not list(tmp_path.rglob(HARM))


# ---- arguments and settings


@pytest.mark.parametrize("text", [*TEXTS, "..", "../x", "a/b", "class", "os", "A", "1a", "a-b", "a.b", ""])
def test_arguments_are_checked(text: str, tmp_path: Path) -> None:
    for check, key in ((check_package_name, "package"), (check_version, "version"), (check_license, "license")):
        if check is check_license and text in {"class", "os", "A", "1a", "a-b", "a.b"}:
            continue
        with pytest.raises(SettingsError, match="mend: "):
            check(text)
        config = tmp_path / "pyproject.toml"
        config.write_text(f"[tool.kinform]\ncrds = ['x.yaml']\n{key} = {json.dumps(text)}\n".replace("\x7f", "\\u007f"))
        with pytest.raises(SettingsError):
            read_config(config)


def test_yaml_makes_no_objects(tmp_path: Path) -> None:
    """Tags of Python's, and bombs of aliases, are refused before they are anything."""
    for text in (
        f"!!python/object/apply:builtins.exec ['{CALL}']",
        f"a: !!python/object/new:os.system ['touch {HARM}']",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)),
        "a: " + "[" * 5000,
    ):
        source = tmp_path / "crd.yaml"
        source.write_text(text)
        with pytest.raises(CodegenError, match="mend: "):
            load_crds([str(source)])
    assert not list(tmp_path.rglob(HARM))
