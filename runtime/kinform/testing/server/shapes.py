"""What a schema says of each place in an object: fields, items, and how lists and maps are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform.testing.server.documents import child

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.testing.server.documents import Json, JsonObject

__all__ = ["OBJECT_META", "SCHEMAS", "Shape", "keyed"]

SCHEMAS: Final = "#/components/schemas/"


def keyed(*keys: str, merge_key: str = "") -> JsonObject:
    """The schema of a list whose items are told apart by members of theirs."""
    return {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [*keys],
        "x-kubernetes-patch-merge-key": merge_key or keys[0],
        "x-kubernetes-patch-strategy": "merge",
    }


_SET: Final[JsonObject] = {"type": "array", "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"}
_ATOMIC_MAP: Final[JsonObject] = {"type": "object", "x-kubernetes-map-type": "atomic"}

_TEXT: Final[JsonObject] = {"type": "string"}
_TEXTS: Final[JsonObject] = {"type": "object", "additionalProperties": _TEXT}

OBJECT_META: Final[JsonObject] = {
    "type": "object",
    "properties": {
        "annotations": _TEXTS,
        "creationTimestamp": {**_TEXT, "format": "date-time"},
        "deletionGracePeriodSeconds": {"type": "integer", "format": "int64"},
        "deletionTimestamp": {**_TEXT, "format": "date-time"},
        "finalizers": {**_SET, "items": _TEXT},
        "generateName": _TEXT,
        "generation": {"type": "integer", "format": "int64"},
        "labels": _TEXTS,
        "managedFields": {"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "atomic"},
        "name": _TEXT,
        "namespace": _TEXT,
        "ownerReferences": {**keyed("uid"), "items": {"type": "object", "x-kubernetes-map-type": "atomic"}},
        "resourceVersion": _TEXT,
        "selfLink": _TEXT,
        "uid": _TEXT,
    },
}
"""``meta/v1.ObjectMeta``."""

# Where no OpenAPI document is at hand: the lists of built-in kinds that everybody merges.
_WELL_KNOWN: Final[Mapping[str, JsonObject]] = {
    "conditions": keyed("type"),
    "containers": keyed("name"),
    "env": keyed("name"),
    "ephemeralContainers": keyed("name"),
    "finalizers": _SET,
    "hostAliases": keyed("ip"),
    "imagePullSecrets": keyed("name"),
    "initContainers": keyed("name"),
    "matchLabels": {"type": "object"},
    "nodeSelector": _ATOMIC_MAP,
    "ownerReferences": keyed("uid"),
    "secrets": keyed("name"),
    "selector": _ATOMIC_MAP,
    "topologySpreadConstraints": keyed("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": keyed("devicePath"),
    "volumeMounts": keyed("mountPath"),
    "volumes": keyed("name"),
}


class Shape:
    """One place of a schema. Immutable.

    Args:
        node: The schema there; an empty one where nothing is known.
        definitions: What ``$ref`` leads to, by name.
        builtin: Whether what is not known is guessed by the rules for built-in kinds.
    """

    __slots__ = ("_builtin", "_definitions", "node")

    def __init__(self, node: JsonObject, definitions: Mapping[str, JsonObject], *, builtin: bool) -> None:
        self._definitions = definitions
        self._builtin = builtin
        self.node: JsonObject = self._resolved(node)

    def _resolved(self, node: JsonObject) -> JsonObject:
        """The schema with ``$ref``, and an ``allOf`` that is nothing but one, followed."""
        inner: Json = [node] if "$ref" in node else node.get("allOf")
        match inner:
            case [{"$ref": str(target)}]:
                found = self._definitions.get(target.removeprefix(SCHEMAS), {})
                own = {name: value for name, value in node.items() if name not in {"$ref", "allOf"}}
                return {**self._resolved(found), **own}
            case _:
                return node

    def _at(self, node: JsonObject) -> Shape:
        return Shape(node, self._definitions, builtin=self._builtin)

    def field(self, name: str) -> Shape:
        """Where a member of the object is."""
        properties = child(self.node, "properties")
        if name in properties:
            return self._at(child(properties, name))
        values = self.node.get("additionalProperties")
        if isinstance(values, dict):
            return self._at(values)
        if self._builtin and not properties and name in _WELL_KNOWN:
            return self._at(_WELL_KNOWN[name])
        return self._at({})

    def declares(self, name: str) -> bool:
        """Whether the schema has this member as a field of a struct, rather than as a key of a map."""
        return name in child(self.node, "properties")

    def knows(self, name: str) -> bool:
        """Whether an object there may have this member."""
        node = self.node
        closed = "properties" in node and not node.get("additionalProperties")
        return not closed or node.get("x-kubernetes-preserve-unknown-fields") is True or self.declares(name)

    def item(self) -> Shape:
        """Where the items of the list are."""
        return self._at(child(self.node, "items"))

    @property
    def atomic(self) -> bool:
        """Whether an object there is one value as a whole."""
        return self.node.get("x-kubernetes-map-type") == "atomic"

    @property
    def list_type(self) -> str:
        """``atomic``, ``set`` or ``map``."""
        kind = self.node.get("x-kubernetes-list-type")
        return kind if isinstance(kind, str) and kind in {"set", "map"} else "atomic"

    @property
    def list_keys(self) -> list[str]:
        """The members that tell items of a ``map`` list apart."""
        keys = self.node.get("x-kubernetes-list-map-keys")
        return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []

    @property
    def merge_key(self) -> str:
        """The member by which strategic merge patches tell items apart; ``""`` for none."""
        key = self.node.get("x-kubernetes-patch-merge-key")
        return key if isinstance(key, str) else ""

    @property
    def patch_strategies(self) -> list[str]:
        """How strategic merge patches treat it: ``merge``, ``replace``, ``retainKeys``."""
        found = self.node.get("x-kubernetes-patch-strategy")
        return found.split(",") if isinstance(found, str) else []

    @property
    def default(self) -> Json:
        """The value that stands for none; None where there is no such value."""
        return self.node.get("default")

    def always_there(self, name: str) -> bool:
        """Whether Go writes this member even when nobody gave it: a struct by value, or a required list."""
        member = self.field(name)
        required = self.node.get("required")
        is_required = isinstance(required, list) and name in required
        return self._builtin and (member.default == {} or is_required)
