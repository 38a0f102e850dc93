"""Merge patch and JSON patch, by the examples and rules of their RFCs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform.testing.server.patches import JSON_PATCH, MERGE_PATCH, apply_patch
from kinform.testing.server.refusals import Refusal

if TYPE_CHECKING:
    from tests.runtime.testing.server.conftest import Api

MAPS = "/api/v1/namespaces/shop/configmaps"


@pytest.mark.parametrize(
    ("patch", "result"),
    [
        ({"a": "z", "c": {"f": None}}, {"a": "z", "c": {"d": "e"}, "l": [1, 2]}),
        ({"a": None}, {"c": {"d": "e", "f": "g"}, "l": [1, 2]}),
        ({"new": {"x": None, "y": 1}}, {"a": "b", "c": {"d": "e", "f": "g"}, "l": [1, 2], "new": {"y": 1}}),
        ({"l": [3]}, {"a": "b", "c": {"d": "e", "f": "g"}, "l": [3]}),
        ({"a": {"x": 1}}, {"a": {"x": 1}, "c": {"d": "e", "f": "g"}, "l": [1, 2]}),
        ({"c": "text"}, {"a": "b", "c": "text", "l": [1, 2]}),
    ],
)
def test_merge_patch(patch: Any, result: Any) -> None:
    tree: Any = {"a": "b", "c": {"d": "e", "f": "g"}, "l": [1, 2]}
    before = json.dumps(tree)
    assert apply_patch(MERGE_PATCH, tree, json.dumps(patch).encode()) == result
    assert json.dumps(tree) == before


@pytest.mark.parametrize(
    ("steps", "result"),
    [
        ([{"op": "add", "path": "/n", "value": 1}], {"a": {"b": 1}, "l": [1, 2], "x/y": 0, "m~n": 0, "n": 1}),
        ([{"op": "add", "path": "/l/1", "value": 9}], {"a": {"b": 1}, "l": [1, 9, 2], "x/y": 0, "m~n": 0}),
        ([{"op": "add", "path": "/l/-", "value": 9}], {"a": {"b": 1}, "l": [1, 2, 9], "x/y": 0, "m~n": 0}),
        ([{"op": "add", "path": "/l/2", "value": 9}], {"a": {"b": 1}, "l": [1, 2, 9], "x/y": 0, "m~n": 0}),
        ([{"op": "remove", "path": "/l/0"}, {"op": "remove", "path": "/a"}], {"l": [2], "x/y": 0, "m~n": 0}),
        ([{"op": "replace", "path": "/l/0", "value": 7}], {"a": {"b": 1}, "l": [7, 2], "x/y": 0, "m~n": 0}),
        ([{"op": "replace", "path": "/x~1y", "value": 7}], {"a": {"b": 1}, "l": [1, 2], "x/y": 7, "m~n": 0}),
        ([{"op": "replace", "path": "/m~0n", "value": 7}], {"a": {"b": 1}, "l": [1, 2], "x/y": 0, "m~n": 7}),
        ([{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "l": [1, 2], "x/y": 0, "m~n": 0, "c": 1}),
        ([{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "l": [1, 2], "x/y": 0, "m~n": 0, "c": {"b": 1}}),
        ([{"op": "test", "path": "/a", "value": {"b": 1.0}}], {"a": {"b": 1}, "l": [1, 2], "x/y": 0, "m~n": 0}),
        ([{"op": "replace", "path": "", "value": {"~1": 1}}], {"~1": 1}),
        ([{"op": "replace", "path": "", "value": {"~1": 1}}, {"op": "replace", "path": "/~01", "value": 2}], {"~1": 2}),
    ],
)
def test_json_patch(steps: Any, result: Any) -> None:
    tree: Any = {"a": {"b": 1}, "l": [1, 2], "x/y": 0, "m~n": 0}
    before = json.dumps(tree)
    assert apply_patch(JSON_PATCH, tree, json.dumps(steps).encode()) == result
    assert json.dumps(tree) == before


@pytest.mark.parametrize(
    "step",
    [
        {"op": "test", "path": "/a/b", "value": 2},
        {"op": "test", "path": "/a/b", "value": True},
        {"op": "test", "path": "/none", "value": None},
        {"op": "remove", "path": "/none"},
        {"op": "remove", "path": "/l/2"},
        {"op": "remove", "path": "/l/-"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "replace", "path": "", "value": 1},
        {"op": "add", "path": "/l/3", "value": 1},
        {"op": "add", "path": "/l/01", "value": 1},
        {"op": "add", "path": "/l/x", "value": 1},
        {"op": "add", "path": "/none/x", "value": 1},
        {"op": "add", "path": "/a/b/c", "value": 1},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/a"},
        {"op": "move", "from": "/a", "path": "/a/b"},
        {"op": "spread", "path": "/a", "value": 1},
        {"path": "/a", "value": 1},
    ],
)
def test_json_patch_that_does_not_fit(step: Any) -> None:
    with pytest.raises(Refusal) as caught:
        apply_patch(JSON_PATCH, {"a": {"b": 1}, "l": [1, 2]}, json.dumps([step]).encode())
    assert caught.value.code == 422


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(MERGE_PATCH, b"["), (MERGE_PATCH, b"[]"), (JSON_PATCH, b"{}"), (JSON_PATCH, b"[1]"), (JSON_PATCH, b"")],
)
def test_patches_that_do_not_parse(api: Api, content_type: str, body: bytes) -> None:
    api.post(MAPS, {"metadata": {"name": "a"}})
    answer = api.call("PATCH", f"{MAPS}/a", body, content_type=content_type)
    assert (answer.code, answer.json["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain"],
)
def test_patches_of_other_types_are_refused(api: Api, content_type: str) -> None:
    api.post(MAPS, {"metadata": {"name": "a"}})
    answer = api.call("PATCH", f"{MAPS}/a", {}, content_type=content_type)
    assert (answer.code, answer.json["reason"]) == (415, "UnsupportedMediaType")


def test_patch_is_an_update(api: Api) -> None:
    created = api.post(MAPS, {"metadata": {"name": "a"}, "data": {"x": "1"}})
    patched = api.merge(f"{MAPS}/a", {"data": {"x": None, "y": "2"}})
    assert patched.code == 200
    assert patched.json["data"] == {"y": "2"}
    assert int(patched.revision) == int(created.revision) + 1
    steps = [{"op": "test", "path": "/data/y", "value": "2"}, {"op": "add", "path": "/data/z", "value": "3"}]
    answer = api.call("PATCH", f"{MAPS}/a", steps, content_type=f"{JSON_PATCH}; charset=utf-8")
    assert answer.json["data"] == {"y": "2", "z": "3"}
    assert api.merge(f"{MAPS}/a", {"metadata": {"resourceVersion": "1"}}).json["reason"] == "Conflict"
    assert api.merge(f"{MAPS}/a", {"metadata": {"name": "b"}}).code == 400
    assert api.merge(f"{MAPS}/a", {"kind": "Pod"}).code == 400
    assert api.merge(f"{MAPS}/a", {"metadata": None}).code == 400
    assert api.merge(f"{MAPS}/none", {}).code == 404
    assert api.merge(f"{MAPS}/a", {"data": None}, dryRun="All").code == 200
    assert api.get(f"{MAPS}/a").json["data"] == {"y": "2", "z": "3"}
