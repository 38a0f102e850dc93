"""In which form objects are kept: the trade of memory for time."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, cast, get_args

__all__ = ["StoreMode", "checked_mode"]

StoreMode: TypeAlias = Literal["auto", "packed", "raw", "inflated"]
"""How an informer keeps its objects; every mode answers every read alike.

- ``"auto"``: as JSON while they are few, packed from 4 MiB of JSON on (some 700 pods). Right for nearly all.
- ``"packed"``: compressed with a dictionary made of the objects themselves, a tenth or less of their JSON. The first
  touch of an object takes some microseconds more than with ``"raw"``.
- ``"raw"``: as JSON. For caches whose every object is read all the time, where memory does not matter.
- ``"inflated"``: as ``"auto"``, and each object that was read once stays as it is, decoded, until it changes: as large
  as client-go's, and larger, and never decoded twice. For small caches that are read in a tight loop.

In the first three an object that has been read stays decoded as long as someone holds it, or it is among the last few
dozen of its informer. To cache nothing but metadata, ask ``factory.metadata()``: such objects have another class.
"""

_MODES: Final = cast("tuple[str, ...]", get_args(StoreMode))


def checked_mode(mode: str) -> StoreMode:
    """The mode, where it is one.

    Raises:
        ValueError: It is none; the message says which there are.
    """
    if mode not in _MODES:
        hint = "; for metadata alone, ask factory.metadata() for the informer" if mode == "metadata" else ""
        raise ValueError(f"store={mode!r} is no way to keep objects: it is one of {', '.join(_MODES)}{hint}")
    return cast("StoreMode", mode)
