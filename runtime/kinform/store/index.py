"""Reading an index: the objects that have a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, final

from kinform.store.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kinform.meta import ObjectKey
    from kinform.wire import Entry

__all__ = ["Index"]

T_co = TypeVar("T_co", covariant=True)


@final
class Index(Generic[T_co]):
    """The objects of a cache by a value found in them: ``by_node["n1"]`` (client-go: ``ByIndex``).

    What ``add_index`` returns. It is kept up to date with the cache, object by object. Thread-safe; reads do not block.
    Every read raises what a lister's would: ``CacheNotSyncedError`` before the first sync, ``ForkedError`` and so on.
    """

    __slots__ = ("_entries", "_guard", "_inflate", "_name", "_values")

    def __init__(
        self,
        name: str,
        entries: Callable[[str], list[Entry]],
        values: Callable[[], Iterable[str]],
        inflate: Callable[[Entry], T_co],
        guard: Callable[[], object],
    ) -> None:
        self._name = name
        self._entries = entries
        self._values = values
        self._inflate = inflate
        self._guard = guard

    @property
    def name(self) -> str:
        """The indexer's name."""
        return self._name

    def __getitem__(self, value: str) -> Snapshot[T_co]:
        """The objects that have this value at this moment; none is no error."""
        self._guard()
        return Snapshot(self._entries(value), self._inflate)

    def object_keys(self, value: str) -> list[ObjectKey]:
        """The keys of the objects that have this value, sorted; nothing is inflated (client-go: ``IndexKeys``)."""
        self._guard()
        return sorted(entry.key for entry in self._entries(value))

    def index_values(self) -> list[str]:
        """The values that at least one object has, sorted (client-go: ``ListIndexFuncValues``)."""
        self._guard()
        return sorted(self._values())

    def __repr__(self) -> str:
        return f"<Index {self._name!r}>"

    __iter__ = None  # __getitem__ alone would make it look iterable, by the values "0", "1", ...
    __contains__ = None  # `value in index` reads as a question about objects; ask index_values() or len(index[value])
