"""Decodes watch frames and list pages: envelope and metadata only; the rest of an object stays bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from kinform.errors import FrameError, UndecodableObjectError, status_error
from kinform.wire import shallow
from kinform.wire.events import (
    BookmarkEvent,
    ErrorEvent,
    EventType,
    ObjectEvent,
    Page,
    PoisonEvent,
    UnknownEvent,
    WatchEvent,
)
from kinform.wire.glimpse import glimpse
from kinform.wire.objects import UNREADABLE, Object, ObjectReader, TransformFailed
from kinform.wire.pages import PageReader
from kinform.wire.status import event_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.meta import ObjectKey, Resource
    from kinform.wire.entry import Entry
    from kinform.wire.transform import Transform

__all__ = ["INITIAL_EVENTS_END", "Decoder"]

INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"
"""The annotation of the bookmark that ends the initial events of a streaming list; only ``"true"`` counts."""

_OBJECT_TYPES: Final = {"ADDED": EventType.ADDED, "MODIFIED": EventType.MODIFIED, "DELETED": EventType.DELETED}


# forbid_unknown_fields: what this decodes is a whole JSON document with just these two keys, so an object that begins
# right behind `"object":` ends right before the last bracket.
class _Event(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    type: str
    object: Object


class _LooseEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw = msgspec.Raw(b"null")


class _BookmarkMetadata(msgspec.Struct, rename="camel"):
    resource_version: str | None = None
    annotations: dict[str, msgspec.Raw] | None = None


class _Bookmark(msgspec.Struct):
    metadata: _BookmarkMetadata | None = None


class _ListMetadata(msgspec.Struct, rename={"resource_version": "resourceVersion", "continue_token": "continue"}):
    resource_version: str | None = None
    continue_token: str | None = None


class _List(msgspec.Struct):
    items: list[msgspec.Raw] | None
    metadata: _ListMetadata | None = None
    kind: str | None = None


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_loose_event = msgspec.json.Decoder(_LooseEvent).decode
_decode_bookmark = msgspec.json.Decoder(_Bookmark).decode
_decode_list = msgspec.json.Decoder(_List).decode
_decode_list_metadata: Callable[[bytes], _ListMetadata | None] = msgspec.json.Decoder(_ListMetadata | None).decode


class Decoder:
    """Makes entries of what the server sends for one resource.

    What the bytes make certain is cut by position; all else is taken apart and put together again. Exact either way,
    but for keys that occur twice in one JSON object, which no API server writes: they are not looked for.

    Not thread-safe: one decoder belongs to one reader.

    Args:
        resource: Whose objects these are. ``kind`` and ``apiVersion`` are checked, or filled in where a list leaves
            them out.
        transform: Runs once on each version of an object, after its key has been read.
        known: Looks up what the cache holds. An ``ADDED`` event or list item with the uid and resourceVersion of the
            known entry gives that entry itself: nothing is copied, and the transform does not run again.
        metadata_only: Entries hold the metadata alone. Objects may come as ``PartialObjectMetadata`` or whole.
    """

    def __init__(
        self,
        resource: Resource,
        transform: Transform | None = None,
        *,
        known: Callable[[ObjectKey], Entry | None] | None = None,
        metadata_only: bool = False,
    ) -> None:
        self._resource = resource
        self._objects = ObjectReader(resource, transform, known, metadata_only=metadata_only)
        self._match_event = re.compile(rb'\{"type":"[A-Z]+","object":(%b)' % self._objects.head_pattern).match

    def event(self, frame: bytes) -> WatchEvent:
        """Decodes one frame of a watch stream.

        An object that cannot be taken as it is comes as a ``PoisonEvent``; nothing is raised for it.

        Raises:
            FrameError: The frame is no watch event at all.
        """
        try:
            event = _decode_event(frame)
            kind = _OBJECT_TYPES.get(event.type)
            metadata = event.object.metadata
            if kind is not None and metadata is not None and frame.endswith(b"}}"):
                head = self._match_event(frame)
                if head is not None:
                    place = (head.start(1), head.end() - 1, len(frame) - 1)
                    return ObjectEvent(kind, self._objects.entry(metadata, kind, frame, place))
        except UNREADABLE:
            pass
        except TransformFailed as failure:
            return failure.poison
        return self._event_in_pieces(frame)

    def page_reader(self) -> PageReader:
        """What reads a page while it comes; ``finish()`` gives what ``page`` would give for the whole."""
        return PageReader(self._objects, self.page)

    def page(self, body: bytes) -> Page:
        """Decodes one page of a list. Bad items are in ``Page.poison``; they do not spoil the page.

        Raises:
            FrameError: The body is no list of Kubernetes objects (a proxy's HTML, a ``Table``, …).
        """
        try:
            page = _read_list(body)
        except (msgspec.DecodeError, ValueError) as error:
            message = f"the answer is no list of {self._resource.kind} objects ({error}); {glimpse(body)}"
            raise FrameError(message) from error
        if page.kind is not None and not page.kind.endswith("List"):
            raise FrameError(f"the answer is a {page.kind}, not a list of {self._resource.kind} objects")
        entries: list[Entry] = []
        poison: list[PoisonEvent] = []
        for item in page.items or ():
            event = self._objects.read(bytes(item), EventType.ADDED)
            if event.entry is not None:
                entries.append(event.entry)
            if isinstance(event, PoisonEvent):
                poison.append(event)
        metadata = page.metadata or _ListMetadata()
        return Page(entries, poison, metadata.resource_version or "", metadata.continue_token or "")

    def _event_in_pieces(self, frame: bytes) -> WatchEvent:
        """Any event that is not plainly an object of ours in the usual form."""
        said, data = _taken_apart(frame)
        kind = _OBJECT_TYPES.get(said)
        if kind is not None:
            return self._objects.read(data, kind)
        if said == EventType.BOOKMARK:
            return _bookmark(data)
        if said == EventType.ERROR:
            return ErrorEvent(status_error(event_status(data)))
        return UnknownEvent(said, _resource_version(data))


def _taken_apart(frame: bytes) -> tuple[str, bytes]:
    """The event's type and object, whatever the object holds.

    Raises:
        FrameError: The frame is no watch event.
    """
    try:
        event = _decode_loose_event(frame)
        return event.type, bytes(event.object)
    except UNREADABLE:
        pass  # perhaps only because of something deep in the object
    try:
        fields = shallow.members(frame)
    except ValueError as error:
        raise FrameError(f"the stream holds what is no watch event ({error}); {glimpse(frame)}") from error
    said = shallow.text(fields.get("type"))
    if not said:
        raise FrameError(f"the stream holds what is no watch event (it has no type); {glimpse(frame)}")
    return said, fields.get("object", b"null")


def _read_list(body: bytes) -> _List:
    """A list with undecoded items.

    Raises:
        ValueError: This is no list.
        msgspec.DecodeError: Likewise.
    """
    try:
        return _decode_list(body)
    except UNREADABLE:
        pass  # perhaps only because of something deep in one item, which is for the reader of objects to judge
    fields = shallow.members(body)
    return _List(
        [msgspec.Raw(item) for item in shallow.items(fields.get("items", b""))],
        _decode_list_metadata(fields.get("metadata", b"null")),
        shallow.text(fields.get("kind")) or None,
    )


def _bookmark(data: bytes) -> BookmarkEvent | PoisonEvent:
    try:
        metadata = _decode_bookmark(data).metadata or _BookmarkMetadata()
    except UNREADABLE as error:
        return PoisonEvent("", UndecodableObjectError("a bookmark", str(error)), EventType.BOOKMARK)
    end = (metadata.annotations or {}).get(INITIAL_EVENTS_END)
    ends = end is not None and shallow.text(bytes(end)) == "true"
    return BookmarkEvent(metadata.resource_version or "", ends)


def _resource_version(data: bytes) -> str:
    """The resourceVersion of any object, ``""`` where there is none to be read."""
    try:
        return shallow.text(shallow.members(shallow.members(data)["metadata"]).get("resourceVersion"))
    except (ValueError, KeyError):
        return ""
