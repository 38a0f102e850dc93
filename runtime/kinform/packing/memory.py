"""Gives memory back that the C library has put aside."""

from __future__ import annotations

import ctypes
import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["give_back"]


def give_back() -> None:
    """Returns freed memory to the system, where the C library is asked for it (glibc's ``malloc_trim``).

    glibc keeps what lies between blocks in use for the next to come. After a first sync there are none to come: tens of
    megabytes would stay resident for ever. Takes milliseconds, without the interpreter's lock.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or another system
        return None
    trim.argtypes = [ctypes.c_size_t]
    trim.restype = ctypes.c_int
    return trim
