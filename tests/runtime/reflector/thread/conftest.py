"""A reflector thread between a transport that the test plays by hand and a sink that remembers."""

from __future__ import annotations

import json
import queue
import random
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import TransportError
from kinform.meta import Resource
from kinform.reflector import ReflectorOptions, ReflectorThread, Report, StreamingSupport
from kinform.testing import VirtualClock
from kinform.transport.abort import SocketHandle
from kinform.wire import Change, Remove, Replace, Upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kinform.transport import Abort

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
LONG = 10.0  # real seconds that a test waits at most for what happens in milliseconds


class Call:
    """One request of the thread: answered by the test, through a socket that the abort switch can shut down."""

    def __init__(self, path: str, query: Sequence[tuple[str, str]], accept: str, abort: Abort, timeout: float):
        self.path = path
        self.query = dict(query)
        self.accepts = accept
        self.timeout = timeout
        self.closed = threading.Event()
        self._abort = abort
        self._near, self._far = socket.socketpair()
        self._handle = SocketHandle(self._near)
        self._failure: Exception | None = None
        self._silent = False

    # the test's side

    def fail(self, error: Exception) -> None:
        self._failure = error
        self._far.sendall(b"!")

    def answer(self, items: Sequence[dict[str, Any]], version: str, token: str = "") -> None:
        metadata = {"resourceVersion": version, "continue": token}
        self.body(json.dumps({"kind": "PodList", "metadata": metadata, "items": items}).encode())

    def body(self, data: bytes) -> None:
        self._body = data
        self._far.sendall(b"!")

    def accept(self) -> Call:
        self._far.sendall(b"!")
        return self

    def send(self, *events: dict[str, Any]) -> None:
        self._far.sendall(b"".join(json.dumps(e, separators=(",", ":")).encode() + b"\n" for e in events))

    def send_bytes(self, data: bytes) -> None:
        self._far.sendall(data)

    def end(self) -> None:
        self._far.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        self._failure = TransportError("reset by peer")
        self._far.shutdown(socket.SHUT_WR)

    def be_silent(self) -> None:
        """As if the read had timed out."""
        self._silent = True
        self._far.shutdown(socket.SHUT_WR)

    # the thread's side

    def wait(self) -> bytes:
        self._abort.attach(self._handle)
        self._near.recv(1)
        self._abort.raise_if_aborted()
        if self._failure is not None:
            raise self._failure
        return getattr(self, "_body", b"")

    def read(self) -> bytes:
        data = self._near.recv(1 << 20)
        self._abort.raise_if_aborted()
        if not data and self._silent:
            raise TransportError(f"no bytes for {self.timeout} s")
        if not data and self._failure is not None:
            raise self._failure
        return data

    def set_read_timeout(self, seconds: float) -> None:
        self.timeout = seconds

    def close(self) -> None:
        self._abort.detach(self._handle)
        self._handle.close()
        self._near.close()
        self.closed.set()

    def release(self) -> None:
        self._far.close()


class _Transport:
    host = "https://fake"

    def __init__(self) -> None:
        self.calls: queue.Queue[Call] = queue.Queue()
        self.all: list[Call] = []
        self.on_open: Callable[[], object] = lambda: None

    def _begin(self, path: str, query: Sequence[tuple[str, str]], accept: str, abort: Abort, timeout: float) -> Call:
        abort.raise_if_aborted()
        call = Call(path, query, accept, abort, timeout)
        self.all.append(call)
        self.calls.put(call)
        return call

    def fetch(
        self,
        path: str,
        take: Callable[[bytes], object],
        *,
        query: Sequence[tuple[str, str]],
        accept: str,
        timeout: float,
        abort: Abort,
    ) -> None:
        call = self._begin(path, query, accept, abort, timeout)
        try:
            body = call.wait()
            for start in range(0, len(body), 100):
                take(body[start : start + 100])
        finally:
            call.close()

    def open(
        self,
        path: str,
        *,
        query: Sequence[tuple[str, str]],
        accept: str,
        abort: Abort,
        read_timeout: float,
        on_send: Callable[[], None],
    ) -> Call:
        self.on_open()
        on_send()
        call = self._begin(path, query, accept, abort, read_timeout)
        try:
            call.wait()
        except BaseException:
            call.close()
            raise
        return call


class Rig:
    """A reflector thread between a transport played by the test and a sink that remembers."""

    def __init__(self, *, namespace: str = "", **arguments: Any) -> None:
        self.transport = _Transport()
        self.clock = VirtualClock()
        self.batches: queue.Queue[list[Change]] = queue.Queue()
        self.reports: queue.Queue[Report] = queue.Queue()
        self.on_sink: Callable[[list[Change]], None] = lambda _: None
        self.thread = ReflectorThread(
            PODS,
            namespace,
            arguments.pop("options", ReflectorOptions()),
            self.transport,  # type: ignore[arg-type]
            sink=self._sink,
            report=arguments.pop("report", self.reports.put),
            clock=self.clock,
            name="kinform-test-pods",
            support=StreamingSupport(),
            rng=random.Random(1),
            **arguments,
        )

    def _sink(self, changes: list[Change]) -> None:
        self.on_sink(changes)
        self.batches.put(changes)

    def call(self) -> Call:
        return self.transport.calls.get(timeout=LONG)

    def changes(self) -> list[Change]:
        return self.batches.get(timeout=LONG)

    def report(self) -> Report:
        return self.reports.get(timeout=LONG)

    def skip_wait(self) -> None:
        """Lets the back-off pass."""
        self.clock.wait_for_waiters(1, real_timeout=LONG)
        self.clock.advance(100)

    def finish(self) -> None:
        self.thread.stop()
        assert self.thread.join(LONG)
        for call in self.transport.all:
            assert call.closed.is_set(), "a request was left open"
            call.release()

    def sync(self, *pods: tuple[str, str], version: str = "10") -> Call:
        """Brings it to a watch, by a streaming list; the stream is what it returns."""
        stream = self.call().accept()
        stream.send(*(self.event("ADDED", *pod) for pod in pods), self.end_bookmark(version))
        (replace,) = self.changes()
        assert isinstance(replace, Replace)
        assert {k.name: e.resource_version for k, e in replace.entries.items()} == dict(pods)
        return stream

    def names(self) -> list[tuple[str, str]]:
        """What the next changes are, and of which objects."""
        return [
            (type(c).__name__, c.entry.key.name) if isinstance(c, Upsert | Remove) else (type(c).__name__, "")
            for c in self.changes()
        ]

    # ---- material

    @staticmethod
    def pod(name: str, version: str, **more: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": version}
        return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, **more}

    def event(self, kind: str, name: str, version: str) -> dict[str, Any]:
        return {"type": kind, "object": self.pod(name, version)}

    @staticmethod
    def end_bookmark(version: str) -> dict[str, Any]:
        metadata = {"resourceVersion": version, "annotations": {"k8s.io/initial-events-end": "true"}}
        return {"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}}

    @staticmethod
    def error(code: int, reason: str = "") -> dict[str, Any]:
        return {"type": "ERROR", "object": {"kind": "Status", "code": code, "reason": reason}}


@pytest.fixture
def make_rig() -> Iterator[Callable[..., Rig]]:
    rigs: list[Rig] = []

    def make(**arguments: Any) -> Rig:
        rigs.append(Rig(**arguments))
        return rigs[-1]

    before = set(threading.enumerate())
    yield make
    for rig in rigs:
        rig.finish()
    assert set(threading.enumerate()) <= before, "a thread was left behind"


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig()
    rig.thread.start()
    return rig
