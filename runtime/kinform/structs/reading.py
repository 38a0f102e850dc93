"""From JSON to a struct: at msgspec's speed where the object is as the API describes it, leniently where it is not."""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from kinform.scalars import WireTime
from kinform.structs.leniency import read_leniently

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode"]

S = TypeVar("S", bound=msgspec.Struct)

# Held while msgspec learns of a class: it puts that on the class bit by bit, and on those that the class refers to, and
# another thread must not take the half for the whole.
_BUILDING: Final = Lock()
_DECODERS: Final[dict[type, Callable[[bytes], Any]]] = {}

_REFUSED_NULL: Final = re.compile(r", got `null` - at `\$(?P<way>(?:\.[^.\[\]`]+|\[\d+\])*)\.(?P<key>[^.\[\]`]+)`$")
_STEP: Final = re.compile(r"\.([^.\[\]`]+)|\[(\d+)\]")
_FEW: Final = 3
"""How many nulls are looked for one by one; where there are more, reading leniently is faster."""


def decode(cls: type[S], data: bytes) -> S:
    """Reads one JSON object. Thread-safe.

    Raises:
        ValueError: The bytes are no JSON object, or a field has a type that the class cannot hold.
    """
    read = _DECODERS.get(cls) or _make_decoder(cls)
    made: S | None = None
    try:
        made = read(data)
    except msgspec.ValidationError as error:
        made = _without_nulls(cls, data, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # no JSON; for which the other has words
    return made if made is not None else read_leniently(cls, data)


def _without_nulls(cls: type[S], data: bytes, said: str) -> S | None:
    """Tries again without the null that msgspec has refused: it stands for an absent field. None if that is not all."""
    match = _REFUSED_NULL.search(said)
    if match is None:
        return None
    try:
        tree = msgspec.json.decode(data)
        for _ in range(_FEW):
            if match is None or not _remove(tree, match["way"], match["key"]):
                return None
            try:
                return msgspec.convert(tree, cls, dec_hook=_read_time)
            except msgspec.ValidationError as error:
                match = _REFUSED_NULL.search(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return None


def _remove(tree: Any, way: str, key: str) -> bool:
    """Takes a value out of a tree; whether it was there.

    A name with dots in it may lead astray. Then msgspec refuses the null that is still there once more, and in the end
    everything is read anew, leniently.
    """
    try:
        for name, number in _STEP.findall(way):
            tree = tree[name] if name else tree[int(number)]
        del tree[key]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _make_decoder(cls: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    with _BUILDING:
        read = _DECODERS[cls] = msgspec.json.Decoder(cls, dec_hook=_read_time).decode
    return read


def _read_time(tp: type, value: object) -> WireTime:
    """Reads the only types that msgspec does not know."""
    assert issubclass(tp, WireTime)
    if not isinstance(value, str):
        raise ValueError("no time")  # noqa: TRY004 - what msgspec takes from a hook
    return tp.read(value)
