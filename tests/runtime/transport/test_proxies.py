"""Through proxies, as the official client is configured: forwarding, tunnels, SOCKS."""

from __future__ import annotations

import contextlib
import importlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
import urllib3

from kinform.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    )

    from kinform.transport import Abort


AUTH = {"proxy-authorization": "Basic c2VjcmV0"}


def pipe(here: socket.socket, there: socket.socket) -> None:
    """Copies both ways until one side ends."""

    def copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    back = threading.Thread(target=copy, args=(there, here))
    back.start()
    copy(here, there)
    back.join()


def tunnel_to(server: Server, *, status: str = "200 Connection established") -> Handler:
    """A proxy's handler: CONNECT to anywhere comes to this server."""

    def handler(peer: Peer, request: Request) -> bool:
        assert request.method == "CONNECT"
        peer.send(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if status.startswith("200"):
            with socket.create_connection(("127.0.0.1", server.port)) as there:
                pipe(peer.sock, there)
        return False

    return handler


def test_a_forwarding_proxy_gets_the_whole_url_and_its_headers(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    proxy = serve(lambda peer, request: peer.respond(b'"by proxy"'))
    manager = urllib3.ProxyManager(proxy.url, proxy_headers=AUTH)
    client = transport(api_client("http://cluster.invalid:8080/base", token="t", manager=manager))
    assert client.request("GET", "/api", query=[("a", "b")]).body == b'"by proxy"'
    (request,) = proxy.requests
    assert request.target == "http://cluster.invalid:8080/base/api?a=b"
    assert request.headers["host"] == "cluster.invalid:8080"
    assert request.headers["proxy-authorization"] == AUTH["proxy-authorization"]
    assert request.headers["authorization"] == "Bearer t"


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["http proxy", "https proxy"])
def test_a_tunnel_carries_tls_and_keeps_proxy_headers_out_of_it(
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    *,
    authority: Authority,
    abort: Abort,
    proxy_tls: bool,
) -> None:
    server = serve(lambda peer, request: peer.respond(b'"inside"'), tls=authority.server_context())
    proxy = serve(tunnel_to(server), tls=authority.server_context() if proxy_tls else None)
    manager = urllib3.ProxyManager(
        proxy.url,
        proxy_headers=AUTH,
        ca_certs=authority.ca_file,
        proxy_ssl_context=ssl.create_default_context(cafile=authority.ca_file) if proxy_tls else None,
    )
    client = transport(api_client("https://localhost:6443", manager=manager))
    assert client.request("GET", "/").body == b'"inside"'
    assert client.request("GET", "/").body == b'"inside"'
    with client.open("/", abort=abort, read_timeout=10) as stream:
        assert stream.read() == b'"inside"'
    assert [request.target for request in proxy.requests] == ["localhost:6443"] * 2
    assert proxy.requests[0].headers["proxy-authorization"] == AUTH["proxy-authorization"]
    assert "proxy-authorization" not in server.requests[0].headers


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["http proxy", "https proxy"])
def test_an_abort_ends_a_stream_in_a_tunnel(
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    *,
    authority: Authority,
    abort: Abort,
    task: StartTask,
    proxy_tls: bool,
) -> None:
    def handler(peer: Peer, request: Request) -> None:
        peer.head(transfer_encoding="chunked")
        peer.chunk(b"first\n")
        peer.wait_for_hang_up()

    server = serve(handler, tls=authority.server_context())
    proxy = serve(tunnel_to(server), tls=authority.server_context() if proxy_tls else None)
    manager = urllib3.ProxyManager(
        proxy.url,
        ca_certs=authority.ca_file,
        proxy_ssl_context=ssl.create_default_context(cafile=authority.ca_file) if proxy_tls else None,
    )
    client = transport(api_client("https://localhost:6443", manager=manager))
    with client.open("/", abort=abort, read_timeout=30) as stream:
        assert stream.read() == b"first\n"
        reader = task(stream.read)
        reader.block_in("socket", "ssl", "urllib3.util.ssltransport")
        abort.abort()
        with pytest.raises(TransportError, match="aborted"):
            reader.wait(2)


def test_a_proxy_that_refuses_is_an_error_without_its_password(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], authority: Authority
) -> None:
    server = serve(lambda peer, request: None)
    proxy = serve(tunnel_to(server, status="407 Proxy Authentication Required"))
    manager = urllib3.ProxyManager(proxy.url, proxy_headers={"proxy-authorization": "Basic c2VjcmV0\n"})
    with pytest.raises(TransportError) as caught:
        transport(api_client("https://cluster.invalid", manager=manager)).request("GET", "/")
    assert "c2VjcmV0" not in str(caught.value)
    manager = urllib3.ProxyManager(proxy.url, proxy_headers=AUTH)
    with pytest.raises(TransportError, match="Tunnel connection failed: 407") as caught:
        transport(api_client("https://cluster.invalid", manager=manager)).request("GET", "/")
    assert "c2VjcmV0" not in str(caught.value)


def test_the_official_clients_own_proxy_setting(serve: Serve, transport: MakeTransport) -> None:
    kubernetes = importlib.import_module("kubernetes.client")
    proxy = serve(lambda peer, request: peer.respond(b'"by proxy"'))
    configuration = kubernetes.Configuration(host="http://cluster.invalid", proxy=proxy.url)
    client = transport(kubernetes.ApiClient(configuration))
    assert client.request("GET", "/api").body == b'"by proxy"'


def socks_server(server: Server) -> tuple[Callable[[Peer], bool], list[str]]:
    """A SOCKS5 proxy as ``on_connect`` of a server: everything comes to ``server``."""

    def on_connect(peer: Peer) -> bool:
        while len(peer.buffer) < 3:
            peer._fill()
        peer.buffer = b""
        peer.send(b"\x05\x00")
        while len(peer.buffer) < 7 or len(peer.buffer) < 7 + peer.buffer[4]:
            peer._fill()
        asked.append(peer.buffer[5:-2].decode())
        peer.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
        with socket.create_connection(("127.0.0.1", server.port)) as there:
            pipe(peer.sock, there)
        return False

    asked: list[str] = []
    return on_connect, asked


@pytest.mark.parametrize("secured", [False, True], ids=["plain", "tls"])
def test_socks(
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    *,
    authority: Authority,
    abort: Abort,
    task: StartTask,
    secured: bool,
) -> None:
    pytest.importorskip("socks", reason="needs PySocks, as the official client does for SOCKS proxies")
    from urllib3.contrib.socks import SOCKSProxyManager

    def handler(peer: Peer, request: Request) -> None:
        if request.target == "/watch":
            peer.head(transfer_encoding="chunked")
            peer.wait_for_hang_up()
        peer.respond(b'"inside"')

    server = serve(handler, tls=authority.server_context() if secured else None)
    on_connect, asked = socks_server(server)
    proxy = serve(handler, on_connect=on_connect)
    manager = SOCKSProxyManager(f"socks5h://127.0.0.1:{proxy.port}", ca_certs=authority.ca_file)
    url = "https://localhost" if secured else "http://cluster.invalid"
    client = transport(api_client(url, manager=manager))
    assert client.request("GET", "/").body == b'"inside"'
    assert asked == ["localhost" if secured else "cluster.invalid"]
    with client.open("/watch", abort=abort, read_timeout=30) as stream:
        reader = task(stream.read)
        reader.block_in("socket", "ssl")
        abort.abort()
        with pytest.raises(TransportError, match="aborted"):
            reader.wait(2)
