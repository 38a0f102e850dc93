"""What creating, updating and deleting do to an object before it is stored: names, uid, generation, status."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING, Final

from kinform.testing.server import builtin
from kinform.testing.server.documents import child, metadata_of
from kinform.testing.server.refusals import (
    Cause,
    bad_request,
    conflict,
    forbidden_parameter,
    internal,
    invalid_object,
    other_kind,
)

if TYPE_CHECKING:
    import random

    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.resources import ServedResource
    from kinform.testing.server.storage import StoredObject

__all__ = [
    "check_address",
    "check_name",
    "check_type",
    "count_generation",
    "deletion_mark",
    "finalizers_of",
    "fresh",
    "generated_name",
    "new_uid",
    "ready_to_go",
    "replacement",
    "text_of",
    "timestamp",
    "without_nulls",
]

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_NAME: Final = re.compile(_SUBDOMAIN)
_NAME_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    f"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_PATH_NAMES: Final = "rbac.authorization.k8s.io"  # its names may hold whatever fits into a path, such as "system:node"
_SUFFIX_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"  # no vowels, so no words
_SUFFIX_LENGTH: Final = 5
_GENERATED_LENGTH: Final = 63

# What the server alone decides: on updates these stay as they are, whatever the client sends.
_SERVERS_OWN: Final = (
    *("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"),
)


def timestamp(wall: float) -> str:
    """A point in time as ``metadata.creationTimestamp`` writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))


def text_of(tree: JsonObject, name: str) -> str:
    """A member as text, ``""`` where it is absent or null."""
    value = tree.get(name)
    return value if isinstance(value, str) else ""


def without_nulls(tree: JsonObject) -> JsonObject:
    """A shallow copy without apiVersion and kind, and without null members in the object itself and its metadata."""
    types = {"apiVersion", "kind"}
    clean: JsonObject = {name: value for name, value in tree.items() if value is not None and name not in types}
    clean["metadata"] = {name: value for name, value in child(tree, "metadata").items() if value is not None}
    return clean


# ---- checks


def check_type(served: ServedResource, tree: JsonObject) -> None:
    """Sees that the object is of the resource's apiVersion and kind. Built-in kinds may leave them out.

    Raises:
        Refusal: 400; 422 for another kind of custom resource.
    """
    resource = served.resource
    version, kind = text_of(tree, "apiVersion"), text_of(tree, "kind")
    if served.custom and not kind:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): Object 'Kind' is missing"
        )
    if version and version != resource.api_version:
        message = "the API version in the data ({}) does not match the expected API version ({})"
        raise bad_request(message.format(version, resource.api_version))
    if served.custom and kind != resource.kind:
        name = text_of(child(tree, "metadata"), "name")
        raise other_kind(kind, resource.group, name, resource.kind)
    if kind and kind != resource.kind:
        raise bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}')


def check_address(served: ServedResource, metadata: JsonObject, namespace: str, name: str | None) -> None:
    """Sees that the object lives where the path says, and fills the namespace in; ``name`` None: not yet known.

    Raises:
        Refusal: 400.
    """
    if not served.resource.namespaced:
        metadata.pop("namespace", None)
    elif text_of(metadata, "namespace") in {"", namespace}:
        metadata["namespace"] = namespace
    else:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if name is None:
        return
    given = text_of(metadata, "name")
    if not given:
        raise bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if given != name:
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")


def check_name(served: ServedResource, name: str) -> None:
    """Sees that an object may be called so.

    Raises:
        Refusal: 422.
    """
    if not name:
        cause = Cause("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")
        raise invalid_object(served.resource, name, cause)
    if served.resource.group == _PATH_NAMES:
        problem = "" if name not in {".", ".."} and not {"/", "%"} & set(name) else "may not be a part of a path"
    elif len(name) > 253:
        problem = "must be no more than 253 characters"
    else:
        problem = "" if _NAME.fullmatch(name) else _NAME_RULE
    if problem:
        cause = Cause("FieldValueInvalid", "metadata.name", f'Invalid value: "{name}": {problem}')
        raise invalid_object(served.resource, name, cause)


# ---- create


def generated_name(base: str, rng: random.Random) -> str:
    """A name made from ``generateName``: cut so that the whole fits a label, five characters behind."""
    suffix = "".join(rng.choices(_SUFFIX_ALPHABET, k=_SUFFIX_LENGTH))
    return base[: _GENERATED_LENGTH - _SUFFIX_LENGTH] + suffix


