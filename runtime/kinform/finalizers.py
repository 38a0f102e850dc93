"""Finalizers: what keeps a deleted object there until its controller has cleaned up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import MutableSequence

__all__ = [
    "HasFinalizers",
    "MetadataWithFinalizers",
    "add_finalizer",
    "finalizer_patch",
    "has_finalizer",
    "remove_finalizer",
]


class MetadataWithFinalizers(Protocol):
    """What is read of an object's metadata here."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def uid(self) -> str: ...  # noqa: D102
    @property
    def resource_version(self) -> str: ...  # noqa: D102
    @property
    def finalizers(self) -> MutableSequence[str]: ...  # noqa: D102


class HasFinalizers(Protocol):
    """Any Kubernetes object; generated models are."""

    @property
    def metadata(self) -> MetadataWithFinalizers: ...  # noqa: D102


def has_finalizer(obj: HasFinalizers, finalizer: str) -> bool:
    """Whether the object has it (controller-runtime: ``controllerutil.ContainsFinalizer``)."""
    return finalizer in obj.metadata.finalizers


def add_finalizer(obj: HasFinalizers, finalizer: str) -> bool:
    """Adds it to the object in memory, to be written by ``update``; not to one of the cache (``AddFinalizer``).

    Args:
        obj: A ``lister.copy(key)``, or what a client returned.
        finalizer: A name with a domain, such as ``"example.com/bucket"``.

    Returns:
        Whether it was not there yet, so that the object has to be written.
    """
    if has_finalizer(obj, finalizer):
        return False
    obj.metadata.finalizers.append(finalizer)
    return True


def remove_finalizer(obj: HasFinalizers, finalizer: str) -> bool:
    """Takes it from the object in memory; otherwise as ``add_finalizer`` (``RemoveFinalizer``).

    Returns:
        Whether it was there.
    """
    if not has_finalizer(obj, finalizer):
        return False
    obj.metadata.finalizers[:] = _without(obj, finalizer)
    return True


def finalizer_patch(
    obj: HasFinalizers, *, add: str | None = None, remove: str | None = None
) -> dict[str, object] | None:
    """A merge patch that adds a finalizer, removes one, or both, and touches nothing else; ``obj`` stays as it is.

    A list in a merge patch replaces the whole list, so that of two writers the later would undo what the earlier did.
    The patch therefore names the object's uid and resourceVersion: it fails with ``ConflictError``, and is then to be
    made again, where the object has changed since it was read, or is another one of that name.

    Args:
        obj: The object as it was last read; one of the cache will do.
        add: A finalizer that it is to have.
        remove: A finalizer that it is not to have.

    Returns:
        The patch, for ``client.patch(name, patch)``; None: it is so already.

    Raises:
        ValueError: The object was never read from a server, so that nothing could be compared.
    """
    wanted = _without(obj, remove)
    if add is not None and add not in wanted:
        wanted.append(add)
    metadata = obj.metadata
    if wanted == list(metadata.finalizers):
        return None
    if not metadata.uid or not metadata.resource_version:
        raise ValueError(f"{metadata.name!r} has no uid and resourceVersion: read it from the server, then patch it")
    return {"metadata": {"uid": metadata.uid, "resourceVersion": metadata.resource_version, "finalizers": wanted}}


def _without(obj: HasFinalizers, finalizer: str | None) -> list[str]:
    return [each for each in obj.metadata.finalizers if each != finalizer]
