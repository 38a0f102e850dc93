"""Why a reflector had to begin anew, and what it tells about it: no error is swallowed in silence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kinform.errors import (
    ApiStatusError,
    ExpiredError,
    ForbiddenError,
    FrameError,
    NotFoundError,
    ServerTimeoutError,
    TooManyRequestsError,
    TransportError,
    UnauthorizedError,
)

__all__ = ["Reason", "Report", "reason_of"]


class Reason(StrEnum):
    """Causes of restarts and reports."""

    CLOSED = "closed"
    """The server ended the watch in good order: normal, never reported."""
    SHORT_WATCH = "short-watch"
    """The server ended a watch within a second and without an event."""
    IDLE = "idle"
    """Nothing came for longer than the watch was to last: the connection may be dead."""
    CONNECTION = "connection"
    """The connection failed."""
    FRAME = "frame"
    """The answer was not what an API server sends."""
    INITIAL_INCOMPLETE = "initial-incomplete"
    """A streaming list ended before it was complete; nothing of it was used."""
    STREAMING_UNSUPPORTED = "streaming-unsupported"
    """The server refuses streaming lists: normal, not reported; pages are used instead."""
    STREAMING_STALLED = "streaming-stalled"
    """A streaming list did not come to its end; pages are used instead."""
    EXPIRED = "expired"
    """410: the resourceVersion is too old to resume from."""
    CONTINUE_EXPIRED = "continue-expired"
    """A list took longer than its continue token lives, and was begun again."""
    TOO_LARGE = "too-large-resource-version"
    """The server has not yet seen our resourceVersion."""
    THROTTLED = "throttled"
    """429."""
    UNAUTHORIZED = "unauthorized"
    """401."""
    FORBIDDEN = "forbidden"
    """403."""
    NOT_FOUND = "not-found"
    """404: there is no such resource (now)."""
    SERVER_ERROR = "server-error"
    """5xx."""
    REFUSED = "refused"
    """Another 4xx."""
    WATCH_ERROR = "watch-error"
    """An error event that says nothing better."""
    FRUITLESS = "fruitless"
    """Watches from the last resourceVersion came to nothing several times in a row: the list is fetched once."""
    SINK = "sink"
    """The taker of changes raised, so the cache may have missed some."""
    INTERNAL = "internal"
    """An exception that should not have come from here."""
    POISON = "poison"
    """One object could not be taken as it is; nothing was restarted."""
    UNKNOWN_EVENT = "unknown-event"
    """A watch event of an unknown type was passed over; nothing was restarted."""


@dataclass(frozen=True, slots=True)
class Report:
    """An error that the reflector met and has dealt with.

    Attributes:
        informer: The reflector's name.
        reason: What kind of thing it was.
        exception: The error itself.
        key: The object's namespace and name as text, where it was about one object, as far as they are known.
    """

    informer: str
    reason: Reason
    exception: Exception
    key: str = ""


_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (ExpiredError, Reason.EXPIRED),
    (TooManyRequestsError, Reason.THROTTLED),
    (UnauthorizedError, Reason.UNAUTHORIZED),
    (ForbiddenError, Reason.FORBIDDEN),
    (NotFoundError, Reason.NOT_FOUND),
    (FrameError, Reason.FRAME),
    (TransportError, Reason.CONNECTION),
)


def reason_of(error: Exception) -> Reason:
    """What kind of failure an exception is."""
    if isinstance(error, ServerTimeoutError) and error.is_too_large_resource_version:
        return Reason.TOO_LARGE
    for cls, reason in _REASONS:
        if isinstance(error, cls):
            return reason
    if isinstance(error, ApiStatusError):
        return Reason.SERVER_ERROR if error.code >= 500 else Reason.REFUSED
    return Reason.INTERNAL
