"""A list of objects that are inflated only when looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, final, overload

if TYPE_CHECKING:
    from kinform.meta import ObjectKey
    from kinform.wire import Entry

__all__ = ["Snapshot"]

T_co = TypeVar("T_co", covariant=True)


@final
class Snapshot(Sequence[T_co], Generic[T_co]):
    """What was in the cache at one moment: an immutable sequence that inflates item by item and keeps nothing.

    It costs a pointer for each object, whatever their size; later changes of the cache do not show in it. Objects are
    shared and read-only. Order is not specified. Safe to read from many threads; nothing blocks.

    Looking at an item raises ``UndecodableObjectError`` where that one object cannot be decoded.
    """

    __slots__ = ("_entries", "_inflate")

    def __init__(self, entries: Sequence[Entry], inflate: Callable[[Entry], T_co]) -> None:
        self._entries = entries  # never written to: the caller hands over a list of its own
        self._inflate = inflate

    def keys(self) -> list[ObjectKey]:
        """The keys of the objects, in the sequence's order; nothing is inflated."""
        return [entry.key for entry in self._entries]

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Snapshot[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Snapshot[T_co]:
        if isinstance(index, slice):
            return Snapshot(self._entries[index], self._inflate)
        return self._inflate(self._entries[index])

    def __iter__(self) -> Iterator[T_co]:
        return map(self._inflate, self._entries)

    def __reversed__(self) -> Iterator[T_co]:
        return map(self._inflate, reversed(self._entries))

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self._entries)} objects>"
