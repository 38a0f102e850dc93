"""Plain requests: what is sent, what comes back, and which connection is used."""

from __future__ import annotations

import gzip
import select
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, Never

import pytest
from tests.conftest import open_files
from tests.runtime.transport.conftest import FakeApiClient

from kinform import TokenBucketRateLimiter, Transport
from kinform.errors import (
    AlreadyExistsError,
    ApiStatusError,
    ConflictError,
    NotFoundError,
    TooManyRequestsError,
    TransportError,
)

if TYPE_CHECKING:
    from tests.runtime.transport.conftest import Authority, MakeTransport, Peer, Request, Serve, StartTask


NOT_FOUND = (
    b'{"kind":"Status","status":"Failure","reason":"NotFound","message":"pods \\"web-0\\" not found","code":404}'
)


def test_what_is_sent(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda peer, request: peer.respond(b'{"kind":"Pod"}', x_header="Value"))
    response = transport(server).request(
        "POST",
        "/api/v1/namespaces/shop/pods",
        query=[("labelSelector", "app in (a,b),tier!=db"), ("dryRun", "All")],
        body=b'{"kind":"Pod"}',
        accept="application/json;as=Table",
    )
    assert (response.status, response.body, response.headers["x-header"]) == (201 - 1, b'{"kind":"Pod"}', "Value")
    (request,) = server.requests
    assert request.method == "POST"
    assert request.target == ("/api/v1/namespaces/shop/pods?labelSelector=app+in+%28a%2Cb%29%2Ctier%21%3Ddb&dryRun=All")
    assert request.body == b'{"kind":"Pod"}'
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json;as=Table"
    assert request.headers["content-length"] == "14"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"


def test_a_get_has_no_body_and_no_content_type(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda peer, request: peer.respond())
    transport(server).request("GET", "/version")
    assert server.requests[0].target == "/version"
    assert not server.requests[0].headers.keys() & {"content-type", "content-length", "transfer-encoding"}


def test_the_server_is_told_who_asks(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda peer, request: peer.respond())
    transport(server).request("GET", "/")
    transport(server, user_agent="rollup/1.4").request("GET", "/")
    first, second = (request.headers["user-agent"] for request in server.requests)
    assert first.startswith("kinform/0.1.0 (")
    assert second == f"rollup/1.4 {first}"


def test_a_path_in_the_servers_address_stays_in_front(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    server = serve(lambda peer, request: peer.respond())
    client = transport(api_client(f"{server.url}/k8s/clusters/c-1/"))
    client.request("GET", "/api/v1/pods", query=[("limit", "5")])
    assert server.requests[0].target == "/k8s/clusters/c-1/api/v1/pods?limit=5"


def test_gzip_is_asked_for_and_undone(serve: Serve, transport: MakeTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    body = b'{"items":[]}'

    def handler(peer: Peer, request: Request) -> None:
        if request.headers["accept-encoding"] == "gzip":
            peer.respond(gzip.compress(body), content_encoding="gzip")
        else:
            peer.respond(body)

    server = serve(handler)
    assert transport(server).request("GET", "/").body == body
    assert transport(server, compression=False).request("GET", "/").body == body
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")  # inside the cluster the network is near
    assert transport(server).request("GET", "/").body == body
    encodings = [request.headers["accept-encoding"] for request in server.requests]
    assert encodings == ["gzip", "identity", "identity"]


def test_bodies_of_all_framings_are_whole(serve: Serve, transport: MakeTransport) -> None:
    body = bytes(range(256)) * 2000

    def handler(peer: Peer, request: Request) -> bool:
        if request.target == "/chunked":
            peer.head(transfer_encoding="chunked")
            for at in range(0, len(body), 1000):
                peer.chunk(body[at : at + 1000])
            peer.send(b"0\r\n\r\n")
        elif request.target == "/close":
            peer.head(connection="close")
            peer.send(body)
            return False
        elif request.target == "/none":
            peer.head("204 No Content")
        else:
            peer.respond(body)
        return True

    client = transport(serve(handler))
    assert client.request("GET", "/length").body == body
    assert client.request("GET", "/chunked").body == body
    assert client.request("GET", "/close").body == body
    assert client.request("GET", "/none").body == b""
    assert client.request("GET", "/length").body == body


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        ("404 Not Found", NOT_FOUND, NotFoundError, 'DELETE /x: 404 pods "web-0" not found'),
        ("409 Conflict", b'{"kind":"Status","reason":"AlreadyExists"}', AlreadyExistsError, "409 AlreadyExists"),
        ("409 Conflict", b'{"kind":"Status","reason":"Conflict"}', ConflictError, "409 Conflict"),
        ("302 Found", b"", ApiStatusError, "302 Found: redirected to https://sso.example/login"),
    ],
)
def test_refusals_are_errors_of_a_class(
    serve: Serve, transport: MakeTransport, *, status: str, body: bytes, error: type[ApiStatusError], says: str
) -> None:
    server = serve(lambda peer, request: peer.respond(body, status, location="https://sso.example/login"))
    with pytest.raises(error) as caught:
        transport(server).request("DELETE", "/x", query=[("dryRun", "All")])
    assert says in str(caught.value)
    assert caught.value.request == "DELETE /x"
    assert caught.value.code == int(status[:3])


