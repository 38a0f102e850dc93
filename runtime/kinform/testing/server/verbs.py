"""Reading and deleting: what each verb does to the storage, and what it answers. No HTTP, no threads of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform.testing.server import builtin, refusals
from kinform.testing.server.address import Answer
from kinform.testing.server.continuation import LATEST, ContinueToken
from kinform.testing.server.documents import child, decode, encode
from kinform.testing.server.options import check_dry_run, parse_number, parse_resource_version
from kinform.testing.server.rendering import Renderer
from kinform.testing.server.selection import Selection
from kinform.testing.server.storage import HistoryLostError, StoredObject, key_of
from kinform.testing.server.tables import renderer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kinform.testing.server.address import Address
    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.options import ListOptions
    from kinform.testing.server.removal import Removal
    from kinform.testing.server.resources import ServedResource
    from kinform.testing.server.storage import Collection, Storage

__all__ = ["Verbs"]

_POLICIES: Final = ("Foreground", "Background", "Orphan", "nil")


class Verbs:
    """The verbs. Thread-safe: each holds the storage's lock while it reads and writes.

    Args:
        storage: Where the objects are.
        removal: Who deletes.
        freshness_timeout: Seconds that a read waits for a resourceVersion that is still to come.
    """

    def __init__(self, storage: Storage, removal: Removal, *, freshness_timeout: float) -> None:
        self._storage = storage
        self._removal = removal
        self._freshness_timeout = freshness_timeout

    def collection(self, served: ServedResource) -> Collection:
        """Where the objects of a resource are."""
        return self._storage.collection(served.group_plural, sort=served.custom)

    def existing(self, at: Address) -> StoredObject:
        """The object that is asked for. Lock held.

        Raises:
            Refusal: There is none (404).
        """
        obj = self.collection(at.served).objects.get(key_of(at.namespace, at.name))
        if obj is None:
            raise refusals.not_found(at.served.resource, at.name)
        return obj

    # ---- reading

    def get(self, at: Address, parameters: Mapping[str, str], abandoned: Callable[[], bool]) -> Answer:
        """One object. With a resourceVersion: one not older."""
        wanted = parse_resource_version(parameters.get("resourceVersion", ""))
        with self._storage.lock:
            self._storage.await_revision(wanted, self._freshness_timeout, abandoned)
            obj = self.existing(at)
        if at.subresource == "scale" and at.served.scale:
            return Answer(200, encode(at.served.scale.shown(obj.tree())))
        return Answer(200, renderer_of(at).object(obj))

    def list(self, at: Address, options: ListOptions, abandoned: Callable[[], bool]) -> Answer:
        """A list, or a page of one, in the state that resourceVersion, its match and the token ask for."""
        collection = self.collection(at.served)
        limit = options.limit if options.resource_version != "0" else 0  # answers "from the cache" have no pages
        token = ContinueToken.parse(options.continue_token) if options.continue_token else None
        selection = Selection(at.namespace, options.labels, options.fields)
        with self._storage.lock:
            revision, exact = self._state_for(options, token, abandoned)
            start = token.start if token else ""
            try:
                objects = collection.snapshot(at.namespace, start=start, at=revision if exact else None)
            except HistoryLostError:
                if token:
                    raise refusals.expired_continue(str(ContinueToken(LATEST, token.start))) from None
                raise refusals.expired_list() from None
        metadata: JsonObject = {"resourceVersion": str(revision)}
        if selection.selective:
            objects = [obj for obj in objects if selection.matches(obj)]
        if limit and len(objects) > limit:
            after = f"{objects[limit - 1].key}\0"
            metadata["continue"] = str(ContinueToken(revision, after))
            if not selection.selective:
                metadata["remainingItemCount"] = len(objects) - limit
            objects = objects[:limit]
        return Answer(200, renderer_of(at).list(objects, metadata))

    def _state_for(
        self, options: ListOptions, token: ContinueToken | None, abandoned: Callable[[], bool]
    ) -> tuple[int, bool]:
        """The revision that a list shows, and whether that is another than the present one may be. Lock held."""
        text = options.resource_version
        if token:
            if text not in {"", "0"}:
                raise refusals.bad_request("specifying resource version is not allowed when using continue")
            if token.resource_version == LATEST:
                return self._storage.revision, False
            return token.resource_version, True
        wanted = parse_resource_version(text, of_list=True)
        self._storage.await_revision(wanted, self._freshness_timeout, abandoned)
        # A limit with a resourceVersion and no match means Exact, by an old rule.
        if wanted and (options.match == "Exact" or (options.limit and not options.match)):
            return wanted, True
        return self._storage.revision, False

    # ---- deleting

    def delete(self, at: Address, parameters: Mapping[str, str], body: bytes) -> Answer:
        """An object, at once or, where finalizers hold it, marked to go."""
        options = _delete_options(parameters, body)
        dry_run = check_dry_run(_dry_run_of(options), "DeleteOptions")
        resource = at.served.resource
        with self._storage.lock:
            existing = self.existing(at)
            _check_preconditions(at, existing, child(options, "preconditions"))
            policy = str(options.get("propagationPolicy", ""))
            left = self._removal.delete(self.collection(at.served), existing, policy=policy, dry_run=dry_run)
            revision = self._storage.revision
        if left is not None:
            return Answer(200, Renderer(at.served).object(left))
        if at.served.group_plural in builtin.RETURNED_BY_DELETE:
            return Answer(200, Renderer(at.served).object(existing.at(revision)))
        return Answer(200, refusals.success(resource, existing.name, existing.uid))

    def delete_collection(
        self, at: Address, options: ListOptions, parameters: Mapping[str, str], body: bytes
    ) -> Answer:
        """All objects that a list with these parameters would show."""
        deletion = _delete_options(parameters, body)
        dry_run = check_dry_run(_dry_run_of(deletion), "DeleteOptions")
        selection = Selection(at.namespace, options.labels, options.fields)
        with self._storage.lock:
            collection = self.collection(at.served)
            found = collection.snapshot(at.namespace)
            chosen = [obj for obj in found if selection.matches(obj)][: options.limit or None]
            policy = str(deletion.get("propagationPolicy", ""))
            for obj in chosen:
                if collection.objects.get(obj.key) is obj:  # the deletion of another may have taken it along
                    self._removal.delete(collection, obj, policy=policy, dry_run=dry_run)
            revision = self._storage.revision
        return Answer(200, Renderer(at.served).list(chosen, {"resourceVersion": str(revision)}))


def _delete_options(parameters: Mapping[str, str], body: bytes) -> JsonObject:
    """``DeleteOptions`` from the body and the query, checked."""
    options: JsonObject = {}
    if body.strip():
        try:
            given = decode(body)
        except ValueError as error:
            raise refusals.bad_request(f"couldn't get version/kind; json parse error: {error}") from error
        if not isinstance(given, dict):
            raise refusals.bad_request("the object provided is unrecognized (must be of type DeleteOptions)")
        if given.get("kind", "DeleteOptions") != "DeleteOptions":
            raise refusals.bad_request(f'no kind "{given["kind"]}" is registered for DeleteOptions')
        options = given
    parse_number(parameters.get("gracePeriodSeconds", ""))
    for name in ("dryRun", "propagationPolicy"):
        if name in parameters:
            options[name] = [parameters[name]] if name == "dryRun" else parameters[name]
    policy = options.get("propagationPolicy")
    if "orphanDependents" in {*options, *parameters} and policy is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        cause = refusals.Cause("FieldValueInvalid", "propagationPolicy", f'Invalid value: "{policy}": {why}')
        raise refusals.invalid_options("DeleteOptions", [cause])
    if policy is not None and policy not in _POLICIES[:3]:
        cause = refusals.unsupported_value("propagationPolicy", f'"{policy}"', *_POLICIES)
        raise refusals.invalid_options("DeleteOptions", [cause])
    return options


def _dry_run_of(options: JsonObject) -> str:
    given = options.get("dryRun")
    return ",".join(map(str, given)) if isinstance(given, list) else ""


def _check_preconditions(at: Address, existing: StoredObject, preconditions: JsonObject) -> None:
    uid, version = preconditions.get("uid"), preconditions.get("resourceVersion")
    why = ""
    if uid is not None and uid != existing.uid:
        why = (
            f"the UID in the precondition ({uid}) does not match the UID in record ({existing.uid}). "
            "The object might have been deleted and then recreated"
        )
    elif version is not None and version != str(existing.resource_version):
        why = (
            f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record "
            f"({existing.resource_version}). The object might have been modified"
        )
    if why:
        raise refusals.conflict(at.served.resource, existing.name, why, by_kind=True)
