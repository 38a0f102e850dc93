"""What lies between a reflector's machine and the cluster, without threads: requests, streams of bytes, and their fates.

A ``Link`` stands in for ``kinform.reflector.ReflectorThread``: it drives the same machine and the same decoder, but does
one thing at a time, when it is told to.
"""

from __future__ import annotations

import random
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tests.reliability.model.cluster import PODS

from kinform.errors import ApiStatusError, FrameError, Status, StatusCause, StatusDetails, TransportError, status_error
from kinform.reflector import ListPage, Reflector, ReflectorOptions, ReflectorState, StreamingSupport, Wait, Watch
from kinform.testing import VirtualClock
from kinform.wire import Decoder, FrameSplitter

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from tests.reliability.model.cluster import Cluster, State

    from kinform.informer.source import SourceRequest
    from kinform.reflector import ReflectorStatistics
    from kinform.wire import Change, WatchEvent

__all__ = ["FATES", "Fate", "Link", "Network", "Streaming"]

_TICK: Final = 10.0  # seconds at a time, so that what falls due meanwhile falls due in order
_BOOKMARKS: Final = 60.0


class Streaming(StrEnum):
    """What the server makes of streaming lists."""

    ON = "on"
    OFF = "off"
    IGNORED = "ignored"


class Fate(StrEnum):
    """What becomes of the next request, or of an open stream. Those that make no sense there are fine."""

    FINE = "fine"
    PART = "part"  # of a stream: some of its bytes, wherever that cuts them
    TWICE = "twice"  # of a stream: each event twice from now on
    STALL = "stall"  # of a stream: nothing more comes, and nobody says so
    CLOSE = "close"  # of a stream: ends in good order
    TORN = "torn"  # of a stream: ends in good order, in the middle of a line
    RESET = "reset"
    GARBAGE = "garbage"
    EXPIRED = "expired"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"


FATES: Final = tuple(Fate)

_ERRORS: Final = {
    Fate.EXPIRED: (410, "Expired"),
    Fate.INTERNAL: (500, "InternalError"),
    Fate.UNAVAILABLE: (503, "ServiceUnavailable"),
    Fate.THROTTLED: (429, "TooManyRequests"),
    Fate.UNAUTHORIZED: (401, "Unauthorized"),
    Fate.FORBIDDEN: (403, "Forbidden"),
}


class _Stream:
    """One watch that is open: where it is in the log, and what is on its way."""

    def __init__(self, opened: float, timeout: float, after: int) -> None:
        self.opened = opened
        self.ends = opened + timeout
        self.after = after
        self.last_data = opened
        self.last_bookmark = opened
        self.under_way = bytearray()
        self.splitter = FrameSplitter()
        self.end_bookmark_due = False
        self.stalled = False
        self.twice = False
        self.over = False  # the server has said its last


