"""What to index: a field, a label, or whatever a function finds in an object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, cast, final

from kinform.selectors.names import label_key_problem
from kinform.wire.fields import FieldPath

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kinform.wire import Entry

__all__ = ["IndexValues", "Indexer", "field_index", "index", "indexed_field", "label_index"]

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

IndexValues: TypeAlias = list[str] | tuple[str, ...] | AbstractSet[str] | Iterator[str]
"""What an index function returns. Any collection of strings but a string, whose letters would be the values."""


class Indexer(ABC, Generic[T_contra]):
    """How to find an object's values for one index (client-go: ``IndexFunc`` with its name).

    Made by ``field_index``, ``label_index`` and ``index``; given to ``add_index``. Contravariant: what can read any
    object serves every kind. Immutable; two that read the same thing under the same name are equal.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """The index's name: one store holds one index of a name."""

    @abstractmethod
    def values(self, entry: Entry, inflate: Callable[[Entry], T_contra]) -> tuple[str, ...]:
        """The entry's values, each once; called by the store, on the reflector's thread and never under a lock.

        Raises:
            Exception: Whatever the index function raises; the store reports it and puts the entry in no bucket.
        """


@final
@dataclass(frozen=True, slots=True)
class _FieldIndexer(Indexer[object]):
    path: FieldPath
    text: str

    @property
    def name(self) -> str:
        return self.text

    def values(self, entry: Entry, inflate: Callable[[Entry], object]) -> tuple[str, ...]:
        del inflate  # the bytes are enough
        return self.path.read(entry.body)


@final
@dataclass(frozen=True, slots=True)
class _LabelIndexer(Indexer[object]):
    key: str

    @property
    def name(self) -> str:
        return f"metadata.labels[{self.key!r}]"

    def values(self, entry: Entry, inflate: Callable[[Entry], object]) -> tuple[str, ...]:
        del inflate
        value = entry.labels.get(self.key)
        return () if value is None else (value,)


@final
@dataclass(frozen=True, slots=True)
class _FunctionIndexer(Indexer[T_contra]):
    title: str
    function: Callable[[T_contra], IndexValues]

    @property
    def name(self) -> str:
        return self.title

    def values(self, entry: Entry, inflate: Callable[[Entry], T_contra]) -> tuple[str, ...]:
        # Functions without annotations are checked by nobody: a string would be filed by its letters.
        found = cast("object", self.function(inflate(entry)))
        if isinstance(found, str) or not isinstance(found, (list, tuple, AbstractSet, Iterator)):
            raise TypeError(f"an index function returns a collection of strings, not {type(found).__name__}")
        values = tuple(dict.fromkeys(cast("Iterable[object]", found)))
        for value in values:
            if not isinstance(value, str):
                raise TypeError(f"an index function returns strings, not {type(value).__name__}")
        return cast("tuple[str, ...]", values)


def field_index(path: str) -> Indexer[object]:
    """An index of a field's values, read from the object's bytes: no model is built for it.

    ``"spec.nodeName"``, in JSON names. A list on the way gives the values of all its items
    (``"spec.containers.image"``); numbers and booleans are filed by their JSON text. An object whose field is absent,
    null or empty is in no bucket. Keys with dots: ``"metadata.annotations['example.com/owner']"``.

    Raises:
        ValueError: The text is no field path.
    """
    return _FieldIndexer(FieldPath(path), path)


def label_index(key: str) -> Indexer[object]:
    """An index of a label's values, read from the entry. An object without the label is in no bucket.

    Raises:
        ValueError: No label can have this key.
    """
    if problem := label_key_problem(key):
        raise ValueError(f"{key!r} cannot be a label key: it {problem}")
    return _LabelIndexer(key)


def index(name: str, function: Callable[[T], IndexValues]) -> Indexer[T]:
    """An index of what ``function`` finds in an object: ``index("image", lambda pod: [c.image for c in ...])``.

    The function gets the shared, read-only object and returns a collection of strings; repetitions count once. It runs
    once for each version of each object, on the reflector's thread and under no lock of the reader's; it may read
    caches, but should be quick. Where it raises, the object is in no bucket and the error is reported. Inflating a
    model costs ten times what ``field_index`` and ``label_index`` cost: prefer these where they serve.
    """
    return _FunctionIndexer(name, function)


def indexed_field(indexer: Indexer[T]) -> tuple[str, ...]:
    """The path that an index of ``field_index`` reads, as segments; empty for other indexes."""
    return indexer.path.segments if isinstance(indexer, _FieldIndexer) else ()
