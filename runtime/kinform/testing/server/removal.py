"""Deletion: an object goes at once or, where something holds it, is marked to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform.testing.server import lifecycle
from kinform.testing.server.documents import child, metadata_of
from kinform.testing.server.resources import NAMESPACES
from kinform.testing.server.storage import StoredObject

if TYPE_CHECKING:
    from kinform.clock import Clock
    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.storage import Collection, Storage

__all__ = ["FOREGROUND", "NAMESPACE_COLLECTION", "ORPHAN", "Removal"]

FOREGROUND: Final = "foregroundDeletion"
"""The finalizer that holds an object until its dependents are gone."""

ORPHAN: Final = "orphan"
"""The finalizer that holds an object until its dependents no longer name it."""

NAMESPACE_COLLECTION: Final = (NAMESPACES.group, NAMESPACES.plural)
_FINALIZERS: Final = {"Foreground": FOREGROUND, "Orphan": ORPHAN}


class Removal:
    """Deletes objects. Called with the storage's lock held.

    Args:
        storage: Where the objects are.
        clock: What deletionTimestamps are taken from.
        collects: Whether somebody collects garbage: then propagation policies hold objects until that is done, and
            namespaces stay until they are empty.
    """

    def __init__(self, storage: Storage, clock: Clock, *, collects: bool) -> None:
        self._storage = storage
        self._clock = clock
        self._collects = collects

    def delete(
        self, collection: Collection, existing: StoredObject, *, policy: str = "", dry_run: bool = False
    ) -> StoredObject | None:
        """Deletes or marks an object; what is left of it, or None."""
        tree = existing.tree()
        finalizers = lifecycle.finalizers_of(metadata_of(tree))
        added = _FINALIZERS.get(policy) if self._collects else None
        terminates = self._collects and collection.group_plural == NAMESPACE_COLLECTION
        if not finalizers and not added and not terminates:
            if not dry_run:
                self._storage.remove(collection, existing)
            return None
        marked = lifecycle.deletion_mark(existing, lifecycle.timestamp(self._clock.wall()))
        if marked is None:
            return existing
        if added and added not in finalizers:
            held: list[Json] = [*finalizers, added]
            metadata_of(marked)["finalizers"] = held
        if terminates:
            marked["status"] = {**child(marked, "status"), "phase": "Terminating"}
        return self._kept(collection, existing, marked, dry_run=dry_run)

    def _kept(
        self, collection: Collection, existing: StoredObject, marked: JsonObject, *, dry_run: bool
    ) -> StoredObject:
        if dry_run:
            return StoredObject(marked, existing.resource_version, sort=collection.sort)
        self._storage.write(collection, marked)
        # Whoever listens may have gone on from there.
        return collection.objects.get(existing.key) or StoredObject(
            marked, self._storage.revision, sort=collection.sort
        )