def new_uid(rng: random.Random) -> str:
    """A uid for an object."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def fresh(served: ServedResource, tree: JsonObject, now: str, rng: random.Random) -> JsonObject:
    """The object as it is created from what the client sent: the server's own fields set, the status dropped.

    Raises:
        Refusal: It carries a resourceVersion (500, as from a kube-apiserver).
    """
    tree = without_nulls(tree)
    metadata = metadata_of(tree)
    if metadata.get("resourceVersion"):
        raise internal("resourceVersion should not be set on objects to be created")
    for name in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion"):
        metadata.pop(name, None)
    metadata["uid"] = new_uid(rng)
    metadata["creationTimestamp"] = now
    if served.generation:
        metadata["generation"] = 1
    if served.status and served.group_plural not in builtin.KEEPS_STATUS_ON_CREATE:
        tree.pop("status", None)
        if served.group_plural == ("", "namespaces"):
            labels: JsonObject = {**child(metadata, "labels"), "kubernetes.io/metadata.name": metadata.get("name")}
            metadata["labels"] = labels
            tree["spec"] = {**child(tree, "spec"), "finalizers": ["kubernetes"]}
        if not served.custom:
            phase = builtin.INITIAL_STATUS.get(served.group_plural)
            tree["status"] = {"phase": phase} if phase else {}
    return tree


# ---- update


def replacement(
    served: ServedResource, existing: StoredObject, tree: JsonObject, *, subresource: str = ""
) -> JsonObject:
    """The object as an update leaves it, generation not yet counted.

    Raises:
        Refusal: It was made from another version (409), or breaks a rule (409, 422).
    """
    old = existing.tree()
    _check_version(served, existing, metadata_of(tree))
    only_status = subresource == "status"
    new = without_nulls({name: value for name, value in (old if only_status else tree).items() if name != "status"})
    status = (tree if only_status or not served.status else old).get("status")
    if status is not None:
        new["status"] = status
    metadata = metadata_of(new)
    for name in _SERVERS_OWN:
        metadata.pop(name, None)
        if (kept := metadata_of(old).get(name)) is not None:
            metadata[name] = kept
    _check_finalizers(served, existing, old, metadata)
    return new


def count_generation(served: ServedResource, old: JsonObject, new: JsonObject) -> None:
    """Counts ``metadata.generation`` of the new state up if its content differs from the old one's."""
    if served.generation and _content(new, served) != _content(old, served):
        _count_up(metadata_of(new))


def _check_version(served: ServedResource, existing: StoredObject, metadata: JsonObject) -> None:
    resource, name = served.resource, existing.name
    uid, version = text_of(metadata, "uid"), text_of(metadata, "resourceVersion")
    if uid and uid != existing.uid:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {existing.uid}"
        raise conflict(resource, name, why)
    if not version and (served.custom or served.group_plural in builtin.NEEDS_RESOURCE_VERSION):
        cause = Cause(
            "FieldValueInvalid", "metadata.resourceVersion", "Invalid value: 0: must be specified for an update"
        )
        raise invalid_object(resource, name, cause, by_plural=True)
    if version and version != str(existing.resource_version):
        raise conflict(resource, name)


def _check_finalizers(served: ServedResource, existing: StoredObject, old: JsonObject, new: JsonObject) -> None:
    before = finalizers_of(metadata_of(old))
    added = [each for each in finalizers_of(new) if each not in before]
    if added and metadata_of(old).get("deletionTimestamp"):
        found = ", ".join(f'"{each}"' for each in added)
        why = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{found}}}"
        raise invalid_object(served.resource, existing.name, forbidden_parameter("metadata.finalizers", why))


def _content(tree: JsonObject, served: ServedResource) -> JsonObject:
    """What a generation counts the changes of: everything but metadata and, where it has a life of its own, status."""
    apart = {"metadata", "status"} if served.status else {"metadata"}
    return {name: value for name, value in tree.items() if name not in apart}


def _count_up(metadata: JsonObject) -> None:
    generation = metadata.get("generation")
    metadata["generation"] = generation + 1 if isinstance(generation, int) else 1


# ---- delete


def finalizers_of(metadata: JsonObject) -> list[Json]:
    """The finalizers; none where the member is absent or no list."""
    value = metadata.get("finalizers")
    return value if isinstance(value, list) else []


def deletion_mark(existing: StoredObject, now: str) -> JsonObject | None:
    """The object as a deletion leaves it while finalizers hold it; None where it is marked already."""
    tree = existing.tree()
    metadata = metadata_of(tree)
    if metadata.get("deletionTimestamp"):
        return None
    metadata["deletionTimestamp"] = now
    metadata["deletionGracePeriodSeconds"] = 0
    if "generation" in metadata:
        _count_up(metadata)
    return tree


def ready_to_go(served: ServedResource, tree: JsonObject) -> bool:
    """Whether a deletion waits for nothing more."""
    metadata = child(tree, "metadata")
    if served.group_plural == ("", "namespaces") and child(tree, "status").get("phase") == "Terminating":
        return False  # it goes when it is empty
    return bool(metadata.get("deletionTimestamp")) and not finalizers_of(metadata)
