"""JSON as the server holds it: types, reading, writing, and a look along a path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import msgspec

if TYPE_CHECKING:
    from kinform.meta import WireObject

__all__ = ["Json", "JsonObject", "check_depth", "child", "decode", "encode", "metadata_of", "read_field", "wire_of"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Any JSON value."""

JsonObject: TypeAlias = "dict[str, Json]"
"""A JSON object."""

_DEEPEST: Final = 200
"""Lists and objects within each other. A kube-apiserver takes 10,000; no kind needs 50, and Python's stack is short."""


def decode(text: bytes) -> Json:
    """One JSON value.

    Raises:
        ValueError: The text is not JSON, or nested without end.
    """
    try:
        value = cast("Json", msgspec.json.decode(text))
    except RecursionError:
        raise ValueError("exceeded max depth") from None
    if text.count(b"{") + text.count(b"[") > _DEEPEST:
        check_depth(value)
    return value


def check_depth(value: Json) -> None:
    """Sees to it that walks through a value that recur come to their end.

    Raises:
        ValueError: It is nested without end.
    """
    level = [value]
    for _ in range(_DEEPEST + 1):
        below: list[Json] = []
        for each in level:
            if isinstance(each, dict):
                below += each.values()
            elif isinstance(each, list):
                below += each
        if not below:
            return
        level = list({id(each): each for each in below}.values())  # YAML's aliases: each once
    raise ValueError("exceeded max depth")


def encode(value: Json, *, sort: bool = False) -> bytes:
    """The value as compact JSON; ``sort`` orders the members of all objects by name."""
    return msgspec.json.encode(value, order="deterministic" if sort else None)


def wire_of(obj: WireObject | Mapping[str, object]) -> bytes:
    """An object that a test has, a model or JSON as a mapping, as JSON text."""
    return encode(cast("JsonObject", dict(obj))) if isinstance(obj, Mapping) else obj.to_wire()


def child(tree: JsonObject, name: str) -> JsonObject:
    """The object under a name; where there is none (or something else), an empty one that is not part of the tree."""
    value = tree.get(name)
    return value if isinstance(value, dict) else {}


def metadata_of(tree: JsonObject) -> JsonObject:
    """The object's own ``metadata``; made, as part of the tree, where it is missing or no object."""
    value = tree.get("metadata")
    if not isinstance(value, dict):
        value = tree["metadata"] = {}
    return value


def read_field(tree: JsonObject, path: str) -> str:
    """The text that a field selector compares: ``""`` where the path leads nowhere or to an object or list."""
    value: Json = tree
    for step in path.split("."):
        if not isinstance(value, dict):
            return ""
        value = value.get(step)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""
