"""One thing that happened, as a controller said it, and what equal ones become: one event with a count."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from kinform.events.reference import reference_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.events.reference import EventSubject, ObjectReference

__all__ = ["EventSeverity", "Occurrence", "Series", "clipped", "event_name", "occurrence"]

EventSeverity: TypeAlias = Literal["Normal", "Warning"]
"""An event's ``type``."""

_MAX_MESSAGE: Final = 1024  # bytes of UTF-8, in both APIs' validation
_MAX_WORD: Final = 128  # bytes of reason and action
_ELLIPSIS: Final = "…"
_DNS_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_MAX_NAME: Final = 253


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What was said once.

    Attributes:
        regarding: The object that it is about.
        related: Another one that has to do with it, or None.
        type: Whether somebody should look.
        reason: Why, in one word for machines.
        action: What was done, in one word; ``""``: the reason says it.
        message: For people; at most 1024 bytes.
        annotations: Of the event.
        at: When, in seconds since 1970.
    """

    regarding: ObjectReference
    related: ObjectReference | None
    type: EventSeverity
    reason: str
    action: str
    message: str
    annotations: Mapping[str, str]
    at: float

    @property
    def namespace(self) -> str:
        """Where its event lives: beside the object, or in ``default`` for one without a namespace."""
        return self.regarding.namespace or "default"


@dataclass(slots=True, eq=False)
class Series:
    """Equal occurrences: one event of the API.

    Attributes:
        name: The event's name.
        first: The occurrence that began it.
        message: What it says now: the newest message, where different ones are combined.
        last: When the last one was, in seconds since 1970.
        count: How many there were.
        told: Which count the server has; 0: it has no such event.
        seen: When the last one came, by the clock of durations.
    """

    name: str
    first: Occurrence
    message: str
    last: float
    count: int
    told: int
    seen: float


def occurrence(
    regarding: EventSubject | ObjectReference,
    type: str,  # noqa: A002  (the name that users know)
    reason: str,
    message: str,
    *,
    action: str,
    related: EventSubject | ObjectReference | None,
    annotations: Mapping[str, str] | None,
    field_path: str,
    at: float,
) -> Occurrence:
    """Makes one of what a controller said; the arguments are those of ``EventRecorder.event``.

    Raises:
        ValueError: A type, reason, action or object that no API server takes.
    """
    if type not in get_args(EventSeverity):
        raise ValueError(f"an event's type is 'Normal' or 'Warning', not {type!r}")
    if not reason:
        raise ValueError("an event needs a reason: one word in CamelCase, such as 'FailedScheduling'")
    for what, word in (("reason", reason), ("action", action)):
        if len(word.encode()) > _MAX_WORD:
            raise ValueError(f"an event's {what} is one word of at most {_MAX_WORD} bytes, not {word[:40]!r}…")
    return Occurrence(
        regarding=reference_to(regarding, field_path=field_path),
        related=None if related is None else reference_to(related),
        type="Normal" if type == "Normal" else "Warning",
        reason=reason,
        action=action,
        message=clipped(message),
        annotations=dict(annotations or {}),
        at=at,
    )


def clipped(message: str) -> str:
    """A message that an API server takes: of a longer one the first 1024 bytes, with an ellipsis at the end."""
    data = message.encode(errors="replace")
    if len(data) <= _MAX_MESSAGE:
        return data.decode()
    return data[: _MAX_MESSAGE - len(_ELLIPSIS.encode())].decode(errors="ignore") + _ELLIPSIS


def event_name(subject: str, stamp: int) -> str:
    """``<object>.<nanoseconds in hex>``, or a random name where that cannot be one (``util.GenerateEventName``).

    Args:
        subject: The name of the object, which need not be one that an event can have.
        stamp: Nanoseconds since 1970, different for each event.
    """
    name = f"{subject}.{stamp:x}"
    return name if len(name) <= _MAX_NAME and _DNS_NAME.fullmatch(name) else str(uuid.uuid4())
