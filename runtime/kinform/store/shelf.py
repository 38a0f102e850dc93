"""The contents of one partition of the cache: its entries by name, and the buckets of its indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.meta import ObjectKey
    from kinform.wire import Entry

__all__ = ["Buckets", "Shelf"]

Buckets: TypeAlias = "dict[str, Entry | dict[ObjectKey, Entry]]"
"""One index: for each value the entries that have it. A value without entries has no bucket.

A bucket of one is that entry: in an index of addresses or owners, where hardly any value occurs twice, a dict for each
would be 230 bytes for each object, and one more thing for every run of the cyclic collector to look at.
"""


class Shelf:
    """Entries and their index buckets, always in step. Not thread-safe: its store guards it.

    Names are filed by namespace, which is the namespace index at no further cost. A relist fills a new shelf and puts
    it in the old one's place.
    """

    __slots__ = ("_namespaces", "buckets", "count", "resource_version", "synced")

    def __init__(self, indexes: int, resource_version: str = "", *, synced: bool = False) -> None:
        self._namespaces: dict[str, dict[str, Entry]] = {}
        self.buckets: list[Buckets] = [{} for _ in range(indexes)]
        self.count: int = 0
        self.resource_version: str = resource_version
        self.synced: bool = synced

    def get(self, key: ObjectKey) -> Entry | None:
        """The entry at this key. Two look-ups, so it may be called without the lock."""
        namespace, name = key
        names = self._namespaces.get(namespace)
        return None if names is None else names.get(name)

    def __iter__(self) -> Iterator[Entry]:
        for names in self._namespaces.values():
            yield from names.values()

    def collect(self, namespace: str | None, into: list[Entry]) -> None:
        """Adds the entries of one namespace, or all (None), to a list."""
        if namespace is None:
            for names in self._namespaces.values():
                into.extend(names.values())
        else:
            into.extend(self._namespaces.get(namespace, {}).values())

    def collect_bucket(self, position: int, value: str, into: list[Entry]) -> None:
        """Adds the entries that have a value in an index to a list."""
        bucket = self.buckets[position].get(value)
        if isinstance(bucket, dict):
            into.extend(bucket.values())
        elif bucket is not None:
            into.append(bucket)

    def put(self, entry: Entry) -> None:
        """Files an entry whose key is not here yet."""
        key = entry.key
        namespace, name = key
        names = self._namespaces.get(namespace)
        if names is None:
            names = self._namespaces[namespace] = {}
        names[name] = entry
        self.count += 1
        # An entry whose values for the newest index are still being worked out has fewer of them than there are
        # buckets: zip leaves those out, and `file` brings them in later.
        for buckets, values in zip(self.buckets, entry.index_values, strict=False):
            for value in values:
                _file(buckets, value, entry)

    def update(self, old: Entry, entry: Entry) -> None:
        """Puts ``entry`` in the place of ``old``, which has the same key. Values that stay keep their place."""
        key = entry.key
        self._namespaces[key[0]][key[1]] = entry
        if not self.buckets:
            return
        was = old.index_values
        for position, (buckets, values) in enumerate(zip(self.buckets, entry.index_values, strict=True)):
            before = was[position] if position < len(was) else ()
            if before is not values:
                for value in before:
                    if value not in values:
                        _unfile(buckets, value, key)
            for value in values:
                _file(buckets, value, entry)

    def remove(self, old: Entry) -> None:
        """Takes an entry out, and with it the buckets and the namespace that it leaves empty."""
        key = old.key
        namespace, name = key
        names = self._namespaces[namespace]
        del names[name]
        if not names:
            del self._namespaces[namespace]
        self.count -= 1
        for buckets, values in zip(self.buckets, old.index_values, strict=False):
            for value in values:
                _unfile(buckets, value, key)

    def file(self, position: int, entry: Entry) -> None:
        """Brings an entry that is here into one index, whose values for it have just been set."""
        buckets = self.buckets[position]
        for value in entry.index_values[position]:
            _file(buckets, value, entry)


def _file(buckets: Buckets, value: str, entry: Entry) -> None:
    bucket = buckets.get(value)
    if isinstance(bucket, dict):
        bucket[entry.key] = entry
    elif bucket is None or bucket.key == entry.key:
        buckets[value] = entry
    else:
        buckets[value] = {bucket.key: bucket, entry.key: entry}


def _unfile(buckets: Buckets, value: str, key: ObjectKey) -> None:
    bucket = buckets[value]
    if isinstance(bucket, dict):
        del bucket[key]
        if len(bucket) == 1:
            (buckets[value],) = bucket.values()
    else:
        del buckets[value]
