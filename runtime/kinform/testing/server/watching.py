"""Watches: one stream of events each, and the table of those that are open."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

from kinform.testing.server import refusals
from kinform.testing.server.options import WatchListMode, parse_resource_version
from kinform.testing.server.refusals import Refusal
from kinform.testing.server.rendering import error_frame
from kinform.testing.server.selection import Selection
from kinform.testing.server.storage import HistoryLostError
from kinform.testing.server.tables import renderer_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from kinform.clock import Clock
    from kinform.meta import Resource
    from kinform.testing.server.address import Address
    from kinform.testing.server.options import ListOptions
    from kinform.testing.server.storage import Change, Collection, Storage, StoredObject

__all__ = ["Ending", "OpenWatch", "Reader", "WatchSession", "WatchSettings", "WatchTable"]

_BATCH: Final = 256  # events per chunk: enough to make the system calls cheap, few enough to stay small
_LIFETIME: Final = (1800.0, 3600.0)
_BOOKMARK_BEFORE_END: Final = 2.0


class Reader(Protocol):
    """Who reads a watch."""

    @property
    def abandoned(self) -> bool:
        """Whether nobody reads any more."""
        ...


class Ending(Enum):
    """How a test ends a running watch."""

    CLEAN = auto()
    """The stream ends as it does after its time: a clean end of the body."""
    CUT = auto()
    """The connection breaks in the middle of the body."""
    EXPIRED = auto()
    """An ERROR event with code 410 comes, then a clean end."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How watches behave on this server.

    Attributes:
        clock: What time-outs and bookmarks go by.
        watch_list: What becomes of ``sendInitialEvents``.
        bookmark_interval: Seconds between bookmarks, for those that ask for them.
        expired_as_event: Whether a watch that starts too far back gets 200 and an ERROR event (as from a
            kube-apiserver's cache) or HTTP 410.
        freshness_timeout: Seconds that a streaming list waits for a resourceVersion still to come.
        gzip: Whether lists and streaming lists are compressed for those who take that.
    """

    clock: Clock
    watch_list: WatchListMode
    bookmark_interval: float
    expired_as_event: bool
    freshness_timeout: float
    gzip: bool = False


@dataclass(frozen=True, slots=True)
class OpenWatch:
    """A watch that is open now, as tests see it.

    Attributes:
        resource: What is watched.
        namespace: Where; ``""`` means everywhere.
        query: The request's parameters.
    """

    resource: Resource
    namespace: str
    query: Mapping[str, str]


class WatchSession:
    """One watch, run by the thread that reads it; the other methods may be called from any."""

    def __init__(
        self, storage: Storage, collection: Collection, at: Address, options: ListOptions, settings: WatchSettings
    ) -> None:
        self._storage = storage
        self._collection = collection
        self._renderer = renderer_of(at)
        self._selection = Selection(at.namespace, options.labels, options.fields)
        self._options = options
        self._settings = settings
        self._clock = settings.clock
        self._ending: Ending | None = None
        self._ends_at = 0
        self._bookmark_asked = False
        self._cursor = 0
        self._after = parse_resource_version(options.resource_version)
        self._deadline = 0.0
        self._next_bookmark = 0.0

    # ---- from other threads

    @property
    def allows_bookmarks(self) -> bool:
        """Whether the client asked for bookmarks."""
        return self._options.allow_bookmarks

    def ask_bookmark(self) -> None:
        """Sends a bookmark behind all events so far."""
        with self._storage.lock:
            self._bookmark_asked = True
            self._collection.changed.notify_all()

    def end(self, ending: Ending, *, after_events: bool = False) -> None:
        """Ends the watch; ``after_events``: once it has told of all changes so far."""
        with self._storage.lock:
            self._ending = ending
            self._ends_at = self._collection.end if after_events else 0
            self._collection.changed.notify_all()

    # ---- from the reader's thread

    def open(self, reader: Reader) -> list[StoredObject] | Refusal:
        """Takes the watch's place in history. Lock held.

        Returns:
            The objects that come first; or the refusal that is to be the only event.

        Raises:
            Refusal: It cannot begin, and the answer is that refusal.
        """
        now = self._clock.monotonic()
        lifetime = self._options.timeout_seconds or random.uniform(*_LIFETIME)  # noqa: S311
        self._deadline = now + lifetime
        self._schedule_bookmark(now)
        try:
            if self._sends_initial_events:
                if self.is_watch_list:
                    self._storage.await_revision(
                        self._after, self._settings.freshness_timeout, lambda: reader.abandoned
                    )
                self._cursor = self._collection.end
                found = self._collection.snapshot(self._selection.namespace)
                return [obj for obj in found if self._selection.matches(obj)] if self._selection.selective else found
            self._cursor = self._collection.cursor_after(self._after) if self._after else self._collection.end
        except HistoryLostError as lost:
            refusal = refusals.expired_watch(self._after, lost.oldest)
            if self._settings.expired_as_event:
                return refusal
            raise refusal from None
        except Refusal as refusal:
            return refusal
        return []

    @property
    def _sends_initial_events(self) -> bool:
        asked = self._options.send_initial_events
        if asked is None or self._settings.watch_list is WatchListMode.IGNORED:
            return self._options.resource_version in {"", "0"}
        return asked

    @property
    def is_watch_list(self) -> bool:
        """Whether it is a streaming list: it begins with all objects, and says where they end."""
        return bool(self._options.send_initial_events) and self._settings.watch_list is WatchListMode.ON

    def pieces(
        self, reader: Reader, initial: list[StoredObject] | Refusal, revision: int
    ) -> Generator[bytes, None, Ending]:
        """The events, some lines at a time, and how they end; blocks while there are none.

        Args:
            reader: Who takes them.
            initial: What ``open`` returned.
            revision: The storage's when ``open`` was called.
        """
        if isinstance(initial, Refusal):
            yield error_frame(initial)
            return Ending.CLEAN
        for first in range(0, len(initial), _BATCH):
            batch = initial[first : first + _BATCH]
            yield b"".join(self._renderer.frame("ADDED", obj) for obj in batch)
        if self.is_watch_list and self.allows_bookmarks:
            yield self._renderer.bookmark(revision, ends_initial_events=True)
        try:
            return (yield from self._follow(reader))
        except HistoryLostError as lost:
            yield error_frame(refusals.expired_watch(max(self._after, 1), lost.oldest))
            return Ending.CLEAN

    def _follow(self, reader: Reader) -> Generator[bytes, None, Ending]:
        while True:
            with self._storage.lock:
                batch = self._next_batch(reader)
                if isinstance(batch, Ending):
                    if batch is Ending.EXPIRED:
                        raise HistoryLostError(self._storage.revision)
                    return batch
                self._cursor += len(batch)
                bookmark = self._due_bookmark()
            data = b"".join(self._frames(batch))
            if bookmark:
                data += self._renderer.bookmark(bookmark)
            if data:
                yield data

    def _next_batch(self, reader: Reader) -> list[Change] | Ending:
        """Waits for changes; an empty list where a bookmark is due. Lock held."""
        while True:
            if reader.abandoned:
                return Ending.CUT
            if self._ending and self._cursor >= self._ends_at:
                return self._ending
            if batch := self._collection.read(self._cursor, _BATCH):
                return batch
            now = self._clock.monotonic()
            if now >= self._deadline:
                return Ending.CLEAN
            if self._bookmark_is_due(now):
                return []
            until = min(self._deadline, self._next_bookmark) if self.allows_bookmarks else self._deadline
            self._clock.wait_condition(self._collection.changed, until - now)

    def _frames(self, changes: Iterable[Change]) -> Iterable[bytes]:
        for change in changes:
            if change.resource_version > self._after and (event := self._selection.event_of(change)):
                yield self._renderer.change_frame(event, change)

    # ---- bookmarks

    def _bookmark_is_due(self, now: float) -> bool:
        return self.allows_bookmarks and (self._bookmark_asked or now >= self._next_bookmark)

    def _due_bookmark(self) -> int:
        """The resourceVersion of a bookmark that may go out now: only behind all events. 0 for none. Lock held."""
        now = self._clock.monotonic()
        if self._cursor < self._collection.end or not self._bookmark_is_due(now):
            return 0
        self._bookmark_asked = False
        self._schedule_bookmark(now)
        return self._storage.revision if self._storage.revision >= self._after else 0

    def _schedule_bookmark(self, now: float) -> None:
        """The next one comes after the interval or two seconds before the end, whichever is first."""
        last = self._deadline - _BOOKMARK_BEFORE_END
        after_interval = now + self._settings.bookmark_interval
        self._next_bookmark = min(after_interval, last) if now < last else max(after_interval, self._deadline)


class WatchTable:
    """The watches that are open. Thread-safe."""

    def __init__(self) -> None:
        self._open: dict[WatchSession, OpenWatch] = {}
        self._changed = threading.Condition()

    def add(self, session: WatchSession, watch: OpenWatch) -> None:
        """Enters a watch that has taken its place in history."""
        with self._changed:
            self._open[session] = watch
            self._changed.notify_all()

    def remove(self, session: WatchSession) -> None:
        """Takes out one that has ended."""
        with self._changed:
            del self._open[session]
            self._changed.notify_all()

    def list(self, resource: Resource | None = None) -> list[OpenWatch]:
        """Those of a resource, or all."""
        with self._changed:
            return [watch for watch in self._open.values() if resource in {None, watch.resource}]

    def sessions(self, resource: Resource | None = None) -> tuple[WatchSession, ...]:
        """As ``list``, to act on."""
        with self._changed:
            return tuple(session for session, watch in self._open.items() if resource in {None, watch.resource})

    def await_count(self, count: int, resource: Resource | None, timeout: float) -> None:
        """Blocks until just so many are open.

        Raises:
            TimeoutError: They were not within ``timeout`` seconds.
        """

        def reached() -> bool:
            return len(self.list(resource)) == count

        with self._changed:
            if not self._changed.wait_for(reached, timeout):
                what = f" of {resource}" if resource else ""
                raise TimeoutError(f"{len(self.list(resource))} watches{what} are open, not {count}, after {timeout} s")
