"""Structural schemas of custom resources: what they drop from an object, and what they fill in."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from kinform.testing.server.documents import child, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.testing.server.documents import Json, JsonObject

__all__ = ["Schema"]

_EMBEDDED: Final = "x-kubernetes-embedded-resource"
_PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
_TYPE_META: Final = frozenset({"apiVersion", "kind", "metadata"})


class Schema:
    """The ``openAPIV3Schema`` of a version. Immutable; equal to those of the same content.

    Args:
        tree: The schema; it is not copied.
        preserves: Whether unknown fields stay everywhere (``spec.preserveUnknownFields``).
    """

    __slots__ = ("_preserves", "_text", "tree")

    def __init__(self, tree: JsonObject, *, preserves: bool = False) -> None:
        self.tree: JsonObject = tree
        self._preserves = preserves
        self._text: bytes = encode(tree, sort=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and (self._text, self._preserves) == (other._text, other._preserves)

    def __hash__(self) -> int:
        return hash((self._text, self._preserves))

    def prune(self, obj: JsonObject) -> list[str]:
        """Takes what the schema does not know out of an object; the paths of that."""
        return [] if self._preserves else list(_pruned(obj, self.tree, "", root=True))

    def fill_in(self, obj: JsonObject) -> None:
        """Puts the schema's defaults where an object has nothing, or null where that may not be."""
        for name, node in child(self.tree, "properties").items():
            if name not in _TYPE_META and isinstance(node, dict):
                _fill_member(obj, name, node)


def _pruned(value: Json, schema: JsonObject, path: str, *, root: bool = False) -> Iterator[str]:
    if isinstance(value, list):
        items = child(schema, "items")
        for place, item in enumerate(value):
            yield from _pruned(item, items, f"{path}[{place}]")
    if not isinstance(value, dict):
        return
    properties = child(schema, "properties")
    values = schema.get("additionalProperties")
    is_object = root or schema.get(_EMBEDDED) is True
    for name in [*value]:
        if is_object and name in _TYPE_META:
            continue
        below = f"{path}.{name}" if path else name
        if name in properties:
            yield from _pruned(value[name], child(properties, name), below)
        elif isinstance(values, dict):
            yield from _pruned(value[name], values, below)
        elif values is not True and schema.get(_PRESERVE) is not True:
            del value[name]
            yield below


def _fill(value: Json, schema: JsonObject) -> None:
    if isinstance(value, list):
        items = child(schema, "items")
        for item in value:
            _fill(item, items)
    if not isinstance(value, dict):
        return
    for name, node in child(schema, "properties").items():
        if isinstance(node, dict):
            _fill_member(value, name, node)
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        known = child(schema, "properties")
        for name in value:
            if name not in known:
                _fill_member(value, name, values)


def _fill_member(holder: JsonObject, name: str, node: JsonObject) -> None:
    default = node.get("default")
    if default is not None:
        null = name in holder and holder[name] is None and node.get("nullable") is not True
        if name not in holder or null:
            holder[name] = copy.deepcopy(default)
    if name in holder:
        _fill(holder[name], node)
