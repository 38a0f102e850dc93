"""Reads what the API server says of a failure, as far as it makes sense: in answers and in the ERROR events of watches.

Servers behind the API server and proxies before it write these objects, too, and not all leave out what they have not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import msgspec

from kinform.errors import Status, StatusCause, StatusDetails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["read_status"]

_EMPTY: Final = Status()
_decode: Final = msgspec.json.Decoder(dict[str, object]).decode


def read_status(data: bytes) -> Status | None:
    """The ``Status`` in these bytes; None where they hold something else, or one that says nothing.

    What is null or of another type than it should be is left at its zero, and costs nothing else. (client-go: the
    ``Status`` that ``rest.Request.transformResponse`` looks for.)
    """
    try:
        fields = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if fields.get("kind") not in (None, "Status"):  # no set: what a server puts there may not be hashable
        return None
    details = _object(fields.get("details"))
    causes = cast("Sequence[object]", found) if isinstance(found := details.get("causes"), list) else ()
    status = Status(
        code=_number(fields.get("code")),
        reason=_text(fields.get("reason")),
        message=_text(fields.get("message")),
        details=StatusDetails(
            name=_text(details.get("name")),
            group=_text(details.get("group")),
            kind=_text(details.get("kind")),
            uid=_text(details.get("uid")),
            causes=tuple(map(_cause, causes)),
            retry_after_seconds=_number(details.get("retryAfterSeconds")),
        ),
    )
    return None if status == _EMPTY else status


def _cause(value: object) -> StatusCause:
    fields = _object(value)
    return StatusCause(_text(fields.get("reason")), _text(fields.get("message")), _text(fields.get("field")))


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    try:
        return msgspec.convert(value, int, strict=False)
    except msgspec.ValidationError:
        return 0
