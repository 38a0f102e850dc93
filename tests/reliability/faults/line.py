"""Between one reflector and the server: its waits take no time, its requests suffer what a cell has for them."""

from __future__ import annotations

import contextlib
import threading
import zlib
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlencode

from tests.reliability.faults.cells import Act, Down, Silence
from tests.reliability.faults.trace import Asked, Trace

from kinform.errors import TransportError
from kinform.testing import VirtualClock
from kinform.testing.server import Stall
from kinform_k8s.resources.core.v1 import PODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.reliability.faults.cells import Step
    from tests.reliability.faults.scene import Scene

    from kinform.reflector.queries import Query
    from kinform.testing.server import Fault, RecordedRequest
    from kinform.transport import Abort, Stream, Transport

__all__ = ["JumpingClock", "Line", "LineClock", "LineTransport"]

_REHEARSAL: Final = "x-rehearsal"
_HELD: Final = 10.0  # real seconds
_SILENCE: Final = 0.15  # real seconds that stand for the reflector's patience, where a cell tries it
_WAITS: Final = 200  # no cell has more; a reflector that runs away is held


class JumpingClock(VirtualClock):
    """Time that passes in no time, whenever a reflector waits."""

    def jump(self, event: threading.Event, seconds: float) -> bool:
        """Lets them pass."""
        if not event.is_set():
            self.advance(seconds)
        return event.is_set()


class LineClock:
    """The clock as one reflector sees it: its waits are noted, and what was to happen meanwhile happens."""

    def __init__(self, clock: JumpingClock, line: Line) -> None:
        self._clock = clock
        self._line = line
        self.monotonic = clock.monotonic
        self.boottime = clock.boottime
        self.wall = clock.wall
        self.wait_condition = clock.wait_condition

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        assert timeout is not None
        if event.is_set() or len(self._line.trace.waits) >= _WAITS:
            return event.wait(_HELD)
        self._line.waits(timeout)
        return self._clock.jump(event, timeout)


class _LineStream:
    """A stream whose silence is left at once, and counts as if it had lasted as long as it may."""

    def __init__(self, stream: Stream, patience: float, clock: JumpingClock) -> None:
        self._stream = stream
        self._patience = patience
        self._clock = clock
        self.close = stream.close

    def read(self) -> bytes:
        with impatient(self._clock, lambda: self._patience):
            return self._stream.read()

    def set_read_timeout(self, seconds: float) -> None:
        self._patience = seconds


@contextlib.contextmanager
def impatient(clock: JumpingClock, patience: Callable[[], float]) -> Iterator[None]:
    try:
        yield
    except TransportError as error:
        if "no bytes for" in str(error):
            clock.advance(patience())
        raise


class LineTransport:
    """The transport as one reflector sees it: what a request is to suffer is arranged right before it goes out."""

    def __init__(self, transport: Transport, clock: JumpingClock, line: Line) -> None:
        self._transport = transport
        self._clock = clock
        self._line = line
        self.host = transport.host

    def fetch(
        self,
        path: str,
        take: Callable[[bytes], object],
        *,
        query: Query,
        accept: str,
        timeout: float,
        abort: Abort,
    ) -> None:
        hurried = self._line.asks(query)
        with impatient(self._clock, lambda: timeout):
            silence = _SILENCE if hurried else timeout
            self._transport.fetch(path, take, query=query, accept=accept, timeout=silence, abort=abort)

    def open(
        self,
        path: str,
        *,
        query: Query,
        accept: str,
        abort: Abort,
        read_timeout: float,
        on_send: Callable[[], None],
    ) -> Stream:
        hurried = self._line.asks(query)

        def sent() -> None:
            on_send()
            self._clock.advance(self._line.life())

        with impatient(self._clock, lambda: read_timeout):
            silence = _SILENCE if hurried else read_timeout
            stream = self._transport.open(
                path, query=query, accept=accept, abort=abort, read_timeout=silence, on_send=sent
            )
        return cast("Stream", _LineStream(stream, read_timeout, self._clock)) if hurried else stream


