"""Objects as a test puts them in and takes them out, in process and past the rules of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from kinform.testing.server import lifecycle
from kinform.testing.server.definitions import CUSTOM_RESOURCE_DEFINITIONS
from kinform.testing.server.documents import decode, metadata_of
from kinform.testing.server.refusals import Refusal
from kinform.testing.server.rendering import Renderer
from kinform.testing.server.storage import StoredObject, key_of

if TYPE_CHECKING:
    import random

    from kinform.clock import Clock
    from kinform.meta import Resource
    from kinform.testing.server.definitions import Definitions
    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.resources import Registry, ServedResource
    from kinform.testing.server.storage import Collection, Storage

__all__ = ["Shelf"]

_DEFINITIONS: Final = (CUSTOM_RESOURCE_DEFINITIONS.group, CUSTOM_RESOURCE_DEFINITIONS.plural)


class Shelf:
    """Direct access to the storage. Thread-safe."""

    def __init__(
        self, registry: Registry, storage: Storage, definitions: Definitions, clock: Clock, rng: random.Random
    ) -> None:
        self._registry = registry
        self._storage = storage
        self._definitions = definitions
        self._clock = clock
        self._rng = rng

    def _collection(self, served: ServedResource) -> Collection:
        return self._storage.collection(served.group_plural, sort=served.custom)

    def put(self, wire: bytes) -> JsonObject:
        """Creates or replaces an object; returns it as it is stored.

        Raises:
            LookupError: Its kind is not served.
            ValueError: It has no name, or its namespace does not go with the resource.
        """
        tree = cast("JsonObject", decode(wire))
        served = self._registry.of_kind(lifecycle.text_of(tree, "apiVersion"), lifecycle.text_of(tree, "kind"))
        tree = lifecycle.without_nulls(tree)
        metadata = metadata_of(tree)
        name, namespace = lifecycle.text_of(metadata, "name"), lifecycle.text_of(metadata, "namespace")
        if not name:
            raise ValueError(f"a {served.resource.kind} needs metadata.name to be put")
        if bool(namespace) != served.resource.namespaced:
            wants = (
                "needs metadata.namespace" if served.resource.namespaced else "is cluster-scoped: it has no namespace"
            )
            raise ValueError(f"{served.resource.kind} {name!r} {wants}")
        collection = self._collection(served)
        with self._storage.lock:
            if served.group_plural == _DEFINITIONS:
                self._establish(tree)
            existing = collection.objects.get(key_of(namespace, name))
            if existing is not None and metadata.setdefault("uid", existing.uid) != existing.uid:
                self._storage.remove(collection, existing)
                existing = None
            stored = self._place(served, collection, existing, tree)
        return cast("JsonObject", decode(Renderer(served).object(stored)))

    def _establish(self, tree: JsonObject) -> None:
        try:
            self._definitions.admit(tree, lifecycle.timestamp(self._clock.wall()))
        except Refusal as refusal:
            raise ValueError(str(refusal)) from None

    def _place(
        self, served: ServedResource, collection: Collection, existing: StoredObject | None, tree: JsonObject
    ) -> StoredObject:
        metadata = metadata_of(tree)
        if existing is None:
            metadata.pop("resourceVersion", None)
            metadata.setdefault("uid", lifecycle.new_uid(self._rng))
            metadata.setdefault("creationTimestamp", lifecycle.timestamp(self._clock.wall()))
            if served.generation:
                metadata.setdefault("generation", 1)
            return self._storage.write(collection, tree)
        old = existing.tree()
        before = metadata_of(old)
        metadata["resourceVersion"] = before["resourceVersion"]
        metadata.setdefault("creationTimestamp", before.get("creationTimestamp"))
        if "generation" in before and "generation" not in metadata:
            metadata["generation"] = before["generation"]
            lifecycle.count_generation(served, old, tree)
        return existing if tree == old else self._storage.write(collection, tree)

    def delete(self, resource: Resource, name: str, namespace: str) -> None:
        """Removes an object at once.

        Raises:
            LookupError: There is none.
        """
        collection = self._collection(self._registry.find(resource))
        with self._storage.lock:
            existing = collection.objects.get(key_of(namespace, name))
            if existing is None:
                raise LookupError(f"there is no {resource.kind} {key_of(namespace, name)!r}")
            self._storage.remove(collection, existing)

    def find(self, resource: Resource, name: str, namespace: str) -> StoredObject | None:
        """An object, or None."""
        collection = self._collection(self._registry.find(resource))
        with self._storage.lock:
            return collection.objects.get(key_of(namespace, name))

    def list(self, resource: Resource, namespace: str) -> list[StoredObject]:
        """All objects, or those of a namespace, in order."""
        collection = self._collection(self._registry.find(resource))
        with self._storage.lock:
            return collection.snapshot(namespace)
