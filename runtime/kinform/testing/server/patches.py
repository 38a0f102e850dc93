"""JSON merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, cast

from kinform.testing.server.documents import decode
from kinform.testing.server.refusals import Refusal, bad_request, unsupported_patch
from kinform.testing.server.strategic import strategic_merge

if TYPE_CHECKING:
    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.shapes import Shape

__all__ = ["APPLY_PATCH", "JSON_PATCH", "MERGE_PATCH", "STRATEGIC_PATCH", "apply_patch"]

MERGE_PATCH: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"


def apply_patch(content_type: str, tree: JsonObject, body: bytes, shape: Shape | None = None) -> JsonObject:
    """The patched object; the given one is not touched.

    Args:
        content_type: Which kind of patch.
        tree: The object.
        body: The patch.
        shape: The object's schema, by which strategic merge patches go; None: there are none, as for custom resources.

    Raises:
        Refusal: Of another type (415), it does not parse (400), or it does not fit the object (422).
    """
    if content_type not in {JSON_PATCH, MERGE_PATCH, *([STRATEGIC_PATCH] if shape else [])}:
        raise unsupported_patch()
    try:
        patch = decode(body)
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if content_type != JSON_PATCH:
        if not isinstance(patch, dict):
            raise bad_request("error decoding patch: it is not an object")
        if content_type == STRATEGIC_PATCH and shape is not None:
            return strategic_merge(tree, patch, shape)
        return cast("JsonObject", _merged(tree, patch))
    if not isinstance(patch, list) or not all(isinstance(step, dict) for step in patch):
        raise bad_request("error decoding patch: it is not a list of operations")
    patched: Json = copy.deepcopy(tree)
    try:
        for step in cast("list[JsonObject]", patch):
            patched = _operate(patched, step)
    except (LookupError, TypeError, ValueError) as error:
        raise _unfit() from error
    if not isinstance(patched, dict):
        raise _unfit()
    return patched


def _unfit() -> Refusal:
    return Refusal(422, "the server rejected our request due to an error in our request", details={})


def _merged(target: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


# ---- RFC 6902. What does not fit raises LookupError, TypeError or ValueError.


def _operate(tree: Json, step: JsonObject) -> Json:
    path = _steps(step["path"])
    match step["op"]:
        case "add":
            return _add(tree, path, copy.deepcopy(step["value"]))
        case "replace":
            _take(tree, path)
            return _put(tree, path, copy.deepcopy(step["value"]))
        case "remove":
            return _remove(tree, path)
        case "move":
            source = _steps(step["from"])
            if path[: len(source)] == source and path != source:
                raise ValueError("a value cannot move into itself")
            value = _take(tree, source)
            return _add(_remove(tree, source), path, value)
        case "copy":
            return _add(tree, path, copy.deepcopy(_take(tree, _steps(step["from"]))))
        case "test":
            if not _same(_take(tree, path), step["value"]):
                raise ValueError("test failed")
            return tree
        case unknown:
            raise ValueError(f"unknown operation {unknown!r}")


def _steps(pointer: Json) -> list[str]:
    """The steps of a JSON pointer (RFC 6901)."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise ValueError(f"not a JSON pointer: {pointer!r}")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _index(items: list[Json], step: str, *, end: int) -> int:
    if not step.isdecimal() or (step != "0" and step.startswith("0")):
        raise ValueError(f"not an index: {step!r}")
    index = int(step)
    if index >= end:
        raise IndexError(f"{index} lies outside a list of {len(items)}")
    return index


def _take(tree: Json, path: list[str]) -> Json:
    for step in path:
        if isinstance(tree, dict):
            tree = tree[step]
        elif isinstance(tree, list):
            tree = tree[_index(tree, step, end=len(tree))]
        else:
            raise TypeError(f"there is no {step!r} in a value")
    return tree


def _add(tree: Json, path: list[str], value: Json) -> Json:
    if not path:
        return value
    parent = _take(tree, path[:-1])
    if isinstance(parent, list):
        last = path[-1]
        parent.insert(len(parent) if last == "-" else _index(parent, last, end=len(parent) + 1), value)
        return tree
    return _put(tree, path, value)


def _put(tree: Json, path: list[str], value: Json) -> Json:
    if not path:
        return value
    parent = _take(tree, path[:-1])
    if isinstance(parent, dict):
        parent[path[-1]] = value
    elif isinstance(parent, list):
        parent[_index(parent, path[-1], end=len(parent))] = value
    else:
        raise TypeError(f"there is no {path[-1]!r} in a value")
    return tree


def _remove(tree: Json, path: list[str]) -> Json:
    if not path:
        raise ValueError("the whole object cannot be removed")
    parent = _take(tree, path[:-1])
    if isinstance(parent, dict):
        del parent[path[-1]]
    elif isinstance(parent, list):
        del parent[_index(parent, path[-1], end=len(parent))]
    else:
        raise TypeError(f"there is no {path[-1]!r} in a value")
    return tree


def _same(left: Json, right: Json) -> bool:
    """Equal as JSON: Python takes True for 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return left == right
