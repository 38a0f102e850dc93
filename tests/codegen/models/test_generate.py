"""The generated sources as a whole: complete, stable, tidy, right in names and zeros."""

from __future__ import annotations

import ast
import json
import random
from typing import TYPE_CHECKING, Any

import datamodel_code_generator
import pytest

from kinform_codegen.errors import CodegenError
from kinform_codegen.models import ClassRef, generate_models

if TYPE_CHECKING:
    from tests.codegen.models.conftest import MakeModels

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
REF = "#/components/schemas/"
GVK = "x-kubernetes-group-version-kind"


def ref(name: str) -> dict[str, Any]:
    return {"$ref": REF + name}


def kind(group: str, version: str, name: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": ref(f"{META}ObjectMeta"),
            **properties,
        },
        GVK: [{"group": group, "version": version, "kind": name}],
    }


OBJECT_META = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
        "creationTimestamp": {"allOf": [ref(f"{META}Time")], "default": {}},
    },
    "x-kinform-values": ["name", "creationTimestamp"],
}
TIME = {"type": "string", "format": "date-time"}
MACHINERY = {f"{META}ObjectMeta": OBJECT_META, f"{META}Time": TIME}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    core = "io.k8s.api.core.v1."
    apps = "io.k8s.api.apps.v1."
    return {
        **MACHINERY,
        f"{META}ListMeta": {"type": "object", "properties": {"continue": {"type": "string"}}},
        f"{META}Status": kind("", "v1", "Status", metadata=ref(f"{META}ListMeta"), code={"type": "integer"}),
        f"{META}DeleteOptions": {
            "type": "object",
            "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}},
            GVK: [
                {"group": "apps", "version": "v1", "kind": "DeleteOptions"},
                {"group": "", "version": "v1", "kind": "DeleteOptions"},
                {"group": "", "version": "v1beta1", "kind": "DeleteOptions"},
            ],
        },
        f"{core}Pod": kind("", "v1", "Pod", spec={"allOf": [ref(f"{core}PodSpec")], "default": {}}),
        f"{core}PodList": {
            **kind("", "v1", "PodList", items={"type": "array", "items": ref(f"{core}Pod")}),
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"allOf": [ref(f"{META}ListMeta")], "default": {}},
                "items": {"type": "array", "items": ref(f"{core}Pod")},
            },
        },
        f"{core}PodSpec": {
            "type": "object",
            "description": 'What a pod "does".\n\nWith a second paragraph, a \\ and """quotes""".',
            "properties": {
                "nodeName": {"type": "string", "description": "Where it runs."},
                "priority": {"type": "integer", "format": "int32"},
                "hostNetwork": {"type": "boolean"},
                "restartPolicy": {"type": "string", "enum": ["Always", "Never"], "default": "Always"},
                "name": {"type": "string", "default": ""},
                "containers": {"type": "array", "items": {"allOf": [ref(f"{core}Container")], "default": {}}},
                "affinity": ref(f"{core}Affinity"),
                "required": ref(f"{core}Affinity"),
                "overhead": {
                    "type": "object",
                    "additionalProperties": ref("io.k8s.apimachinery.pkg.api.resource.Quantity"),
                },
                "limit": ref("io.k8s.apimachinery.pkg.api.resource.Quantity"),
                "port": ref("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
                "startTime": ref(f"{META}Time"),
            },
            "required": ["containers", "required", "startTime"],
            "x-kinform-values": ["hostNetwork", "limit", "nodeName"],
        },
        f"{core}Affinity": {"type": "object"},
        f"{core}Container": {"type": "object", "properties": {"image": {"type": "string"}}, "required": ["image"]},
        f"{apps}Deployment": kind("apps", "v1", "Deployment", spec=ref(f"{apps}DeploymentSpec")),
        f"{apps}DeploymentSpec": {
            "type": "object",
            "properties": {"replicas": {"type": "integer", "default": 1}, "template": ref(f"{core}PodSpec")},
        },
        f"{apps}Alias": {"type": "string"},
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"format": "int-or-string", "oneOf": []},
        "com.example.v1.Widget": kind(
            "example.com",
            "v1",
            "Widget",
            spec={
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "default": 3},
                    "shape": {"type": "string"},
                    "alias": ref(f"{apps}Alias"),
                    "maybe": {"type": "string", "default": "x", "nullable": True},
                },
            },
        ),
    }


def shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(key, shuffled(inner, rng)) for key, inner in value.items()]
        rng.shuffle(items)
        return dict(items)
    return [shuffled(inner, rng) for inner in value] if isinstance(value, list) else value


def document(schemas: dict[str, Any]) -> dict[str, Any]:
    return {"openapi": "3.0.0", "paths": {}, "components": {"schemas": schemas}}


