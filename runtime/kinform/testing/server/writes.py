"""Create, update, patch and apply: what each does to the storage, and what it answers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, cast

from kinform.testing.server import builtin, lifecycle, managed_fields, refusals
from kinform.testing.server.address import Answer
from kinform.testing.server.documents import check_depth, child, decode, encode, metadata_of
from kinform.testing.server.managed_fields import Manager
from kinform.testing.server.merging import misfit
from kinform.testing.server.patches import apply_patch
from kinform.testing.server.rendering import Renderer
from kinform.testing.server.storage import StoredObject, key_of

if TYPE_CHECKING:
    import random

    from kinform.clock import Clock
    from kinform.testing.server.address import Address
    from kinform.testing.server.admission import Admission, WriteOptions
    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.resources import ServedResource
    from kinform.testing.server.storage import Collection, Storage

__all__ = ["Writes"]

_NAME_ATTEMPTS: Final = 7


class Writes:
    """The verbs that write objects. Thread-safe: each holds the storage's lock while it works.

    Args:
        storage: Where the objects are.
        admission: What they go through before they are stored.
        clock: What timestamps are taken from.
        rng: What names and uids are made from.
    """

    def __init__(self, storage: Storage, admission: Admission, clock: Clock, rng: random.Random) -> None:
        self._storage = storage
        self._admission = admission
        self._clock = clock
        self._rng = rng

    def _collection(self, served: ServedResource) -> Collection:
        return self._storage.collection(served.group_plural, sort=served.custom)

    def _existing(self, at: Address) -> StoredObject:
        obj = self._collection(at.served).objects.get(key_of(at.namespace, at.name))
        if obj is None:
            raise refusals.not_found(at.served.resource, at.name)
        return obj

    def _now(self) -> str:
        return lifecycle.timestamp(self._clock.wall())

    def _keep(self, collection: Collection, tree: JsonObject, *, revision_if_dry: int, dry_run: bool) -> StoredObject:
        if dry_run:
            return StoredObject(tree, revision_if_dry, sort=collection.sort)
        return self._storage.write(collection, tree)

    # ---- create

    def create(self, at: Address, options: WriteOptions, body: bytes) -> Answer:
        """A new object."""
        tree = _object(at.served, body)
        self._admission.check_types(at.served, tree)
        return self._create(at, tree, options)

    def _create(self, at: Address, tree: JsonObject, options: WriteOptions, *, owned: bool = False) -> Answer:
        """Stores a new object; ``owned``: its managedFields are right as they are."""
        served, collection, now = at.served, self._collection(at.served), self._now()
        metadata = metadata_of(tree)
        lifecycle.check_address(served, metadata, at.namespace, None)
        with self._storage.lock:
            self._admission.check_namespace(at._replace(name=lifecycle.text_of(metadata, "name")))
            name = lifecycle.text_of(metadata, "name") or self._generate(collection, at, metadata)
            lifecycle.check_name(served, name)
            metadata["name"] = name
            tree = lifecycle.fresh(served, tree, now, self._rng)
            warnings = self._admission.prepare(served, None, tree, options, now)
            if key_of(at.namespace, name) in collection.objects:
                raise refusals.already_exists(served.resource, name)
            if not owned:
                self._admission.note_owners(at, None, tree, options, now)
            stored = self._keep(collection, tree, revision_if_dry=0, dry_run=options.dry_run)
        return Answer(201, Renderer(served).object(stored), warnings)

    def _generate(self, collection: Collection, at: Address, metadata: JsonObject) -> str:
        base = lifecycle.text_of(metadata, "generateName")
        name = ""
        for _ in range(_NAME_ATTEMPTS if base else 0):
            name = lifecycle.generated_name(base, self._rng)
            if key_of(at.namespace, name) not in collection.objects:
                break
        return name

    # ---- update and patch

    def update(self, at: Address, options: WriteOptions, body: bytes) -> Answer:
        """An object, or a subresource of it, in place of what is there."""
        if at.subresource == "scale":
            scale = decode(body)
            with self._storage.lock:
                return self._scale(at, self._existing(at), scale if isinstance(scale, dict) else {}, options)
        tree = _object(at.served, body)
        self._admission.check_types(at.served, tree)
        with self._storage.lock:
            lifecycle.check_address(at.served, metadata_of(tree), at.namespace, at.name)
            missing = key_of(at.namespace, at.name) not in self._collection(at.served).objects
            if missing and not at.subresource and at.served.group_plural in builtin.CREATED_BY_UPDATE:
                return self._create(at, tree, options)
            return self._replace(at, self._existing(at), tree, options)

    def patch(self, at: Address, options: WriteOptions, content_type: str, body: bytes) -> Answer:
        """An object, or a subresource of it, changed by a patch of one of the three older kinds."""
        served = at.served
        shape = None if served.custom else self._admission.schemas.shape(served)
        with self._storage.lock:
            existing = self._existing(at)
            if at.subresource == "scale" and served.scale:
                shown = served.scale.shown(existing.tree())
                return self._scale(at, existing, apply_patch(content_type, shown, body), options)
            tree = apply_patch(content_type, {**_type_of(served), **existing.tree()}, body, shape)
            self._admission.check_types(served, tree)
            lifecycle.check_type(served, tree)
            lifecycle.check_address(served, metadata_of(tree), at.namespace, at.name)
            if metadata_of(tree).get("uid", existing.uid) != existing.uid:
                raise refusals.immutable(served.resource, at.name, "metadata.uid", metadata_of(tree)["uid"])
            return self._replace(at, existing, tree, options)

    def _scale(self, at: Address, existing: StoredObject, scale: JsonObject, options: WriteOptions) -> Answer:
        assert at.served.scale is not None
        tree = at.served.scale.scaled(at.served.resource, existing.tree(), scale)
        metadata_of(tree).setdefault("resourceVersion", str(existing.resource_version))
        answer = self._replace(at, existing, tree, options)
        shown = at.served.scale.shown(cast("JsonObject", decode(answer.body)))
        return Answer(answer.code, encode(shown), answer.warnings)

    def _replace(
        self, at: Address, existing: StoredObject, tree: JsonObject, options: WriteOptions, *, owned: bool = False
    ) -> Answer:
        """Stores what an update leaves; ``owned``: the managedFields are right as they come."""
        served, now, old = at.served, self._now(), existing.tree()
        collection, renderer = self._collection(served), Renderer(served)
        new = lifecycle.replacement(served, existing, tree, subresource=at.subresource)
        warnings = self._admission.prepare(served, old, new, options, now)
        if owned:
            metadata_of(new)["managedFields"] = metadata_of(tree).get("managedFields", [])
        else:
            self._admission.note_owners(at, old, new, options, now)
        if new == old:
            return Answer(200, renderer.object(existing), warnings)
        lifecycle.count_generation(served, old, new)
        if lifecycle.ready_to_go(served, new):
            # The last finalizer went: the object goes too. Watches see the state before; the caller sees what it sent.
            if not options.dry_run:
                self._storage.remove(collection, existing)
            gone = StoredObject(new, existing.resource_version, sort=collection.sort)
            return Answer(200, renderer.object(gone), warnings)
        revision = existing.resource_version
        stored = self._keep(collection, new, revision_if_dry=revision, dry_run=options.dry_run)
        return Answer(200, renderer.object(stored), warnings)

    # ---- server-side apply

    def apply(self, at: Address, options: WriteOptions, body: bytes) -> Answer:
        """An object, or its status, as a manager wants it to be."""
        served, now = at.served, self._now()
        applied = _applied(served, body)
        metadata = metadata_of(applied)
        if metadata.get("managedFields"):
            raise refusals.bad_request("metadata.managedFields must be nil")
        if at.subresource not in {"", "status"}:
            raise refusals.method_not_allowed()
        self._admission.check_types(served, applied)
        namespace = lifecycle.text_of(metadata, "namespace")
        lifecycle.check_address(served, metadata, at.namespace, at.name)
        wanted = _without_nulls(applied)
        shape = self._admission.schemas.shape(served)
        typed = served.schema is not None or self._admission.schemas.known(served)
        if typed and (why := misfit(wanted, shape)):
            kind = f"{served.resource.api_version}, Kind={served.resource.kind}"
            raise refusals.internal(f"failed to create typed patch object ({namespace}/{at.name}; {kind}): {why}")
        if served.status and not at.subresource:
            wanted.pop("status", None)
        if at.subresource:
            wanted = {"status": wanted.get("status", {}), "metadata": {}}
        manager = Manager(options.manager, served.resource.api_version, at.subresource)
        with self._storage.lock:
            existing = self._collection(served).objects.get(key_of(at.namespace, at.name))
            if existing is None and (at.subresource or metadata.get("uid")):
                raise refusals.not_found(served.resource, at.name)
            named = {name: metadata[name] for name in ("resourceVersion", "uid") if name in metadata}
            _only_content(wanted)
            live = existing.tree() if existing else None
            tree = managed_fields.apply(
                live, wanted, shape, manager, force=options.force, has_status=served.status, now=now
            )
            if existing is None:
                metadata_of(tree).update({"name": at.name})
                return self._create(at, tree, options, owned=True)
            for name in ("resourceVersion", "uid"):
                metadata_of(tree)[name] = named.get(name, metadata_of(existing.tree())[name])
            return self._replace(at, existing, tree, options, owned=True)


def _only_content(tree: JsonObject) -> None:
    """Takes out of an applied object what nobody can apply."""
    for name in ("apiVersion", "kind"):
        tree.pop(name, None)
    metadata = metadata_of(tree)
    for name in (
        *("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "selfLink"),
        *("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "generateName"),
    ):
        metadata.pop(name, None)


def _without_nulls(tree: JsonObject) -> JsonObject:
    """A copy without members that are null, at any depth: they apply nothing."""
    return {
        name: _without_nulls(value) if isinstance(value, dict) else value
        for name, value in tree.items()
        if value is not None
    }


def _type_of(served: ServedResource) -> JsonObject:
    return {"apiVersion": served.resource.api_version, "kind": served.resource.kind}


def _object(served: ServedResource, body: bytes) -> JsonObject:
    """The object that a request sends.

    Raises:
        Refusal: It is none of this resource (400).
    """
    try:
        tree = decode(body)
    except ValueError as error:
        kind = served.resource.kind
        message = f"the object provided is unrecognized (must be of type {kind}): json parse error: {error}"
        raise refusals.bad_request(message) from error
    if not isinstance(tree, dict) or not isinstance(tree.get("metadata", {}), dict | None):
        raise refusals.bad_request(
            f"the object provided is unrecognized (must be of type {served.resource.kind}): it is no object"
        )
    lifecycle.check_type(served, tree)
    return tree


def _applied(served: ServedResource, body: bytes) -> JsonObject:
    """What a request applies: JSON, or YAML where there is a reader for it.

    Raises:
        Refusal: It is none of this resource (400).
    """
    try:
        tree = decode(body)
    except ValueError:
        try:
            tree = importlib.import_module("yaml").safe_load(body)
            check_depth(tree)
        except Exception as error:  # whatever a YAML reader raises, or its absence
            raise refusals.bad_request(f"error decoding YAML: {error}") from error
    if not isinstance(tree, dict):
        raise refusals.bad_request("error decoding YAML: it is no object")
    if not child(tree, "metadata").keys() or not tree.get("kind") or not tree.get("apiVersion"):
        missing = "Kind" if not tree.get("kind") else "apiVersion"
        raise refusals.bad_request(f"invalid object type: Object '{missing}' is missing")
    lifecycle.check_type(served, tree)
    return tree
