"""Each feature of structural schemas: the type it becomes, and that all it allows is read, and written as it came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.codegen.models.features import AMOUNT, FEATURES, INTEGER_OR_STRING, POD, STRUCT, TEXT, array, nullable
from tests.codegen.models.structural import PRESERVES, custom_resource, object_meta, published

from kinform.model import Model

if TYPE_CHECKING:
    from tests.codegen.models.conftest import MakeModels, Models


@pytest.fixture(scope="module")
def models(make_models: MakeModels) -> Models:
    return make_models(custom_resource({name: feature.schema for name, feature in FEATURES.items()}))


@pytest.fixture(scope="module")
def widget(models: Models) -> Any:
    return models.cls("com.example.v1.Widget")


def exactly(value: object) -> str:
    """As text, that tells 1 from 1.0 and True."""
    return json.dumps(value, sort_keys=True)


def body(**fields: object) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", **fields}


@pytest.mark.parametrize("name", FEATURES)
def test_the_type(models: Models, widget: Any, name: str) -> None:
    spec = models.named(models.sources.classes["com.example.v1.Widget"]._replace(name="WidgetSpec"))
    attributes = {info.alias or attribute: attribute for attribute, info in spec.model_fields.items()}
    annotation = spec.__annotations__[attributes[name]]
    assert annotation.removeprefix("Annotated[").partition(", Field(")[0] == FEATURES[name].annotation


@pytest.mark.parametrize("name", FEATURES)
def test_what_the_schema_allows_is_written_as_it_was_read(widget: Any, name: str) -> None:
    for value in FEATURES[name].values:
        wire = body(spec={name: value})
        read = widget.from_wire(json.dumps(wire).encode())
        assert exactly(json.loads(read.to_wire())) == exactly(wire)
        assert read.spec.model_extra == {}


def test_absence_is_none_but_for_lists_maps_and_free_objects(widget: Any) -> None:
    spec = widget.from_wire(json.dumps(body(spec={})).encode()).spec
    for attribute, info in type(spec).model_fields.items():
        schema, annotation, _ = FEATURES[info.alias or attribute]
        container = annotation.startswith(("list", "dict", "RawExtension")) and not schema.get("nullable")
        expected: object = None
        if container:
            expected = [] if annotation.startswith("list") else {}
        assert getattr(spec, attribute) == expected, attribute
    assert widget.from_wire(b"{}").spec is None


def test_quantities_are_text_whatever_came(widget: Any) -> None:
    spec = widget.from_wire(json.dumps(body(spec={"amount": 2, "amounts": {"cpu": 1, "memory": "1Gi"}})).encode()).spec
    assert (spec.amount, spec.amounts) == ("2", {"cpu": "1", "memory": "1Gi"})
    spec.amounts["cpu"] = "500m"
    assert json.loads(spec.to_wire()) == {"amount": 2, "amounts": {"cpu": "500m", "memory": "1Gi"}}


def test_embedded_objects_with_fields_of_their_own_are_typed(widget: Any) -> None:
    pod = {**POD, "spec": {"a": "b"}, "status": {"x": None}}
    typed = widget.from_wire(json.dumps(body(spec={"typed": pod})).encode()).spec.typed
    assert (typed.api_version, typed.kind, typed.metadata.labels, typed.spec.a) == ("v1", "Pod", {"a": "b"}, "b")
    assert typed.model_extra == {"status": {"x": None}}
    fresh = type(typed)()
    assert (fresh.api_version, fresh.kind, fresh.metadata.name, fresh.spec) == ("", "", "", None)
    assert fresh.to_wire() == b"{}"


@pytest.mark.parametrize(
    "root",
    [
        {"type": "object", **PRESERVES},
        PRESERVES,
        {"type": "object", **PRESERVES, "properties": {"spec": {"type": "object", **PRESERVES}}},
        {"type": "object"},
    ],
    ids=["object", "without type", "with properties", "bare"],
)
def test_a_root_that_keeps_what_it_does_not_know(make_models: MakeModels, root: dict[str, Any]) -> None:
    schemas = {**object_meta(), **published(root, "example.com", "v1", "Widget")}
    widget = make_models(schemas).cls("com.example.v1.Widget")
    wire = body(metadata={"name": "a"}, spec={"a": [None, 1.5]}, data=None, status=[])
    read = widget.from_wire(json.dumps(wire).encode())
    assert read.metadata.name == "a"
    assert json.loads(read.to_wire()) == wire
    assert widget().to_wire() == b'{"apiVersion":"example.com/v1","kind":"Widget"}'


def test_a_kind_of_which_nothing_is_said_has_what_any_object_has(make_models: MakeModels) -> None:
    """So Swagger v2 has kinds that keep unknown fields at the root, and schemas that are not structural."""
    kind = {"x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}]}
    for schema in ({"type": "object", **kind}, {"type": "object", **PRESERVES, **kind}):
        widget = make_models({**object_meta(), "com.example.v1.Widget": schema}).cls("com.example.v1.Widget")
        assert issubclass(widget, Model)
        wire = body(metadata={"name": "a"}, spec={"a": 1})
        read = widget.from_wire(json.dumps(wire).encode())
        assert (read.api_version, read.kind, read.metadata.name) == ("example.com/v1", "Widget", "a")
        assert json.loads(read.to_wire()) == wire


def test_what_is_required_is_never_none(make_models: MakeModels) -> None:
    spec = {
        "text": TEXT,
        "size": {"type": "integer"},
        "port": INTEGER_OR_STRING,
        "amount": AMOUNT,
        "struct": STRUCT,
        "maybe": nullable(TEXT),
        "maybes": nullable(array(TEXT)),
        "when": {**TEXT, "format": "date-time"},
    }
    models = make_models(custom_resource(spec, required=[*spec, "gone"]))
    read = models.cls("com.example.v1.Widget").from_wire(b'{"spec":{}}').spec
    assert (read.text, read.size, read.port, read.amount, read.struct.a) == ("", 0, 0, "", None)
    assert (read.maybe, read.maybes, read.when) == (None, None, None)
    assert read.to_wire() == b"{}"
