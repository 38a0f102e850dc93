"""Objects of built-in kinds against their schema, as Go's decoder sees them: wrong types, and fields that it drops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.testing.server.documents import Json
    from kinform.testing.server.shapes import Shape

__all__ = ["drop_unknown", "mistyped"]

_GO: Final = {"array": "slice", "boolean": "bool", "integer": "int64", "number": "float64", "object": "struct"}


def _json_type(value: Json) -> str:
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


_FITTING: Final = {
    "array": "array",
    "boolean": "bool",
    "integer": "number",
    "number": "number",
    "object": "object",
    "string": "string",
}


def mistyped(value: Json, shape: Shape, path: str) -> str:
    """What Go's decoder would say of the first value of a wrong type; ``""`` if there is none."""
    if value is None:
        return ""
    wanted = shape.node.get("type")
    found = _json_type(value)
    if isinstance(wanted, str) and wanted in _FITTING and _FITTING[wanted] != found:
        return f"json: cannot unmarshal {found} into Go struct field {path} of type {_GO.get(wanted, wanted)}"
    if isinstance(value, dict):
        for name, below in value.items():
            if said := mistyped(below, shape.field(name), f"{path}.{name}"):
                return said
    if isinstance(value, list):
        item = shape.item()
        for below in value:
            if said := mistyped(below, item, path):
                return said
    return ""


def drop_unknown(value: Json, shape: Shape, path: str = "") -> Iterator[str]:
    """Takes what the schema does not know out of a value; the paths of that."""
    if isinstance(value, list):
        item = shape.item()
        for place, below in enumerate(value):
            yield from drop_unknown(below, item, f"{path}[{place}]")
    if not isinstance(value, dict):
        return
    for name in [*value]:
        below = f"{path}.{name}" if path else name
        if not shape.knows(name):
            del value[name]
            yield below
        else:
            yield from drop_unknown(value[name], shape.field(name), below)
