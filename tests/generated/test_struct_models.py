"""Generated structs beside generated pydantic models: what both read alike, and what structs write otherwise."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from pydantic import BaseModel

from kinform.structs.leniency import read_leniently

if TYPE_CHECKING:
    from collections.abc import Callable

OBJECTS = sorted(path.stem for path in (Path(__file__).parent / "objects").glob("*.json"))

# Fields of a newer server that one of the objects has: as in client-go, they are lost.
UNKNOWN = {"futureSpec", "futureTop", "node_name", "request", "resizeMode", "selfDestruct", "weight"}


def golden(name: str) -> bytes:
    return (Path(__file__).parent / "objects" / f"{name}.json").read_bytes()


def path_of(body: dict[str, Any]) -> str:
    group, _, version = body["apiVersion"].rpartition("/")
    return f"{group.partition('.')[0] or 'core'}.{version}.{body['kind']}"


def pair(structs: str, path: str) -> tuple[Any, Any]:
    """The struct and the pydantic model of one kind."""
    module, _, name = path.rpartition(".")
    return tuple(
        getattr(importlib.import_module(f"{package}.models.{module}"), name) for package in (structs, "kinform_k8s")
    )


def plain(value: Any) -> Any:
    """An object of either kind as dicts of all its attributes."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def shorn(value: Any) -> Any:
    """JSON without the zeros that an object holds, at any depth, and without what the models do not know."""
    if isinstance(value, dict):
        inner = {key: shorn(each) for key, each in value.items() if key not in UNKNOWN}
        return {key: each for key, each in inner.items() if each}
    return [shorn(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", OBJECTS)
def test_golden_objects(name: str, structs: str) -> None:
    body = json.loads(golden(name))
    struct, model = pair(structs, path_of(body))
    read = struct.from_wire(golden(name))
    assert plain(read) == plain(model.from_wire(golden(name)))
    written = json.loads(read.to_wire())
    assert list(written)[:2] == ["apiVersion", "kind"]
    assert struct.from_wire(read.to_wire()) == read
    assert shorn(written) == shorn(body)


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["deepcopy", "pickle"],
)
def test_copies_of_golden_objects(name: str, structs: str, duplicate: Callable[[Any], Any]) -> None:
    read = pair(structs, path_of(json.loads(golden(name))))[0].from_wire(golden(name))
    same = duplicate(read)
    assert same == read
    assert same.to_wire() == read.to_wire()


def test_what_api_servers_send_is_read_at_full_speed(structs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what no server sends for built-in types: numbers as quantities."""
    refused: list[str] = []

    def noted(cls: type[Any], data: bytes) -> Any:
        refused.append(cls.__name__)
        return read_leniently(cls, data)

    monkeypatch.setattr("kinform.structs.reading.read_leniently", noted)
    for name in OBJECTS:
        pair(structs, path_of(json.loads(golden(name))))[0].from_wire(golden(name))
    assert refused == ["HorizontalPodAutoscaler", "Pod"]


def test_every_kind_with_every_field_filled(structs: str, composed: dict[str, list[dict[str, Any]]]) -> None:
    for path, bodies in composed.items():
        struct, model = pair(structs, path)
        for body in bodies:
            data = json.dumps(body).encode()
            read, expected = struct.from_wire(data), plain(model.from_wire(data))
            assert plain(read) == expected, path
            # What is written means the same.
            assert plain(model.from_wire(read.to_wire())) == expected, path
            assert struct.from_wire(read.to_wire()) == read, path
        for fresh in (struct(), struct.from_wire(b"{}")):
            assert plain(fresh) == plain(model()), path
            assert plain(model.from_wire(fresh.to_wire())) == plain(model()), path


WRONG: list[Any] = [None, True, 0, 1, 2.0, 1.5, "", "1", "x", "true", [], [None], ["x"], {}, {"a": "b"}, {"a": None}]


def bent(value: Any, rng: random.Random) -> Any:
    """The value with something else in one place."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        return {**value, key: bent(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        number = rng.randrange(len(value))
        return [*value[:number], bent(value[number], rng), *value[number + 1 :]]
    return rng.choice(WRONG)


def outcome(cls: Any, data: bytes) -> Any:
    """What is read; or the places of what cannot be."""
    try:
        return plain(cls.from_wire(data))
    except ValueError as error:
        return re.findall(r"(?:^\w+: |; )([^ ]+): ", str(error))


def test_both_refuse_the_same_and_in_the_same_places(structs: str, composed: dict[str, list[dict[str, Any]]]) -> None:
    rng = random.Random(1)
    refused = 0
    for path, bodies in composed.items():
        struct, model = pair(structs, path)
        for _ in range(20):
            data = json.dumps(bent(rng.choice(bodies), rng)).encode()
            found = outcome(struct, data)
            assert found == outcome(model, data), (path, data)
            refused += isinstance(found, list)
    assert refused > 100


@pytest.mark.parametrize(
    ("path", "sent", "written"),
    [
        ("core.v1.Pod", {"spec": {"containers": None}}, {}),
        ("core.v1.Pod", {"spec": {"containers": None, "nodeName": "n"}}, {"spec": {"containers": [], "nodeName": "n"}}),
        ("core.v1.Pod", {"metadata": None, "spec": None}, {}),
        ("core.v1.ConfigMap", {"data": None}, {}),
        ("discovery.v1.EndpointSlice", {"endpoints": None}, {"addressType": "", "endpoints": []}),
        ("apps.v1.ControllerRevision", {"data": None}, {"revision": 0}),
        ("apps.v1.ControllerRevision", {"data": {}, "revision": 1}, {"data": {}, "revision": 1}),
        ("apps.v1.Deployment", {"spec": {"replicas": 0}}, {"spec": {"replicas": 0, "selector": {}, "template": {}}}),
        ("rbac.v1.ClusterRole", {"rules": None}, {}),
    ],
)
def test_null_reads_as_empty_and_what_is_required_is_written(
    structs: str, path: str, sent: dict[str, Any], written: dict[str, Any]
) -> None:
    result = json.loads(pair(structs, path)[0].from_wire(json.dumps(sent).encode()).to_wire())
    del result["apiVersion"], result["kind"]
    assert result == written


def test_secrets_are_not_shown(structs: str) -> None:
    secret = pair(structs, "core.v1.Secret")[0](data={"k": "aHVudGVyMg=="}, string_data={"p": "hunter2"})
    assert repr(secret) == "Secret(data=<hidden>, string_data=<hidden>)"
