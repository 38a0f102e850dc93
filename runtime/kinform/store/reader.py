"""What a lister needs of an informer: reads that raise rather than answer for a cache that is not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from kinform.meta import ObjectKey, Resource
    from kinform.selectors import LabelSelector
    from kinform.wire import Entry

__all__ = ["CacheReader"]

T_co = TypeVar("T_co", covariant=True)


class CacheReader(Protocol[T_co]):
    """The read side of a cache of one kind. ``SharedInformer`` is one; all its methods are thread-safe."""

    @property
    def resource(self) -> Resource:
        """What is cached."""
        ...

    def read_entry(self, key: ObjectKey, *, allow_unsynced: bool) -> Entry | None:
        """The entry at a key, or None where the cache knows that there is no such object.

        Raises:
            InformerNotStartedError: The informer has not been started.
            CacheNotSyncedError: The first sync is not complete, and ``allow_unsynced`` is False.
            NotCachedError: The key's namespace is outside the informer's scope.
            ForkedError: The informer belongs to the parent process.
        """
        ...

    def read_entries(
        self, namespace: str | None, selector: LabelSelector | None, *, allow_unsynced: bool
    ) -> list[Entry]:
        """The entries of one namespace (None: all that are cached) that the selector matches (None: all).

        The list is the caller's own. Raises as ``read_entry`` does.
        """
        ...

    def inflate(self, entry: Entry) -> T_co:
        """The shared, read-only object of an entry.

        Raises:
            UndecodableObjectError: The entry's bytes are nothing that the model can hold.
        """
        ...

    def copy(self, entry: Entry) -> T_co:
        """A private object of an entry, to be changed at will.

        Raises:
            UndecodableObjectError: The entry's bytes are nothing that the model can hold.
        """
        ...
