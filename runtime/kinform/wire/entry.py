"""What the cache holds of one object: its metadata, read once, and its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.meta import ObjectKey

__all__ = ["Entry", "Owner"]


class Owner(NamedTuple):
    """The controlling owner of an object: the one ``ownerReferences`` item with ``controller: true``."""

    api_version: str
    kind: str
    name: str
    uid: str


# gc=False: an entry refers to strings, tuples and a weak reference, so it can be part of no cycle, and a full
# collection need not walk a hundred thousand of them. eq=False: "the same entry?" is asked often and must be cheap.
class Entry(msgspec.Struct, gc=False, eq=False):
    """One object of the cache, as the server sent it.

    Entries are written by the decoder and, before they are shared, by the store (``index_values``); after that only
    ``memo`` changes. ``labels``, ``owner`` and the namespace in ``key`` are shared between entries: read, never write.

    Attributes:
        key: Namespace and name, read before any transform.
        uid: ``metadata.uid``, or ``""`` where the server gives none (some aggregated APIs).
        resource_version: ``metadata.resourceVersion``; in a deletion that of the deletion.
        generation: ``metadata.generation``, 0 where absent.
        deletion_timestamp: ``metadata.deletionTimestamp`` as text, ``""`` where absent.
        labels: ``metadata.labels``, empty where absent.
        owner: The controlling owner, or None.
        body: The object as JSON with ``apiVersion`` and ``kind``, less ``managedFields``, after the transform. A copy
            of its own, never a view of a network buffer. Empty (``b""``) where the transform failed on this object:
            then its reader gets ``UndecodableObjectError``, never the untransformed object.
        index_values: One tuple of values for each index of the store, in the store's order.
        memo: Weak reference to the inflated object, kept by the store's inflater.
    """

    key: ObjectKey
    uid: str
    resource_version: str
    generation: int
    deletion_timestamp: str
    labels: Mapping[str, str]
    owner: Owner | None
    body: bytes
    index_values: tuple[tuple[str, ...], ...] = ()
    memo: object | None = None

    def __repr__(self) -> str:
        # Never the body: it may be a Secret's, and representations end in logs.
        return f"<Entry {self.key} uid={self.uid} resourceVersion={self.resource_version}, {len(self.body)} bytes>"