def test_output_depends_on_what_is_said_not_on_its_order(schemas: dict[str, Any]) -> None:
    before = json.dumps(schemas)
    expected = generate_models(document(schemas), package="p")
    for seed in range(3):
        again = generate_models(document(shuffled(schemas, random.Random(seed))), package="p")
        assert again.files == expected.files
        assert again.classes == expected.classes
    assert json.dumps(schemas) == before


def test_every_schema_that_holds_fields_becomes_a_class(schemas: dict[str, Any]) -> None:
    sources = generate_models(document(schemas), package="some_package")
    core = "some_package.models.core.v1"
    assert sources.classes["io.k8s.api.core.v1.Pod"] == ClassRef(core, "Pod")
    assert sources.classes["io.k8s.api.core.v1.Affinity"] == ClassRef(core, "Affinity")
    assert sources.classes[f"{META}ObjectMeta"].module == "some_package.models.meta.v1"
    absent = {f"{META}Time", "io.k8s.api.core.v1.PodList", "io.k8s.api.apps.v1.Alias"}
    absent |= {name for name in schemas if "resource.Quantity" in name or "intstr" in name}
    assert schemas.keys() - sources.classes.keys() == absent
    assert sorted(sources.files) == [
        "models/__init__.py",
        "models/apps/__init__.py",
        "models/apps/v1.py",
        "models/core/__init__.py",
        "models/core/v1.py",
        "models/example/__init__.py",
        "models/example/v1.py",
        "models/meta/__init__.py",
        "models/meta/v1.py",
    ]


def test_a_list_that_something_refers_to_is_kept(schemas: dict[str, Any]) -> None:
    more = schemas | {"io.k8s.api.apps.v1.Holder": {"properties": {"pods": ref("io.k8s.api.core.v1.PodList")}}}
    assert "io.k8s.api.core.v1.PodList" in generate_models(document(more), package="p").classes


def test_sources_have_a_header_and_import_what_they_use_only(schemas: dict[str, Any]) -> None:
    files = generate_models(document(schemas), package="p", header="Made by a test.").files
    for path, text in files.items():
        assert text.startswith('# Made by a test.\n"""'), path
        tree = ast.parse(text)
        imported = [
            alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
        ]
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert set(imported) - used <= {"annotations"}, path
        assert len(set(imported)) == len(imported), path
    assert files["models/core/v1.py"].splitlines()[1:8] == [
        '"""Pydantic models of core/v1."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Annotated",
        "",
        "from kinform.model import IntOrString, Model, Quantity, Time",
    ]


def test_words_of_docstrings_are_not_imported() -> None:
    part = {"type": "object", "description": "A Field, Annotated.", "properties": {"a": {"type": "string"}}}
    (text,) = (
        text
        for path, text in generate_models(document({"io.k8s.api.a.v1.Part": part}), package="p").files.items()
        if path == "models/a/v1.py"
    )
    assert [line for line in text.splitlines() if " import " in line] == [
        "from __future__ import annotations",
        "from kinform.model import Model",
    ]


def test_zeros_are_those_of_go(make_models: MakeModels, schemas: dict[str, Any]) -> None:
    models = make_models(schemas)
    spec = models.cls("io.k8s.api.core.v1.PodSpec")()
    affinity = models.cls("io.k8s.api.core.v1.Affinity")
    # said to be values, or required, or with a zero for default
    assert (spec.node_name, spec.host_network, spec.limit, spec.name) == ("", False, "", "")
    assert spec.containers == []
    assert spec.overhead == {}
    assert spec.required == affinity()
    # pointers: nothing says otherwise, not even a default that is no zero
    assert (spec.priority, spec.affinity, spec.port, spec.restart_policy) == (None, None, None, None)
    assert models.cls("io.k8s.api.apps.v1.DeploymentSpec")().replicas is None
    # a time is None whatever Go holds
    assert spec.start_time is None
    assert models.cls(f"{META}ObjectMeta")().creation_timestamp is None


def test_custom_resources_are_optional_unless_required_or_defaulted(
    make_models: MakeModels, schemas: dict[str, Any]
) -> None:
    widget = make_models(schemas).cls("com.example.v1.Widget")
    assert widget().spec is None
    spec = widget.from_wire(b'{"spec":{}}').spec
    assert (spec.size, spec.shape, spec.alias, spec.maybe) == (3, None, None, "x")


def test_kinds_know_their_api_version_and_kind(make_models: MakeModels, schemas: dict[str, Any]) -> None:
    models = make_models(schemas)
    assert models.cls("io.k8s.api.apps.v1.Deployment")().to_wire() == b'{"apiVersion":"apps/v1","kind":"Deployment"}'
    assert models.cls("io.k8s.api.core.v1.Pod")().to_wire() == b'{"apiVersion":"v1","kind":"Pod"}'
    assert models.cls("com.example.v1.Widget")().to_wire() == b'{"apiVersion":"example.com/v1","kind":"Widget"}'
    # a kind of every group is written as the core group's
    assert models.cls(f"{META}DeleteOptions")().to_wire() == b'{"apiVersion":"v1","kind":"DeleteOptions"}'
    assert models.cls("com.example.v1.Widget")().metadata.name == ""
    assert models.cls(f"{META}Status")().metadata.continue_ is None


