"""What the generated models are tried with: objects made of the schemas; and a package whose models are structs."""

from __future__ import annotations

import io
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.generate import generate
from kinform_codegen.progress import Progress
from kinform_codegen.settings import PackageOptions
from kinform_codegen.spec.load import load_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = Path(__file__).parents[2] / "openapi" / "v1.30.json"
GVK = "x-kubernetes-group-version-kind"


class Composer:
    """Makes objects of a schema, every field filled, values that the API's validation would not always like."""

    def __init__(self, schemas: dict[str, Any], rng: random.Random) -> None:
        self._schemas = schemas
        self._rng = rng

    def make(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if "allOf" in schema:
            schema = schema["allOf"][0]
        if "$ref" in schema:
            return self._named(schema["$ref"].rpartition("/")[2], depth)
        match schema.get("type"):
            case "array":
                return [self.make(schema["items"], depth + 1) for _ in range(self._rng.choice([0, 1, 2]))]
            case "object" if isinstance(schema.get("additionalProperties"), dict):
                return {
                    key: self.make(schema["additionalProperties"], depth + 1) for key in self._rng.choice([[], ["a"]])
                }
            case "object":
                return self._fields(schema, depth)
            case "string":
                return self._rng.choice(["", "text", "é", "$x"])
            case "integer":
                return self._rng.choice([0, 1, -1, 2**31, 2**53 + 1])
            case "boolean":
                return self._rng.choice([True, False])
            case "number":
                return self._rng.choice([0, 1.5, 100])
        return self._rng.choice([{"any": [1, None]}, {}])

    def _named(self, name: str, depth: int) -> Any:
        match name.rpartition(".")[2]:
            case "Time":
                return self._rng.choice(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00+01:00", None])
            case "MicroTime":
                return "2026-11-22T10:00:00.000000Z"
            case "Quantity":
                return self._rng.choice(["500m", "0", 2, 0])
            case "IntOrString":
                return self._rng.choice([0, 80, "http", ""])
            case "RawExtension" | "FieldsV1" | "JSON":
                return self._rng.choice([{"f:x": {".": {}}}, {}])
        return self.make(self._schemas[name], depth + 1)

    def _fields(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        names = schema.get("properties", {})
        if depth > 6:
            names = {name: each for name, each in names.items() if each.get("type") not in {None, "array", "object"}}
        made = {name: self.make(each, depth) for name, each in names.items() if self._rng.random() < 0.8}
        if self._rng.random() < 0.2:
            made["x-unknown"] = {"deep": [{"er": None}]}
        return made


def kinds(schemas: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """The schema's name, and the group, version and kind, of each kind of one group."""
    for name, schema in schemas.items():
        if len(schema.get(GVK, [])) == 1 and not name.endswith("List") and ".meta." not in name:
            yield name, schema[GVK][0]


@pytest.fixture(scope="session")
def composed() -> dict[str, list[dict[str, Any]]]:
    """Two objects of each kind, by the path of its class: ``core.v1.Pod``."""
    schemas = json.loads(SPEC.read_bytes())["components"]["schemas"]
    composer = Composer(schemas, random.Random(130))
    bodies: dict[str, list[dict[str, Any]]] = {}
    for name, gvk in kinds(schemas):
        folder = {"": "core"}.get(gvk["group"], gvk["group"].partition(".")[0])
        told = {"apiVersion": f"{gvk['group']}/{gvk['version']}".lstrip("/"), "kind": gvk["kind"]}
        bodies[f"{folder}.{gvk['version']}.{gvk['kind']}"] = [composer.make(schemas[name]) | told for _ in range(2)]
    return bodies


@pytest.fixture(scope="session")
def structs_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the generator writes for v1.30 with ``--models msgspec --package kinform_structs``: a project's folder."""
    root = tmp_path_factory.mktemp("structs")
    options = PackageOptions(package="kinform_structs", models="msgspec")
    for path, content in generate(load_spec(str(SPEC)), Progress(io.StringIO()), options).files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return root


@pytest.fixture(scope="session")
def structs(structs_project: Path) -> Iterator[str]:
    """The name of that package, which can be imported."""
    sys.path.insert(0, str(structs_project))
    yield "kinform_structs"
    sys.path.remove(str(structs_project))
