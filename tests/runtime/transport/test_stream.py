"""Long responses: every byte as it comes, and how they end."""

from __future__ import annotations

import gzip
import socket
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from kinform.errors import AbortedError, ExpiredError, TransportError
from kinform.transport import Abort
from kinform.transport.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.transport.conftest import FakeApiClient, MakeTransport, Peer, Request, Serve, StartTask

    from kinform.transport import Stream


EVENTS = [b'{"type":"ADDED","object":{"n":%d}}\n' % n for n in range(5)]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def drain(stream: Stream) -> None:
    while stream.read():
        pass


FRAMINGS: dict[str, tuple[dict[str, str], Callable[[bytes], bytes], bytes]] = {
    "chunked": ({"transfer_encoding": "chunked"}, chunk, b"0\r\n\r\n"),
    "length": ({"content_length": str(sum(map(len, EVENTS)))}, bytes, b""),
    "until close": ({"connection": "close"}, bytes, b""),
    "gzip in chunks": (
        {"transfer_encoding": "chunked", "content_encoding": "gzip"},
        lambda event: chunk(gzip.compress(event)),
        b"0\r\n\r\n",
    ),
    "gzip until close": ({"content_encoding": "gzip", "connection": "close"}, gzip.compress, b""),
}


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.scenario("fault-gzip-members")
def test_each_event_is_delivered_before_the_next_is_sent(
    serve: Serve, transport: MakeTransport, abort: Abort, framing: str
) -> None:
    """Also gzip in many members, one per flush, as API servers from 1.37 on send watches."""
    headers, encode, end = FRAMINGS[framing]
    more = threading.Semaphore(0)

    def handler(peer: Peer, request: Request) -> bool:
        peer.head(**headers)
        for event in EVENTS:
            peer.send(encode(event))
            assert more.acquire(timeout=10)
        peer.send(end)
        return framing == "length" or "close" not in framing

    with transport(serve(handler)).open("/watch", abort=abort, read_timeout=10) as stream:
        for event in EVENTS:
            data = b""
            while len(data) < len(event):
                data += stream.read()
            assert data == event
            more.release()
        assert stream.read() == b""
        assert stream.read() == b""


def test_headers_and_first_event_in_one_packet_are_both_there(
    serve: Serve, transport: MakeTransport, abort: Abort
) -> None:
    def handler(peer: Peer, request: Request) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-One: 1\r\nx-one: 2\r\n\r\n" + chunk(EVENTS[0]))
        peer.wait_for_hang_up()

    with transport(serve(handler)).open("/watch", abort=abort, read_timeout=10) as stream:
        assert stream.headers["x-one"] == "1, 2"
        assert stream.read() == EVENTS[0]


CUTS = {
    "no last chunk": ({"transfer_encoding": "chunked"}, chunk(b"whole\n")),
    "inside a chunk": ({"transfer_encoding": "chunked"}, b"100\r\nhalf"),
    "short of its length": ({"content_length": "100"}, b"half"),
    "inside a gzip member": ({"content_encoding": "gzip", "connection": "close"}, gzip.compress(b"whole\n")[:-4]),
}


@pytest.mark.parametrize("where", CUTS)
@pytest.mark.scenario("fault-cut-stream")
def test_a_stream_that_is_cut_is_an_error_and_not_an_end(
    serve: Serve, transport: MakeTransport, abort: Abort, where: str
) -> None:
    headers, body = CUTS[where]

    def handler(peer: Peer, request: Request) -> bool:
        peer.head(**headers)
        peer.send(body)
        return False

    with transport(serve(handler)).open("/watch", abort=abort, read_timeout=10) as stream:
        with pytest.raises(TransportError, match=r"GET /watch: .*(cut|ended)") as caught:
            drain(stream)
        assert not isinstance(caught.value, AbortedError)


def test_a_stream_that_is_reset_is_an_error(serve: Serve, transport: MakeTransport, abort: Abort) -> None:
    def handler(peer: Peer, request: Request) -> bool:
        peer.head(connection="close")
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return False

    with (
        transport(serve(handler)).open("/watch", abort=abort, read_timeout=10) as stream,
        pytest.raises(TransportError, match="reset"),
    ):
        stream.read()


