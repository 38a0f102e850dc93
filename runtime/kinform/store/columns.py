"""The indexes of one store, as columns of values: working out an entry's values, sharing them, reporting failures."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TypeVar, cast, final

from kinform.errors import IndexFunctionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.store.indexer import Indexer
    from kinform.wire import Entry

__all__ = ["NO_VALUES", "Columns"]

T = TypeVar("T")

NO_VALUES: Final[tuple[str, ...]] = ()
_POOL_LIMIT: Final = 16_384


class _Running(threading.local):
    active = False


_running = _Running()


@final
class _Column:
    """One index: what it is called, what it was made from, and how to find an entry's values."""

    __slots__ = ("indexer", "name", "values")

    def __init__(self, name: str | None, indexer: object, values: Callable[[Entry], tuple[str, ...]]) -> None:
        self.name = name
        self.indexer = indexer
        self.values = values


@final
class Columns:
    """The indexes of a store, in the order in which they were added, which is that of ``Entry.index_values``.

    Reading is thread-safe; adding and dropping columns is the store's business, which holds its locks for it.
    """

    def __init__(self, report: Callable[[Exception], object] | None) -> None:
        self._report = report
        self._columns: tuple[_Column, ...] = ()
        self._pool: dict[tuple[object, ...], tuple[object, ...]] = {}

    def __len__(self) -> int:
        return len(self._columns)

    def find(self, indexer: Indexer[T]) -> int | None:
        """The position of an equal indexer, or None.

        Raises:
            ValueError: There is another one of this name.
        """
        for position, column in enumerate(self._columns):
            if column.name == indexer.name:
                if column.indexer == indexer:
                    return position
                raise ValueError(f"there is another index named {indexer.name!r} already")
        return None

    def add(self, indexer: Indexer[T], inflate: Callable[[Entry], T]) -> int:
        """Adds a column and returns its position."""

        def values(entry: Entry) -> tuple[str, ...]:
            return indexer.values(entry, inflate)

        self._columns = (*self._columns, _Column(indexer.name, indexer, values))
        return len(self._columns) - 1

    def void(self, position: int) -> None:
        """Turns a column into one without a name that holds nothing: positions are for ever."""
        columns = list(self._columns)
        columns[position] = _Column(None, None, lambda _entry: NO_VALUES)
        self._columns = tuple(columns)

    def set_values(self, entry: Entry) -> None:
        """Works out an entry's values for all indexes. Runs user code: hold nothing that a reader may want."""
        if self._columns:
            entry.index_values = self._shared(tuple([self._values(column, entry) for column in self._columns]))

    def values(self, position: int, entry: Entry) -> tuple[str, ...]:
        """Works out an entry's values for one index. Runs user code."""
        return self._values(self._columns[position], entry)

    def append_values(self, entry: Entry, values: tuple[str, ...]) -> None:
        """Gives an entry its values for the newest index."""
        entry.index_values = self._shared((*entry.index_values, values))

    @property
    def running(self) -> bool:
        """True in an index function of any store, on this thread."""
        return _running.active

    def _values(self, column: _Column, entry: Entry) -> tuple[str, ...]:
        _running.active = True
        try:
            values = column.values(entry)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (user code: what it raises is reported, nothing stops)
            if self._report is not None:
                reason = f"{type(error).__name__}: {error}"
                problem = IndexFunctionError(str(column.name), str(entry.key), reason)
                problem.__cause__ = error
                self._report(problem)
            return NO_VALUES
        finally:
            _running.active = False
        return self._shared(values) if values else NO_VALUES

    def _shared(self, values: tuple[T, ...]) -> tuple[T, ...]:
        """One tuple for all that are equal: 30,000 pods on one node do not hold its name 30,000 times.

        The pool forgets everything when it is full. What is common comes back at once; what is rare was never shared.
        """
        pool = cast("dict[tuple[T, ...], tuple[T, ...]]", self._pool)
        found = pool.get(values)
        if found is None:
            if len(pool) >= _POOL_LIMIT:
                pool.clear()
            pool[values] = found = values
        return found
