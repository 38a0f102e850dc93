"""The state: objects in etcd's order, one rising resourceVersion over all of them, and the changes that led here."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Final, cast

from kinform.testing.server import documents
from kinform.testing.server.documents import child, metadata_of
from kinform.testing.server.refusals import too_large_resource_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kinform.clock import Clock
    from kinform.testing.server.documents import JsonObject

__all__ = ["Change", "Collection", "HistoryLostError", "Storage", "StoredObject", "key_of"]

# The order of metadata's members as Go writes them. Clients may lean on it: managedFields, the bulk, come last.
_METADATA_ORDER: Final = (
    *("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers"),
    "managedFields",
)


class HistoryLostError(Exception):
    """The changes after a resourceVersion are no longer all known.

    Attributes:
        oldest: The oldest resourceVersion after which they are.
    """

    def __init__(self, oldest: int) -> None:
        super().__init__(f"history begins at {oldest}")
        self.oldest = oldest


def key_of(namespace: str, name: str) -> str:
    """Where an object stands in its collection; text, so that order is that of etcd's keys."""
    return f"{namespace}/{name}" if namespace else name


class StoredObject:
    """One version of one object: what selectors look at, and its JSON without apiVersion and kind. Immutable."""

    __slots__ = ("_fields", "_sorted", "body", "key", "labels", "name", "namespace", "resource_version", "uid")

    def __init__(self, tree: JsonObject, resource_version: int, *, sort: bool) -> None:
        """Writes the resourceVersion (0: none) into the tree and renders it."""
        metadata = metadata_of(tree)
        if resource_version:
            metadata["resourceVersion"] = str(resource_version)
        ordered: JsonObject = {name: metadata[name] for name in _METADATA_ORDER if name in metadata}
        ordered |= metadata
        rest = {name: value for name, value in tree.items() if name not in {"apiVersion", "kind", "metadata"}}
        self.body: bytes = documents.encode({"metadata": ordered, **rest}, sort=sort)
        self.name: str = str(metadata.get("name", ""))
        self.namespace: str = str(metadata.get("namespace", ""))
        self.key: str = key_of(self.namespace, self.name)
        self.uid: str = str(metadata.get("uid", ""))
        self.resource_version: int = resource_version
        self.labels: Mapping[str, str] = {k: v for k, v in child(metadata, "labels").items() if isinstance(v, str)}
        self._sorted = sort
        self._fields: dict[str, str] = {}

    def tree(self) -> JsonObject:
        """A copy to work on, without apiVersion and kind."""
        return cast("JsonObject", documents.decode(self.body))

    def at(self, resource_version: int) -> StoredObject:
        """The same state under another resourceVersion: what DELETED events show."""
        return StoredObject(self.tree(), resource_version, sort=self._sorted)

    def field(self, path: str) -> str:
        """What a field selector compares; read once per path."""
        if path == "metadata.name":
            return self.name
        if path == "metadata.namespace":
            return self.namespace
        value = self._fields.get(path)
        if value is None:
            value = self._fields[path] = documents.read_field(self.tree(), path)
        return value


class Change:
    """One write to one object: what was there before, and after. Keeps the watch frames that were rendered from it."""

    __slots__ = ("_departed", "after", "before", "frames", "resource_version")

    def __init__(self, resource_version: int, before: StoredObject | None, after: StoredObject | None) -> None:
        self.resource_version: int = resource_version
        self.before: StoredObject | None = before
        self.after: StoredObject | None = after
        self.frames: dict[tuple[str, str], bytes] = {}
        self._departed: StoredObject | None = None

    def departed(self) -> StoredObject:
        """The last state under this change's resourceVersion, for those to whom the object is gone."""
        if self._departed is None:
            assert self.before is not None
            self._departed = self.before.at(self.resource_version)
        return self._departed