@pytest.mark.scenario("fault-empty-stream")
def test_silence_ends_a_stream_and_says_for_how_long(serve: Serve, transport: MakeTransport, abort: Abort) -> None:
    def handler(peer: Peer, request: Request) -> None:
        peer.head(transfer_encoding="chunked")
        peer.chunk(EVENTS[0])
        peer.wait_for_hang_up()

    with transport(serve(handler)).open("/watch", abort=abort, read_timeout=0.2) as stream:
        assert stream.read() == EVENTS[0]
        with pytest.raises(TransportError, match=r"no bytes for 0\.2 s"):
            stream.read()


@pytest.mark.parametrize("headers", [{"transfer_encoding": "chunked"}, {"connection": "close"}], ids=str)
def test_how_long_silence_may_last_can_be_changed(
    serve: Serve, transport: MakeTransport, abort: Abort, headers: dict[str, str]
) -> None:
    def handler(peer: Peer, request: Request) -> None:
        peer.head(**headers)
        peer.send(chunk(EVENTS[0]))
        peer.wait_for_hang_up()

    with transport(serve(handler)).open("/watch", abort=abort, read_timeout=30) as stream:
        assert EVENTS[0] in stream.read()
        stream.set_read_timeout(0.1)
        with pytest.raises(TransportError, match=r"no bytes for 0\.1 s"):
            stream.read()
    stream.set_read_timeout(1)  # of a closed stream: nothing


def test_silence_before_the_headers_counts_as_silence_and_not_as_connecting(
    serve: Serve, transport: MakeTransport, abort: Abort
) -> None:
    """Some proxies send no headers before the first event: that may take as long as any other wait."""
    late = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        late.wait(0.3)
        peer.head(transfer_encoding="chunked")
        peer.chunk(EVENTS[0])
        peer.wait_for_hang_up()

    client = transport(serve(handler))
    with client.open("/watch", abort=abort, connect_timeout=0.1, read_timeout=10) as stream:
        assert stream.read() == EVENTS[0]
    with pytest.raises(TransportError, match=r"no bytes for 0\.1 s"):
        client.open("/watch", abort=abort, connect_timeout=10, read_timeout=0.1)


def test_a_refused_stream_raises_what_the_server_said(serve: Serve, transport: MakeTransport, abort: Abort) -> None:
    def handler(peer: Peer, request: Request) -> None:
        body = b'{"kind":"Status","status":"Failure","reason":"Expired","message":"too old","code":410}'
        peer.respond(body, status="410 Gone")

    with pytest.raises(ExpiredError, match="GET /watch: 410 too old"):
        transport(serve(handler)).open("/watch", query=[("watch", "1")], abort=abort, read_timeout=10)


def test_an_encoding_that_was_not_asked_for_is_an_error(serve: Serve, transport: MakeTransport, abort: Abort) -> None:
    def handler(peer: Peer, request: Request) -> None:
        peer.respond(b"...", content_encoding="br")

    with pytest.raises(TransportError, match="content-encoding 'br'"):
        transport(serve(handler)).open("/watch", abort=abort, read_timeout=10)


@pytest.mark.scenario("fault-pool")
def test_a_hundred_streams_and_requests_beside_them_do_not_wait_for_one_another(
    serve: Serve, transport: MakeTransport, abort: Abort
) -> None:
    """A pool of ten connections is the classic deadlock."""

    def handler(peer: Peer, request: Request) -> None:
        if request.target == "/watch":
            peer.head(transfer_encoding="chunked")
            peer.chunk(EVENTS[0])
            peer.wait_for_hang_up()
        else:
            peer.respond()

    client = transport(serve(handler))
    streams: list[Stream] = []
    try:
        for _ in range(100):
            streams.append(client.open("/watch", abort=abort, read_timeout=10))
            assert streams[-1].read() == EVENTS[0]
            assert client.request("GET", "/list", timeout=10).status == 200
    finally:
        for stream in streams:
            stream.close()


