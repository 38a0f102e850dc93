"""What tests of informers against real servers share: servers of their own, a gate in front, and what was seen."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from kinform import ErrorReport, Event, ObjectKey
from kinform.informer.source import reflector_options
from kinform.reflector import ReflectorThread
from kinform.reflector.support import StreamingSupport
from kinform.testing import ControlPlane
from kinform.wire import Replace
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import Namespace
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from pathlib import Path

    from kinform.informer.source import Source, SourceRequest
    from kinform.wire import Change

TIMEOUT = 30.0

MakeNamespace: TypeAlias = Callable[[str], str]


@pytest.fixture(scope="session")
def own_control_plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A control plane that tests may restart, of the same version as the shared one.

    It has no watch cache for ConfigMaps: their watches are served from etcd, resume after a restart of the API server,
    and expire by compaction. All other kinds have one, as usual: it knows of nothing before the last start.
    """
    flags = {
        "watch-cache-sizes": "configmaps#0",
        "shutdown-watch-termination-grace-period": "5s",  # else it waits for its watches to end until it is killed
    }
    with ControlPlane(control_plane.version, apiserver_flags=flags) as own:
        yield own


@pytest.fixture
def clientset(control_plane: ControlPlane) -> Iterator[Clientset]:
    """A clientset of the shared control plane's administrator."""
    with Clientset(control_plane.client()) as made:
        yield made


@pytest.fixture
def own_clientset(own_control_plane: ControlPlane) -> Iterator[Clientset]:
    """A clientset of the administrator of the one that may be restarted, which is up at first."""
    own_control_plane.start_apiserver()
    with Clientset(own_control_plane.client()) as made:
        yield made


def create_namespace(clientset: Clientset, name: str) -> str:
    """Makes a namespace with that name in its own, which no other has; it stays, since nothing here finalizes."""
    metadata = ObjectMeta(generate_name=f"{name}-")
    return clientset.core_v1().namespaces().create(Namespace(metadata=metadata)).metadata.name


@pytest.fixture
def make_namespace(clientset: Clientset) -> MakeNamespace:
    """Makes a namespace of the shared control plane."""
    return lambda name: create_namespace(clientset, name)


@pytest.fixture
def namespace(clientset: Clientset) -> str:
    """A namespace of the test's own."""
    return create_namespace(clientset, "test")


@pytest.fixture
def group_of_widgets(control_plane: ControlPlane, namespace: str) -> Iterator[str]:
    """An API group of the test's own; what it has of widgets is gone afterwards, from discovery, too.

    Other tests of the session look at every kind that the server has.
    """
    group = f"{namespace}.example.com"
    yield group
    control_plane.kubectl("delete", "crd", f"widgets.{group}", "--ignore-not-found", "--timeout=50s")
    deadline = time.monotonic() + TIMEOUT
    while group.encode() in control_plane.get("/apis"):
        assert time.monotonic() < deadline, f"{group} is still announced"
        threading.Event().wait(0.05)


@pytest.fixture
def own_namespace(own_clientset: Clientset) -> str:
    """A namespace of the test's own, in the control plane that may be restarted."""
    return create_namespace(own_clientset, "test")


