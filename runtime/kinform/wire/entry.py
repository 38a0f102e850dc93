"""What the cache holds of one object: its metadata, read once, and its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.meta import ObjectKey

__all__ = ["Entry", "Owner", "Unpacker"]

_OPENING_BRACE: Final = ord("{")


class Unpacker(Protocol):
    """Gives back bodies that have been packed to save memory."""

    def unpack(self, frame: bytes) -> bytes:
        """The body in a frame. Thread-safe."""
        ...


class Owner(NamedTuple):
    """The controlling owner of an object: the one ``ownerReferences`` item with ``controller: true``."""

    api_version: str
    kind: str
    name: str
    uid: str


# gc=False: an entry refers to strings, tuples, an unpacker and a weak reference, so it can be part of no cycle, and a
# full collection need not walk a hundred thousand of them. eq=False: "the same entry?" is asked often and in no time.
class Entry(msgspec.Struct, gc=False, eq=False):
    """One object of the cache, as the server sent it.

    Entries are written by the decoder and, before they are shared, by the store (``index_values``); after that only
    ``memo`` changes, and the form in which the body is kept (``pack``). ``labels``, ``owner`` and the namespace in
    ``key`` are shared between entries: read, never write.

    Attributes:
        key: Namespace and name, read before any transform.
        uid: ``metadata.uid``, or ``""`` where the server gives none (some aggregated APIs).
        resource_version: ``metadata.resourceVersion``; in a deletion that of the deletion.
        generation: ``metadata.generation``, 0 where absent.
        deletion_timestamp: ``metadata.deletionTimestamp`` as text, ``""`` where absent.
        labels: ``metadata.labels``, empty where absent.
        owner: The controlling owner, or None.
        stored: The body in the form in which it is kept: JSON, or a frame of ``unpacker``. ``b""`` where the transform
            failed on this object: then its reader gets ``UndecodableObjectError``, never the untransformed object.
        index_values: One tuple of values for each index of the store, in the store's order.
        memo: Reference to the inflated object, weak or not, kept by the store's inflater.
        unpacker: What unpacks ``stored``; None while it is JSON.
    """

    key: ObjectKey
    uid: str
    resource_version: str
    generation: int
    deletion_timestamp: str
    labels: Mapping[str, str]
    owner: Owner | None
    stored: bytes
    index_values: tuple[tuple[str, ...], ...] = ()
    memo: object | None = None
    unpacker: Unpacker | None = None

    @property
    def body(self) -> bytes:
        """The object as JSON with ``apiVersion`` and ``kind``, less ``managedFields``, after the transform.

        Bytes of its own, never a view of a network buffer. Unpacked anew each time, where it is packed.
        """
        while True:
            # Another thread may be packing this very entry: a frame counts only with the unpacker that stood there
            # before and after it was read.
            unpacker = self.unpacker
            stored = self.stored
            if unpacker is not self.unpacker:
                continue
            if unpacker is None or stored[0] == _OPENING_BRACE:
                return stored
            return unpacker.unpack(stored)

    def pack(self, body: bytes, frame: bytes, unpacker: Unpacker) -> None:
        """Keeps the body in a frame from now on. For one thread at a time; readers may read meanwhile.

        Args:
            body: What ``body`` gives.
            frame: From which ``unpacker`` makes the same again; no JSON object.
            unpacker: The frame's.
        """
        if self.unpacker is not unpacker:
            self.stored = body
            self.unpacker = unpacker
        self.stored = frame

    def __repr__(self) -> str:
        # Never the body: it may be a Secret's, and representations end in logs.
        return f"<Entry {self.key} uid={self.uid} resourceVersion={self.resource_version}, {len(self.stored)} bytes>"
