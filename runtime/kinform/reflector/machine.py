"""The reflector as a pure state machine: what the server said goes in, the next request and the changes come out."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from kinform.errors import ApiStatusError, BadRequestError, FrameError, TransportError, UndecodableObjectError
from kinform.reflector.actions import Action, ListPage, Wait, Watch
from kinform.reflector.backoff import Backoff
from kinform.reflector.queries import ReflectorOptions, initial_query, page_query, watch_query
from kinform.reflector.reports import Reason, Report, reason_of
from kinform.reflector.statistics import ReflectorState, ReflectorStatistics
from kinform.reflector.support import StreamingSupport, refuses_streaming
from kinform.versions import is_comparable, is_older
from kinform.wire import (
    Bookmark,
    BookmarkEvent,
    ErrorEvent,
    EventType,
    ObjectEvent,
    PoisonEvent,
    Remove,
    Replace,
    UnknownEvent,
    Upsert,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from kinform.meta import ObjectKey, Resource
    from kinform.wire import Change, Entry, Page, WatchEvent

__all__ = ["Reflector"]

_INITIAL_SILENCE: Final = 30.0  # seconds without event or bookmark after which a streaming list is given up
_WATCH_GRACE: Final = 15.0  # seconds that a watch may overrun the time-out that the server was asked for
_BOOKMARK_SILENCE: Final = 180.0  # where bookmarks come (about each minute), so long a silence is suspicious
_LIST_SILENCE: Final = 60.0
_WHOLE_LIST_SILENCE: Final = 300.0  # a server may need that long before the first byte of a list without pages
_HEALTHY_AFTER: Final = 120.0  # seconds of health after which the back-off starts over
_SHORT_WATCH: Final = 1.0
_NEVER: Final = float("inf")
_CLOSE_JITTER: Final = 1.0  # a server that shuts down ends all its watches at once
_RETRY_AFTER_CAP: Final = 60.0
_FRUITLESS_LIMIT: Final = 5
_INTERNAL_WINDOW: Final = 30.0  # for so long after the first InternalError event the watch is resumed, then relisted
_INTERNAL_QUIET: Final = 60.0
_EXPIRY_INTERVAL: Final = 60.0  # an expiry within so long after another one is no end of an outage, and waits in full

_RETRY_IN_PLACE: Final = frozenset({Reason.CONNECTION, Reason.THROTTLED, Reason.UNAUTHORIZED, Reason.FORBIDDEN})


class _Phase(Enum):
    SYNC = auto()
    """A full fetch is due; how is decided when it begins."""
    PAGES = auto()
    """In the middle of a list."""
    INITIAL = auto()
    """In a streaming list, before its end bookmark."""
    WATCH = auto()
    """Following changes from ``_version``."""


class Reflector:
    """Keeps a copy of one collection up to date, without doing any I/O (client-go: ``cache.Reflector``).

    The driver asks ``next()`` what to do, does it, and reports what came of it, first by ``sent()`` that the request
    goes out; times are readings of one monotonic clock. The changes that the inputs return are to be applied in order.
    What went wrong is in ``take_reports()``.

    The rules it keeps: a full fetch is taken over whole or not at all; a watch resumes only from a resourceVersion that
    is certain (a list's, an end bookmark's, a bookmark's, a later event's); what is gone is found by comparing, never
    by emptying; nothing is asked twice without a wait; and no error ends it.

    Not thread-safe, but for ``statistics()``.

    Args:
        resource: What is fetched.
        options: Which of it, and how.
        rng: The source of chance, for jitter and time-outs.
        name: For reports.
        host: The server, for ``support``.
        support: The memory of servers that cannot stream.
    """

    def __init__(
        self,
        resource: Resource,
        options: ReflectorOptions,
        rng: random.Random,
        *,
        name: str = "",
        host: str = "",
        support: StreamingSupport | None = None,
    ) -> None:
        self._resource = resource
        self._options = options
        self._rng = rng
        self._name = name or str(resource)
        self._host = host
        self._support = support if support is not None else StreamingSupport()
        self._backoff = Backoff(rng)
        self._reports: list[Report] = []

        self._phase = _Phase.SYNC
        self._due = float("-inf")
        self._due_reason = Reason.CLOSED
        self._version = ""  # where a watch resumes
        self._sync_version = ""  # a streaming list must not be older than this
        self._scratch: dict[ObjectKey, Entry] = {}

        # The list in progress.
        self._token = ""
        self._list_version = ""
        self._tokens_expired = 0

        # The request in progress.
        self._sent = 0.0
        self._progress = _NEVER  # when the request was sent, or something came of it
        self._streaming = False
        self._connected = False
        self._stream_events = 0
        self._watch_timeout = 0
        self._read_timeout = 0.0
        self._unordered = False  # the watch began without a version: its first ADDED events come in any order

        # What has been going well, and what has not.
        self._healthy_since: float | None = None
        self._fruitless = 0
        self._fruitless_relisted = False
        self._was_too_large = False
        self._first_internal = self._last_internal = float("-inf")
        self._last_expiry = float("-inf")
        self._bookmarks_come = False
        self._bookmarks_missing = False  # they came, and then a watch was silent for longer than they take

        self._state = ReflectorState.NEW
        self._synced = False
        self._initial_fetch: ReflectorState | None = None
        self._last_activity: float | None = None
        self._restarts: dict[str, int] = {}
        self._lists = self._watches = self._events = self._poison = 0

    # ---- what the driver asks

    def next(self, now: float) -> Action:
        """What to do now."""
        if now < self._due:
            self._state = ReflectorState.WAITING
            return Wait(self._due - now, self._due_reason)
        if self._phase is _Phase.SYNC:
            self._begin_sync(now)
        self._sent = now
        self._progress = _NEVER
        if self._phase is _Phase.PAGES:
            self._state = ReflectorState.LISTING
            self._lists += 1
            paged = self._tokens_expired < 2
            query = page_query(self._options, self._token, paged=paged)
            return ListPage(query, _LIST_SILENCE if paged else _WHOLE_LIST_SILENCE)
        self._watches += 1
        self._streaming = True
        self._stream_events = 0
        self._watch_timeout = self._rng.randrange(*self._options.watch_timeout)
        if self._phase is _Phase.INITIAL:
            self._state = ReflectorState.STREAMING
            self._unordered = False
            self._read_timeout = _INITIAL_SILENCE
            query = initial_query(self._options, self._sync_version, self._watch_timeout)
            return Watch(query, initial=True, read_timeout=self._read_timeout)
        self._state = ReflectorState.WATCHING
        self._read_timeout = self._live_read_timeout()
        self._unordered = not self._version
        query = watch_query(self._options, self._version, self._watch_timeout)
        return Watch(query, initial=False, read_timeout=self._read_timeout)

    @property
    def streaming(self) -> bool:
        """Whether the watch in progress is to be read on; False once an ERROR event has ended it."""
        return self._streaming

    @property
    def read_timeout(self) -> float:
        """Seconds that the watch in progress may be silent; longer once a streaming list is complete."""
        return self._read_timeout

    def take_reports(self) -> list[Report]:
        """The errors met since the last call."""
        reports, self._reports = self._reports, []
        return reports

    def statistics(self) -> ReflectorStatistics:
        """The present state, as a copy; from any thread."""
        return ReflectorStatistics(
            state=self._state,
            connected=self._connected,
            synced=self._synced,
            last_resource_version=self._version,
            last_activity=self._last_activity,
            restarts=dict(self._restarts),
            lists=self._lists,
            watches=self._watches,
            events=self._events,
            poison=self._poison,
            initial_fetch=self._initial_fetch,
        )

    # ---- what the driver reports

    def sent(self, now: float) -> None:
        """The request goes out, after the waits for rate limits and credentials; again where it is sent again.

        Only from then on is the server silent.
        """
        self._sent = self._progress = now

    def page(self, now: float, page: Page) -> list[Change]:
        """A page of the list has come."""
        if self._phase is not _Phase.PAGES:
            return []
        self._last_activity = now
        for poison in page.poison:
            self._report_poison(poison)
        if page.continue_token and page.continue_token == self._token:
            self._restart_list(now, FrameError("the server answers a continue token with the same token"))
            return []
        if not self._token:
            self._list_version = page.resource_version
        self._scratch.update((entry.key, entry) for entry in page.entries)
        self._token = page.continue_token
        if self._token:
            return []
        return [self._complete(self._list_version, ReflectorState.LISTING)]

    def stream_opened(self, now: float) -> None:
        """The watch has been accepted; events may follow."""
        self._connected = True
        if self._phase is _Phase.WATCH and self._healthy_since is None:
            self._healthy_since = now

    def events(self, now: float, events: Iterable[WatchEvent]) -> list[Change]:
        """Events of the watch in progress have come, in this order."""
        changes: list[Change] = []
        for event in events:
            if not self._streaming:
                break  # an ERROR event has ended the stream; whatever follows does not count
            self._stream_events += 1
            if self._phase is _Phase.INITIAL:
                self._initial_event(now, event, changes)
            else:
                self._live_event(now, event, changes)
        self._progress = self._last_activity = now
        if now - self._sent > self._watch_timeout + _WATCH_GRACE:
            # A server that ends no watch would keep us on old credentials, or waiting for an end bookmark, for ever.
            self.stream_ended(now)
        return changes

    def stream_ended(self, now: float) -> None:
        """The server has ended the watch in good order, or it is time to do so."""
        if not self._streaming:
            return
        self._leave_stream()
        lived = now - self._sent
        if self._phase is _Phase.INITIAL:
            error = TransportError("the streaming list ended before its end bookmark")
            if lived >= self._watch_timeout - 1:
                self._without_streaming(now, Reason.STREAMING_STALLED, error)
            else:
                self._resync(now, Reason.INITIAL_INCOMPLETE, error, self._sync_version)
        elif not self._version:
            # The server gives no resourceVersions, so there is nothing to resume from: only a full fetch will do.
            self._restart(now, Reason.CLOSED, _Phase.SYNC, self._delay(now))
        elif self._bookmarks_missing and not self._stream_events and lived >= self._watch_timeout - 1:
            # A server whose database was restored lets a watch begin in its future, and tells nothing of its present.
            self._bookmarks_missing = False
            error = TransportError(
                "neither events nor bookmarks in all the time of a watch, where bookmarks came before"
            )
            self._resync(now, Reason.FRUITLESS, error, "")
        elif lived >= _SHORT_WATCH:
            self._fruitless = 0
            self._fruitless_relisted = False
            self._restart(now, Reason.CLOSED, _Phase.WATCH, self._rng.random() * _CLOSE_JITTER)
        elif self._stream_events:
            self._restart(now, Reason.CLOSED, _Phase.WATCH, self._delay(now))
        else:
            error = TransportError(f"the watch ended after {lived:.1f} s without an event")
            self._fruitless_watch(now, Reason.SHORT_WATCH, error)

    def failed(self, now: float, error: Exception) -> None:
        """The request in progress was refused, broke, or brought what cannot be read."""
        was_streaming = self._streaming
        self._leave_stream()
        if self._phase is _Phase.PAGES:
            self._list_failed(now, error)
        elif not was_streaming:
            # No request is in progress: what ended the last one decides what comes next, and this only adds a wait.
            self._report(reason_of(error), error)
            self._due = max(self._due, now + self._delay(now, error))
        elif self._phase is _Phase.INITIAL:
            self._initial_failed(now, error)
        else:
            self._watch_failed(now, error, in_stream=False)

    def changes_lost(self, now: float, error: Exception) -> None:
        """The changes returned last were not applied; only a full fetch makes up for them."""
        self._leave_stream()
        self._synced = False
        self._resync(now, Reason.SINK, error, self._version)

    # ---- events

    def _initial_event(self, now: float, event: WatchEvent, changes: list[Change]) -> None:
        """Collects what exists; nothing of it is shown before the end bookmark."""
        if isinstance(event, ObjectEvent):
            self._collect(event.type, event.entry)
        elif isinstance(event, BookmarkEvent):
            if event.initial_events_end:
                changes.append(self._complete(event.resource_version, ReflectorState.STREAMING))
                self._state = ReflectorState.WATCHING
                self._read_timeout = self._live_read_timeout()
                self._healthy_since = now
        elif isinstance(event, ErrorEvent):
            self._leave_stream()
            self._initial_failed(now, event.error)
        elif isinstance(event, PoisonEvent):
            self._report_poison(event)
            if event.entry is not None:
                self._collect(event.type, event.entry)
        else:
            self._report_unknown(event)

    def _collect(self, kind: EventType, entry: Entry) -> None:
        self._events += 1
        if kind is EventType.DELETED:
            self._scratch.pop(entry.key, None)
        else:
            self._scratch[entry.key] = entry

    def _live_event(self, now: float, event: WatchEvent, changes: list[Change]) -> None:
        if isinstance(event, ObjectEvent):
            changes.append(self._change(event.type, event.entry))
        elif isinstance(event, BookmarkEvent):
            if not self._is_certain(event.resource_version):
                self._report_odd_bookmark(event.resource_version)
                return
            self._bookmarks_come = True
            self._advance(EventType.BOOKMARK, event.resource_version)
            changes.append(Bookmark(event.resource_version))
        elif isinstance(event, ErrorEvent):
            self._watch_failed(now, event.error, in_stream=True)
            return
        elif isinstance(event, PoisonEvent):
            self._report_poison(event)
            if event.entry is not None:
                changes.append(self._change(event.type, event.entry))
        else:
            self._report_unknown(event)
            if self._is_certain(event.resource_version):
                self._advance(None, event.resource_version)
        self._fruitless = 0
        self._fruitless_relisted = self._was_too_large = self._bookmarks_missing = False

    def _change(self, kind: EventType, entry: Entry) -> Change:
        self._events += 1
        self._advance(kind, entry.resource_version)
        return Remove(entry) if kind is EventType.DELETED else Upsert(entry)

    def _is_certain(self, version: str) -> bool:
        """Whether a version that comes without an object of ours is one to resume from.

        Not where it lies before ours: what is known would be told again. Nor where it is no number though ours is one:
        the server would refuse it, and go on to refuse it for ever.
        """
        if version in {"", "0"}:
            return False
        return not is_comparable(self._version) or (is_comparable(version) and not is_older(version, self._version))

    def _advance(self, kind: EventType | None, version: str) -> None:
        """Moves the point to resume from: to the last event's version, which need not be the largest."""
        if self._unordered:
            if kind is EventType.ADDED:
                return
            self._unordered = False
        if version:
            self._version = version

    # ---- the ways a request can end

    def _begin_sync(self, now: float) -> None:
        self._begin_list()
        refused = self._support.refused(self._host, self._resource, now)
        self._phase = _Phase.INITIAL if self._options.streaming and not refused else _Phase.PAGES

    def _begin_list(self) -> None:
        self._scratch = {}
        self._token = self._list_version = ""
        self._tokens_expired = 0

    def _complete(self, version: str, how: ReflectorState) -> Replace:
        replace = Replace(self._scratch, version)
        self._scratch = {}
        self._token = ""
        self._version = version if version != "0" else ""  # neither is a version to resume from
        self._phase = _Phase.WATCH
        self._synced = True
        self._initial_fetch = how
        self._was_too_large = False
        return replace

    def _list_failed(self, now: float, error: Exception) -> None:
        reason = reason_of(error)
        in_the_middle = bool(self._token)
        if in_the_middle and (reason is Reason.EXPIRED or isinstance(error, BadRequestError)):
            self._restart_list(now, error)
            return
        self._report(reason, error)
        # The pages fetched so far stay: the token is still good, or else the server will say so.
        self._restart(now, reason, _Phase.PAGES if in_the_middle else _Phase.SYNC, self._delay(now, error))

    def _restart_list(self, now: float, error: Exception) -> None:
        """The server does not take the continue token (any more): from the first page, the next time without pages."""
        self._report(Reason.CONTINUE_EXPIRED, error)
        expired = self._tokens_expired + 1
        self._begin_list()
        self._tokens_expired = expired
        # Once is bad luck and costs no wait; a server that does it again must not be asked in a tight loop.
        self._restart(now, Reason.CONTINUE_EXPIRED, _Phase.PAGES, self._delay(now, error) if expired > 1 else 0.0)

    def _initial_failed(self, now: float, error: Exception) -> None:
        reason = reason_of(error)
        if refuses_streaming(error):
            self._without_streaming(now, Reason.STREAMING_UNSUPPORTED, None)
        elif reason is Reason.CONNECTION and now - self._progress > _INITIAL_SILENCE - 0.1:
            self._without_streaming(now, Reason.STREAMING_STALLED, error)
        elif reason in {Reason.EXPIRED, Reason.TOO_LARGE, Reason.NOT_FOUND, Reason.REFUSED}:
            self._resync(now, reason, error, "")
        else:
            self._resync(now, reason, error, self._sync_version)

    def _without_streaming(self, now: float, reason: Reason, error: Exception | None) -> None:
        """This server cannot stream: pages, now and for some time to come."""
        if error is not None:
            self._report(reason, error)
        self._support.refuse(self._host, self._resource, now)
        self._restart(now, reason, _Phase.SYNC, 0.0)

    def _watch_failed(self, now: float, error: Exception, *, in_stream: bool) -> None:
        self._leave_stream()
        reason = reason_of(error)
        if reason is Reason.CONNECTION and now - self._progress > self._read_timeout - 0.1:
            reason = Reason.IDLE
            self._bookmarks_missing = self._bookmarks_missing or self._bookmarks_come
            self._bookmarks_come = False  # if it was only a server that sends none, the next watch gets its full time
        if reason is Reason.EXPIRED:
            self._watch_expired(now, error)
        elif reason is Reason.NOT_FOUND:
            self._resync(now, reason, error, "")
        elif reason is Reason.TOO_LARGE:
            if self._was_too_large:
                self._resync(now, reason, error, "")
            else:
                self._was_too_large = True
                self._rewatch(now, reason, error)
        elif in_stream and self._is_final(now, error):
            self._resync(now, Reason.WATCH_ERROR, error, self._version)
        elif reason in _RETRY_IN_PLACE or reason in {Reason.IDLE, Reason.SERVER_ERROR}:
            self._rewatch(now, reason, error)
        else:
            self._fruitless_watch(now, reason, error)

    def _watch_expired(self, now: float, error: Exception) -> None:
        """410: the server is well, only our version is not, so the fetch need not wait as for a server that is not.

        It is what ends an outage: by then the back-off has grown, and was waited for before this watch.
        """
        self._report(Reason.EXPIRED, error)
        self._sync_version = self._version
        delay = self._delay(now, error)
        if now - self._last_expiry >= _EXPIRY_INTERVAL and not (
            isinstance(error, ApiStatusError) and error.retry_after
        ):
            self._last_expiry = now
            delay = min(delay, self._backoff.shortest())
        self._restart(now, Reason.EXPIRED, _Phase.SYNC, delay)

    def _is_final(self, now: float, error: Exception) -> bool:
        """Whether an ERROR event says that resuming will not do."""
        if not isinstance(error, ApiStatusError) or reason_of(error) in _RETRY_IN_PLACE or error.code in {503, 504}:
            return False
        if error.reason != "InternalError":
            return True
        if now - self._last_internal >= _INTERNAL_QUIET:
            self._first_internal = now
        self._last_internal = now
        return now - self._first_internal > _INTERNAL_WINDOW

    def _fruitless_watch(self, now: float, reason: Reason, error: Exception) -> None:
        """A watch came to nothing: again after a wait, and after several in a row everything is fetched, once."""
        self._fruitless += 1
        if self._fruitless < _FRUITLESS_LIMIT or self._fruitless_relisted:
            self._rewatch(now, reason, error)
            return
        self._fruitless = 0
        self._fruitless_relisted = True
        self._resync(now, Reason.FRUITLESS, error, "")

    def _rewatch(self, now: float, reason: Reason, error: Exception) -> None:
        self._report(reason, error)
        phase = _Phase.WATCH if self._version else _Phase.SYNC
        self._restart(now, reason, phase, self._delay(now, error))

    def _resync(self, now: float, reason: Reason, error: Exception, version: str) -> None:
        self._report(reason, error)
        self._sync_version = version
        self._restart(now, reason, _Phase.SYNC, self._delay(now, error))

    def _restart(self, now: float, reason: Reason, phase: _Phase, delay: float) -> None:
        self._restarts[reason.value] = self._restarts.get(reason.value, 0) + 1
        self._phase = phase
        if phase is _Phase.SYNC:
            self._scratch = {}  # half a fetch is worth nothing, and may be large
        self._due = now + delay
        self._due_reason = reason

    def _leave_stream(self) -> None:
        self._streaming = self._connected = False

    # ---- waits and reports

    def _delay(self, now: float, error: Exception | None = None) -> float:
        """Seconds until the next try: the back-off's, or what the server asks for where that is longer."""
        if self._healthy_since is not None and now - self._healthy_since >= _HEALTHY_AFTER:
            self._backoff.reset()
        self._healthy_since = None
        delay = self._backoff.step()
        if isinstance(error, ApiStatusError) and error.retry_after:
            asked = min(error.retry_after, _RETRY_AFTER_CAP)
            delay = max(delay, asked * (1.0 + 0.5 * self._rng.random()))
        return delay

    def _live_read_timeout(self) -> float:
        timeout = self._watch_timeout + _WATCH_GRACE
        return min(timeout, _BOOKMARK_SILENCE) if self._bookmarks_come else timeout

    def _report(self, reason: Reason, error: Exception) -> None:
        self._reports.append(Report(self._name, reason, error))

    def _report_poison(self, event: PoisonEvent) -> None:
        self._poison += 1
        self._reports.append(Report(self._name, Reason.POISON, event.error, event.key_hint))

    def _report_odd_bookmark(self, version: str) -> None:
        if version:
            why = f"its resourceVersion {version!r} is none to go on from, after {self._version!r}"
            self._report(Reason.POISON, UndecodableObjectError("a bookmark", why))

    def _report_unknown(self, event: UnknownEvent) -> None:
        self._report(Reason.UNKNOWN_EVENT, FrameError(f"a watch event of the unknown type {event.type!r}"))
