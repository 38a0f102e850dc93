"""The cache of one informer: takes changes, knows what was there before, keeps the indexes, and answers reads."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, final

from kinform.store.columns import NO_VALUES, Columns
from kinform.store.index import Index
from kinform.store.notification import Notification
from kinform.store.shelf import Shelf
from kinform.wire import Remove, Replace, Upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kinform.meta import ObjectKey, Resource
    from kinform.selectors import LabelSelector
    from kinform.store.indexer import Indexer
    from kinform.wire import Change, Entry

__all__ = ["Store"]

T = TypeVar("T")

_FILL_BATCH: Final = 256


@final
class Store:
    """Entries of one resource, in partitions that are each fed by one reflector (client-go: ``Indexer``).

    **Writes.** ``apply`` decides by what is there whether a change is an add, an update or a delete, writes it, and
    says so in notifications; reads see a change before its notification is out. A changed uid under one key is a delete
    and an add; an object that comes again with the uid and resourceVersion it has is no change; the deletion of an
    object that is not there is none either. ``Replace`` is filled beside the old contents, reusing the entries that are
    unchanged, and swapped in at once; other partitions are not touched. Index functions run before an entry is written,
    with no reader waiting.

    **Reads** are answered at once, from what is there at that moment: a lock is held for as long as it takes to copy
    references, and never while anything is decoded or any function of the user's runs. What they return is the
    caller's own. The store does not know whether it has synced enough to be read: its informer does.

    Thread-safe. Changes of one partition are applied one after the other; those of different partitions may be applied
    at the same time.

    Args:
        resource: What is stored.
        partitions: The namespaces that are watched one by one; ``[""]`` for one watch over all, and for cluster-scoped
            resources.
        report: Gets every error that is swallowed to keep going, which is ``IndexFunctionError``. It is called on the
            thread that writes, must not raise, and must not write to the store.

    Raises:
        ValueError: There are no partitions, one is named twice, or ``""`` is not alone.
    """

    def __init__(
        self,
        resource: Resource,
        partitions: Sequence[str] = ("",),
        *,
        report: Callable[[Exception], object] | None = None,
    ) -> None:
        if not partitions or len(set(partitions)) != len(partitions) or ("" in partitions and len(partitions) > 1):
            raise ValueError(f"partitions are [''] or distinct namespaces, not {list(partitions)}")
        self._resource = resource
        self._partitions = {name: _Partition() for name in partitions}
        self._whole = self._partitions.get("")
        # Three kinds of lock, taken in this order and never the other way round: one for adding indexes, one for the
        # writer of each partition (held while index functions run), and one for contents (held for moments only).
        self._adding_index = threading.Lock()
        self._contents = threading.Lock()
        self._columns = Columns(report)

    @property
    def resource(self) -> Resource:
        """What is stored."""
        return self._resource

    @property
    def partitions(self) -> tuple[str, ...]:
        """The namespaces that are watched one by one; ``("",)`` where one watch is over all."""
        return tuple(self._partitions)

    # ---- writes

    def apply(self, partition: str, changes: Iterable[Change]) -> list[Notification]:
        """Writes changes, in order, and returns what they came to.

        A relist's notifications are its deletes first, then adds and updates in the list's order.

        Args:
            partition: Which reflector this comes from.
            changes: What it saw.

        Raises:
            ValueError: There is no such partition.
        """
        part = self._partition(partition)
        notifications: list[Notification] = []
        with part.writer:
            for change in changes:
                if isinstance(change, Upsert):
                    self._upsert(part.shelf, change.entry, notifications)
                elif isinstance(change, Remove):
                    self._remove(part.shelf, change.entry, notifications)
                elif isinstance(change, Replace):
                    self._replace(part, change, notifications)
                else:
                    _advance(part.shelf, change.resource_version)
        return notifications

    def fill(self, partition: str, change: Replace) -> list[Entry] | None:
        """Writes what the first fetch of all partitions brought, and returns it, in its order: initial adds, each.

        None: this is not the first, or something is there already, and nothing was written; ``apply`` it.

        Raises:
            ValueError: There is no such partition.
        """
        part = self._partition(partition)
        with part.writer:
            if part.shelf.synced or len(self):
                return None
            fresh = Shelf(len(self._columns), change.resource_version, synced=True)
            for entry in change.entries.values():
                self._columns.set_values(entry)
                fresh.put(entry)
            with self._contents:
                part.shelf = fresh
        return list(change.entries.values())

    def _upsert(self, shelf: Shelf, entry: Entry, notifications: list[Notification]) -> None:
        old = shelf.get(entry.key)
        initial = not shelf.synced
        if old is not None and _same_version(old, entry):
            _advance(shelf, entry.resource_version)
            return
        self._columns.set_values(entry)
        if old is not None and old.uid == entry.uid:
            entry.key = old.key  # one key, and one name, for the map, the buckets and the entry
            with self._contents:
                shelf.update(old, entry)
                _advance(shelf, entry.resource_version)
            notifications.append(Notification(old, entry, initial))
            return
        with self._contents:
            if old is not None:
                shelf.remove(old)
            shelf.put(entry)
            _advance(shelf, entry.resource_version)
        if old is not None:
            notifications.append(Notification(old, None, initial, final_state_unknown=True))
        notifications.append(Notification(None, entry, initial))

    def _remove(self, shelf: Shelf, entry: Entry, notifications: list[Notification]) -> None:
        old = shelf.get(entry.key)
        with self._contents:
            if old is not None:
                shelf.remove(old)
            _advance(shelf, entry.resource_version)
        if old is None:
            return
        # Where another object was deleted than the one that is here, ours has gone before it, and nobody saw how.
        missed = old.uid != entry.uid
        last = old if missed else entry
        last.key = old.key
        notifications.append(Notification(last, None, not shelf.synced, final_state_unknown=missed, known=old))

    def _replace(self, part: _Partition, change: Replace, notifications: list[Notification]) -> None:
        shelf = part.shelf
        initial = not shelf.synced
        fresh = Shelf(len(self._columns), change.resource_version, synced=True)
        written: list[Notification] = []
        for key, entry in change.entries.items():
            old = shelf.get(key)
            if old is not None and _same_version(old, entry):
                fresh.put(old)
                continue
            self._columns.set_values(entry)
            if old is not None and old.uid == entry.uid:
                entry.key = old.key
                written.append(Notification(old, entry, initial))
            else:
                written.append(Notification(None, entry, initial))
            fresh.put(entry)
        for old in shelf:
            new = fresh.get(old.key)
            if new is None or new.uid != old.uid:
                notifications.append(Notification(old, None, initial, final_state_unknown=True))
        notifications += written
        with self._contents:
            part.shelf = fresh

    def _partition(self, name: str) -> _Partition:
        try:
            return self._partitions[name]
        except KeyError:
            raise ValueError(f"{name!r} is no partition of {self._resource}: {list(self._partitions)}") from None

    # ---- reads

    def get(self, key: ObjectKey) -> Entry | None:
        """The entry at a key, or None. Takes no lock."""
        part = self._whole or self._partitions.get(key.namespace)
        return None if part is None else part.shelf.get(key)

    def entries(self, namespace: str | None = None, selector: LabelSelector | None = None) -> list[Entry]:
        """The entries of a namespace (None: all) that the selector matches (None: all), in no particular order."""
        with self._contents:
            if namespace is None:
                parts = list(self._partitions.values())
            else:
                part = self._whole or self._partitions.get(namespace)
                parts = [] if part is None else [part]
            found: list[Entry] = []
            for each in parts:
                each.shelf.collect(namespace, found)
        if selector is None or selector.empty:
            return found
        matches = selector.matches
        return [entry for entry in found if matches(entry.labels)]

    def keys(self, namespace: str | None = None) -> list[ObjectKey]:
        """The keys of a namespace (None: all), in no particular order."""
        return [entry.key for entry in self.entries(namespace)]

    def __len__(self) -> int:
        with self._contents:
            return sum(part.shelf.count for part in self._partitions.values())

    @property
    def body_bytes(self) -> int:
        """The size of all bodies in the form in which they are kept; counted anew each time, 5 ms for 100,000."""
        return sum([len(entry.stored) for entry in self.entries()])

    def partition_of(self, namespace: str) -> str | None:
        """The partition that holds a namespace's objects, or None where they are not cached at all."""
        if self._whole is not None:
            return ""
        return namespace if namespace in self._partitions else None

    def resource_version(self, partition: str) -> str:
        """The resourceVersion of the partition's last write; ``""`` before the first.

        That of the last event, list or bookmark applied, not the highest one (client-go:
        ``LastStoreSyncResourceVersion``).

        Raises:
            ValueError: There is no such partition.
        """
        return self._partition(partition).shelf.resource_version

    def synced(self, partition: str) -> bool:
        """True once the partition has been complete: after its first ``Replace``, and for ever after.

        Raises:
            ValueError: There is no such partition.
        """
        return self._partition(partition).shelf.synced

    # ---- indexes

    def add_index(
        self,
        indexer: Indexer[T],
        inflate: Callable[[Entry], T],
        *,
        guard: Callable[[], object] = lambda: None,
    ) -> Index[T]:
        """Adds an index, before or after there are objects, and returns it once it is complete.

        It is filled beside the writes that go on meanwhile, and blocks its caller, but neither readers nor (save for
        moments) writers. Adding an equal indexer again gives the same index. Indexes stay as long as the store
        (client-go: ``AddIndexers``).

        Args:
            indexer: What to index.
            inflate: How to make an object of an entry, for index functions and for what the index returns.
            guard: Called before each read of the index; it raises where the cache may not be read.

        Raises:
            ValueError: There is another index of that name.
            RuntimeError: Called from an index function.
        """
        if self._columns.running:
            raise RuntimeError("an index function cannot add an index")
        with self._adding_index:
            position = self._columns.find(indexer)
            if position is None:
                with self._all_writers():
                    # From here on every entry written has its values for the new index, and is in its buckets.
                    position = self._columns.add(indexer, inflate)
                    for part in self._partitions.values():
                        part.shelf.buckets.append({})
                try:
                    for part in self._partitions.values():
                        self._fill(part, position)
                except BaseException:
                    self._abandon(position)
                    raise
        entries = partial(self._bucket, position)
        return Index(indexer.name, entries, partial(self._bucket_values, position), inflate, guard)

    def _fill(self, part: _Partition, position: int) -> None:
        """Brings the entries that were written before the index was added into it."""
        entries: list[Entry] = []
        with self._contents:
            part.shelf.collect(None, entries)
        for start in range(0, len(entries), _FILL_BATCH):
            batch = [each for each in entries[start : start + _FILL_BATCH] if _lacks(part.shelf, each, position)]
            found = [self._columns.values(position, each) for each in batch]
            with part.writer:
                # A replaced entry is passed over: its successor is filed already. After a relist this is another shelf,
                # in which the entries that were reused are still to be filed. No reader knows of these buckets yet.
                for entry, values in zip(batch, found, strict=True):
                    if _lacks(part.shelf, entry, position):
                        self._columns.append_values(entry, values)
                        part.shelf.file(position, entry)

    def _abandon(self, position: int) -> None:
        """Leaves an index that was interrupted in its filling as a column without name and values."""
        with self._all_writers():
            self._columns.void(position)
            for part in self._partitions.values():
                part.shelf.buckets[position] = {}
                for entry in part.shelf:
                    entry.index_values = (*entry.index_values[:position], NO_VALUES)

    def _all_writers(self) -> ExitStack:
        """Holds every partition's writer. Only who adds an index takes more than one, so the order is no matter."""
        writers = ExitStack()
        for part in self._partitions.values():
            writers.enter_context(part.writer)
        return writers

    def _bucket(self, position: int, value: str) -> list[Entry]:
        """The entries that have a value in an index."""
        found: list[Entry] = []
        with self._contents:
            for part in self._partitions.values():
                part.shelf.collect_bucket(position, value, found)
        return found

    def _bucket_values(self, position: int) -> set[str]:
        """The values that entries have in an index."""
        with self._contents:
            return {value for part in self._partitions.values() for value in part.shelf.buckets[position]}


@final
class _Partition:
    """What one reflector feeds."""

    __slots__ = ("shelf", "writer")

    def __init__(self) -> None:
        self.shelf = Shelf(0)
        self.writer = threading.Lock()


def _same_version(old: Entry, new: Entry) -> bool:
    """Whether nothing has changed. An object without resourceVersion may have: nothing is certain about it.

    One that could not be taken as it is, and now could, has changed for its readers.
    """
    same = old.resource_version == new.resource_version and old.uid == new.uid and old.resource_version != ""
    return same and (old.stored != b"" or new.stored == b"")


def _advance(shelf: Shelf, resource_version: str) -> None:
    """Notes the resourceVersion of a write; objects without one leave it as it is."""
    if resource_version:
        shelf.resource_version = resource_version


def _lacks(shelf: Shelf, entry: Entry, position: int) -> bool:
    """Whether the entry is here and has no values yet for the index at this position."""
    return len(entry.index_values) == position and shelf.get(entry.key) is entry
