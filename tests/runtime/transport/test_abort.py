"""Ending a blocked request from another thread: in every phase, over plain TCP and TLS, within a bound."""

from __future__ import annotations

import select
import socket
import threading
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from kinform.errors import AbortedError, TransportError
from kinform.transport import Abort, Stream, Transport, connections
from kinform.transport.abort import SocketHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.runtime.transport.conftest import (
        Authority,
        FakeApiClient,
        Handler,
        MakeTransport,
        Peer,
        Request,
        Serve,
        Server,
        StartTask,
        Task,
    )


BOUND = 2.0

T = TypeVar("T")


def aborted_within_bound(task: Task[T], switch: Abort) -> float:
    """Seconds from the abort to the error in the thread."""
    started = time.monotonic()
    switch.abort()
    with pytest.raises(AbortedError):
        task.wait(BOUND)
    return time.monotonic() - started


@pytest.fixture(params=["plain", "tls"])
def secured(request: pytest.FixtureRequest, authority: Authority) -> Authority | None:
    """Who signs the server's certificate, and whom its client trusts; None: no TLS."""
    return None if request.param == "plain" else authority


@pytest.fixture
def pair(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], secured: Authority | None
) -> Callable[[Handler], tuple[Server, Transport]]:
    """A server with this handler, and a transport to it."""

    def make(handler: Handler) -> tuple[Server, Transport]:
        if secured is None:
            server = serve(handler)
            return server, transport(api_client(server.url))
        server = serve(handler, tls=secured.server_context())
        return server, transport(api_client(server.url, ssl_ca_cert=secured.ca_file))

    return make


def read_on(stream: Stream) -> None:
    try:
        while stream.read():
            pass
    finally:
        stream.close()


def test_an_idle_stream_ends(
    pair: Callable[[Handler], tuple[Server, Transport]], task: StartTask, abort: Abort
) -> None:
    def handler(peer: Peer, request: Request) -> None:
        peer.head(transfer_encoding="chunked")
        peer.chunk(b"first\n")
        peer.wait_for_hang_up()

    _, transport = pair(handler)
    stream = transport.open("/watch", abort=abort, read_timeout=30)
    assert stream.read() == b"first\n"
    reader = task(lambda: read_on(stream))
    reader.block_in("socket", "ssl")
    aborted_within_bound(reader, abort)


def test_a_flooded_stream_ends_and_hands_out_nothing_more(
    pair: Callable[[Handler], tuple[Server, Transport]], task: StartTask, abort: Abort
) -> None:
    line = b"x" * 6999 + b"\n"

    def handler(peer: Peer, request: Request) -> None:
        peer.head(transfer_encoding="chunked")
        while True:
            peer.send((b"%x\r\n%s\r\n" % (len(line), line)) * 20)

    _, transport = pair(handler)
    stream = transport.open("/watch", abort=abort, read_timeout=30)
    seen_after_abort: list[bytes] = []
    flooded = threading.Event()

    def read_on() -> None:
        total = 0
        try:
            while True:
                data = stream.read()
                if abort.aborted:
                    seen_after_abort.append(data)
                total += len(data)
                assert not set(data) - set(line), "ciphertext or garbage came through"
                if total > 5_000_000:
                    flooded.set()
        finally:
            stream.close()

    reader = task(read_on)
    assert flooded.wait(10)
    aborted_within_bound(reader, abort)
    assert len(seen_after_abort) <= 1  # the piece that was already on its way out of read()


def test_waiting_for_headers_ends(
    pair: Callable[[Handler], tuple[Server, Transport]], task: StartTask, abort: Abort
) -> None:
    asked = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        asked.set()
        peer.wait_for_hang_up()

    _, transport = pair(handler)
    opener = task(lambda: transport.open("/watch", abort=abort, read_timeout=30))
    assert asked.wait(10)
    opener.block_in("socket", "ssl")
    aborted_within_bound(opener, abort)


def test_a_plain_request_ends_before_its_headers_and_in_its_body(
    pair: Callable[[Handler], tuple[Server, Transport]], task: StartTask
) -> None:
    asked = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        if request.target == "/half":
            peer.head(content_length="1000")
            peer.send(b"half of it")
        asked.set()
        peer.wait_for_hang_up()

    _, transport = pair(handler)
    for path in ("/none", "/half"):
        asked.clear()
        abort = Abort()
        requester = task(lambda: transport.request("GET", path, abort=abort))  # noqa: B023
        assert asked.wait(10)
        requester.block_in("socket", "ssl")
        aborted_within_bound(requester, abort)


def test_a_refusal_whose_body_does_not_come_ends(
    pair: Callable[[Handler], tuple[Server, Transport]], task: StartTask, abort: Abort
) -> None:
    """And as an abort, not as the refusal that it was on the way to be."""
    asked = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        peer.head("503 Service Unavailable", content_length="1000")
        peer.send(b'{"kind":"Status"')
        asked.set()
        peer.wait_for_hang_up()

    _, transport = pair(handler)
    opener = task(lambda: transport.open("/watch", abort=abort, read_timeout=30))
    assert asked.wait(10)
    opener.block_in("socket", "ssl")
    aborted_within_bound(opener, abort)