class Line:
    """Between one reflector and the server: counts, waits, and the faults of one namespace."""

    def __init__(self, scene: Scene, namespace: str) -> None:
        self.trace = Trace()
        self.steps: list[Step] = []
        self.faults: list[Fault] = []
        self.suffers: Callable[[Asked], bool] = lambda asked: False
        self.at_next_wait: Callable[[], object] | None = None
        self.meanwhile: Callable[[], object] | None = None
        self._scene = scene
        self._path = PODS.path(namespace)
        self.struck = False
        self._life = 0.0
        self._outage = contextlib.ExitStack()
        self._outage_changes = threading.Lock()

    def arm(self, steps: Sequence[Step], suffers: Callable[[Asked], bool], *, lives: float) -> None:
        """From now on these requests suffer."""
        self.steps = [*steps]
        self.suffers = suffers
        self._life = lives

    def is_ours(self, request: RecordedRequest) -> bool:
        """Whether the server got it from this reflector."""
        return request.path == self._path and _REHEARSAL not in request.headers

    def requests(self) -> list[RecordedRequest]:
        """What the server got."""
        return [request for request in self._scene.server.requests if self.is_ours(request)]

    def break_down(self) -> None:
        """Nobody listens any more, until the reflector waits."""
        with self._outage_changes:
            self._outage.enter_context(self._scene.server.outage())

    # ---- on the reflector's thread

    def waits(self, seconds: float) -> None:
        """The reflector is about to wait."""
        with self._outage_changes:
            self._outage.close()
        self.trace.waits.append((len(self.requests()), seconds))
        self._scene.see_nothing_half_fetched()
        act, self.at_next_wait = self.at_next_wait, None
        if act is not None:
            act()
        self.happen()

    def asks(self, query: Query) -> bool:
        """The reflector is about to send a request; whether it is to be left after a short silence."""
        self._scene.ready.wait(_HELD)  # where the factory was started before, the informer runs as soon as it is there
        self.happen()
        self._scene.see_nothing_half_fetched()
        asked = Asked.of(dict(query))
        self.trace.note(asked, self._scene.known_version())
        if not self.steps or not self.suffers(asked):
            return False
        step = self.steps.pop(0)
        self.struck = True
        if isinstance(step, Act):
            step.does(self._scene.server)
            return False
        if isinstance(step, Down):
            self.break_down()
            return False
        if isinstance(step, Silence):
            return True
        effects = step if isinstance(step, tuple) else (step,)
        for each in effects:
            effect = each(self._rehearse(query)) if callable(each) else each
            if effect is not None:
                self.faults.append(self._scene.server.fault_next(self.is_ours, effect))
        return isinstance(effect, Stall)

    def life(self) -> float:
        """Seconds that the request that has just gone out lives; once."""
        if not self.struck:
            return 0.0
        life, self._life = self._life, 0.0
        return life

    def happen(self) -> None:
        """What was to happen after the first fault happens, once."""
        if self.struck and (act := self.meanwhile) is not None:
            self.meanwhile = None
            act()

    def _rehearse(self, query: Query) -> bytes:
        """The answer as it would be now: all of it, or, of a stream, what is there already. Not decompressed."""
        asked = Asked.of(dict(query))
        response = self._scene.get(f"{self._path}?{urlencode(query)}", {_REHEARSAL: "1", "Accept-Encoding": "gzip"})
        try:
            assert response.status == 200, "what suffers nothing succeeds"
            if asked.is_list:
                return response.read(decode_content=False)
            marks = (b"initial-events-end",) if asked.is_stream else self._scene.latest_event()
            raw = b""
            chunks = response.read_chunked(decode_content=False)
            while marks and not any(mark in _decompressed(raw) for mark in marks):
                raw += next(chunks)
            return raw
        finally:
            response.close()


def _decompressed(raw: bytes) -> bytes:
    text = b""
    while raw.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        text += member.decompress(raw)
        raw = member.unused_data
    return text + raw
