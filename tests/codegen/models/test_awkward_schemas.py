"""One nasty custom resource: each thing that generators get wrong, right."""

from __future__ import annotations

import inspect
import json
import warnings
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import pydantic
import pytest
from pydantic import BaseModel

if TYPE_CHECKING:
    from tests.codegen.models.conftest import MakeModels, Models

INT_OR_STRING = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "pattern": r"^(\+|-)?[0-9]+(m|Mi|Gi)?$",
    "x-kubernetes-int-or-string": True,
}
SELECTOR = {"type": "object", "properties": {"app": {"type": "string"}}}

SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size", "items", "from", "policy"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
        "mode": {"type": "string", "enum": ["Fast", "Safe"]},
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 3, "maxLength": 5},
        "policy": {"type": "string", "default": "Retain"},
        "from": {"type": "string"},
        "cpu": INT_OR_STRING,
        "limits": {"type": "object", "additionalProperties": INT_OR_STRING},
        "blob": {"type": "string", "format": "byte"},
        "timeout": {"type": "string", "format": "duration"},
        "when": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "address": {"type": "string", "format": "ipv4"},
        "ratio": {"type": "number", "multipleOf": 0.5},
        "fooBar": {"type": "string"},
        "foo_bar": {"type": "string"},
        "podCIDRs": {"type": "array", "items": {"type": "string"}, "maxItems": 2, "uniqueItems": True},
        "selector": SELECTOR,
        "items": {
            "type": "array",
            "items": {"type": "object", "properties": {"selector": SELECTOR, "value": {"type": "integer"}}},
        },
        "byZone": {
            "type": "object",
            "additionalProperties": {"type": "object", "properties": {"selector": SELECTOR}},
        },
        "config": {
            "type": "object",
            "properties": {"known": {"type": "string"}},
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "template": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "bare": {"type": "object"},
        "maybe": {"type": "string", "nullable": True},
        "maybes": {"type": "array", "items": {"type": "string", "nullable": True}},
        "oneOfThem": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "validated": {"type": "object", "properties": {"a": {"type": "string"}}, "oneOf": [{"required": ["a"]}]},
        "model_config": {"type": "string"},
        "json": {"type": "string"},
        "5xx": {"type": "integer"},
        "int": {"type": "integer"},
        "other": {"type": "integer"},
        "$ref": {"type": "string"},
        "x-kubernetes-list-type": {"type": "string"},
    },
}
GVK = "x-kubernetes-group-version-kind"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
SCHEMAS: dict[str, Any] = {
    f"{META}ObjectMeta": {"type": "object", "properties": {"name": {"type": "string"}}, "x-kinform-values": ["name"]},
    "com.example.v1.Widget": {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": f"#/components/schemas/{META}ObjectMeta"}]},
            "spec": SPEC,
        },
        "required": ["spec"],
        GVK: [{"group": "example.com", "version": "v1", "kind": "Widget"}],
    },
}


@pytest.fixture(scope="module")
def models(make_models: MakeModels) -> Models:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a FutureWarning of the generator, a shadowed attribute
        return make_models(SCHEMAS)


@pytest.fixture(scope="module")
def spec_class(models: Models) -> Any:
    return models.named(models.sources.classes["com.example.v1.Widget"]._replace(name="WidgetSpec"))


def read(cls: Any, **fields: Any) -> Any:
    return cls.from_wire(json.dumps(fields).encode())


def round_trip(cls: Any, **fields: Any) -> None:
    assert json.loads(read(cls, **fields).to_wire()) == fields


def test_5_4_population_by_name_is_never_dropped(spec_class: Any) -> None:
    spec = spec_class(size=1, items=[], from_="x")
    assert json.loads(spec.to_wire()) == {"size": 1, "items": [], "from": "x"}


def test_5_4_int_or_string_with_a_pattern_takes_integers_and_strings_bare(spec_class: Any) -> None:
    for value in (2, "2", "500m", 1.0, 0, -1, "anything"):
        spec = read(spec_class, cpu=value, limits={"x": value})
        assert spec.cpu == value
        assert type(spec.limits["x"]) in {int, str}
        assert json.loads(spec.to_wire()) == {"cpu": value, "limits": {"x": value}}


def test_5_4_format_byte_stays_the_wire_s_string(spec_class: Any) -> None:
    for value in ("/////w==", "not base64!", ""):
        assert read(spec_class, blob=value).blob == value
        round_trip(spec_class, blob=value)


def test_5_4_durations_are_go_s_text(spec_class: Any) -> None:
    assert read(spec_class, timeout="1h30m").timeout == "1h30m"
    round_trip(spec_class, timeout="1h30m0.5s")


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 10**6},
        {"mode": "Newer"},
        {"name": "NO MATCH " * 9},
        {"ratio": 0.3},
        {"podCIDRs": ["a", "a", "a"]},
        {"day": "not a day"},
        {"address": "::1"},
        {"policy": "Unheard-of"},
        {"selector": {}, "validated": {"b": 1}},
    ],
)
def test_5_4_no_constraint_refuses_what_a_server_holds(spec_class: Any, fields: dict[str, Any]) -> None:
    round_trip(spec_class, **fields)


def test_5_4_properties_with_preserve_unknown_keep_the_unknown(spec_class: Any) -> None:
    spec = read(spec_class, config={"known": "a", "unknown": {"b": [1, None]}})
    assert spec.config.known == "a"
    assert spec.config.model_extra == {"unknown": {"b": [1, None]}}
    round_trip(spec_class, config={"known": "a", "unknown": {"b": [1, None]}})