class Collection:
    """All objects of one resource and its latest changes. The storage's lock guards it.

    Attributes:
        group_plural: Whose objects these are.
        objects: By key.
        changed: Notified, on the storage's lock, after each change and when a watch is to look up.
        sort: Whether members of objects are sorted by name, as those of custom resources are.
    """

    def __init__(
        self, group_plural: tuple[str, str], lock: threading.RLock, history: int, revision: int, *, sort: bool
    ) -> None:
        self.group_plural: tuple[str, str] = group_plural
        self.objects: dict[str, StoredObject] = {}
        self.changed: threading.Condition = threading.Condition(lock)
        self.sort = sort
        self._keys: list[str] = []
        self._history = history
        self._changes: list[Change] = []
        self._dropped = 0
        self._floor = 0 if revision == 1 else revision

    # ---- changes

    def record(self, change: Change) -> None:
        """Applies a change and remembers it, forgetting the oldest beyond the limit."""
        if change.after is not None:
            if change.after.key not in self.objects:
                insort(self._keys, change.after.key)
            self.objects[change.after.key] = change.after
        elif change.before is not None:
            del self.objects[change.before.key]
            del self._keys[bisect_left(self._keys, change.before.key)]
        self._changes.append(change)
        if len(self._changes) > self._history:
            self._forget(1)
        self.changed.notify_all()

    def compact(self, revision: int) -> None:
        """Forgets all changes up to this revision, which is the present one."""
        self._forget(len(self._changes))
        self._floor = revision

    def _forget(self, count: int) -> None:
        if count:
            self._floor = self._changes[count - 1].resource_version
            del self._changes[:count]
            self._dropped += count

    @property
    def end(self) -> int:
        """The cursor behind the newest change."""
        return self._dropped + len(self._changes)

    def cursor_after(self, resource_version: int) -> int:
        """The cursor of the first change after a resourceVersion.

        Raises:
            HistoryLostError: Some of those changes are forgotten.
        """
        if resource_version < self._floor:
            raise HistoryLostError(self._floor)
        later = bisect_right(self._changes, resource_version, key=lambda change: change.resource_version)
        return self._dropped + later

    def read(self, cursor: int, limit: int) -> list[Change]:
        """Up to ``limit`` changes from a cursor on.

        Raises:
            HistoryLostError: They were forgotten before this reader came.
        """
        if cursor < self._dropped:
            raise HistoryLostError(self._floor)
        start = cursor - self._dropped
        return self._changes[start : start + limit]

    # ---- states

    def snapshot(self, namespace: str, *, start: str = "", at: int | None = None) -> list[StoredObject]:
        """The objects of a namespace (``""``: of all) from a key on, in order, as they are or were at a revision.

        Raises:
            HistoryLostError: The changes since that revision are forgotten, so the way back is lost.
        """
        low, high = (f"{namespace}/", f"{namespace}0") if namespace else ("", "\U0010ffff")  # "0" follows "/"
        keys: Iterable[str] = self._keys[bisect_left(self._keys, max(low, start)) : bisect_left(self._keys, high)]
        undone = self._undo(at) if at is not None else {}
        if not undone:
            return [self.objects[key] for key in keys]
        gone = (key for key in undone if key not in self.objects and max(low, start) <= key < high)
        then = (undone[key] if key in undone else self.objects[key] for key in sorted([*keys, *gone]))
        return [obj for obj in then if obj is not None]

    def _undo(self, revision: int) -> dict[str, StoredObject | None]:
        """What differs from now at an earlier revision, by key."""
        if revision < self._floor:
            raise HistoryLostError(self._floor)
        undone: dict[str, StoredObject | None] = {}
        for change in reversed(self._changes):
            if change.resource_version <= revision:
                break
            present = change.after or change.before
            assert present is not None
            undone[present.key] = change.before
        return undone


class Storage:
    """All collections under one lock and one revision. Methods that say so are called with ``lock`` held.

    Args:
        history: How many changes each collection remembers.
        clock: What waiting is measured by.

    Attributes:
        listeners: Told of each change, lock held, once it is recorded; they may write further ones.
    """

    def __init__(self, history: int, clock: Clock) -> None:
        self.lock: threading.RLock = threading.RLock()
        self.revision: int = 1
        self.listeners: list[Callable[[Collection, Change], None]] = []
        self._history = history
        self._clock = clock
        self._collections: dict[tuple[str, str], Collection] = {}
        self._advanced = threading.Condition(self.lock)

    def collection(self, group_plural: tuple[str, str], *, sort: bool) -> Collection:
        """The collection of a resource, made at its first use."""
        with self.lock:
            found = self._collections.get(group_plural)
            if found is None:
                found = Collection(group_plural, self.lock, self._history, self.revision, sort=sort)
                self._collections[group_plural] = found
            return found

    def collections(self) -> list[Collection]:
        """All collections. Lock held."""
        return [*self._collections.values()]

    def discard(self, group_plural: tuple[str, str]) -> None:
        """Drops a collection with all it holds."""
        with self.lock:
            gone = self._collections.pop(group_plural, None)
            if gone is not None:
                gone.changed.notify_all()

    def write(self, collection: Collection, tree: JsonObject) -> StoredObject:
        """Creates or replaces an object; takes the tree over. Lock held."""
        after = StoredObject(tree, self.revision + 1, sort=collection.sort)
        self._record(collection, Change(after.resource_version, collection.objects.get(after.key), after))
        return after

    def remove(self, collection: Collection, obj: StoredObject) -> None:
        """Removes an object. Lock held."""
        self._record(collection, Change(self.revision + 1, obj, None))

    def _record(self, collection: Collection, change: Change) -> None:
        self.revision = change.resource_version
        collection.record(change)
        self._advanced.notify_all()
        for listener in self.listeners:
            listener(collection, change)

    def compact(self) -> None:
        """Forgets all changes so far."""
        with self.lock:
            for collection in self._collections.values():
                collection.compact(self.revision)

    def wake(self) -> None:
        """Makes every waiting thread look whether it still has a client."""
        with self.lock:
            self._advanced.notify_all()
            for collection in self._collections.values():
                collection.changed.notify_all()

    def await_revision(self, wanted: int, timeout: float, abandoned: Callable[[], bool]) -> None:
        """Blocks until the revision has been reached. Lock held.

        Raises:
            Refusal: It was not within ``timeout`` seconds (504).
            ConnectionAbortedError: The client went away meanwhile.
        """
        deadline = self._clock.monotonic() + timeout
        while self.revision < wanted:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise too_large_resource_version(wanted, self.revision)
            if abandoned():
                raise ConnectionAbortedError
            self._clock.wait_condition(self._advanced, left)
