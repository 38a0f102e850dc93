"""The ``Lease`` on the wire: the few fields that an election reads and writes; all others are kept as they came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from kinform.errors import UndecodableObjectError
from kinform.meta import Resource
from kinform.scalars import MICRO_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kinform.meta import ObjectKey

__all__ = ["LEASES", "Lease", "LeaseRecord", "micro_time"]

LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease", namespaced=True)


class LeaseRecord(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Who holds a lease, and since when (client-go: ``resourcelock.LeaderElectionRecord``).

    Times are kept as the text that they came as: only whether a record changes counts, and when that is seen *here*.

    Attributes:
        holder_identity: The leader; ``""`` or None: nobody.
        lease_duration_seconds: For how long the others leave it alone after a change.
        acquire_time: When the holder became it, by the holder's clock.
        renew_time: When the record was last renewed, by the holder's clock.
        lease_transitions: How often the lease went from one holder to another.
    """

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None

    @property
    def holder(self) -> str:
        """The leader; ``""``: nobody."""
        return self.holder_identity or ""

    @property
    def transitions(self) -> int:
        """How often the lease changed hands."""
        return self.lease_transitions or 0


class _Metadata(msgspec.Struct, rename="camel"):
    uid: str | None = None
    resource_version: str | None = None
    labels: dict[str, str] | None = None


_Fields: TypeAlias = dict[str, msgspec.Raw]
_decode_fields: Callable[[bytes | msgspec.Raw], _Fields | None] = msgspec.json.Decoder(_Fields | None).decode
_decode_metadata: Callable[[bytes], _Metadata] = msgspec.json.Decoder(_Metadata).decode
_decode_record: Callable[[bytes | msgspec.Raw], LeaseRecord] = msgspec.json.Decoder(LeaseRecord).decode
_NULL: Final = msgspec.Raw(b"null")


class Lease:
    """One state of a lease, as the server has it. Immutable.

    Attributes:
        record: The fields of ``spec`` that an election uses.
        resource_version: Which state it is.
        uid: Which lease of this name it is; ``""`` where the server does not have it yet.
    """

    __slots__ = ("_fields", "_labels", "_metadata", "_spec", "record", "resource_version", "uid")

    def __init__(self, fields: _Fields, metadata: _Fields, spec: _Fields, record: LeaseRecord) -> None:
        known = _decode_metadata(msgspec.json.encode(metadata))
        self._fields = fields
        self._metadata = metadata
        self._spec = spec
        self._labels = known.labels or {}
        self.record: LeaseRecord = record
        self.resource_version: str = known.resource_version or ""
        self.uid: str = known.uid or ""

    @classmethod
    def new(cls, key: ObjectKey, record: LeaseRecord) -> Lease:
        """A lease that the server does not have yet."""
        metadata = {"namespace": _raw(key.namespace), "name": _raw(key.name)}
        return cls({"apiVersion": _raw(LEASES.api_version), "kind": _raw(LEASES.kind)}, metadata, {}, record)

    @classmethod
    def decode(cls, data: bytes, key: ObjectKey) -> Lease:
        """Reads a lease from JSON.

        Raises:
            UndecodableObjectError: The bytes are no lease.
        """
        try:
            fields = _decode_fields(data) or {}
            metadata = _decode_fields(fields.get("metadata", _NULL)) or {}
            spec = fields.get("spec", _NULL)
            known = _decode_fields(spec) or {}
            return cls(fields, metadata, known, _decode_record(spec) if known else LeaseRecord())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UndecodableObjectError(f"lease {key}", str(error)) from error

    def replaced(self, record: LeaseRecord) -> Lease:
        """The same lease with another record; its resourceVersion stays, so that a write on top of another fails."""
        return Lease(self._fields, self._metadata, self._spec, record)

    def encode(self, labels: Mapping[str, str]) -> bytes:
        """The lease as JSON, with all that was not understood.

        Args:
            labels: Set in addition to those that it has.
        """
        metadata = self._metadata
        if any(self._labels.get(name) != value for name, value in labels.items()):
            metadata = {**metadata, "labels": _raw({**self._labels, **labels})}
        spec = {**self._spec, **(_decode_fields(msgspec.json.encode(self.record)) or {})}
        return msgspec.json.encode({**self._fields, "metadata": metadata, "spec": spec})


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def micro_time(wall: float) -> str:
    """Seconds since 1970 as a ``MicroTime``: with exactly six digits, as the server refuses any other number."""
    return MICRO_TIME.write(datetime.fromtimestamp(wall, UTC))
