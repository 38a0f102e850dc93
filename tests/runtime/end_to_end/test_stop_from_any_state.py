"""stop() returns within two seconds whatever the informer is in the middle of, and leaves neither thread nor socket."""

from __future__ import annotations

import contextlib
import importlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from kinform_k8s import SharedInformerFactory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kinform import StopResult

    Make: TypeAlias = Callable[..., SharedInformerFactory]

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
POD = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n","uid":"u","resourceVersion":"7"}}'
END = (
    b'{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"7",'
    b'"annotations":{"k8s.io/initial-events-end":"true"}}}}\n'
)
REFUSAL = b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"sendInitialEvents is forbidden","reason":"Invalid","code":422}'


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Peer:
    """The far end: accepts by hand, and says what a test wants said."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(10)
        self.port: int = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []

    def accept(self, *, request: bool = True) -> socket.socket:
        connection = self.listener.accept()[0]
        connection.settimeout(10)
        self.open.append(connection)
        if request:
            self.read_request(connection)
        return connection

    @staticmethod
    def read_request(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        return data

    def close(self) -> None:
        for each in (*self.open, self.listener):
            each.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    with contextlib.closing(Peer()) as peer:
        yield peer


@pytest.fixture
def make() -> Iterator[Make]:
    """A started factory with a pod informer and a handler, of the official client's configuration."""
    made: list[SharedInformerFactory] = []
    pools: list[Any] = []

    def make(port: int, scheme: str = "http", host: str = "127.0.0.1") -> SharedInformerFactory:
        official = importlib.import_module("kubernetes.client")
        configuration = official.Configuration(host=f"{scheme}://{host}:{port}")
        configuration.proxy = None
        client = official.ApiClient(configuration)
        pools.append(client.rest_client.pool_manager)
        factory = SharedInformerFactory(client)
        factory.core().v1().pods().informer().add_key_handler(lambda _key: None)
        made.append(factory)
        factory.start()
        return factory

    yield make
    for factory in made:
        factory.stop(10)
    for pool in pools:
        pool.clear()


def stop_in_time(factory: SharedInformerFactory) -> StopResult:
    began = time.monotonic()
    result = factory.stop()
    assert time.monotonic() - began < 2
    return result


