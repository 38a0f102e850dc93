"""What goes back to the wire: all that was given, all that changed, nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import SimpleNamespace


def written(model: Any) -> Any:
    return json.loads(model.to_wire())


def test_a_fresh_kind_writes_its_api_version_and_kind_first(api: SimpleNamespace) -> None:
    assert api.Thing().to_wire() == b'{"apiVersion":"example.com/v1","kind":"Thing"}'
    thing = api.Thing.from_wire(b'{"spec":{"nodeName":"n"},"kind":"Thing","metadata":{"name":"a"}}')
    assert thing.to_wire() == (
        b'{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"spec":{"nodeName":"n"}}'
    )


def test_another_api_version_stays(api: SimpleNamespace) -> None:
    thing = api.Thing.from_wire(b'{"apiVersion":"example.com/v2","kind":"Thing"}')
    assert thing.to_wire() == b'{"apiVersion":"example.com/v2","kind":"Thing"}'


def test_a_kind_inside_another_gets_no_api_version_that_it_had_not(api: SimpleNamespace) -> None:
    thing = api.Thing.from_wire(b'{"apiVersion":"example.com/v1","kind":"Thing","template":{"spec":{"replicas":1}}}')
    assert thing.to_wire() == (b'{"apiVersion":"example.com/v1","kind":"Thing","template":{"spec":{"replicas":1}}}')
    assert written(api.Thing(template=api.Thing(kind="Other")))["template"] == {"kind": "Other"}


def test_zeros_that_were_given_are_written(models: SimpleNamespace) -> None:
    body = {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"labels": {}, "name": "", "creationTimestamp": None},
        "spec": {"parts": [], "replicas": 0, "lock": {}, "raw": {}, "nodeName": "", "words": []},
    }
    assert written(models.Thing.from_wire(json.dumps(body).encode())) == body
    assert written(models.Spec(node_name="", parts=[], replicas=None, lock=models.Lock())) == {
        "nodeName": "",
        "parts": [],
        "replicas": None,
        "lock": {},
    }


def test_null_that_read_as_empty_is_written_as_empty(models: SimpleNamespace) -> None:
    assert written(models.Spec.from_wire(b'{"parts":null,"nodeName":null,"times":null}')) == {
        "parts": [],
        "nodeName": "",
        "times": {},
    }


@pytest.mark.parametrize("made", ["constructed", "from the wire"])
def test_changes_inside_fresh_containers_count(api: SimpleNamespace, made: str) -> None:
    thing = api.Thing() if made == "constructed" else api.Thing.from_wire(b"{}")
    thing.metadata.labels["a"] = "b"
    thing.spec.parts.append(api.Part(image="i"))
    thing.spec.parts[0].ports.append(api.Port())
    thing.spec.parts[0].limits["cpu"] = "1"
    thing.spec.by_name["x"] = api.Part(tty=True)
    thing.spec.raw["k"] = [1]
    thing.spec.lock.renewed = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert written(thing) == {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"labels": {"a": "b"}},
        "spec": {
            "parts": [{"image": "i", "limits": {"cpu": "1"}, "ports": [{}]}],
            "byName": {"x": {"tty": True}},
            "raw": {"k": [1]},
            "lock": {"renewTime": "2026-01-02T03:04:05.000000Z"},
        },
    }


def test_reading_attributes_writes_nothing(api: SimpleNamespace) -> None:
    thing = api.Thing()
    _ = (thing.spec.lock.renewed, thing.metadata.labels.get("x"), thing.spec.parts)
    assert written(thing) == {"apiVersion": "example.com/v1", "kind": "Thing"}


def test_assignments_count_zero_or_not(models: SimpleNamespace) -> None:
    spec = models.Spec()
    spec.node_name = ""
    spec.replicas = 0
    spec.lock = models.Lock()
    assert written(spec) == {"nodeName": "", "replicas": 0, "lock": {}}


def test_del_takes_a_field_back(models: SimpleNamespace) -> None:
    spec = models.Spec.from_wire(b'{"nodeName":"n","parts":[{}],"lock":{"renewTime":null},"new":1}')
    del spec.node_name
    del spec.parts
    del spec.lock
    assert (spec.node_name, spec.parts, spec.lock) == ("", [], models.Lock())
    assert written(spec) == {"new": 1}
    spec.parts.append(models.Part())
    assert models.Spec().parts == []


def test_unknown_fields_can_be_set_through_model_extra(models: SimpleNamespace) -> None:
    spec = models.Spec()
    spec.model_extra["newField"] = {"a": 1}
    assert written(spec) == {"newField": {"a": 1}}
    assert models.Spec.from_wire(spec.to_wire()).model_extra == {"newField": {"a": 1}}


def test_a_field_wins_over_an_unknown_one_of_its_name(models: SimpleNamespace) -> None:
    spec = models.Spec(node_name="real")
    spec.model_extra["nodeName"] = "other"
    assert spec.to_wire() == b'{"nodeName":"real"}'


def test_models_in_unions_and_free_form_values_are_written_too(api: SimpleNamespace) -> None:
    schema = api.Schema(items=[api.Schema(maximum=1)], default={"x": api.Port(number=1)})
    assert written(schema) == {"items": [{"maximum": 1}], "default": {"x": {"containerPort": 1}}}
    assert written(api.Schema(items=api.Schema(maximum=2))) == {"items": {"maximum": 2}}


def test_times_in_maps(api: SimpleNamespace) -> None:
    spec = api.Spec.from_wire(b'{"times":{"a":"2026-01-02T03:04:05+02:00"}}')
    spec.times["b"] = datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=1)))
    assert written(spec) == {"times": {"a": "2026-01-02T03:04:05+02:00", "b": "2026-01-01T23:00:00Z"}}


def test_what_json_cannot_hold_is_a_type_error(api: SimpleNamespace) -> None:
    with pytest.raises(TypeError, match="JSON has no object"):
        api.Spec(raw={"x": object()}).to_wire()


def test_large_and_odd_values_survive(api: SimpleNamespace) -> None:
    body = {"raw": {"big": 2**80, "float": 1e300, "text": "\u2028\u0000é\U0001f600", "deep": [[[[{}]]]]}}
    assert written(api.Spec.from_wire(json.dumps(body).encode())) == body


def test_text_is_escaped_as_go_escapes_it(api: SimpleNamespace) -> None:
    thing = api.Thing()
    thing.metadata.labels["<k>"] = "a & b"
    thing.spec.raw["line\u2028end\u2029"] = ["\\<", "é \u2027 \x7f \b\f\n\x01"]
    # What Go's json.Marshal of these strings gives.
    assert thing.to_wire() == (
        b'{"apiVersion":"example.com/v1","kind":"Thing",'
        rb'"metadata":{"labels":{"\u003ck\u003e":"a \u0026 b"}},'
        b'"spec":{"raw":{"line\\u2028end\\u2029":["\\\\\\u003c","' + "é \u2027 \x7f".encode() + rb" \b\f\n\u0001"
        b'"]}}}'
    )
    assert api.Thing.from_wire(thing.to_wire()).spec.raw == thing.spec.raw
