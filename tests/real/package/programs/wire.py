"""JSON objects as a server holds them, in forms that can be compared."""

from __future__ import annotations

import json
from typing import Any

import msgspec

__all__ = ["difference", "parse", "without_managed_fields"]


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


def difference(read: Any, held: Any, path: str = "") -> str:
    """The first difference between what was read as a model and written again, and what the server holds; or ``""``.

    A null of the server's is the same as an empty list or map: models have no null lists.
    """
    if isinstance(read, dict) and isinstance(held, dict):
        for key in sorted({*read, *held}):
            if key not in read or key not in held:
                return f"{path}.{key} is only {'read' if key in read else 'at the server'}"
            if found := difference(read[key], held[key], f"{path}.{key}"):
                return found
        return ""
    if isinstance(read, list) and isinstance(held, list) and len(read) == len(held):
        found_in = (difference(*pair, f"{path}[{index}]") for index, pair in enumerate(zip(read, held, strict=True)))
        return next(filter(None, found_in), "")
    if held is None and read in ([], {}):
        return ""
    same = type(read) is type(held) and read == held
    return "" if same else f"{path or 'it'} is read as {read!r}, and {held!r} at the server"
