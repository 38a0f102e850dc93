"""The decoder of a metadata-only informer: the same entries, whatever a server sends, with the metadata and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.meta import ObjectKey, Resource
from kinform.wire import BookmarkEvent, Decoder, Entry, ObjectEvent, Owner, PoisonEvent, drop

Make = Callable[..., dict[str, Any]]
Dump = Callable[[object], bytes]

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
PARTIAL = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}

_tricky = st.lists(
    st.sampled_from(["managedFields", ',"managedFields":[', '"', "}", "},", "spec", "\\", "é", "x"]), max_size=4
).map("".join)
_values = st.recursive(
    st.none() | st.integers(-9, 9) | _tricky,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_tricky | st.just("managedFields"), inner, max_size=2),
    max_leaves=5,
)
_metadata = st.builds(
    lambda known, more: {**more, **known},
    st.fixed_dictionaries(
        {"name": st.text(min_size=1, max_size=4)},
        optional={
            "uid": _tricky,
            "resourceVersion": st.just("7"),
            "managedFields": st.lists(_values, max_size=2),
            "labels": st.dictionaries(_tricky, _tricky, max_size=2),
        },
    ),
    st.dictionaries(_tricky.filter(lambda key: key != "managedFields"), _values, max_size=2),
)
_rest = st.fixed_dictionaries({}, optional={"spec": _values, "managedFields": _values})
_types = st.sampled_from([PARTIAL, {"kind": "Pod", "apiVersion": "v1"}, {"apiVersion": "v1", "kind": "Pod"}, {}])
_styles: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{"separators": (",", ":"), "ensure_ascii": False}, {"separators": (",", ":")}, {"indent": 1}]
)


def wanted(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}


def entry(event: object) -> Entry:
    assert isinstance(event, ObjectEvent), event
    return event.entry


@given(metadata=_metadata, rest=_rest, types=_types, style=_styles, order=st.booleans())
def test_the_metadata_is_kept_exactly_and_nothing_else(
    metadata: dict[str, Any], rest: dict[str, Any], types: dict[str, Any], style: dict[str, Any], order: bool
) -> None:
    metadata = dict(reversed(metadata.items())) if order else metadata
    obj = {**rest, **types, "metadata": metadata} if order else {**types, "metadata": metadata, **rest}
    decoder = Decoder(PODS, metadata_only=True)
    streamed = entry(decoder.event(json.dumps({"type": "ADDED", "object": obj}, **style).encode()))
    page = decoder.page(json.dumps({"kind": "PartialObjectMetadataList", "items": [obj]}, **style).encode())
    assert page.poison == []
    for found in (streamed, *page.entries):
        assert json.loads(found.body) == wanted(obj)
        assert found.key == ObjectKey("", metadata["name"])
        assert found.labels == metadata.get("labels", {})


def test_partial_and_whole_objects_make_the_same_entries(make_pod: Make, dump: Dump) -> None:
    """So an informer may fall back, or come back, and nothing has changed for its handlers."""
    pod = make_pod()
    item = {"metadata": pod["metadata"], "spec": pod["spec"]}
    partial = {**PARTIAL, "metadata": pod["metadata"]}
    decoder = Decoder(PODS, metadata_only=True)
    found = [
        entry(decoder.event(dump({"type": "ADDED", "object": partial}))),
        entry(decoder.event(dump({"type": "ADDED", "object": pod}))),
        *decoder.page(dump({"kind": "PodList", "apiVersion": "v1", "items": [item]})).entries,
        *decoder.page(dump({"kind": "PartialObjectMetadataList", "items": [partial]})).entries,
    ]
    assert len(found) == 4
    assert {each.body for each in found} == {dump(wanted(pod))}
    for each in found:
        assert (each.uid, each.resource_version, each.generation) == ("uid-of-web-0", "7", 3)
        assert each.owner == Owner("apps/v1", "ReplicaSet", "web", "u2")


def test_an_unchanged_object_is_the_known_entry(make_pod: Make, dump: Dump) -> None:
    frame = dump({"type": "ADDED", "object": {**PARTIAL, "metadata": make_pod()["metadata"]}})
    known = entry(Decoder(PODS, metadata_only=True).event(frame))
    assert entry(Decoder(PODS, known=lambda _: known, metadata_only=True).event(frame)) is known


def test_a_transform_gets_the_metadata(make_pod: Make, dump: Dump) -> None:
    decoder = Decoder(PODS, drop("metadata.labels"), metadata_only=True)
    found = entry(decoder.event(dump({"type": "ADDED", "object": make_pod()})))
    assert found.labels == {}
    assert "labels" not in json.loads(found.body)["metadata"]


def test_the_end_of_initial_events_is_known(dump: Dump) -> None:
    bookmark = {**PARTIAL, "metadata": {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "true"}}}
    found = Decoder(PODS, metadata_only=True).event(dump({"type": "BOOKMARK", "object": bookmark}))
    assert isinstance(found, BookmarkEvent)
    assert (found.resource_version, found.initial_events_end) == ("9", True)


@pytest.mark.parametrize("metadata_only", [True, False])
@pytest.mark.parametrize(
    "obj", [{"kind": "Node", "apiVersion": "v1"}, {"kind": "PartialObjectMetadata", "apiVersion": "v1"}, PARTIAL]
)
def test_only_its_own_kind_or_partial_objects_are_taken(obj: dict[str, Any], metadata_only: bool, dump: Dump) -> None:
    frame = dump({"type": "ADDED", "object": {**obj, "metadata": {"name": "a"}}})
    found = Decoder(PODS, metadata_only=metadata_only).event(frame)
    if metadata_only and obj is PARTIAL:
        assert isinstance(found, ObjectEvent)
    else:
        assert isinstance(found, PoisonEvent)
        assert "not a Pod of v1" in str(found.error)
