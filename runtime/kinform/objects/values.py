"""Reads JSON values whose types nobody has checked, and says what is wrong with them: never with the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.wire import Json

__all__ = ["copied", "described", "text_of"]


def copied(value: object) -> Json:
    """The value as JSON's own types, copied at all depths. Any mapping, sequence and model will do.

    Raises:
        TypeError: There is something in it that JSON has not.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(name): copied(inner) for name, inner in cast("Mapping[object, object]", value).items()}
        case Sequence() if not isinstance(value, bytes | bytearray):
            return [copied(item) for item in cast("Sequence[object]", value)]
        case _:
            to_wire: Callable[[], bytes] | None = getattr(value, "to_wire", None)
            if to_wire is None:
                raise TypeError(f"JSON has no {type(value).__name__}")
            return cast("Json", msgspec.json.decode(to_wire()))


def described(value: Json) -> str:
    """What kind of value it is, for messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def text_of(value: Json, where: str) -> str:
    """The string that stands somewhere; ``""`` for nothing and null.

    Raises:
        TypeError: Something else stands there.
    """
    if value is None or isinstance(value, str):
        return value or ""
    raise TypeError(f"{where} is {described(value)}, not a string")