def test_a_refusal_says_when_to_come_again(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda peer, request: peer.respond(b"slow down", "429 Too Many Requests", retry_after="7"))
    with pytest.raises(TooManyRequestsError) as caught:
        transport(server).request("GET", "/")
    assert caught.value.retry_after == 7.0
    assert len(server.requests) == 1  # urllib3 would have slept and asked again


def test_a_refusal_whose_body_is_cut_is_still_that_refusal(serve: Serve, transport: MakeTransport) -> None:
    def handler(peer: Peer, request: Request) -> bool:
        peer.head("503 Service Unavailable", content_length="1000")
        peer.send(b"half")
        return False

    with pytest.raises(ApiStatusError, match="503 Service Unavailable"):
        transport(serve(handler)).request("GET", "/")


def test_a_refusal_before_the_body_was_read_is_heard(serve: Serve, transport: MakeTransport) -> None:
    """A server may answer 413 and close, with the body still coming: the answer counts, not the broken pipe."""

    def refuse(peer: Peer) -> bool:
        while b"\r\n\r\n" not in peer.buffer:
            peer._fill()
        peer.respond(b"too large", "413 Payload Too Large", connection="close")
        return False

    server = serve(lambda peer, request: None, on_connect=refuse)
    with pytest.raises(ApiStatusError, match=r"413 .*: too large"):
        transport(server).request("POST", "/", body=b"x" * 30_000_000)


def test_connections_are_kept(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda peer, request: peer.respond())
    client = transport(server)
    for _ in range(5):
        client.request("GET", "/")
    server.handler = lambda peer, request: peer.respond(NOT_FOUND, "404 Not Found")
    with pytest.raises(NotFoundError):
        client.request("GET", "/")
    assert {request.connection for request in server.requests} == {1}


@pytest.mark.scenario("fault-drain")
def test_a_connection_that_the_server_wants_closed_is_not_kept(serve: Serve, transport: MakeTransport) -> None:
    def handler(peer: Peer, request: Request) -> bool:
        peer.respond(connection="close")
        return False

    server = serve(handler)
    client = transport(server)
    for _ in range(3):
        client.request("GET", "/")
    assert server.count == 3


def test_a_connection_with_a_half_read_body_is_not_kept(serve: Serve, transport: MakeTransport) -> None:
    more = b"X" * 4

    def handler(peer: Peer, request: Request) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + more)

    server = serve(handler)
    client = transport(server)
    for _ in range(2):
        assert client.request("GET", "/").body == b"{}"
    assert server.count == 2


@pytest.mark.scenario("fault-stale-connection")
def test_a_kept_connection_that_the_server_closed_is_replaced(serve: Serve, transport: MakeTransport) -> None:
    closed = threading.Event()

    def handler(peer: Peer, request: Request) -> bool:
        peer.respond()
        peer.sock.shutdown(socket.SHUT_RDWR)
        closed.set()
        return False

    server = serve(handler)
    client = transport(server)
    for method in ("GET", "POST", "POST"):
        closed.clear()
        client.request(method, "/")
        assert closed.wait(10)
    assert server.count == 3


def test_a_kept_connection_that_dies_under_a_request_is_replaced_once_for_reading_methods(
    serve: Serve, transport: MakeTransport
) -> None:
    """The server closes just when the request is on its way: no answer at all."""
    hang_up = threading.Event()

    def handler(peer: Peer, request: Request) -> bool:
        if hang_up.is_set() and peer.number == 1:
            return False
        peer.respond(b'"%d"' % peer.number)
        return True

    server = serve(handler)
    client = transport(server)
    client.request("GET", "/")
    hang_up.set()
    assert client.request("GET", "/").body == b'"2"'

    server.handler = lambda peer, request: False
    with pytest.raises(TransportError, match="closed connection"):
        client.request("POST", "/")  # it may have been done
    assert [request.method for request in server.requests].count("POST") == 1
    before = server.count
    with pytest.raises(TransportError, match="closed connection"):
        client.request("GET", "/")  # and a fresh connection is not given a second chance
    assert server.count == before + 1


