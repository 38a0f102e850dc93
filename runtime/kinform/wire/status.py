"""Reads the ``Status`` that an ERROR event carries, whatever a server puts in its place."""

from __future__ import annotations

import msgspec

from kinform.errors import Status, StatusCause, StatusDetails

__all__ = ["read_status"]


# The same shapes as in kinform.errors, but forgiving: servers write null where Go would leave a field out.
class _Cause(msgspec.Struct):
    reason: str | None = None
    message: str | None = None
    field: str | None = None


class _Details(msgspec.Struct, rename="camel"):
    name: str | None = None
    group: str | None = None
    kind: str | None = None
    uid: str | None = None
    causes: list[_Cause] | None = None
    retry_after_seconds: int | None = None


class _Status(msgspec.Struct):
    kind: str | None = None
    code: int | None = None
    reason: str | None = None
    message: str | None = None
    details: _Details | None = None


_decode = msgspec.json.Decoder(_Status, strict=False).decode


def read_status(data: bytes) -> Status:
    """The ``Status`` in these bytes; one without code and reason, quoting them, where they hold something else."""
    try:
        found = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Status(message=f"an error event without a Status; it holds {data[:200]!r}")
    if found.kind not in {None, "Status"}:
        return Status(message=f"an error event that holds a {found.kind} in place of a Status")
    details = found.details or _Details()
    return Status(
        code=found.code or 0,
        reason=found.reason or "",
        message=found.message or "",
        details=StatusDetails(
            name=details.name or "",
            group=details.group or "",
            kind=details.kind or "",
            uid=details.uid or "",
            causes=tuple(StatusCause(c.reason or "", c.message or "", c.field or "") for c in details.causes or ()),
            retry_after_seconds=details.retry_after_seconds or 0,
        ),
    )
