"""From JSON to a struct: at msgspec's speed where the object is as the API describes it, leniently where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from kinform.scalars import WireTime
from kinform.structs.layout import BUILDING
from kinform.structs.leniency import read_leniently

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode"]

S = TypeVar("S", bound=msgspec.Struct)

_DECODERS: Final[dict[type, Callable[[bytes], Any]]] = {}


def decode(cls: type[S], data: bytes) -> S:
    """Reads one JSON object. Thread-safe.

    Raises:
        ValueError: The bytes are no JSON object, or a field has a type that the class cannot hold.
    """
    read = _DECODERS.get(cls) or _make_decoder(cls)
    try:
        made: S | None = read(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        made = None
    # What msgspec refuses is a null where Go has a value, say; or it is really wrong, and then that finds more words.
    return made if made is not None else read_leniently(cls, data)


def _make_decoder(cls: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    with BUILDING:
        read = _DECODERS[cls] = msgspec.json.Decoder(cls, dec_hook=_read_time).decode
    return read


def _read_time(tp: type, value: object) -> WireTime:
    """Reads the only types that msgspec does not know."""
    assert issubclass(tp, WireTime)
    if not isinstance(value, str):
        raise ValueError("no time")  # noqa: TRY004 - what msgspec takes from a hook
    return tp.read(value)
