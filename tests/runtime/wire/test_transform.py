"""Transforms cut from objects what nobody needs, and cost one object at most when they fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.errors import UndecodableObjectError
from kinform.meta import Resource
from kinform.wire import Decoder, Entry, EventType, Json, ObjectEvent, PoisonEvent, Transform, drop, keep

Make = Callable[..., dict[str, Any]]
Dump = Callable[[object], bytes]

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)


def _decode(transform: Transform, pod: dict[str, Any], kind: str = "ADDED") -> Entry:
    event = Decoder(PODS, transform).event(json.dumps({"type": kind, "object": pod}).encode())
    assert isinstance(event, ObjectEvent)
    return event.entry


# ---- drop and keep, against a model on decoded objects


def _dropped(value: Any, paths: set[tuple[str, ...]]) -> Any:
    if isinstance(value, list):
        return [_dropped(item, paths) for item in value]
    if not isinstance(value, dict) or not paths:
        return value
    return {
        name: _dropped(inner, {p[1:] for p in paths if p[0] == name and len(p) > 1})
        for name, inner in value.items()
        if (name,) not in paths
    }


def _kept(value: Any, paths: set[tuple[str, ...]]) -> Any:
    if isinstance(value, list):
        return [_kept(item, paths) for item in value]
    if not isinstance(value, dict):
        return None
    kept = {}
    for name, inner in value.items():
        below = {p[1:] for p in paths if p[0] == name}
        if below:
            kept[name] = inner if () in below else _kept(inner, below)
    return kept


_names = st.sampled_from(["a", "b", "c.d", 'q"'])
_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(_names, v, max_size=3),
    max_leaves=15,
)
_paths = st.sets(st.lists(_names, min_size=1, max_size=3).map(tuple), min_size=1, max_size=4)


def _written(path: tuple[str, ...]) -> str:
    return ".".join(segment.replace(".", r"\.") for segment in ("spec", *path))


@given(spec=_values, paths=_paths)
def test_drop_and_keep_agree_with_the_model(spec: Any, paths: set[tuple[str, ...]]) -> None:
    pod = {"metadata": {"name": "a", "labels": {"x": "y"}}, "kind": "Pod", "apiVersion": "v1", "spec": spec}
    texts = [_written(path) for path in paths]
    assert json.loads(_decode(drop(*texts), pod).body) == {**pod, "spec": _dropped(spec, paths)}
    assert json.loads(_decode(keep(*texts), pod).body) == {**pod, "spec": _kept(spec, paths)}


def test_drop(make_pod: Make) -> None:
    pod = make_pod(annotations={"example.com/config": "long", "short": "x"})
    body = json.loads(
        _decode(drop("spec.containers.image", "status", r"metadata.annotations.example\.com/config"), pod).body
    )
    assert body["spec"] == {"nodeName": "n1", "containers": [{"name": "a"}, {"name": "b"}]}
    assert "status" not in body
    assert body["metadata"]["annotations"] == {"short": "x"}


def test_keep_keeps_what_kinform_itself_reads(make_pod: Make) -> None:
    entry = _decode(keep("spec.nodeName"), make_pod(annotations={"a": "b"}, deletionTimestamp="2026-01-01T00:00:00Z"))
    body = json.loads(entry.body)
    assert body.pop("spec") == {"nodeName": "n1"}
    assert set(body) == {"kind", "apiVersion", "metadata"}
    expected = {"name", "namespace", "uid", "resourceVersion", "generation", "deletionTimestamp"}
    assert set(body["metadata"]) == expected | {"labels", "ownerReferences"}
    assert entry.labels == {"app": "web"}


def test_values_that_stay_keep_their_bytes() -> None:
    frame = (
        b'{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"x":1.50,"y":1}}}'
    )
    event = Decoder(PODS, drop("spec.y")).event(frame)
    assert isinstance(event, ObjectEvent)
    assert b'"x":1.50' in event.entry.body


def test_dropped_metadata_is_gone_from_the_entry_as_well(make_pod: Make) -> None:
    entry = _decode(drop("metadata.labels", "metadata.ownerReferences", "metadata.generation"), make_pod())
    assert (entry.labels, entry.owner, entry.generation) == ({}, None, 0)
    assert entry.uid == "uid-of-web-0"


@pytest.mark.parametrize(
    "path", ["metadata", "metadata.name", "metadata.uid", "metadata.resourceVersion", "kind", "apiVersion"]
)
def test_an_object_must_stay_findable(path: str) -> None:
    with pytest.raises(ValueError, match="cannot do without"):
        drop("spec", path)


@pytest.mark.parametrize("make", [drop, keep])
def test_what_is_no_path_is_refused(make: Callable[..., Transform]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        make()
    with pytest.raises(ValueError, match="not a field path"):
        make("spec..x")


def test_equal_projections_are_equal() -> None:
    assert drop("a", "b") == drop("b", "a", "a")
    assert drop("a") != keep("a")
    assert len({drop("a"), drop("a"), keep("a")}) == 2


# ---- functions


def _upper(obj: dict[str, Json]) -> dict[str, Json]:
    metadata = obj["metadata"]
    assert isinstance(metadata, dict)
    metadata["name"] = "RENAMED"
    metadata["resourceVersion"] = ""
    metadata["labels"] = {"added": "yes"}
    obj["spec"] = {}
    return obj


@pytest.mark.scenario("trap-23")
def test_the_key_is_read_before_the_transform(make_pod: Make) -> None:
    entry = _decode(_upper, make_pod())
    assert (str(entry.key), entry.resource_version) == ("shop/web-0", "7"), "renaming does not move the object"
    assert json.loads(entry.body)["metadata"]["name"] == "RENAMED"
    assert entry.labels == {"added": "yes"}, "selectors see the labels that readers see"


def test_managed_fields_are_gone_before_the_transform(make_pod: Make) -> None:
    seen: list[dict[str, Any]] = []

    def look(obj: dict[str, Any]) -> dict[str, Any]:
        seen.append(obj["metadata"])
        return obj

    _decode(look, make_pod())
    assert "managedFields" not in seen[0]


def _raise(obj: dict[str, Json]) -> dict[str, Json]:
    if obj["metadata"]["name"] == "bad":  # type: ignore[index,call-overload]
        raise RuntimeError("no")
    return obj


def _forget(obj: dict[str, Json]) -> Any:
    return None if obj["metadata"]["name"] == "bad" else obj  # type: ignore[index,call-overload]


def _spoil(obj: dict[str, Json]) -> dict[str, Json]:
    if obj["metadata"]["name"] == "bad":  # type: ignore[index,call-overload]
        obj["metadata"]["labels"] = 5  # type: ignore[index,call-overload]
    return obj


def _exit(obj: dict[str, Json]) -> dict[str, Json]:
    if obj["metadata"]["name"] == "bad":  # type: ignore[index,call-overload]
        raise SystemExit(3)
    return obj


@pytest.mark.parametrize("transform", [_raise, _forget, _spoil, _exit])
@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
@pytest.mark.scenario("trap-23")
def test_a_failing_transform_costs_one_object_and_never_shows_it_untransformed(
    transform: Any, kind: str, make_pod: Make, dump: Dump
) -> None:
    calls: list[object] = []
    decoder = Decoder(PODS, lambda obj: calls.append(obj) or transform(obj))  # type: ignore[func-returns-value]
    event = decoder.event(dump({"type": kind, "object": make_pod("bad")}))
    assert len(calls) == 1
    page = decoder.page(dump({"items": [make_pod("a"), make_pod("bad"), make_pod("b")]}))
    assert [e.key.name for e in page.entries] == ["a", "bad", "b"], "a relist must not take it for deleted"
    for poison in (event, *page.poison):
        assert isinstance(poison, PoisonEvent)
        assert isinstance(poison.error, UndecodableObjectError)
        assert poison.error.__cause__ is not None
        assert poison.entry is not None
        assert (poison.entry.body, poison.entry.resource_version) == (b"", "7")
    assert isinstance(event, PoisonEvent)
    assert event.type is EventType(kind)


def test_a_failed_transform_is_tried_again_at_the_next_fetch(make_pod: Make, dump: Dump) -> None:
    cache: dict[Any, Entry] = {}
    fails = [True]

    def transform(obj: dict[str, Json]) -> dict[str, Json]:
        if fails.pop():
            raise RuntimeError("once")
        return obj

    decoder = Decoder(PODS, transform, known=cache.get)
    frame = dump({"type": "ADDED", "object": make_pod()})
    event = decoder.event(frame)
    assert isinstance(event, PoisonEvent)
    assert event.entry is not None
    cache[event.entry.key] = event.entry
    fails.append(False)
    again = decoder.event(frame)
    assert isinstance(again, ObjectEvent)
    assert again.entry.body != b""


@pytest.mark.scenario("R34")
def test_the_transform_runs_once_for_each_object(make_pod: Make, dump: Dump) -> None:
    """client-go runs it twice on a streaming list (5 times for 2 + 1 objects); we decode once, so 3 times."""
    calls: list[str] = []

    def transform(obj: dict[str, Any]) -> dict[str, Any]:
        calls.append(obj["metadata"]["name"])
        obj["spec"] = {"transformed": True}
        return obj

    decoder = Decoder(PODS, transform)
    events = [decoder.event(dump({"type": "ADDED", "object": make_pod(name)})) for name in ("a", "b", "c")]
    assert calls == ["a", "b", "c"]
    for event in events:
        assert isinstance(event, ObjectEvent)
        assert json.loads(event.entry.body)["spec"] == {"transformed": True}
