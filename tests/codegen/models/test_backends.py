"""Pydantic models and msgspec structs of one document: the same classes, the same attributes, the same absence."""

from __future__ import annotations

import ast
import json
import warnings
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from kinform_codegen.errors import CodegenError
from kinform_codegen.models import ModelSources, generate_models
from kinform_codegen.spec.load import load_spec
from kinform_codegen.spec.values import add_value_facts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.codegen.models.conftest import MakeModels, Models

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
GVK = "x-kubernetes-group-version-kind"
TEXT = {"type": "string"}


def types_of(sources: ModelSources) -> dict[str, dict[str, str]]:
    """The annotation of each attribute of each class, less what the back ends write differently."""
    found: dict[str, dict[str, str]] = {}
    for path, text in sources.files.items():
        for cls in (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)):
            found[f"{path}:{cls.name}"] = {
                field.target.id: ast.unparse(bare(field.annotation))
                for field in cls.body
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            }
    return found


def bare(annotation: ast.expr) -> ast.expr:
    """The type in an Annotated."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        assert isinstance(annotation.slice, ast.Tuple)
        return annotation.slice.elts[0]
    return annotation


@pytest.mark.parametrize("version", ["v1.30", "v1.37"])
def test_the_same_classes_attributes_and_types(version: str, repository: Path) -> None:
    spec = load_spec(str(repository / "openapi" / f"{version}.json"))
    add_value_facts(spec.document, spec.version)
    structs = generate_models(spec.document, package="p", backend="msgspec")
    models = generate_models(spec.document, package="p")
    assert structs.classes == models.classes
    assert structs.files.keys() == models.files.keys()
    found = types_of(structs)
    assert len(found) > 500
    assert found == types_of(models)
    assert found["models/core/v1.py:PodSpec"]["node_name"] == "str"
    assert found["models/core/v1.py:PodSpec"]["priority"] == "int | None"


SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["kept", "list", "map", "selector", "nullable", "when", "any", "free", "defaulted", "number"],
    "properties": {
        "kept": TEXT,
        "list": {"type": "array", "items": TEXT},
        "map": {"type": "object", "additionalProperties": TEXT},
        "selector": {"type": "object", "properties": {"app": TEXT}},
        "nullable": {"type": "string", "nullable": True},
        "when": {"type": "string", "format": "date-time"},
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "free": {"type": "object"},
        "number": {"type": "number"},
        "defaulted": {"type": "integer", "default": 1},
        "size": {"type": "integer", "default": 3},
        "percent": {"x-kubernetes-int-or-string": True, "default": "25%"},
        "ratio": {"type": "number", "default": 1.5},
        "on": {"type": "boolean", "default": True},
        "limits": {"type": "object", "properties": {"max": {"type": "integer", "default": 5}}, "default": {}},
        "nullableLimits": {"type": "object", "properties": {"max": TEXT}, "default": {}, "nullable": True},
        "canary": {"type": "object"},
        "open": {
            "type": "object",
            "properties": {"known": TEXT},
            "x-kubernetes-preserve-unknown-fields": True,
        },
        # what Python, msgspec and the templates call things
        **dict.fromkeys(("field", "Field", "msgspec", "default", "name", "struct", "self", "cls", "type", "gc"), TEXT),
        "__struct_fields__": TEXT,
        "é quo'te\u2028": TEXT,
        "": TEXT,
    },
}
REQUIRED_ZEROS: dict[str, Any] = {
    "kept": "",
    "list": [],
    "map": {},
    "selector": {},
    "nullable": None,
    "free": {},
    "number": 0.0,
}


def schemas_of(kind: str = "Widget") -> dict[str, Any]:
    return {
        f"{META}ObjectMeta": {"type": "object", "properties": {"name": TEXT}, "x-kinform-values": ["name"]},
        f"com.example.v1.{kind}": {
            "type": "object",
            "properties": {
                "apiVersion": TEXT,
                "kind": TEXT,
                "metadata": {"allOf": [{"$ref": f"#/components/schemas/{META}ObjectMeta"}]},
                "spec": SPEC,
            },
            "required": ["spec"],
            GVK: [{"group": "example.com", "version": "v1", "kind": kind}],
        },
    }


@pytest.fixture(scope="module")
def structs(make_models: MakeModels) -> Models:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return make_models(schemas_of(), backend="msgspec")


@pytest.fixture(scope="module")
def spec_class(structs: Models) -> Any:
    return structs.named(structs.sources.classes["com.example.v1.Widget"]._replace(name="WidgetSpec"))


def written(struct: Any) -> Any:
    return json.loads(struct.to_wire())


def test_custom_resources_have_the_same_attributes(make_models: MakeModels, structs: Models) -> None:
    models = make_models(schemas_of())
    assert types_of(structs.sources) == types_of(models.sources)
    assert structs.sources.files["models/example/v1.py"].count("class WidgetSpec(") == 1


def test_what_is_required_is_written_and_nothing_else(structs: Models, spec_class: Any) -> None:
    assert written(spec_class()) == REQUIRED_ZEROS
    assert written(spec_class.from_wire(b"{}")) == REQUIRED_ZEROS
    widget = structs.cls("com.example.v1.Widget")
    assert written(widget()) == {"apiVersion": "example.com/v1", "kind": "Widget", "spec": REQUIRED_ZEROS}


def test_defaults_are_read_and_left_out_until_changed(spec_class: Any) -> None:
    spec = spec_class.from_wire(b"{}")
    assert (spec.defaulted, spec.size, spec.percent, spec.ratio, spec.on, spec.limits.max) == (
        1,
        3,
        "25%",
        1.5,
        True,
        5,
    )
    sent: dict[str, Any] = {"defaulted": 1, "size": 3, "percent": "25%", "ratio": 1.5}
    assert written(spec_class.from_wire(json.dumps(sent).encode())) == REQUIRED_ZEROS | sent
    zeros: dict[str, Any] = {"defaulted": 0, "size": 0, "percent": "", "ratio": 0, "on": False, "limits": {"max": 0}}
    assert written(spec_class.from_wire(json.dumps(zeros).encode())) == REQUIRED_ZEROS | zeros


def test_presence_that_means_something_is_kept(spec_class: Any) -> None:
    each: list[dict[str, Any]] = [{"canary": {}}, {"nullableLimits": None}, {"any": [None]}, {"open": {"known": ""}}]
    for sent in each:
        assert written(spec_class.from_wire(json.dumps(sent).encode())).keys() == REQUIRED_ZEROS.keys() | sent.keys()


def test_names_that_mean_something_elsewhere(spec_class: Any) -> None:
    for wire in SPEC["properties"]:
        if SPEC["properties"][wire] is TEXT:
            assert written(spec_class.from_wire(json.dumps({wire: "x"}).encode())) == REQUIRED_ZEROS | {wire: "x"}
    assert spec_class(field="a").field == "a"
    assert spec_class().__struct_fields__


def test_kinds_of_any_name(make_models: MakeModels) -> None:
    names = ["Struct", "Field", "Default", "Meta", "UnsetType", "ConfigDict", "OmitZero", "Raw", "AbsentObject", "Time"]
    schemas = {schema: each for name in names for schema, each in schemas_of(name).items()}
    made = make_models(schemas, backend="msgspec")
    assert types_of(made.sources) == types_of(make_models(schemas).sources)
    for name in names:
        cls = made.cls(f"com.example.v1.{name}")
        assert issubclass(cls, msgspec.Struct)
        assert cls.from_wire(b'{"spec":{"kept":"x"}}').spec.kept == "x"
        assert written(cls())["kind"] == name


@pytest.mark.parametrize("wire", ['quo"te', "back\\slash", "line\nfeed"])
def test_a_name_that_msgspec_cannot_have_ends_in_one_message(wire: str) -> None:
    schemas = {"com.example.v1.Widget": {"properties": {wire: TEXT}, GVK: schemas_of()["com.example.v1.Widget"][GVK]}}
    document = {"openapi": "3.0.0", "paths": {}, "components": {"schemas": schemas}}
    with pytest.raises(CodegenError) as caught:
        generate_models(document, package="p", backend="msgspec")
    assert str(caught.value).startswith(f"example.v1.Widget has a property {wire!r}, a name that no msgspec field")
    assert "mend: take --models pydantic" in str(caught.value)
    generate_models(document, package="p")


def test_classes_that_lose_what_the_api_would_keep_are_named(make_models: MakeModels, structs: Models) -> None:
    assert [cls.name for cls in structs.sources.lossy] == ["WidgetSpecOpen"]
    assert make_models(schemas_of()).sources.lossy == ()


def test_sources_import_what_they_use_only(structs: Models) -> None:
    text = structs.sources.files["models/example/v1.py"]
    tree = ast.parse(text)
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert imported - used == {"annotations"}
    assert "from msgspec" not in text
    assert "pydantic" not in text.lower()