class Seen:
    """What handlers and ``on_error`` were told, in order; threads can wait for it."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.events: list[tuple[str, ObjectKey]] = []
        self.tombstones: set[ObjectKey] = set()
        self.errors: list[ErrorReport] = []

    def event(self, event: Event[Any]) -> None:
        """A handler."""
        with self._condition:
            self.events.append((event.type.value, event.key))
            if event.final_state_unknown:
                self.tombstones.add(event.key)
            self._condition.notify_all()

    def error(self, report: ErrorReport) -> None:
        """An ``on_error`` callback."""
        with self._condition:
            self.errors.append(report)
            self._condition.notify_all()

    def forget(self) -> None:
        """Starts over."""
        with self._condition:
            self.events.clear()
            self.tombstones.clear()
            self.errors.clear()

    def wait_for(self, condition: Callable[[], bool], timeout: float = TIMEOUT) -> None:
        """Blocks until the condition is true of what was seen.

        Raises:
            AssertionError: It did not become so in time.
        """
        with self._condition:
            assert self._condition.wait_for(condition, timeout), f"events {self.events}, errors {self.errors}"

    def wait_for_event(self, kind: str, key: ObjectKey) -> None:
        """Blocks until a handler has been told so of that key."""
        self.wait_for(lambda: (kind, key) in self.events)

    def wait_for_error(self, informer: str, reason: str) -> None:
        """Blocks until that informer has reported such an error."""
        self.wait_for(lambda: any((each.informer, each.reason) == (informer, reason) for each in self.errors))

    def reasons(self) -> set[str]:
        """Why there were errors."""
        with self._condition:
            return {str(report.reason) for report in self.errors}


@pytest.fixture
def seen() -> Seen:
    """What handlers and ``on_error`` were told."""
    return Seen()


class _NoJitter(random.Random):
    def random(self) -> float:
        return 0.0


class Sources:
    """Makes the sources of a factory, with options of the reflector's changed, and counts their full fetches.

    Their back-off has no jitter, so that tests are over sooner.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._support = StreamingSupport()
        self.fetches: dict[str, int] = {}

    def __call__(self, request: SourceRequest) -> Source:
        plural = request.resource.plural

        def sink(changes: list[Change]) -> None:
            self.fetches[plural] = self.fetches.get(plural, 0) + sum(isinstance(each, Replace) for each in changes)
            request.sink(changes)

        return ReflectorThread(
            request.resource,
            request.namespace,
            replace(reflector_options(request.options), **self._options),
            request.transport,
            sink=sink,
            report=request.report,
            clock=request.clock,
            name=request.name,
            transform=request.transform,
            known=request.known,
            metadata_only=request.metadata_only,
            support=self._support,
            rng=_NoJitter(),
        )


@pytest.fixture
def make_sources() -> type[Sources]:
    """Makes sources, to be given to a factory as ``source_factory``."""
    return Sources


class Gate:
    """A relay in front of an API server that can be shut: clients behind it are cut off, others are not.

    Args:
        port: Of the server, on this machine.
    """

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._condition = threading.Condition()
        self._open = True
        self._silent = False
        self._unanswered = 0
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def shut(self, *, silent: bool = False) -> None:
        """Cuts all connections. New ones are cut at once, or if ``silent`` accepted and never answered."""
        with self._condition:
            self._open, self._silent, self._unanswered = False, silent, 0
            self._cut()

    def open(self) -> None:
        """Lets new connections through."""
        with self._condition:
            self._open = True
            self._cut()

    def wait_for_unanswered(self, count: int) -> None:
        """Blocks until so many clients have connected to the silent gate."""
        with self._condition:
            assert self._condition.wait_for(lambda: self._unanswered >= count, TIMEOUT)

    def close(self) -> None:
        """Ends it: clients are refused from now on."""
        with self._condition:
            self._open = self._silent = False
            _shut_down(self._listener)
            self._cut()
        for thread in self._threads:
            thread.join(TIMEOUT)
        self._listener.close()

    def _cut(self) -> None:
        for each in self._sockets:
            _shut_down(each)

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        """One connection: this thread carries what the client says, another what the server says."""
        with client, socket.socket() as server, contextlib.suppress(OSError):
            with self._condition:
                if not self._open and not self._silent:
                    return
                through = self._open
                self._sockets.add(client)
                if through:
                    server.connect(self._server)
                    self._sockets.add(server)
                else:
                    self._unanswered += 1
                    self._condition.notify_all()
            try:
                if through:
                    back = threading.Thread(target=_carry, args=(server, client), daemon=True)
                    back.start()
                    _carry(client, server)
                    back.join()
                else:
                    while client.recv(65536):
                        pass
            finally:
                with self._condition:
                    self._sockets -= {client, server}


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carries bytes until one side ends; then both end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _shut_down(source)
    _shut_down(target)


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def gate(own_control_plane: ControlPlane) -> Iterator[Gate]:
    """A gate in front of the API server that may be restarted."""
    made = Gate(int(own_control_plane.url.rpartition(":")[2]))
    yield made
    made.close()


@pytest.fixture
def kubeconfig_behind_gate(own_control_plane: ControlPlane, gate: Gate, tmp_path: Path) -> Path:
    """The administrator's kubeconfig, with the gate for the server."""
    path = tmp_path / "kubeconfig"
    config = json.loads(own_control_plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = gate.url
    path.write_text(json.dumps(config))
    return path
