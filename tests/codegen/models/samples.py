"""Makes objects from structural schemas: what an API server takes, and as awkward as that can be."""

from __future__ import annotations

import random
from typing import Any, Final, Literal, TypeAlias

__all__ = ["EXTRA", "VARIANTS", "Variant", "sample"]

Variant: TypeAlias = Literal["full", "nulls", "defaults", "zeros", "empty"]

VARIANTS: Final[tuple[Variant, ...]] = ("full", "nulls", "defaults", "zeros", "empty")
"""``full``: every property has a value. ``nulls``: those that may be null are. ``defaults``: those with a default are
absent, or have it, or something else. ``zeros``: every scalar is a zero. ``empty``: only what is required is there."""

EXTRA: Final = "extra-"
"""How the names begin of properties that a schema does not know."""

_ANY: Final[tuple[Any, ...]] = (
    {"a": {"b": [None, {}, 1.5]}},
    [1, [], {"x": None}],
    "text",
    7,
    -0.25,
    True,
    False,
    "",
    [],
    {},
    2**70,
)
_TEXTS: Final = ("", "text", 'a "quoted" \\ one', "größe ☃ \U0001f600", "null", "0", " \n\t ", "\u2028\u0000")
_FORMATTED: Final = {
    "date-time": ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z", "2026-01-02t03:04:05.5+02:00"),
    "duration": ("1h30m", "0s", "1.5h", "5 days"),
    "byte": ("", "/////w==", "YQ=="),
}
_INTEGERS: Final = (1, -1, 2**53 + 1, 2**63 - 1, -(2**63))
_NUMBERS: Final = (1, 1.5, -0.25, 1e21, 1e-7, 2**60)
_QUANTITIES: Final = (1, -3, 10**15, "500m", "1.5Gi", "1e3", "0")
_NAMES: Final = ("", "fooBar", "foo_bar", "example.com/größe", "__class__")
_METADATA: Final[dict[str, Any]] = {
    "name": "a",
    "creationTimestamp": None,
    "labels": {"": "", "example.com/größe": "x"},
    "annotations": {},
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}],
    "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {}}, "time": "2026-01-02T03:04:05Z"}],
}


def sample(schema: dict[str, Any], variant: Variant, *, seed: int = 0) -> Any:
    """An object that the schema allows; the same for the same arguments."""
    return _Sampler(variant, random.Random(f"{variant} {seed}")).value(schema)


class _Sampler:
    def __init__(self, variant: Variant, rng: random.Random) -> None:
        self._variant = variant
        self._rng = rng

    def value(self, schema: dict[str, Any]) -> Any:
        zeros = self._variant == "zeros"
        match schema:
            case {"nullable": True} if self._variant == "nulls":
                return None
            case {"allOf": [{"$ref": str()}]}:  # ObjectMeta: schemas of custom resources refer to nothing else
                return {} if self._variant == "empty" else _METADATA
            case {"x-kubernetes-int-or-string": True}:
                return 0 if zeros else self._rng.choice(_QUANTITIES)
            case {"type": "object"}:
                return self._object(schema)
            case {"type": "array", "items": items}:
                return self._array(items)
            case {"type": "string"}:
                return "" if zeros and schema.get("format") != "date-time" else self._text(schema)
            case {"type": "integer"}:
                return 0 if zeros else self._rng.choice(_INTEGERS)
            case {"type": "number"}:
                return 0 if zeros else self._rng.choice(_NUMBERS)
            case {"type": "boolean"}:
                return not zeros and self._rng.random() < 0.7
            case {"x-kubernetes-preserve-unknown-fields": True}:
                return self._rng.choice(_ANY)
        raise AssertionError(f"no structural schema: {schema}")

    def _text(self, schema: dict[str, Any]) -> str:
        if "enum" in schema and self._rng.random() < 0.5:
            text: str = self._rng.choice([each for each in schema["enum"] if each is not None])
            return text
        return self._rng.choice(_FORMATTED.get(schema.get("format", ""), _TEXTS))

    def _array(self, items: dict[str, Any]) -> list[Any]:
        if self._variant == "empty":
            return []
        return [self.value(items) for _ in range(self._rng.choice((1, 1, 1, 1, 2)))]

    def _object(self, schema: dict[str, Any]) -> dict[str, Any]:
        required = schema.get("required", [])
        made = {
            name: self._property(inner)
            for name, inner in schema.get("properties", {}).items()
            if (name in required if self._variant == "empty" else not self._is_left_out(inner))
        }
        values = schema.get("additionalProperties")
        if self._variant == "empty":
            return made
        if isinstance(values, dict):
            made |= {name: self.value(values) for name in self._rng.sample(_NAMES, self._rng.choice((1, 1, 2)))}
        if values is True or schema.get("x-kubernetes-preserve-unknown-fields"):
            made |= {f"{EXTRA}{number}": value for number, value in enumerate(self._rng.sample(_ANY, 2))}
        return made

    def _is_left_out(self, schema: dict[str, Any]) -> bool:
        return self._variant == "defaults" and "default" in schema and self._rng.random() < 0.4

    def _property(self, schema: dict[str, Any]) -> Any:
        if self._variant == "defaults" and "default" in schema and self._rng.random() < 0.5:
            return schema["default"]
        return self.value(schema)
