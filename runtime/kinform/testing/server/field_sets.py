"""Sets of fields as ``managedFields`` keep them (FieldsV1): paths of names, keys of list items and values of sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kinform.testing.server.documents import decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kinform.testing.server.documents import Json, JsonObject

__all__ = ["FieldSet", "Path", "field", "key", "parse", "rendered", "shown", "value"]

Path: TypeAlias = "tuple[str, ...]"
"""Elements as FieldsV1 writes them: ``f:spec``, ``k:{"name":"main"}``, ``v:"example.com/finalizer"``."""

FieldSet: TypeAlias = "frozenset[Path]"


def field(name: str) -> str:
    """The element of a member."""
    return f"f:{name}"


def key(members: JsonObject) -> str:
    """The element of a list item that its keys tell apart."""
    return f"k:{encode(members, sort=True).decode()}"


def value(item: Json) -> str:
    """The element of an item of a set."""
    return f"v:{encode(item).decode()}"


def parse(fields: JsonObject) -> FieldSet:
    """Reads FieldsV1."""
    return frozenset(_parsed(fields, ()))


def _parsed(fields: JsonObject, path: Path) -> Iterable[Path]:
    for name, below in fields.items():
        if name == ".":
            yield path
        elif isinstance(below, dict) and below:
            yield from _parsed(below, (*path, name))
        else:
            yield (*path, name)


def rendered(fields: FieldSet) -> JsonObject:
    """Writes FieldsV1, in order."""
    root: JsonObject = {}
    for path in sorted(fields):
        node = root
        for depth, element in enumerate(path):
            below = node.get(element)
            if not isinstance(below, dict):
                below = node[element] = {}
            elif not below and path[: depth + 1] in fields:
                below["."] = {}  # it was a leaf so far
            node = below
    return root


def shown(path: Path) -> str:
    """A path as conflicts name it: ``.spec.containers[name="main"].image``."""
    text = ""
    for element in path:
        kind, _, content = element.partition(":")
        if kind == "f":
            text += f".{content}"
        elif kind == "k" and isinstance(members := decode(content.encode()), dict):
            text += f"[{','.join(f'{name}={encode(each).decode()}' for name, each in members.items())}]"
        else:
            text += f"[={content}]"
    return text
