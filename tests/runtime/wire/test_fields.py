"""Field paths are parsed as kubectl would, and read as a decoder would."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.wire import FieldPath, read_field, split_field_path


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("spec.nodeName", ("spec", "nodeName")),
        (".spec.nodeName", ("spec", "nodeName")),
        ("metadata.annotations['example.com/owner']", ("metadata", "annotations", "example.com/owner")),
        ('metadata.annotations["a b"].x', ("metadata", "annotations", "a b", "x")),
        (r"metadata.annotations.example\.com/owner", ("metadata", "annotations", "example.com/owner")),
        ("spec.containers[*].image", ("spec", "containers", "image")),
        ("spec.containers.image", ("spec", "containers", "image")),
        ("kind", ("kind",)),
        (r"a\\b", ("a\\b",)),
    ],
)
def test_paths(path: str, segments: tuple[str, ...]) -> None:
    assert split_field_path(path) == segments


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", "a[", "a[0]", "a['']", "a]b", "a.['b']", "..a", "[*]", "a\\"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="not a field path"):
        split_field_path(path)


def _model(value: Any, segments: tuple[str, ...]) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _model(item, segments)]
    if segments:
        return _model(value[segments[0]], segments[1:]) if isinstance(value, dict) and segments[0] in value else []
    if value is None or value == "" or isinstance(value, dict):
        return []
    return [value if isinstance(value, str) else json.dumps(value)]


_names = st.sampled_from(["a", "b", "nodeName", "example.com/x"])
_leaves = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "é", '"'])
_values = st.recursive(
    _leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(_names, v, max_size=3), max_leaves=12
)


@given(obj=st.dictionaries(_names, _values), segments=st.lists(_names, min_size=1, max_size=4).map(tuple))
def test_reading_agrees_with_decoding(obj: dict[str, Any], segments: tuple[str, ...]) -> None:
    expected = tuple(dict.fromkeys(_model(obj, segments)))
    for style in ({"separators": (",", ":")}, {"indent": 1}):
        assert FieldPath(segments).read(json.dumps(obj, **style).encode()) == expected


def test_what_is_read_of_a_pod() -> None:
    body = (
        b'{"spec":{"nodeName":"n1","priority":5,"hostNetwork":true,"x":1.50,"containers":'
        b'[{"image":"a"},{"image":"b"},{"image":"a"},{}]},"status":null}'
    )
    expected = {
        "spec.nodeName": ("n1",),
        "spec.priority": ("5",),
        "spec.hostNetwork": ("true",),
        "spec.x": ("1.50",),
        "spec.containers.image": ("a", "b"),
        "spec": (),
        "status.phase": (),
        "spec.nodeName.deeper": (),
        "nothing": (),
    }
    assert {path: read_field(body, path) for path in expected} == expected


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"spec":', b"<html>", b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"]
)
def test_what_is_no_object_raises(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        read_field(body, "spec.nodeName")


def test_paths_are_values() -> None:
    assert FieldPath("a.b") == FieldPath(("a", "b"))
    assert len({FieldPath("a.b"), FieldPath(".a.b"), FieldPath("a")}) == 2
    with pytest.raises(ValueError, match="at least one field"):
        FieldPath(())
