"""Stands in for two controllers: the collector of garbage, by owner references, and the one that empties namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinform.testing.server import lifecycle
from kinform.testing.server.documents import child, metadata_of
from kinform.testing.server.removal import FOREGROUND, NAMESPACE_COLLECTION, ORPHAN

if TYPE_CHECKING:
    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.removal import Removal
    from kinform.testing.server.storage import Change, Collection, Storage, StoredObject

__all__ = ["Garbage"]


def _owners(tree: JsonObject) -> list[JsonObject]:
    listed = child(tree, "metadata").get("ownerReferences")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


class Garbage:
    """Follows all changes, and does at once what the controllers would do in time.

    What has owners goes when the last of them goes, or at once if none of them exists; while one is left, references to
    the others are taken out. Foreground and Orphan deletion as Kubernetes has them. A namespace that is deleted takes
    its objects along and goes when the last of them is gone.

    Args:
        storage: What to follow.
        removal: Who deletes.
    """

    def __init__(self, storage: Storage, removal: Removal) -> None:
        self._storage = storage
        self._removal = removal
        self._places: dict[str, tuple[Collection, str]] = {}
        self._dependents: dict[str, set[str]] = {}
        storage.listeners.append(self._follow)

    def _follow(self, collection: Collection, change: Change) -> None:
        before, after = change.before, change.after
        if before is not None and (after is None or after.uid != before.uid):
            self._places.pop(before.uid, None)
        if before is not None:
            for owner in _owners(before.tree()):
                self._dependents.get(str(owner.get("uid")), set()).discard(before.uid)
        if after is not None:
            tree = after.tree()
            self._places[after.uid] = (collection, after.key)
            for owner in _owners(tree):
                self._dependents.setdefault(str(owner.get("uid")), set()).add(after.uid)
            self._tend(collection, after, tree)
        elif before is not None:
            self._gone(before)

    def _find(self, uid: str) -> tuple[Collection, StoredObject] | None:
        place = self._places.get(uid)
        found = place[0].objects.get(place[1]) if place else None
        return (place[0], found) if place and found is not None and found.uid == uid else None

    def _dependents_of(self, uid: str) -> list[tuple[Collection, StoredObject]]:
        found = map(self._find, sorted(self._dependents.get(uid, ())))
        return [each for each in found if each is not None]

    # ---- what is there

    def _tend(self, collection: Collection, obj: StoredObject, tree: JsonObject) -> None:
        metadata = metadata_of(tree)
        if not metadata.get("deletionTimestamp"):
            self._check_owners(collection, obj, tree)
            return
        finalizers = lifecycle.finalizers_of(metadata)
        if ORPHAN in finalizers:
            for where, dependent in self._dependents_of(obj.uid):
                self._disown(where, dependent, {obj.uid})
            self._release(collection, obj, ORPHAN)
        elif FOREGROUND in finalizers:
            for where, dependent in self._dependents_of(obj.uid):
                self._removal.delete(where, dependent, policy="Foreground")
            self._release_if_alone(obj.uid)
        elif collection.group_plural == NAMESPACE_COLLECTION:
            self._empty(obj.name)

    def _check_owners(self, collection: Collection, obj: StoredObject, tree: JsonObject) -> None:
        owners = {str(owner.get("uid")) for owner in _owners(tree)}
        missing = {uid for uid in owners if self._find(uid) is None}
        if missing and missing == owners:
            self._removal.delete(collection, obj)
        elif missing:
            self._disown(collection, obj, missing)

    def _disown(self, collection: Collection, obj: StoredObject, owners: set[str]) -> None:
        """Takes references to owners out of an object."""
        tree = obj.tree()
        left: list[Json] = [each for each in _owners(tree) if each.get("uid") not in owners]
        metadata_of(tree)["ownerReferences"] = left
        if not left:
            del metadata_of(tree)["ownerReferences"]
        self._storage.write(collection, tree)

    def _release(self, collection: Collection, obj: StoredObject, finalizer: str) -> None:
        """Takes a finalizer off; with the last of them the object goes."""
        current = collection.objects.get(obj.key)
        if current is None or current.uid != obj.uid:
            return
        tree = current.tree()
        finalizers = lifecycle.finalizers_of(metadata_of(tree))
        if finalizer not in finalizers:
            return
        left = [each for each in finalizers if each != finalizer]
        metadata_of(tree)["finalizers"] = left
        if left:
            self._storage.write(collection, tree)
        else:
            self._storage.remove(collection, current)

    def _release_if_alone(self, uid: str) -> None:
        found = self._find(uid)
        if found is not None and not self._dependents_of(uid):
            self._release(*found, FOREGROUND)

    # ---- what is gone

    def _gone(self, obj: StoredObject) -> None:
        for where, dependent in self._dependents_of(obj.uid):
            current = where.objects.get(dependent.key)
            if current is not None and current.uid == dependent.uid:
                self._check_owners(where, current, current.tree())
        self._dependents.pop(obj.uid, None)
        for owner in _owners(obj.tree()):
            self._release_if_alone(str(owner.get("uid")))
        if obj.namespace:
            self._finish(obj.namespace)

    # ---- namespaces

    def _empty(self, namespace: str) -> None:
        for collection in self._storage.collections():
            for obj in collection.snapshot(namespace):
                current = collection.objects.get(obj.key)
                if obj.namespace == namespace and current is not None and current.uid == obj.uid:
                    self._removal.delete(collection, current)
        self._finish(namespace)

    def _finish(self, namespace: str) -> None:
        """Removes a namespace that is going, once there is nothing in it."""
        namespaces = self._storage.collection(NAMESPACE_COLLECTION, sort=False)
        found = namespaces.objects.get(namespace)
        if found is None:
            return
        metadata = metadata_of(found.tree())
        if not metadata.get("deletionTimestamp") or lifecycle.finalizers_of(metadata):
            return
        left = (each for each in self._storage.collections() if each is not namespaces)
        if not any(obj.namespace == namespace for each in left for obj in each.snapshot(namespace)):
            self._storage.remove(namespaces, found)