class Link:
    """Feeds one namespace of an informer from the cluster; what ``SharedInformer`` calls a source."""

    def __init__(self, network: Network, request: SourceRequest) -> None:
        self.network = network
        self.cluster = network.cluster
        self.clock = network.clock
        self.request = request
        self.namespace = request.namespace
        self.app = request.options.label_selector.removeprefix("app=")
        options = ReflectorOptions(label_selector=request.options.label_selector, page_size=2)
        self.machine = Reflector(
            PODS, options, network.random, name=request.name, host="https://cluster", support=network.support
        )
        self.decoder = Decoder(PODS, request.transform, known=request.known)
        self.stream: _Stream | None = None
        self.running = False

    # ---- for the informer

    @property
    def name(self) -> str:
        return self.request.name

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False
        self.stream = None

    def join(self, timeout: float | None) -> bool:
        return True

    def statistics(self) -> ReflectorStatistics:
        return self.machine.statistics()

    # ---- for the rules

    @property
    def follows(self) -> bool:
        """Whether a watch is open, after a full fetch, with nothing on its way."""
        stream = self.stream
        return (
            stream is not None
            and self.machine.statistics().state is ReflectorState.WATCHING
            and not stream.under_way
            and stream.after == self.cluster.revision
        )

    @property
    def silent(self) -> bool:
        """Whether nothing will come of the open stream but time."""
        stream = self.stream
        return stream is not None and not self.follows and (stream.stalled or not stream.under_way)

    def act(self, fate: Fate, amount: int = 0) -> None:
        """Does the next thing: waits, sends a request that meets this fate, or reads on in the open stream."""
        if not self.running:
            return
        if self.stream is not None:
            self._read(self.stream, fate, amount)
        else:
            action = self.machine.next(self.clock.monotonic())
            if isinstance(action, Wait):
                self.network.pass_time(action.seconds)
            else:
                self.network.figures["model: requests"] += 1
                self.machine.sent(self.clock.monotonic())
                try:
                    self._list(action, fate) if isinstance(action, ListPage) else self._open(action, fate)
                except (ApiStatusError, TransportError) as error:
                    self.machine.failed(self.clock.monotonic(), error)
        self._tell()

    def bookmark(self) -> None:
        """The server says how far it is."""
        if self.stream is not None:
            self._bookmark(self.stream)
            self._deliver(self.stream, None)

    def tick(self) -> None:
        """Some time has passed: what the server does by itself, and what the client's patience comes to."""
        stream, now = self.stream, self.clock.monotonic()
        if stream is None:
            return
        if not stream.stalled:
            if now - stream.last_bookmark >= _BOOKMARKS:
                self._bookmark(stream)
            self._deliver(stream, None)
            if self.stream is not None and now >= stream.ends:
                self._end(stream)
        if self.stream is not None and now - stream.last_data >= self.machine.read_timeout:
            self._break(TransportError("nothing came for too long"))
        self._tell()

    def disconnect(self) -> None:
        """The server went away."""
        if self.stream is not None:
            self._break(TransportError("the connection was reset"))
            self._tell()

    # ---- requests

    def _list(self, action: ListPage, fate: Fate) -> None:
        self._refuse(fate)
        query = dict(action.query)
        at, _, offset = query.get("continue", f"{self.cluster.revision}:0").partition(":")
        version, start = int(at), int(offset)
        if version < self.cluster.floor and "continue" in query:
            raise _error(Fate.EXPIRED)
        states = [*self.cluster.selected(self.namespace, self.app, version).values()]
        end = start + int(query.get("limit", len(states) + 1))
        token = f"{version}:{end}" if end < len(states) else ""
        head = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"%d","continue":"%s"},"items":['
        body = head % (version, token.encode()) + b",".join(each.json() for each in states[start:end]) + b"]}"
        page = self.decoder.page(body)
        self._hand_over(self.machine.page(self.clock.monotonic(), page))

    def _open(self, action: Watch, fate: Fate) -> None:
        self._refuse(fate)
        query = dict(action.query)
        version = int(query.get("resourceVersion", "0"))
        if action.initial and self.network.streaming is Streaming.OFF:
            raise _unsupported()
        if version > self.cluster.revision:
            raise _too_large(version, self.cluster.revision)
        now = self.clock.monotonic()
        after = self.cluster.revision if action.initial or not version else version
        stream = self.stream = _Stream(now, float(query["timeoutSeconds"]), after)
        self.machine.stream_opened(now)
        if not action.initial and version < self.cluster.floor:
            self._say_error(stream, Fate.EXPIRED)
        elif action.initial:
            states: Sequence[State] = [*self.cluster.selected(self.namespace, self.app).values()]
            self.network.random.shuffle(states := [*states])
            for state in states:
                stream.under_way += b'{"type":"ADDED","object":%s}\n' % state.json()
            # What happens until it is read comes before the end bookmark.
            stream.end_bookmark_due = self.network.streaming is Streaming.ON

    def _refuse(self, fate: Fate) -> None:
        if fate in _ERRORS:
            self.network.suffered(fate)
            raise _error(fate)
        if fate in {Fate.RESET, Fate.TORN}:
            self.network.suffered(fate)
            raise TransportError("the connection was reset")
        if fate is Fate.GARBAGE:
            self.network.suffered(fate)
            self.decoder.page(b"<html>Bad gateway</html>")

    # ---- streams

    def _read(self, stream: _Stream, fate: Fate, amount: int) -> None:
        if stream.stalled:
            return  # time alone ends that
        if fate not in {Fate.FINE, Fate.PART}:
            self.network.suffered(fate)
        if fate is Fate.PART:
            self._deliver(stream, amount)
        elif fate is Fate.TWICE:
            stream.twice = True
        elif fate is Fate.STALL:
            self._deliver(stream, amount)
            stream.stalled = True
        elif fate is Fate.RESET:
            self._deliver(stream, amount)
            self._break(TransportError("the connection was reset"))
        elif fate is Fate.TORN:
            self._deliver(stream, amount)
            self._end(stream)
        elif fate is Fate.CLOSE:
            self._deliver(stream, None)
            self._end(stream)
        elif fate is Fate.GARBAGE:
            self._deliver(stream, None)
            stream.under_way += b"\x00\xff<garbage>\n"  # on a line of its own: within an object nobody could tell
            self._deliver(stream, None)
        else:
            if fate in _ERRORS:
                self._fill(stream)
                self._say_error(stream, fate)
            self._deliver(stream, None)
            if stream.over:
                self._end(stream)

    def _fill(self, stream: _Stream) -> bool:
        """Brings on its way what has happened; False where the server has said its last."""
        if stream.over:
            return False
        if stream.after < self.cluster.floor:
            self._say_error(stream, Fate.EXPIRED)
            return False
        for _, line in self.cluster.events(stream.after, self.namespace, self.app):
            stream.under_way += line * (1 + stream.twice)
        stream.after = self.cluster.revision
        if stream.end_bookmark_due:
            self._bookmark(stream, ends_initial_events=True)
        return True

    def _bookmark(self, stream: _Stream, *, ends_initial_events: bool = False) -> None:
        if not ends_initial_events and not self._fill(stream):
            return
        annotations = b',"annotations":{"k8s.io/initial-events-end":"true"}' if ends_initial_events else b""
        stream.under_way += (
            b'{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"%d"%s}}}\n'
            % (stream.after, annotations)
        )
        stream.end_bookmark_due = False
        stream.last_bookmark = self.clock.monotonic()

    def _say_error(self, stream: _Stream, fate: Fate) -> None:
        code, reason = _ERRORS[fate]
        status = b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"so it is","reason":"%s","code":%d}'
        stream.under_way += b'{"type":"ERROR","object":%s}\n' % (status % (reason.encode(), code))
        stream.over = True

    def _deliver(self, stream: _Stream, amount: int | None) -> None:
        self._fill(stream)
        chunk = bytes(stream.under_way[:amount])
        del stream.under_way[: len(chunk)]
        if not chunk or self.stream is not stream:
            return
        stream.last_data = self.clock.monotonic()
        try:
            self._take(stream.splitter.feed(chunk))
        except (ApiStatusError, TransportError) as error:
            self._break(error)
        if not self.machine.streaming:
            self.stream = None

    def _take(self, frames: Sequence[bytes]) -> None:
        events: list[WatchEvent] = []
        try:
            for frame in frames:
                events.append(self.decoder.event(frame))
        finally:
            if events:
                self._hand_over(self.machine.events(self.clock.monotonic(), events))

    def _end(self, stream: _Stream) -> None:
        if self.stream is not stream:
            return
        try:
            self._take(stream.splitter.finish())
        except FrameError as error:
            self._break(error)
        else:
            self.machine.stream_ended(self.clock.monotonic())
            self.stream = None

    def _break(self, error: Exception) -> None:
        self.stream = None
        self.machine.failed(self.clock.monotonic(), error)

    # ---- to the informer

    def _hand_over(self, changes: list[Change]) -> None:
        if changes and self.running:
            self.request.sink(changes)

    def _tell(self) -> None:
        for report in self.machine.take_reports():
            if self.running:
                self.request.report(report)


