"""JSON objects as a server holds them, in forms that can be compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from kinform.meta import WireObject

__all__ = ["difference", "is_struct", "parse", "without_managed_fields"]


class _Metadata(msgspec.Struct, rename="camel"):
    managed_fields: msgspec.Raw = msgspec.Raw(b"")


class _Object(msgspec.Struct):
    metadata: _Metadata


_decode = msgspec.json.Decoder(_Object).decode


def parse(data: bytes) -> Any:
    """JSON as Python's own types; a number with a fraction keeps its digits, so that 1 and 1.0 differ."""
    return json.loads(data, parse_float=lambda digits: {"number": digits})


def without_managed_fields(data: bytes) -> bytes:
    """An object's bytes as the server wrote them, but for ``metadata.managedFields``, which is cut out."""
    field = bytes(_decode(data).metadata.managed_fields)
    return data.rstrip().replace(b',"managedFields":' + field, b"", 1) if field else data.rstrip()


def is_struct(model: object) -> bool:
    """Whether a model is a msgspec struct: these do not tell a zero that was given from one that was not."""
    return isinstance(model, msgspec.Struct)


def difference(model: WireObject, held: Any) -> str:
    """The first difference between a model that was read, written again, and what the server holds; or ``""``.

    A null of the server's is the same as an empty list or map: models have no null lists. Of structs, zeros are not
    compared: optional ones are not written, and required ones are, also where the server has none.
    """
    read = parse(model.to_wire())
    return _difference(_without_zeros(read), _without_zeros(held)) if is_struct(model) else _difference(read, held)


def _without_zeros(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {key: _without_zeros(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each}
    return [_without_zeros(item) for item in value] if isinstance(value, list) else value


def _difference(read: Any, held: Any, path: str = "") -> str:
    if isinstance(read, dict) and isinstance(held, dict):
        for key in sorted({*read, *held}):
            if key not in read or key not in held:
                return f"{path}.{key} is only {'read' if key in read else 'at the server'}"
            if found := _difference(read[key], held[key], f"{path}.{key}"):
                return found
        return ""
    if isinstance(read, list) and isinstance(held, list) and len(read) == len(held):
        found_in = (_difference(*pair, f"{path}[{index}]") for index, pair in enumerate(zip(read, held, strict=True)))
        return next(filter(None, found_in), "")
    if held is None and read in ([], {}):
        return ""
    same = type(read) is type(held) and read == held
    return "" if same else f"{path or 'it'} is read as {read!r}, and {held!r} at the server"