def test_sending_a_body_that_nobody_reads_ends(
    pair: Callable[[Handler], tuple[Server, Transport]], task: StartTask, abort: Abort
) -> None:
    connected, stop = threading.Event(), threading.Event()
    server, transport = pair(lambda peer, request: None)

    def read_nothing(peer: Peer) -> bool:
        with peer.sock if server.tls is None else server.tls.wrap_socket(peer.sock, server_side=True):
            connected.set()
            stop.wait(10)
        return False

    server.on_connect = read_nothing
    sender = task(lambda: transport.request("POST", "/", body=b"x" * 50_000_000, abort=abort))
    assert connected.wait(10), "an abort in the handshake is another test's"
    sender.block_in("http.client", "ssl")
    aborted_within_bound(sender, abort)
    stop.set()


def test_a_handshake_that_hangs_ends(
    serve: Serve,
    transport: MakeTransport,
    *,
    api_client: type[FakeApiClient],
    authority: Authority,
    task: StartTask,
    abort: Abort,
) -> None:
    connected = threading.Event()

    def say_nothing(peer: Peer) -> bool:
        connected.set()
        peer.wait_for_hang_up()
        return False

    server = serve(lambda peer, request: None, tls=authority.server_context(), on_connect=say_nothing)
    client = transport(api_client(server.url, ssl_ca_cert=authority.ca_file))
    opener = task(lambda: client.open("/watch", abort=abort, connect_timeout=30, read_timeout=30))
    assert connected.wait(10)
    opener.block_in("socket", "ssl")
    aborted_within_bound(opener, abort)


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """The port of a socket that takes no more connections: a connect to it gets no answer."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    while True:
        filler = socket.socket()
        filler.setblocking(False)
        fillers.append(filler)
        filler.connect_ex(listener.getsockname())
        poller = select.poll()
        poller.register(filler, select.POLLOUT)
        if not poller.poll(100):
            break
    yield listener.getsockname()[1]
    for sock in [*fillers, listener]:
        sock.close()


class PollWatch:
    """``select.poll`` that tells when a thread has gone into it."""

    def __init__(self) -> None:
        self.entered = threading.Event()

    def __call__(self) -> object:
        poller, entered = select.poll(), self.entered

        class Poller:
            register = poller.register

            def poll(self, timeout: float) -> list[tuple[int, int]]:
                entered.set()
                return poller.poll(timeout)

        return Poller()


def test_a_connect_that_hangs_ends(
    full_backlog: int,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    *,
    task: StartTask,
    abort: Abort,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = PollWatch()
    monkeypatch.setattr(connections, "select", type("select", (), {"poll": watch, "POLLOUT": select.POLLOUT}))
    client = transport(api_client(f"http://127.0.0.1:{full_backlog}"))
    opener = task(lambda: client.open("/", abort=abort, connect_timeout=30, read_timeout=30))
    assert watch.entered.wait(10)
    aborted_within_bound(opener, abort)


def test_a_connect_that_takes_too_long_is_given_up(
    full_backlog: int, transport: MakeTransport, api_client: type[FakeApiClient], abort: Abort
) -> None:
    client = transport(api_client(f"http://127.0.0.1:{full_backlog}"))
    with pytest.raises(TransportError, match="no connection in time") as caught:
        client.open("/", abort=abort, connect_timeout=0.1, read_timeout=30)
    assert not isinstance(caught.value, AbortedError)


def test_a_connect_ends_even_where_a_shutdown_wakes_nobody(
    full_backlog: int,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    *,
    task: StartTask,
    abort: Abort,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on systems where only a connected socket can be shut down."""
    watch = PollWatch()
    monkeypatch.setattr(connections, "select", type("select", (), {"poll": watch, "POLLOUT": select.POLLOUT}))
    monkeypatch.setattr(SocketHandle, "shutdown", lambda self: None)
    client = transport(api_client(f"http://127.0.0.1:{full_backlog}"))
    opener = task(lambda: client.open("/", abort=abort, connect_timeout=30, read_timeout=30))
    assert watch.entered.wait(10)
    aborted_within_bound(opener, abort)


def test_a_proxy_that_does_not_answer_connect_ends(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], task: StartTask, abort: Abort
) -> None:
    import urllib3

    asked = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        asked.set()
        peer.wait_for_hang_up()

    proxy = serve(handler)
    client = transport(api_client("https://cluster.invalid", manager=urllib3.ProxyManager(proxy.url)))
    opener = task(lambda: client.open("/", abort=abort, connect_timeout=30, read_timeout=30))
    assert asked.wait(10)
    assert proxy.requests[0].method == "CONNECT"
    aborted_within_bound(opener, abort)


def test_an_abort_before_the_request_refuses_it(serve: Serve, transport: MakeTransport, abort: Abort) -> None:
    server = serve(lambda peer, request: peer.respond())
    abort.abort()
    with pytest.raises(AbortedError):
        transport(server).request("GET", "/", abort=abort)
    with pytest.raises(AbortedError):
        transport(server).open("/", abort=abort, read_timeout=5)
    assert server.count == 0