class Network:
    """All links of an informer to one cluster, and their time."""

    def __init__(self, cluster: Cluster, clock: VirtualClock, streaming: Streaming, figures: Counter[str]) -> None:
        self.cluster = cluster
        self.clock = clock
        self.streaming = streaming
        self.figures = figures
        self.random = random.Random(7)
        self.support = StreamingSupport()
        self.links: list[Link] = []

    def __call__(self, request: SourceRequest) -> Link:
        """Makes what an informer asks of its ``source_factory``."""
        link = Link(self, request)
        self.links.append(link)
        return link

    def pass_time(self, seconds: float) -> None:
        while seconds > 0:
            self.clock.advance(min(seconds, _TICK))
            seconds -= _TICK
            for link in self.links:
                link.tick()

    def suffered(self, fate: Fate) -> None:
        self.figures[f"model: fault {fate}"] += 1


def _error(fate: Fate) -> ApiStatusError:
    code, reason = _ERRORS[fate]
    return status_error(Status(code, reason, "so it is"), retry_after=3 if fate is Fate.THROTTLED else None)


def _unsupported() -> ApiStatusError:
    text = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
    details = StatusDetails(causes=(StatusCause("FieldValueForbidden", text, "sendInitialEvents"),))
    return status_error(Status(422, "Invalid", f"invalid: sendInitialEvents: {text}", details))


def _too_large(version: int, current: int) -> ApiStatusError:
    text = f"Too large resource version: {version}, current: {current}"
    details = StatusDetails(causes=(StatusCause("ResourceVersionTooLarge", "Too large resource version", ""),))
    return status_error(Status(504, "Timeout", text, details), retry_after=1)