def test_descriptions_become_docstrings_and_nothing_stands_for_none(
    make_models: MakeModels, schemas: dict[str, Any]
) -> None:
    models = make_models(schemas)
    text = models.sources.files["models/core/v1.py"]
    assert '    """Where it runs."""\n' in text
    assert models.cls("io.k8s.api.core.v1.PodSpec").__doc__.startswith(
        'What a pod "does".\n\n    With a second paragraph, a \\ and'
    )
    assert text.count('"""') == 2 + 2 + 2
    assert models.cls("io.k8s.api.core.v1.Container").__doc__ in {None, ""}


def test_one_name_in_two_groups(make_models: MakeModels) -> None:
    models = make_models(
        {
            **MACHINERY,
            "io.k8s.api.a.v1.Selector": {"properties": {"x": {"type": "string"}}},
            "io.k8s.api.b.v1.Selector": {"properties": {"y": {"type": "string"}}},
            "io.k8s.api.b.v1.User": {
                "properties": {"own": ref("io.k8s.api.b.v1.Selector"), "other": ref("io.k8s.api.a.v1.Selector")},
                "required": ["own", "other"],
            },
        }
    )
    user = models.cls("io.k8s.api.b.v1.User").from_wire(b'{"own":{"y":"1"},"other":{"x":"2"}}')
    assert type(user.own) is models.cls("io.k8s.api.b.v1.Selector")
    assert type(user.other) is models.cls("io.k8s.api.a.v1.Selector")
    assert (user.own.y, user.other.x) == ("1", "2")


@pytest.mark.parametrize(
    "name", ["Model", "Field", "Annotated", "Time", "Json", "Quantity", "Optional", "Any", "None", "List"]
)
def test_kinds_may_have_the_names_of_python_s_things(make_models: MakeModels, name: str) -> None:
    schema = f"com.example.v1.{name}"
    models = make_models(
        {
            **MACHINERY,
            schema: kind(
                "example.com",
                "v1",
                name,
                next=ref(schema),
                when=ref(f"{META}Time"),
                many={"type": "array", "items": ref(schema)},
            ),
        }
    )
    cls = models.cls(schema)
    body = {"apiVersion": "example.com/v1", "kind": name, "next": {"when": "2026-01-02T03:04:05Z"}, "many": [{}]}
    read = cls.from_wire(json.dumps(body).encode())
    assert type(read.next) is cls
    assert json.loads(read.to_wire()) == body


def test_types_may_hold_themselves_and_each_other(make_models: MakeModels) -> None:
    schema = "com.example.v1."
    models = make_models(
        {
            f"{schema}A": {
                "properties": {"b": ref(f"{schema}B"), "all": {"type": "array", "items": ref(f"{schema}A")}}
            },
            f"{schema}B": {
                "properties": {
                    "a": ref(f"{schema}A"),
                    "map": {"type": "object", "additionalProperties": ref(f"{schema}B")},
                }
            },
        }
    )
    body = {"b": {"a": {"b": {}}, "map": {"x": {"map": {}}}}, "all": [{"all": []}]}
    assert json.loads(models.cls(f"{schema}A").from_wire(json.dumps(body).encode()).to_wire()) == body


def test_a_circle_of_groups_is_an_error_that_names_them() -> None:
    circle = {
        "io.k8s.api.a.v1.X": {"properties": {"y": ref("io.k8s.api.b.v1.Y")}},
        "io.k8s.api.b.v1.Y": {"properties": {"x": ref("io.k8s.api.a.v1.X"), "z": ref("io.k8s.api.a.v1.Z")}},
        "io.k8s.api.a.v1.Z": {"properties": {"text": {"type": "string"}}},
    }
    with pytest.raises(CodegenError, match=r"in a circle.*: .*a\.v1\.X, .*b\.v1\.Y"):
        generate_models(document(circle), package="p")


def test_a_document_without_schemas() -> None:
    assert generate_models({"openapi": "3.0.0", "paths": {}}, package="p").classes == {}


def test_a_generator_that_does_something_else_is_found_out(
    monkeypatch: pytest.MonkeyPatch, schemas: dict[str, Any]
) -> None:
    real = datamodel_code_generator.generate

    def renames(*args: Any, **options: Any) -> Any:
        modules = real(*args, **options)
        assert isinstance(modules, dict)
        return {path: text.replace("class Pod(", "class Pod1(") for path, text in modules.items()}

    monkeypatch.setattr(datamodel_code_generator, "generate", renames)
    with pytest.raises(CodegenError, match=r"core\.v1\.Pod, core\.v1\.Pod1"):
        generate_models(document(schemas), package="p")
