"""What the wire has, and has not, as attributes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import SimpleNamespace


def read(model: Any, **fields: object) -> Any:
    return model.from_wire(json.dumps(fields).encode())


def test_absent_fields_read_as_go_s_zero(api: SimpleNamespace) -> None:
    thing = read(api.Thing)
    assert thing.metadata.name == ""
    assert thing.metadata.labels == {}
    assert thing.metadata.created is None
    assert thing.spec.parts == []
    assert thing.spec.replicas is None
    assert thing.spec.raw == {}
    assert (thing.api_version, thing.kind) == ("example.com/v1", "Thing")


def test_null_reads_as_the_field_s_zero(api: SimpleNamespace) -> None:
    spec = read(api.Spec, byName=None, lock=None, nodeName=None, parts=None, raw=None, timeout=None, times=None)
    assert (spec.by_name, spec.node_name, spec.parts, spec.raw, spec.timeout, spec.times) == ({}, "", [], {}, "", {})
    assert spec.lock == api.Lock()
    assert read(api.Spec, replicas=None).replicas is None
    assert read(api.Thing, apiVersion=None, kind=None).kind == "Thing"
    part = read(api.Part, amount=None, tty=None, ports=None)
    assert (part.amount, part.tty, part.ports) == ("", False, [])


def test_null_in_lists_and_maps_reads_as_the_zero_of_what_they_hold(api: SimpleNamespace) -> None:
    spec = read(api.Spec, parts=[None, {"image": "a"}], byName={"x": None}, words=["a", None])
    assert spec.parts == [api.Part(), api.Part(image="a")]
    assert spec.by_name == {"x": api.Part()}
    assert spec.words == ["a", ""]
    assert read(api.Part, limits={"cpu": None}).limits == {"cpu": ""}
    assert read(api.Spec, times={"x": None}).times["x"].year == 1


def test_zeros_are_fresh_for_each_object(api: SimpleNamespace) -> None:
    for body in ({}, {"spec": None, "metadata": None}, {"spec": {"parts": None, "times": None}}):
        first, second = read(api.Thing, **body), read(api.Thing, **body)
        assert first.spec is not second.spec
        assert first.spec.parts is not second.spec.parts
        assert first.metadata.labels is not second.metadata.labels
        first.metadata.labels["a"] = "b"
        assert read(api.Thing, **body).metadata.labels == {}


def test_the_wire_is_read_by_wire_names_only(models: SimpleNamespace) -> None:
    spec = read(models.Spec, node_name="stray")
    assert spec.node_name == ""
    assert spec.model_extra == {"node_name": "stray"}
    both = read(models.Spec, node_name="stray", nodeName="n1")
    assert both.node_name == "n1"
    assert json.loads(both.to_wire()) == {"node_name": "stray", "nodeName": "n1"}


def test_unknown_fields_are_kept_at_any_depth(models: SimpleNamespace) -> None:
    thing = read(models.Thing, future={"a": [1, {"b": None}]}, spec={"parts": [{"new": {"x": 1}}]})
    assert thing.model_extra == {"future": {"a": [1, {"b": None}]}}
    assert thing.spec.parts[0].model_extra == {"new": {"x": 1}}


@pytest.mark.parametrize(
    ("sent", "read_as"), [(8080, 8080), ("http", "http"), ("8080", "8080"), (1.0, 1), (-1, -1), (1.5, "1.5")]
)
def test_int_or_string(api: SimpleNamespace, sent: Any, read_as: Any) -> None:
    port = read(api.Port, target=sent)
    assert port.target == read_as
    assert isinstance(port.target, type(read_as))
    assert json.loads(port.to_wire()) == {"target": sent}


@pytest.mark.parametrize("sent", ["500m", 2, 0, 1.5, -3, 10**30, "2"])
def test_quantities_may_be_numbers(api: SimpleNamespace, sent: Any) -> None:
    part = read(api.Part, amount=sent, limits={"cpu": sent})
    assert part.amount == str(sent)
    assert part.limits["cpu"] == str(sent)
    assert isinstance(part.amount, str)
    assert json.loads(part.to_wire()) == {"amount": sent, "limits": {"cpu": sent}}


@pytest.mark.parametrize("sent", [{"a": {"b": []}}, {}, [], [1, {"x": None}], "text", 7, False])
def test_free_form_values_are_kept_whatever_they_are(api: SimpleNamespace, sent: Any) -> None:
    spec = read(api.Spec, raw=sent, schema={"default": sent})
    assert spec.raw == sent
    assert spec.schema_.default == sent
    assert json.loads(spec.to_wire()) == {"raw": sent, "schema": {"default": sent}}


@pytest.mark.parametrize("sent", [100, 0, 1.5, -2, 2**60])
def test_numbers_keep_their_text(api: SimpleNamespace, sent: Any) -> None:
    schema = read(api.Schema, maximum=sent)
    assert schema.maximum == sent
    assert schema.to_wire() == json.dumps({"maximum": sent}, separators=(",", ":")).encode()


def test_types_that_hold_themselves(api: SimpleNamespace) -> None:
    body = {
        "properties": {"a": {"properties": {"b": {"default": 1}}, "items": {"default": 2}}},
        "items": [{}, {"maximum": 1}],
    }
    schema = read(api.Schema, **body)
    assert schema.inner["a"].inner["b"].default == 1
    assert schema.inner["a"].items.default == 2
    assert json.loads(schema.to_wire()) == body
    assert read(api.Schema, properties={"a": {"properties": None}}).inner["a"].inner == {}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[]", "Thing: Input should be an object, not list"),
        (b"null", "Thing: Input should be an object, not NoneType"),
        (b'{"spec":{"nodeName":5}}', "Thing: spec.nodeName: Input should be a valid string, not int"),
        (
            b'{"spec":{"parts":[{},{"image":{}}],"replicas":"many"}}',
            (
                "Thing: spec.parts[1].image: Input should be a valid string, not dict; spec.replicas: "
                "Input should be a valid integer, unable to parse string as an integer"
            ),
        ),
        (b'{"spec":{"byName":{"x":[]}}}', "Thing: spec.byName.x: Input should be an object, not list"),
        (b'{"metadata":[]}', "Thing: metadata: Input should be an object, not list"),
        (
            b'{"spec":{"parts":[{"amount":{},"ports":[{"target":true}]}]}}',
            (
                "Thing: spec.parts[0].amount: Input should be a quantity: a string or a number, not dict; "
                "spec.parts[0].ports[0].target: Input should be an integer or a string, not bool"
            ),
        ),
        (
            b'{"metadata":{"creationTimestamp":"yesterday"}}',
            "Thing: metadata.creationTimestamp: Input should be a time as in RFC 3339",
        ),
    ],
)
def test_what_cannot_be_read_is_a_value_error_that_names_the_place_once(
    api: SimpleNamespace, data: bytes, said: str
) -> None:
    with pytest.raises(ValueError) as caught:
        api.Thing.from_wire(data)
    assert str(caught.value) == said.replace("Thing", api.Thing.__name__)


@pytest.mark.parametrize("data", [b"", b'{"kind"', b"{} x", b'{"kind":"\xff"}', b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_is_a_value_error(api: SimpleNamespace, data: bytes) -> None:
    with pytest.raises(ValueError, match=f"{api.Thing.__name__}: Invalid JSON: "):
        api.Thing.from_wire(data)


def test_errors_never_show_values(api: SimpleNamespace) -> None:
    with pytest.raises(ValueError) as caught:
        api.Thing.from_wire(b'{"password":"hunter2","spec":{"nodeName":["hunter2"]}}')
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