def test_one_switch_covers_request_after_request(
    serve: Serve, transport: MakeTransport, task: StartTask, abort: Abort
) -> None:
    asked = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        if request.target == "/slow":
            asked.set()
            peer.wait_for_hang_up()
        else:
            peer.respond(b'{"n":1}')

    client = transport(serve(handler))
    for _ in range(3):
        assert client.request("GET", "/", abort=abort).body == b'{"n":1}'
    slow = task(lambda: client.request("GET", "/slow", abort=abort))
    assert asked.wait(10)
    aborted_within_bound(slow, abort)


def test_one_switch_ends_several_threads(serve: Serve, transport: MakeTransport, task: StartTask, abort: Abort) -> None:
    waiting = threading.Semaphore(0)

    def handler(peer: Peer, request: Request) -> None:
        waiting.release()
        peer.wait_for_hang_up()

    client = transport(serve(handler))
    tasks = [task(lambda: client.open("/", abort=abort, read_timeout=30)) for _ in range(8)]
    for _ in tasks:
        assert waiting.acquire(timeout=10)
    abort.abort()
    for one in tasks:
        with pytest.raises(AbortedError):
            one.wait(BOUND)


def test_a_switch_does_not_end_what_others_do_on_a_connection_it_once_had(
    serve: Serve, transport: MakeTransport, task: StartTask, abort: Abort
) -> None:
    asked, go = threading.Event(), threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        if request.target == "/second":
            asked.set()
            go.wait(10)
        peer.respond(b'"fine"')

    server = serve(handler)
    client = transport(server)
    client.request("GET", "/first", abort=abort)
    second = task(lambda: client.request("GET", "/second"))
    assert asked.wait(10)
    abort.abort()
    go.set()
    assert second.wait().body == b'"fine"'
    assert server.count == 1  # it was the same connection


def test_aborting_again_and_from_many_threads_is_harmless(
    serve: Serve, transport: MakeTransport, task: StartTask, abort: Abort
) -> None:
    asked = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        asked.set()
        peer.wait_for_hang_up()

    client = transport(serve(handler))
    opener = task(lambda: client.open("/", abort=abort, read_timeout=30))
    assert asked.wait(10)
    for one in [task(abort.abort) for _ in range(8)]:
        one.wait()
    with pytest.raises(AbortedError):
        opener.wait(BOUND)
    abort.abort()
    assert abort.aborted


def test_a_switch_may_be_thrown_in_the_middle_of_its_own_work() -> None:
    """A signal handler runs in the thread that it interrupts, which may hold the switch's locks."""
    abort = Abort()
    here, there = socket.socketpair()
    with here, there:
        handle = SocketHandle(here)
        abort.attach(handle)
        with abort._lock, handle._lock:
            abort.abort()
        assert there.recv(1) == b""
        handle.close()
        handle.shutdown()
    assert abort.aborted
    with pytest.raises(AbortedError):
        abort.raise_if_aborted()


def test_a_connection_cannot_slip_under_a_switch_that_was_thrown(abort: Abort) -> None:
    here, there = socket.socketpair()
    with here, there:
        handle = SocketHandle(here)
        abort.abort()
        with pytest.raises(AbortedError):
            abort.attach(handle)
        handle.close()


def test_hundreds_of_aborts_leave_nothing_behind(
    pair: Callable[[Handler], tuple[Server, Transport]], task: StartTask
) -> None:
    """Bound, no garbage, no descriptor: the fixture of this folder counts those."""

    def handler(peer: Peer, request: Request) -> None:
        peer.head(transfer_encoding="chunked")
        peer.chunk(b"first\n")
        peer.wait_for_hang_up()

    _, transport = pair(handler)
    slowest = 0.0
    for _ in range(100):
        abort = Abort()
        stream = transport.open("/watch", abort=abort, read_timeout=30)
        reader = task(lambda: read_on(stream))  # noqa: B023
        slowest = max(slowest, aborted_within_bound(reader, abort))
    assert slowest < BOUND


def test_a_switch_covers_what_its_thread_asks_within_the_block(
    pair: Callable[[Handler], tuple[Server, Transport]], task: StartTask, abort: Abort
) -> None:
    inner = Abort()
    answering = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        if answering.is_set():
            peer.respond(b"{}")
        else:
            peer.wait_for_hang_up()

    _, transport = pair(handler)

    def ask() -> None:
        with abort.covers(), inner.covers():
            transport.request("GET", "/hangs")

    asking = task(ask)
    asking.block_in("socket", "ssl")
    aborted_within_bound(asking, abort)
    answering.set()
    with inner.covers():
        assert transport.request("GET", "/answered").body == b"{}"
    inner.abort()
    with inner.covers(), pytest.raises(AbortedError):
        transport.request("GET", "/refused")
    assert transport.request("GET", "/outside").body == b"{}"
