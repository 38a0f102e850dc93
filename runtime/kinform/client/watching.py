"""The verb watch: one plain connection, as an iterator of typed events."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Self

import msgspec

from kinform.client.resource import UNREADABLE, ResourceClient, T, read, selection
from kinform.errors import AbortedError, FrameError, status_error
from kinform.transport import Abort
from kinform.wire import EventType, FrameSplitter, event_status

if TYPE_CHECKING:
    from types import TracebackType

    from kinform.selectors import FieldSelector, LabelSelectorLike
    from kinform.transport import Stream

__all__ = ["Watch", "Watchable", "WatchedEvent"]

_log = logging.getLogger("kinform.client")

_LONGEST: Final = 3600.0
"""Seconds after which every API server ends a watch that did not ask for less (``--min-request-timeout``, doubled)."""
_MARGIN: Final = 30.0

_OBJECTS: Final = frozenset({EventType.ADDED, EventType.MODIFIED, EventType.DELETED, EventType.BOOKMARK})


class WatchedEvent(NamedTuple, Generic[T]):
    """One event of a watch, as the server sent it."""

    type: EventType
    """``ADDED``, ``MODIFIED``, ``DELETED``; ``BOOKMARK`` where bookmarks were asked for."""
    object: T
    """The object; the last state of a deleted one; of a bookmark only its metadata's ``resource_version`` counts."""


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw = msgspec.Raw(b"null")


_decode = msgspec.json.Decoder(_Event).decode


class Watch(Generic[T]):
    """The events of one watch, until the server ends it or :meth:`close` does.

    An iterator and a context manager. One thread at a time iterates; any thread closes. It neither reconnects nor
    remembers: informers do.
    """

    def __init__(self, stream: Stream, abort: Abort, model: type[T], request: str) -> None:
        self._stream = stream
        self._abort = abort
        self._model = model
        self._request = request
        self._splitter = FrameSplitter()
        self._frames: deque[bytes] = deque()
        self._ended = False
        self._reading = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> WatchedEvent[T]:
        """The next event; blocks until there is one.

        Raises:
            StopIteration: The server has ended the watch, or it was closed.
            ApiStatusError: The server ended it with an error; ``ExpiredError``: the resourceVersion is too old.
            TransportError: The connection failed, was cut, or was silent for longer than servers let watches live.
            UndecodableObjectError: An object is not of the model; the next call goes on behind it.
        """
        with self._reading:
            while not self._abort.aborted:
                if not self._frames and not self._fill():
                    break
                event = self._event(self._frames.popleft()) if self._frames else None
                if event is not None:
                    return event
            self._end()
            raise StopIteration

    def _fill(self) -> bool:
        """Reads some frames; False at the end."""
        if self._ended:
            return False
        try:
            data = self._stream.read()
            self._frames.extend(self._splitter.feed(data) if data else self._splitter.finish())
        except AbortedError:
            return False
        except Exception:
            self._end()
            raise
        if not data:
            self._end()
        return bool(data or self._frames)

    def _event(self, frame: bytes) -> WatchedEvent[T] | None:
        """The event of a frame; None where it is of a type that this version does not know."""
        try:
            event = _decode(frame)
        except UNREADABLE as error:
            self._end()
            raise FrameError(f"{self._request}: the stream holds what is no watch event: {error}") from error
        if event.type == EventType.ERROR:
            self._end()
            raise status_error(event_status(bytes(event.object)), request=self._request)
        if event.type not in _OBJECTS:
            _log.info("%s: passed over an event of the unknown type %r", self._request, event.type)
            return None
        return WatchedEvent(EventType(event.type), read(self._model, bytes(event.object), self._request))

    def _end(self) -> None:
        self._ended = True
        self._stream.close()

    def close(self) -> None:
        """Ends the watch and its connection: a thread that waits in it gets ``StopIteration``. Never blocks."""
        self._abort.abort()
        # A thread that is in __next__ ends it itself: only the reader may close what it reads.
        if self._reading.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._reading.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # not all of it may be there when the interpreter ends
            self.close()


class Watchable(ResourceClient[T]):
    """``watch``."""

    def watch(
        self,
        *,
        label_selector: LabelSelectorLike = "",
        field_selector: str | FieldSelector | None = None,
        resource_version: str | None = None,
        allow_bookmarks: bool = False,
        send_initial_events: bool = False,
        timeout: int | None = None,
    ) -> Watch[T]:
        """Opens one watch and returns its events as an iterator. Blocks until the server has answered.

        For a scripted wait, say; a view that stays right over reconnects is what informers are for.

        Args:
            label_selector: Only objects with such labels: text (``""``: all), or a selector.
            field_selector: Only objects with such fields.
            resource_version: Changes after that version; unset: an ``ADDED`` for each object that is there, then
                changes.
            allow_bookmarks: Let the server send ``BOOKMARK`` events, which say how far it is.
            send_initial_events: ``ADDED`` for each object that is there, then a ``BOOKMARK`` with the annotation
                ``k8s.io/initial-events-end``, then changes. Servers of before 1.32 mostly refuse that.
            timeout: Seconds after which the server ends the watch; unset: 30 to 60 minutes.

        Raises:
            ExpiredError: ``resource_version`` is too old.
            SelectorError: A selector does not parse.
            ApiStatusError, TransportError: As for every request.
        """
        query = [("watch", "1"), *selection(label_selector, field_selector)]
        if resource_version is not None:
            query.append(("resourceVersion", resource_version))
        if send_initial_events:
            query += [("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan")]
        if allow_bookmarks or send_initial_events:
            query.append(("allowWatchBookmarks", "true"))
        if timeout is not None:
            query.append(("timeoutSeconds", str(timeout)))
        path = self._resource.path(self._namespace)
        abort = Abort()
        silence = (_LONGEST if timeout is None else timeout) + _MARGIN
        stream = self._transport.open(path, query=query, abort=abort, read_timeout=silence)
        return Watch(stream, abort, self._model, f"GET {path}?watch=1")