def test_an_old_connection_is_not_trusted(
    serve: Serve, transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(lambda peer, request: peer.respond())
    client = transport(server)
    client.request("GET", "/")
    later = time.monotonic() + 61
    monkeypatch.setattr("kinform.transport.connections.time.monotonic", lambda: later)
    client.request("GET", "/")
    assert [request.connection for request in server.requests] == [1, 2]


def test_fifty_threads_do_not_wait_for_connections(serve: Serve, transport: MakeTransport, task: StartTask) -> None:
    together = threading.Barrier(50)

    def handler(peer: Peer, request: Request) -> None:
        together.wait(10)
        peer.respond()

    client = transport(serve(handler))
    for one in [task(lambda: client.request("GET", "/")) for _ in range(50)]:
        assert one.wait(20).status == 200


def test_a_slow_body_that_keeps_coming_is_not_cut(serve: Serve, transport: MakeTransport) -> None:
    pause = threading.Event()

    def handler(peer: Peer, request: Request) -> None:
        peer.head(content_length="8")
        for _ in range(8):
            peer.send(b"x")
            pause.wait(0.05)

    assert transport(serve(handler)).request("GET", "/", timeout=0.2).body == b"x" * 8


def test_a_silent_server_is_left(serve: Serve, transport: MakeTransport) -> None:
    def handler(peer: Peer, request: Request) -> None:
        if request.target == "/half":
            peer.head(content_length="8")
            peer.send(b"half")
        peer.wait_for_hang_up()

    client = transport(serve(handler))
    for path in ("/none", "/half"):
        with pytest.raises(TransportError, match=rf"GET {path}: no bytes for 0\.1 s from http://127"):
            client.request("GET", path, timeout=0.1)


def test_a_server_that_is_not_there(transport: MakeTransport, api_client: type[FakeApiClient]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransportError, match=f"GET /: http://127.0.0.1:{port}: Connection refused"):
        transport(api_client(f"http://127.0.0.1:{port}")).request("GET", "/")


def test_a_name_that_does_not_resolve(
    transport: MakeTransport, api_client: type[FakeApiClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> Never:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(TransportError, match=r"the name in http://cluster.invalid.*does not resolve"):
        transport(api_client("http://cluster.invalid")).request("GET", "/")


def test_the_next_address_of_a_name_is_tried(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(lambda peer, request: peer.respond())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", at) for at in (closed, ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: addresses)
    assert transport(api_client("http://cluster.test")).request("GET", "/").status == 200


def test_something_that_does_not_speak_http(serve: Serve, transport: MakeTransport) -> None:
    def handler(peer: Peer, request: Request) -> bool:
        peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        return False

    with pytest.raises(TransportError, match="GET /"):
        transport(serve(handler)).request("GET", "/")


def test_a_closed_transport_refuses(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda peer, request: peer.respond())
    with transport(server) as client:
        client.request("GET", "/")
    client.close()
    with pytest.raises(TransportError, match="the transport is closed"):
        client.request("GET", "/")
    assert server.count == 1


def test_a_child_process_does_not_use_its_parents_connections(
    serve: Serve, transport: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(lambda peer, request: peer.respond())
    client = transport(server)
    client.request("GET", "/")
    monkeypatch.setattr("kinform.transport.connections.os.getpid", lambda: 1)
    client.request("GET", "/")
    assert [request.connection for request in server.requests] == [1, 2]


def test_another_transport_is_alike_and_shares_no_connection_and_no_limit(serve: Serve) -> None:
    server = serve(lambda peer, request: peer.respond())
    spent = TokenBucketRateLimiter(0.001, 1)
    calls: list[FakeApiClient] = []

    def source() -> FakeApiClient:
        calls.append(FakeApiClient(server.url))
        return calls[-1]

    with Transport(source, user_agent="rollup/1.4", compression=True, rate_limiter=spent) as first:
        first.request("GET", "/")
        with first.another() as second:
            second.request("GET", "/")
            assert len(calls) == 2
            first.close()
            second.request("GET", "/")
    one, other, _ = server.requests
    assert one.headers == other.headers
    assert one.headers["accept-encoding"] == "gzip"


def test_a_reset_just_before_the_handshake_gives_the_socket_back(
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by a server that is killed, or a load balancer without backends: Python's ssl loses the socket then."""

    def reset(peer: Peer) -> bool:
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return False

    def wrap_what_was_reset(context: ssl.SSLContext, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        poll = select.poll()
        poll.register(sock, 0)
        assert poll.poll(10_000)
        return wrap(context, sock, *args, **kwargs)

    wrap = ssl.SSLContext.wrap_socket
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap_what_was_reset)
    server = serve(lambda peer, request: None, tls=authority.server_context(), on_connect=reset)
    client = transport(api_client(server.url, ssl_ca_cert=authority.ca_file))
    before = open_files()
    with pytest.raises(TransportError, match="reset") as caught:
        client.request("GET", "/api/v1/pods")
    assert open_files() == before, f"while the error is kept: {caught.value}"
