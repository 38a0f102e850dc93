"""A dictionary that holds what was used last, and so many of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Recent"]

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, of which the least recently used goes when there are too many (Go: ``lru.Cache``). For one thread.

    Args:
        limit: How many there may be.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, made where there is none; it is now the last that was used."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make()
        if len(self._values) > self._limit:
            self._values.popitem(last=False)
        return value

    def drop(self, key: K) -> None:
        """Forgets a key, if it is there."""
        self._values.pop(key, None)

    def items(self) -> Iterable[tuple[K, V]]:
        """All of them, longest unused first, as they are now."""
        return list(self._values.items())