@pytest.mark.scenario("fault-stop-connect")
def test_while_the_server_does_not_accept(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full backlog: SYNs are dropped, and connect() hangs."""
    began = threading.Event()
    connect = socket.socket.connect_ex

    def noted(self: socket.socket, address: Any) -> int:
        code = connect(self, address)
        if threading.current_thread().name.startswith("kinform"):
            began.set()
        return code

    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as fillers:
        for _ in range(10):  # far more than it holds
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        monkeypatch.setattr(socket.socket, "connect_ex", noted)
        factory = make(server.getsockname()[1])
        assert began.wait(10)
        assert factory.core().v1().pods().informer().last_error is None, "it is still connecting"
        assert stop_in_time(factory).clean


@pytest.mark.scenario("fault-stop-handshake")
def test_while_the_tls_handshake_hangs(make: Make, peer: Peer) -> None:
    factory = make(peer.port, "https")
    hello = peer.accept(request=False).recv(1)
    assert hello == b"\x16", "a TLS handshake has begun"
    assert stop_in_time(factory).clean


@pytest.mark.scenario("fault-stop-headers")
def test_while_waiting_for_the_answer(make: Make, peer: Peer) -> None:
    factory = make(peer.port)
    peer.accept()
    assert stop_in_time(factory).clean


@pytest.mark.scenario("fault-stop-stream")
def test_in_the_middle_of_a_streaming_list(make: Make, peer: Peer) -> None:
    factory = make(peer.port)
    peer.accept().sendall(CHUNKED + chunk(b'{"type":"ADDED","object":' + POD[:40]))
    assert stop_in_time(factory).clean


@pytest.mark.scenario("fault-stop-page")
def test_in_the_middle_of_a_page(make: Make, peer: Peer) -> None:
    factory = make(peer.port)
    connection = peer.accept()
    head = b"HTTP/1.1 422 Unprocessable Entity\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    connection.sendall(head % len(REFUSAL) + REFUSAL)
    with contextlib.suppress(TimeoutError):
        peer.listener.settimeout(0.5)
        connection = peer.accept(request=False)
    assert b"limit=500" in peer.read_request(connection)
    connection.sendall(CHUNKED + chunk(b'{"kind":"PodList","items":['))
    assert stop_in_time(factory).clean


@pytest.mark.scenario("fault-stop-idle")
def test_while_the_watch_is_idle(make: Make, peer: Peer) -> None:
    factory = make(peer.port)
    peer.accept().sendall(CHUNKED + chunk(b'{"type":"ADDED","object":' + POD + b"}\n" + END))
    factory.wait_for_cache_sync(10)
    assert stop_in_time(factory).clean
    assert len(factory.core().v1().pods().lister()) == 1


@pytest.mark.scenario("fault-stop-flood")
def test_while_the_watch_is_flooded(make: Make, peer: Peer) -> None:
    factory = make(peer.port)
    connection = peer.accept()
    connection.sendall(CHUNKED + chunk(END))
    factory.wait_for_cache_sync(10)
    flooded = threading.Event()

    def flood() -> None:
        with contextlib.suppress(OSError):
            for version in range(8, 1_000_000):
                event = b'{"type":"MODIFIED","object":' + POD.replace(b'"7"', b'"%d"' % version) + b"}\n"
                connection.sendall(chunk(event * 1))
                if version == 5000:
                    flooded.set()

    flooding = threading.Thread(target=flood)
    flooding.start()
    assert flooded.wait(20)
    assert stop_in_time(factory).clean
    connection.close()
    flooding.join(10)


@pytest.mark.scenario("fault-stop-back-off")
@pytest.mark.scenario("invariant-6")
def test_while_backing_off(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    heard = threading.Event()
    factory = make(port)
    factory.on_error(lambda _report: heard.set())
    assert heard.wait(10) or factory.core().v1().pods().informer().last_error
    assert stop_in_time(factory).clean


@pytest.mark.scenario("fault-stop-handler")
def test_while_a_handler_runs_it_is_named(make: Make, peer: Peer) -> None:
    factory = make(peer.port)
    entered, gate = threading.Event(), threading.Event()

    def slow(_pod: object) -> None:
        entered.set()
        assert gate.wait(30)

    factory.core().v1().pods().informer().add_event_handler(on_add=slow, name="slow")
    peer.accept().sendall(CHUNKED + chunk(b'{"type":"ADDED","object":' + POD + b"}\n" + END))
    assert entered.wait(10)
    began = time.monotonic()
    assert factory.stop(0.2).unfinished == ("kinform pods/v1: slow",)
    assert time.monotonic() - began < 2
    gate.set()
    assert factory.stop(10).clean


@pytest.mark.scenario("fault-stop-resolving")
def test_while_a_name_is_resolved_the_watch_is_named_and_touches_nothing_afterwards(
    make: Make, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, gate = threading.Event(), threading.Event()
    resolve = socket.getaddrinfo

    def hanging(*arguments: Any, **options: Any) -> Any:
        entered.set()
        assert gate.wait(30)
        return resolve(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    factory = make(peer.port, host="localhost")
    assert entered.wait(10)
    began = time.monotonic()
    assert factory.stop(0.2).unfinished == ("kinform pods/v1: watch",)
    assert time.monotonic() - began < 2
    peer.listener.settimeout(0.2)
    gate.set()
    assert factory.stop(10).clean
    with pytest.raises(TimeoutError):
        peer.listener.accept()


def test_in_the_midst_of_starting(make: Make, peer: Peer) -> None:
    """At whatever point of its first steps a watch is when it is stopped."""
    for _ in range(30):
        assert stop_in_time(make(peer.port)).clean
