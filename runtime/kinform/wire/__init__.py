"""From bytes to entries: framing of watch streams, decoding of envelopes and metadata, transforms, field paths."""

from kinform.wire.changes import Bookmark, Change, Remove, Replace, Upsert
from kinform.wire.decode import INITIAL_EVENTS_END, Decoder
from kinform.wire.entry import Entry, Owner, Unpacker
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
from kinform.wire.fields import FieldPath, read_field, split_field_path
from kinform.wire.frames import DEFAULT_MAX_FRAME, FrameSplitter
from kinform.wire.pages import PageReader
from kinform.wire.status import event_status
from kinform.wire.transform import Json, Projection, Transform, TransformFunction, drop, keep

__all__ = [
    "DEFAULT_MAX_FRAME",
    "INITIAL_EVENTS_END",
    "Bookmark",
    "BookmarkEvent",
    "Change",
    "Decoder",
    "Entry",
    "ErrorEvent",
    "EventType",
    "FieldPath",
    "FrameSplitter",
    "Json",
    "ObjectEvent",
    "Owner",
    "Page",
    "PageReader",
    "PoisonEvent",
    "Projection",
    "Remove",
    "Replace",
    "Transform",
    "TransformFunction",
    "UnknownEvent",
    "Unpacker",
    "Upsert",
    "WatchEvent",
    "drop",
    "event_status",
    "keep",
    "read_field",
    "split_field_path",
]
