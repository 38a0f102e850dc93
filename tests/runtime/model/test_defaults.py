"""Defaults of custom resources: what absence reads as, and when they are written; and what is null on purpose."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import SimpleNamespace

DEFAULTS: dict[str, Any] = {
    "cpu": "100m",
    "debug": True,
    "max_surge": "25%",
    "maybe": "x",
    "policy": "Retain",
    "ratio": 1.5,
    "replicas": 3,
}
WIRE = {"max_surge": "maxSurge", "replicas": "replicaCount"}


def read(model: Any, **fields: object) -> Any:
    return model.from_wire(json.dumps(fields).encode())


def written(model: Any) -> Any:
    return json.loads(model.to_wire())


@pytest.mark.parametrize("made", ["read", "constructed"])
def test_absence_reads_as_the_default_which_is_not_written(api: SimpleNamespace, made: str) -> None:
    options = read(api.Options) if made == "read" else api.Options()
    assert {name: getattr(options, name) for name in DEFAULTS} == DEFAULTS
    assert options.to_wire() == b"{}"
    assert repr(options) == f"{api.Options.__name__}()"


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_that_was_given_is_written(models: SimpleNamespace, name: str) -> None:
    wire = {WIRE.get(name, name): DEFAULTS[name]}
    assert written(read(models.Options, **wire)) == wire
    assert written(models.Options(**{name: DEFAULTS[name]})) == wire
    options = models.Options()
    setattr(options, name, DEFAULTS[name])
    assert written(options) == wire
    assert repr(options) == f"Options({name}={DEFAULTS[name]!r})"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("replicas", 0),
        ("policy", ""),
        ("debug", False),
        ("max_surge", 0),
        ("ratio", 0.0),
        ("maybe", None),
        ("cpu", "1"),
    ],
)
def test_other_values_are_written_zeros_and_all(api: SimpleNamespace, name: str, value: Any) -> None:
    wire = {WIRE.get(name, name): value}
    options = read(api.Options, **wire)
    assert getattr(options, name) == value
    assert written(options) == wire
    assert written(api.Options(**{name: value})) == wire
    options = api.Options()
    setattr(options, name, value)
    assert written(options) == wire
    assert written(copy.deepcopy(options)) == written(pickle.loads(pickle.dumps(options))) == wire


@pytest.mark.parametrize("name", DEFAULTS)
def test_del_restores_the_default(api: SimpleNamespace, name: str) -> None:
    options = read(api.Options, **{WIRE.get(name, name): DEFAULTS[name]})
    delattr(options, name)
    assert getattr(options, name) == DEFAULTS[name]
    assert options.to_wire() == b"{}"


def test_what_differs_from_its_default_is_written_though_nobody_gave_it(models: SimpleNamespace) -> None:
    options = models.Options.model_construct()
    options.__dict__.update(replicas=0, policy="Delete")
    assert written(options) == {"replicaCount": 0, "policy": "Delete"}
    assert repr(options) == "Options(policy='Delete', replicas=0)"


@pytest.mark.parametrize("name", sorted(DEFAULTS.keys() - {"debug"}))
def test_structs_write_back_a_default_that_was_sent(struct_models: SimpleNamespace, name: str) -> None:
    wire = {WIRE.get(name, name): DEFAULTS[name]}
    options = read(struct_models.Options, **wire)
    assert written(options) == written(copy.deepcopy(options)) == written(pickle.loads(pickle.dumps(options))) == wire


def test_structs_cannot_tell_a_boolean_that_was_sent(struct_models: SimpleNamespace) -> None:
    assert read(struct_models.Options, debug=True).to_wire() == b"{}"


@pytest.mark.parametrize("name", sorted(DEFAULTS.keys() - {"maybe"}))
def test_null_reads_as_the_default_as_the_api_server_has_it(api: SimpleNamespace, name: str) -> None:
    options = read(api.Options, **{WIRE.get(name, name): None})
    assert getattr(options, name) == DEFAULTS[name]


@pytest.mark.parametrize("name", sorted(DEFAULTS.keys() - {"maybe"}))
def test_null_that_read_as_the_default_is_written_as_it(models: SimpleNamespace, name: str) -> None:
    options = read(models.Options, **{WIRE.get(name, name): None})
    assert written(options) == {WIRE.get(name, name): DEFAULTS[name]}


def test_quantities_with_a_default_may_be_numbers(api: SimpleNamespace) -> None:
    options = read(api.Options, cpu=2)
    assert options.cpu == "2"
    assert written(options) == {"cpu": 2}


def test_an_object_that_was_given_is_written(models: SimpleNamespace) -> None:
    assert written(read(models.Holder, options={})) == {"options": {}}


def test_defaults_inside_other_objects(api: SimpleNamespace) -> None:
    holder = read(api.Holder)
    assert holder.options.replicas == 3
    assert holder.to_wire() == b"{}"
    assert repr(holder) == f"{api.Holder.__name__}()"
    holder.options.replicas = 0
    assert written(holder) == {"options": {"replicaCount": 0}}


@pytest.mark.parametrize(
    "wire",
    [
        {"maybe": None},
        {"maybes": None},
        {"maybes": ["a", None, ""]},
        {"maybes": []},
        {"parts": None},
        {"parts": [None, {"image": "i"}, {}]},
        {"spec": None},
        {"spec": {"raw": {"a": None}, "replicas": None}},
        {"zones": None},
        {"zones": {"a": None, "b": {"ports": [{"containerPort": 1}]}}},
        {"zones": {}},
    ],
)
def test_null_where_it_may_stand_stays_null(models: SimpleNamespace, wire: dict[str, Any]) -> None:
    assert written(read(models.Options, **wire)) == wire


@pytest.mark.parametrize("wire", [{"maybe": None}, {"parts": None}, {"spec": None}, {"zones": {"a": None}}])
def test_structs_keep_the_null_of_what_has_a_default(struct_models: SimpleNamespace, wire: dict[str, Any]) -> None:
    """Absence would be another value. Null without a default is the same as absent, and left out."""
    assert written(read(struct_models.Options, **wire)) == wire
    # and where something else sends it to the lenient reader
    assert written(read(struct_models.Options, **wire, off=None)) == wire


def test_what_is_nullable_reads_as_none(api: SimpleNamespace) -> None:
    options = read(api.Options, maybe=None, maybes=[None], parts=None, spec=None, zones={"a": None})
    assert (options.maybe, options.maybes, options.parts, options.spec) == (None, [None], None, None)
    assert options.zones == {"a": None}
    options = api.Options()
    assert (options.maybes, options.parts, options.spec, options.zones) == (None, [], api.Spec(), None)
    assert api.Options().parts is not options.parts
    options.parts.append(api.Part())
    options.spec.node_name = "n"
    assert written(options) == {"parts": [{}], "spec": {"nodeName": "n"}}
    del options.parts, options.spec
    assert options.to_wire() == b"{}"
