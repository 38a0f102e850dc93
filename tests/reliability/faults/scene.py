"""The stage of the fault matrix: a server in memory over real HTTP, one informer, and time that jumps over every wait."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, Self, cast

import urllib3
from tests.reliability.faults.cells import CLEF, Act, Down, Mode, Phase
from tests.reliability.faults.history import History, Version, version_of
from tests.reliability.faults.line import JumpingClock, Line, LineClock, LineTransport
from tests.reliability.faults.trace import Asked

from kinform import ObjectKey, PartialObjectMetadata
from kinform.informer.source import reflector_options
from kinform.reflector import ReflectorThread, StreamingSupport
from kinform.testing import Server
from kinform_k8s import SharedInformerFactory
from kinform_k8s.resources.core.v1 import NODES, PODS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.reliability.faults.cells import Cell

    from kinform import ErrorReport
    from kinform.informer.source import SourceRequest
    from kinform.testing.server.documents import JsonObject
    from kinform.transport import Transport

__all__ = ["Scene"]

PAGE_SIZE: Final = 4
_OBJECTS: Final = 9
_TIMEOUT: Final = 10.0  # real seconds for anything to happen
_HEALTHY: Final = 200.0  # virtual seconds after which the back-off has started over
_FIRST_FETCH: Final = {Mode.STREAMING: "S!", Mode.PAGING: "S! L P P W"}
_PREFIXES: Final = {
    (Mode.STREAMING, Phase.INITIAL): (),
    (Mode.PAGING, Phase.INITIAL): ("S!",),  # refused: this server does not stream
    (Mode.STREAMING, Phase.RELIST): ("b",),  # the 410 that makes it necessary
    (Mode.PAGING, Phase.RELIST): ("b",),
    (Mode.STREAMING, Phase.WATCH): ("j",),  # the end of the watch before
    (Mode.PAGING, Phase.WATCH): ("j",),
    (Mode.STREAMING, Phase.LIVE): (),
    (Mode.PAGING, Phase.LIVE): (),
}
_MANAGED: Final = [{"manager": "kubectl", "operation": "Update"}]
_MANAGED_BYTES: Final = b',"managedFields":[{"manager":"kubectl","operation":"Update"}]'


def _place(pod: JsonObject) -> tuple[ObjectKey, str]:
    metadata = cast("JsonObject", pod["metadata"])
    return ObjectKey(str(metadata["namespace"]), str(metadata["name"])), str(metadata["resourceVersion"])


class Scene:
    """One case: a server with some pods, a factory, an informer, a handler.

    Args:
        cell: What goes wrong.
        mode: How everything is fetched.
        namespace: Where the pods are.
        beside: The scene whose server and factory this one shares; it is entered first, and left last.
        tls: Whether the server speaks HTTPS.
    """

    def __init__(
        self, cell: Cell, mode: Mode, *, namespace: str = "shop", beside: Scene | None = None, tls: bool = False
    ) -> None:
        self.cell = cell
        self.mode = mode
        self.namespace = namespace
        self._beside = beside
        self._scenes: dict[str, Scene] = {} if beside is None else beside._scenes
        self._scenes[namespace] = self
        self.server: Server = beside.server if beside else self._make_server(tls=tls)
        # Each has a time of its own, so that none jumps over another's waits; they begin alike, for what is remembered.
        self.clock: JumpingClock = JumpingClock(1_000.0 if beside is None else beside.clock.monotonic())
        self.history = History()
        self.reports: list[ErrorReport] = []
        self.line = Line(self, namespace)
        self._support: StreamingSupport = beside._support if beside else StreamingSupport()
        self.ready: threading.Event = threading.Event()
        self._markers = 0
        self._seen: tuple[str, dict[ObjectKey, Version]] = ("", {})
        for number in reversed(range(_OBJECTS)):  # so that lists are not in the order of resourceVersions
            pod = self.put(f"p{number}")
        self._last_of_the_first = _place(pod)
        self._events_since = self.server.resource_version

    def _make_server(self, *, tls: bool) -> Server:
        watch_list: Literal["on", "off", "ignored"] = "off" if self.mode is Mode.PAGING else self.cell.watch_list
        return Server([PODS, NODES], watch_list=watch_list, gzip=self.cell.gzip, freshness_timeout=0.01, tls=tls)

    def __enter__(self) -> Self:
        if self._beside is None:
            self.server.start()
            self._pool: urllib3.PoolManager = self.server.client().rest_client.pool_manager  # type: ignore[attr-defined]
            self.factory = SharedInformerFactory(
                self.server.client,
                clock=self.clock,
                source_factory=lambda asked: self._scenes[asked.namespace].source(asked),
            )
        else:
            self._pool, self.factory = self._beside._pool, self._beside.factory
        self.informer = self.factory.core().v1().pods(namespace=self.namespace).informer()
        self.informer.add_handler(self.history)
        self.factory.on_error(self._hear)
        self.ready.set()
        return self

    def _hear(self, report: ErrorReport) -> None:
        if report.informer == self.informer.name:
            self.reports.append(report)

    def __exit__(self, *_: object) -> None:
        self.line.at_next_wait = self.line.meanwhile = None
        if self._beside is None:
            unfinished = self.factory.stop(_TIMEOUT).unfinished
            self.server.stop()
            assert unfinished == ()

    def source(self, request: SourceRequest) -> ReflectorThread:
        """As ``reflector_source``, but with small pages, and between the reflector and the world: the line."""
        return ReflectorThread(
            request.resource,
            request.namespace,
            replace(reflector_options(request.options), page_size=PAGE_SIZE),
            cast("Transport", LineTransport(request.transport, self.clock, self.line)),
            sink=request.sink,
            report=request.report,
            clock=LineClock(self.clock, self.line),
            name=request.name,
            known=request.known,
            support=self._support,
            rng=random.Random(self.cell.name),
        )

    def get(self, target: str, headers: Mapping[str, str]) -> urllib3.HTTPResponse:
        """Asks the server beside the informer; the answer's body is still to be read, as it comes over the wire."""
        found = self._pool.request(
            "GET", f"{self.server.url}{target}", headers={**headers}, preload_content=False, decode_content=False
        )
        assert isinstance(found, urllib3.HTTPResponse)
        return found

    # ---- the world

    def put(self, name: str, **annotations: str) -> JsonObject:
        """Writes a pod, and a node with it: resourceVersions have gaps."""
        node = {"name": name, "annotations": annotations}
        self.server.put({"apiVersion": "v1", "kind": "Node", "metadata": node})
        metadata: Mapping[str, object] = {
            "name": name,
            "namespace": self.namespace,
            "annotations": {"text": f'ü "{CLEF}" \\ \n €', **annotations},
            "managedFields": _MANAGED,
        }
        spec = {"containers": [{"name": "main", "image": CLEF * 10}], "unheardOf": [1, 2.50, None]}
        return self.server.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

    def stir(self, round_: int) -> None:
        """One pod goes, one changes twice, one comes, one comes and goes, one is replaced by another of its name."""
        gone, changed, replaced = (f"p{3 * round_ + n}" for n in range(3))
        self.put(changed, state="first")
        self.server.delete(PODS, gone, self.namespace)
        self.put(f"new-{round_}")
        self.put(f"brief-{round_}")
        self.server.delete(PODS, replaced, self.namespace)
        self.server.delete(PODS, f"brief-{round_}", self.namespace)
        self.put(replaced, state=f"another, of round {round_}")
        self.put(changed, state="second")

    def known_version(self) -> str:
        """What the cache is the state of."""
        return self.informer._store.resource_version(self.namespace)

    def cached(self) -> dict[ObjectKey, Version]:
        """What is in the cache."""
        return {entry.key: version_of(entry) for entry in self.informer.read_entries(allow_unsynced=True)}

    def see_nothing_half_fetched(self) -> None:
        """Between two requests the cache has changed only if it is now the state of another version."""
        version, cached = self.known_version(), self.cached()
        if version == self._seen[0] and cached != self._seen[1]:
            self.line.trace.wrong.append(f"half a fetch is in the cache: {cached}, not {self._seen[1]}")
        self._seen = version, cached

    def latest_event(self) -> tuple[bytes, ...]:
        """What a watch tells last of all that has happened; nothing if nothing has since the last fetch."""
        latest = self.server.resource_version
        return () if latest == self._events_since else (f'"resourceVersion":"{latest}"'.encode(),)

    def mark(self) -> None:
        """Puts a pod that the handler must hear of."""
        self._markers += 1
        pod = self.put(f"marker-{self._markers % 2}", number=str(self._markers))
        self.history.await_version(*_place(pod), _TIMEOUT)

    # ---- the play

    def play(self, phase: Phase) -> None:
        """From the start until the fault is over, all that is new has arrived, and one more watch has been resumed."""
        cell, line = self.cell, self.line
        expected = [*_PREFIXES[self.mode, phase], *(cell.expected(self.mode) or "").split()]
        if phase is Phase.INITIAL:
            expected = [
                "S!" if each == "S" else each for each in expected
            ]  # nothing is known that it could be as new as
            self._arm(phase, then=lambda: self.stir(1))
            self.factory.start()
        elif phase is Phase.LIVE:
            self._live()
        else:
            self._begin()
            line.at_next_wait = lambda: self._strike(phase)
            self.server.disconnect_watches(how="clean" if phase is Phase.WATCH else "expired")
        self._await_requests(expected)
        line.happen()
        self.mark()
        self.mark()
        self.server.wait_for_watches(len(self._scenes), resource=PODS)
        for scene in self._scenes.values():
            scene.clock.advance(_HEALTHY)
        self.server.disconnect_watches(how="clean")
        expected += ["j", "W+" if expected[-1:] in (["W"], ["W+"]) else "W"]  # the marks have come on the one before
        self._await_requests(expected)
        self.mark()
        line.trace.check(expected, line.requests(), cell.retry_after)

    def look_on(self, expected: str) -> None:
        """After the play of the scene beside: this informer has done this, has missed nothing, and goes on."""
        self._await_requests(expected.split())
        self.mark()
        self.line.trace.check(expected.split(), self.line.requests(), 0.0)

    def _arm(self, phase: Phase, *, then: Callable[[], object] | None) -> None:
        fetches = phase in {Phase.INITIAL, Phase.RELIST} or (phase is Phase.LIVE and self.mode is Mode.STREAMING)

        def suffers(asked: Asked) -> bool:
            if not fetches:
                return asked.letter == "W"
            return asked.is_list if self.mode is Mode.PAGING else asked.is_stream

        self.line.arm(self.cell.steps, suffers, lives=self.cell.lives)
        self.line.meanwhile = then

    def _begin(self) -> None:
        """Starts, and goes on until the informer watches and has done so for long."""
        self.factory.start()
        self._await_requests(_FIRST_FETCH[self.mode].split())
        self.server.wait_for_watches(1, resource=PODS)
        self.history.await_version(*self._last_of_the_first, _TIMEOUT)
        self.clock.advance(_HEALTHY)
        self.line.trace.begin(len(self.line.requests()))

    def _strike(self, phase: Phase) -> None:
        """On the reflector's thread: its watch has ended, and it waits before the next request."""
        self.reports.clear()
        self.stir(0)
        if phase is Phase.RELIST:
            self.server.compact()
        self._arm(phase, then=lambda: self.stir(1))

    def _live(self) -> None:
        acts = [each for each in self.cell.steps if isinstance(each, Act | Down)]
        if not acts:
            self._arm(Phase.LIVE, then=None)
        self._begin()
        self.line.meanwhile = lambda: self.stir(1)
        self.stir(0)
        for act in acts:
            self.line.struck = True
            if isinstance(act, Act):
                act.does(self.server)
            else:
                self.line.break_down()

    def _await_requests(self, expected: Sequence[str]) -> None:
        """Blocks until there have been so many."""
        count = self.line.trace.expected_requests(expected)
        try:
            self.server.wait_for_requests(self.line.is_ours, count, timeout=_TIMEOUT)
        except TimeoutError:
            did = " ".join(self.line.trace.shown(self.line.requests()))
            raise AssertionError(f"it did: {did}\nand should: {' '.join(expected)}\ntold: {self.reports}") from None

    # ---- the end

    def check(self) -> None:
        """The cache is what the server has, the history leads there, and what went wrong was told.

        Of a scene beside another, that nothing went wrong.
        """
        assert self.line.steps == [], "all of the cell's faults have struck"
        assert [fault.effect for fault in self.line.faults if fault.remaining] == []
        there = {}
        for stored in self.server.objects(PODS, PartialObjectMetadata, namespace=self.namespace):
            found = stored.metadata
            response = self.get(f"{PODS.path(self.namespace)}/{found.name}", {})
            body = response.read().replace(_MANAGED_BYTES, b"")
            there[ObjectKey(self.namespace, found.name)] = Version(found.uid, int(found.resource_version), body)
        cached = self.cached()
        assert cached == there
        self.history.check(cached)
        told = self.cell.told if self._beside is None else ""
        if told is not None:
            assert {each.reason for each in self.reports} == set(told.split())
