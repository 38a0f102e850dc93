"""What one frame of a watch stream, or one page of a list, turns out to be."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from kinform.errors import ApiStatusError
    from kinform.wire.entry import Entry

__all__ = [
    "BookmarkEvent",
    "ErrorEvent",
    "EventType",
    "ObjectEvent",
    "Page",
    "PoisonEvent",
    "UnknownEvent",
    "WatchEvent",
]


class EventType(StrEnum):
    """The types of watch events (``watch.EventType``)."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    ERROR = "ERROR"


class ObjectEvent(msgspec.Struct, frozen=True, gc=False, eq=False):
    """An object was added, modified or deleted.

    Attributes:
        type: ``ADDED``, ``MODIFIED`` or ``DELETED``. The first two say less than they seem to: with selectors and after
            a resume either can come for a known or an unknown object.
        entry: The object; for ``DELETED`` its last state with the deletion's resourceVersion.
    """

    type: EventType
    entry: Entry


class BookmarkEvent(msgspec.Struct, frozen=True, gc=False, eq=False):
    """Nothing else happened up to this resourceVersion.

    Attributes:
        resource_version: ``""`` where the bookmark has none.
        initial_events_end: The annotation ``k8s.io/initial-events-end`` is exactly ``"true"``: the stream has now
            delivered everything that existed when it began.
    """

    resource_version: str
    initial_events_end: bool


class ErrorEvent(msgspec.Struct, frozen=True, eq=False):
    """The server ends the stream and says why; the error is of the class that fits the ``Status``."""

    error: ApiStatusError


class UnknownEvent(msgspec.Struct, frozen=True, gc=False, eq=False):
    """An event of a type that this version does not know: reported and passed over.

    Attributes:
        type: The type as the server wrote it.
        resource_version: Of the object in it, ``""`` where there is none to be read.
    """

    type: str
    resource_version: str = ""


class PoisonEvent(msgspec.Struct, frozen=True, eq=False):
    """An object that cannot be taken as it is; it must stop neither the stream nor the list.

    Attributes:
        key_hint: Namespace and name as text, as far as they could be read; ``""`` where they could not.
        error: What is wrong with it.
        type: ``ADDED``, ``MODIFIED`` or ``DELETED``; ``ADDED`` for an item of a list.
        entry: What the cache holds for it all the same, where its name and resourceVersion could be read: readers of
            this one object get ``UndecodableObjectError``, the object is not silently missing. None otherwise.
    """

    key_hint: str
    error: Exception
    type: EventType = EventType.ADDED
    entry: Entry | None = None


WatchEvent: TypeAlias = ObjectEvent | BookmarkEvent | ErrorEvent | UnknownEvent | PoisonEvent


class Page(msgspec.Struct, frozen=True, eq=False):
    """One page of a list.

    Attributes:
        entries: Its objects in the server's order, those of ``poison`` that have an entry included.
        poison: Its objects that could not be taken as they are.
        resource_version: The list's resourceVersion, the same on all pages of one consistent list.
        continue_token: For the next page; ``""`` on the last.
    """

    entries: list[Entry]
    poison: list[PoisonEvent]
    resource_version: str
    continue_token: str
