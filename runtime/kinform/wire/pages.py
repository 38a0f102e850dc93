"""Reads a page of a list while it comes, item by item, so that it is never in memory as a whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from kinform.wire.events import EventType, Page, PoisonEvent
from kinform.wire.objects import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.wire.entry import Entry
    from kinform.wire.objects import ObjectReader

__all__ = ["PageReader"]

_ITEMS: Final = b'"items":['
_LONGEST_HEAD: Final = 64 * 1024  # bytes; what goes on longer is no list as API servers write it
_LONGEST_ITEM: Final = 4 * 1024 * 1024  # bytes; an API server's own limit is lower
_TRIES: Final = 8  # places where an item may end that turn out to lie within it
# The beginning that all items have in common: built-in kinds come without their type, custom resources with it.
_match_beginning = re.compile(
    rb'\{(?:"(?:kind|apiVersion)":"[^"\\]*","(?:kind|apiVersion)":"[^"\\]*",)?"metadata":\{'
).match


class _Empty(msgspec.Struct, gc=False):
    items: list[None]


_decode_empty = msgspec.json.Decoder(_Empty).decode


class PageReader:
    """Takes the body of one page in pieces, and gives its objects as soon as they are complete.

    Where an item ends is guessed by what the next one must begin with, and proved by decoding it: a JSON object is
    complete in one place only. What does not fit (white space, items that begin otherwise, that cannot be read, or hold
    the like of themselves many times) stays, and is read as a whole at the end; so the page is the same either way.

    Not thread-safe.

    Args:
        objects: Reads the items.
        whole: Reads a page that is here as a whole.
    """

    def __init__(self, objects: ObjectReader, whole: Callable[[bytes], Page]) -> None:
        self._objects = objects
        self._whole = whole
        self._entries: list[Entry] = []
        self._poison: list[PoisonEvent] = []
        self._head = b""
        self._separator = b""
        self._buffer = b""
        self._later: list[bytes] = []  # what follows the buffer, once nothing more is guessed
        self._guessing = True

    def feed(self, piece: bytes) -> list[Entry]:
        """Takes the next piece of the body, and returns the entries of the items that are complete with it."""
        if not self._guessing:
            self._later.append(piece)
            return []
        self._buffer += piece
        if not self._head:
            self._read_head()
        return self._read_items() if self._separator else []

    def finish(self) -> Page:
        """The body is complete: the whole page.

        Raises:
            FrameError: It is no list of Kubernetes objects.
        """
        last = self._whole(b"".join((self._head, self._buffer, *self._later)))
        return Page(
            self._entries + last.entries, self._poison + last.poison, last.resource_version, last.continue_token
        )

    def _read_head(self) -> None:
        """Finds where the items begin, and how."""
        at = self._buffer.find(_ITEMS, 0, _LONGEST_HEAD) + len(_ITEMS)
        if at < len(_ITEMS):
            self._guessing = len(self._buffer) < _LONGEST_HEAD
            return
        beginning = _match_beginning(self._buffer, at)
        if beginning is None:
            # Perhaps it has not come yet. An empty list has none.
            self._guessing = len(self._buffer) - at < _LONGEST_HEAD
            return
        head = self._buffer[:at]
        try:
            _decode_empty(head + b"]}")
        except UNREADABLE:  # items of something else
            self._guessing = False
            return
        self._head = head
        self._separator = b"}," + beginning[0]
        self._buffer = self._buffer[at:]

    def _read_items(self) -> list[Entry]:
        buffer, separator, objects = self._buffer, self._separator, self._objects
        new: list[Entry] = []
        start = 0
        end = buffer.find(separator)
        tries = 0
        while end >= 0:
            try:
                event = objects.read_strictly(buffer[start : end + 1], EventType.ADDED)
            except UNREADABLE:
                tries += 1
                if tries == _TRIES:
                    self._guessing = False
                    break
            else:
                tries = 0
                start = end + 2
                if event.entry is not None:
                    new.append(event.entry)
                if isinstance(event, PoisonEvent):
                    self._poison.append(event)
            end = buffer.find(separator, end + 1)
        self._buffer = buffer[start:]
        if len(self._buffer) > _LONGEST_ITEM:
            self._guessing = False
        self._entries += new
        return new
