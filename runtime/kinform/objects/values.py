"""Reads JSON values whose types nobody has checked, and says what is wrong with them: never with the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from kinform.wire import Json

__all__ = ["JsonLike", "copied", "described", "text_of"]

JsonLike: TypeAlias = "Mapping[str, JsonLike] | Sequence[JsonLike] | str | int | float | bool | None"
"""What can be made a JSON value: any mapping and sequence, such as a ``dict[str, str]``, which is no ``Json``."""


def copied(value: JsonLike) -> Json:
    """The value as JSON's own types, copied at all depths.

    Raises:
        TypeError: There is something in it that JSON has not.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {name: copied(inner) for name, inner in value.items()}
        case Sequence():
            return [copied(item) for item in value]
    raise TypeError(f"JSON has no {type(value).__name__}")


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