@pytest.mark.parametrize("name", ["free", "any", "template", "bare"])
def test_5_1_free_form_values_are_kept_whole(spec_class: Any, name: str) -> None:
    value: Any
    for value in ({"a": {"b": [{}, None, 1.5]}}, {}):
        assert getattr(read(spec_class, **{name: value}), name) == value
        round_trip(spec_class, **{name: value})


def test_5_4_date_times_keep_their_six_digits(spec_class: Any) -> None:
    assert read(spec_class, when="2026-01-02T03:04:05.000000Z").when.year == 2026
    round_trip(spec_class, when="2026-01-02T03:04:05.000000Z")


def test_5_4_unknown_fields_are_kept(spec_class: Any, models: Models) -> None:
    round_trip(spec_class, brandNew={"a": 1})
    widget = models.cls("com.example.v1.Widget")
    round_trip(
        widget,
        apiVersion="example.com/v1",
        kind="Widget",
        spec={"items": [{"selector": {"app": "a", "new": True}}]},
        status={"phase": "Ready"},
    )


def test_5_4_foo_bar_beside_foobar(spec_class: Any) -> None:
    spec = read(spec_class, fooBar="camel", foo_bar="snake")
    assert (spec.foo_bar, spec.foo_bar_) == ("camel", "snake")
    round_trip(spec_class, fooBar="camel", foo_bar="snake")
    assert json.loads(spec_class(foo_bar="c").to_wire()) == {"fooBar": "c"}
    assert json.loads(spec_class(foo_bar_="s").to_wire()) == {"foo_bar": "s"}
    assert read(spec_class, foo_bar="snake").foo_bar != "snake"


def test_5_2_inner_types_are_named_by_path(models: Models) -> None:
    module = inspect.getmodule(models.cls("com.example.v1.Widget"))
    names = {name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, BaseModel)}
    assert {"Widget", "WidgetSpec", "WidgetSpecSelector", "WidgetSpecItems", "WidgetSpecItemsSelector"} <= names
    assert {"WidgetSpecByZone", "WidgetSpecByZoneSelector", "WidgetSpecConfig"} <= names
    assert not any(name.endswith(("1", "_")) or name in {"Selector", "Config", "Items"} for name in names)


def test_5_2_adding_a_field_renames_nothing(make_models: MakeModels, models: Models) -> None:
    more: dict[str, Any] = json.loads(json.dumps(SCHEMAS))
    widget = more["com.example.v1.Widget"]["properties"]
    widget["status"] = {"type": "object", "properties": {"selector": SELECTOR, "items": SPEC["properties"]["items"]}}
    widget["spec"]["properties"]["a"] = {"type": "object", "properties": {"selector": SELECTOR, "fooBAR": {}}}
    text = make_models(more).sources.files["models/example/v1.py"]
    for line in models.sources.files["models/example/v1.py"].splitlines():
        assert line in text


def test_5_2_required_fields_with_defaults_are_never_none(spec_class: Any) -> None:
    spec = read(spec_class)
    assert (spec.policy, spec.size, spec.from_, spec.items) == ("Retain", 1, "", [])


def test_optional_fields_of_custom_resources_are_none(spec_class: Any) -> None:
    spec = read(spec_class)
    assert (spec.mode, spec.cpu, spec.when, spec.selector, spec.maybe, spec.one_of_them) == (None,) * 6
    assert (spec.pod_cidrs, spec.limits, spec.by_zone, spec.free) == ([], {}, {}, {})


def test_nullable_values_stay_null(spec_class: Any) -> None:
    spec = read(spec_class, maybe=None, maybes=["a", None])
    assert spec.maybe is None
    assert spec.maybes == ["a", None]
    round_trip(spec_class, maybe=None, maybes=["a", None])


def test_names_that_python_or_pydantic_use_are_evaded(spec_class: Any) -> None:
    wire = {
        "model_config": "a",
        "json": "b",
        "5xx": 1,
        "int": 2,
        "other": 3,
        "$ref": "c",
        "x-kubernetes-list-type": "d",
    }
    spec = read(spec_class, **wire)
    assert (spec.model_config_, spec.json_, spec.field_5xx, spec.int_, spec.other, spec.ref) == ("a", "b", 1, 2, 3, "c")
    assert spec.x_kubernetes_list_type == "d"
    assert callable(spec.json)
    round_trip(spec_class, **wire)


def test_alternatives_without_a_type_are_any_json(spec_class: Any) -> None:
    for value in ("a", 1, [1], {"a": None}):
        round_trip(spec_class, oneOfThem=value)


def test_no_annotation_is_any_where_the_schema_has_a_type(spec_class: Any) -> None:
    def mentions_any(tp: Any) -> bool:
        if get_origin(tp) is Annotated:
            return mentions_any(get_args(tp)[0])
        return tp is Any or tp is object or any(map(mentions_any, get_args(tp)))

    loose = {name for name, info in spec_class.model_fields.items() if mentions_any(info.annotation)}
    assert loose == {"any", "one_of_them", "free", "template", "bare"}


def test_5_1_unknown_arguments_of_constructors_are_refused(spec_class: Any) -> None:
    with pytest.raises(pydantic.ValidationError, match="fooBar"):
        spec_class(fooBar="x")