@pytest.mark.scenario("invariant-10")
def test_statistics(serve: Serve, transport: MakeTransport, abort: Abort) -> None:
    def handler(peer: Peer, request: Request) -> None:
        if request.target == "/watch":
            peer.head(transfer_encoding="chunked")
            peer.chunk(EVENTS[0])
            peer.wait_for_hang_up()
        elif request.target == "/cut":
            peer.send(b"no HTTP\r\n\r\n")
        else:
            peer.respond(status="410 Gone" if request.target == "/old" else "200 OK")

    server = serve(handler)
    client = transport(server)
    before = client.statistics()
    assert (before.host, before.generation, before.closed) == (server.url, 1, False)
    assert (before.in_progress, before.idle, before.answers) == (0, 0, {})
    client.request("GET", "/list")
    with pytest.raises(ExpiredError):
        client.request("GET", "/old")
    with pytest.raises(TransportError):
        client.request("POST", "/cut")
    client.request("GET", "/list")
    with client.open("/watch", abort=abort, read_timeout=10):
        now = client.statistics()
        assert (now.in_progress, now.idle) == (1, 1)
        assert now.answers == {"200": 3, "410": 1, "<error>": 1}
    assert client.statistics().in_progress == 0
    client.close()
    now = client.statistics()
    assert (now.closed, now.idle) == (True, 0)


def test_a_stream_never_takes_a_kept_connection_nor_becomes_one(
    serve: Serve, transport: MakeTransport, abort: Abort
) -> None:
    server = serve(lambda peer, request: peer.respond())
    client = transport(server)
    client.request("GET", "/list")
    for _ in range(2):
        with client.open("/watch", abort=abort, read_timeout=10) as stream:
            assert stream.read() == b"{}"
            assert stream.read() == b""
    client.request("GET", "/list")
    assert [request.connection for request in server.requests] == [1, 2, 3, 1]


def test_closing_the_transport_ends_open_streams(
    serve: Serve, transport: MakeTransport, task: StartTask, abort: Abort
) -> None:
    def handler(peer: Peer, request: Request) -> None:
        peer.head(transfer_encoding="chunked")
        peer.chunk(EVENTS[0])
        peer.wait_for_hang_up()

    client = transport(serve(handler))
    stream = client.open("/watch", abort=abort, read_timeout=30)

    def read_on() -> None:
        try:
            while stream.read():
                pass
        finally:
            stream.close()

    reader = task(read_on)
    reader.block_in("socket")
    client.close()
    with pytest.raises(TransportError, match="the transport is closed") as caught:
        reader.wait(2)
    assert not isinstance(caught.value, AbortedError)
    with pytest.raises(TransportError, match="the transport is closed"):
        client.open("/watch", abort=Abort(), read_timeout=30)


def socket_of(stream: Stream) -> socket.socket:
    answer = stream._answer
    assert isinstance(answer, Exchange)
    assert answer._connection.sock is not None
    return answer._connection.sock


@pytest.mark.scenario("fault-keepalive")
def test_a_dead_peer_is_found_by_the_system(serve: Serve, transport: MakeTransport, abort: Abort) -> None:
    """Nothing else finds it over HTTP/1.1: probes after 30 s, given up 15 s later."""

    def handler(peer: Peer, request: Request) -> None:
        peer.head(transfer_encoding="chunked")
        peer.wait_for_hang_up()

    with transport(serve(handler)).open("/watch", abort=abort, read_timeout=10) as stream:
        sock = socket_of(stream)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if sys.platform == "linux":
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 5
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 45_000


def test_socket_options_of_the_user_win(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], abort: Abort
) -> None:
    import urllib3

    server = serve(lambda peer, request: peer.respond())
    manager = urllib3.PoolManager(socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)])
    with transport(api_client(server.url, manager=manager)).open("/", abort=abort, read_timeout=10) as stream:
        sock = socket_of(stream)
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_pause_in_a_stream_is_not_bounded_by_the_connect_timeout(
    serve: Serve, transport: MakeTransport, abort: Abort
) -> None:
    go = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        peer.head(transfer_encoding="chunked")
        go.wait(0.4)
        peer.chunk(EVENTS[0])
        peer.wait_for_hang_up()

    with transport(serve(handler)).open("/", abort=abort, connect_timeout=0.1, read_timeout=10) as stream:
        assert stream.read() == EVENTS[0]
