"""Requests go where they are meant to, say what they are meant to, and an answer cannot lead them elsewhere."""

from __future__ import annotations

import base64
import gzip
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import pytest
import urllib3

from kinform.client import PatchType
from kinform.errors import ApiStatusError, FrameError, KinformError, NotFoundError, SelectorError, TransportError
from kinform.transport import Abort, Stream, Transport
from kinform.wire import FrameSplitter
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import ConfigMap, Secret
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.transport.conftest import FakeApiClient, MakeTransport, Peer, Request, Serve

TOKEN = "s3cr3t-t0k3n"
HOSTILE = [
    "../secrets",
    "..",
    ".",
    "a/b",
    "a%2Fb",
    "%2e%2e",
    "a?watch=true",
    "a#b",
    "a\r\nX-Evil: 1",
    "a\nb",
    "a b",
    "a;b",
    "\x00",
    "a\\..\\b",
    "\u2025/\u2025",
    "a&labelSelector=x",
    "\ud800",
]


# ---- names


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_namespaces_stay_names(serve: Serve, transport: MakeTransport, text: str) -> None:
    server = serve(lambda peer, request: peer.respond(b'{"kind":"Status","code":404}', "404 Not Found"))
    client = Clientset(transport(server)).core_v1()
    named: list[Callable[[], object]] = [
        lambda: client.secrets("shop").get(text),
        lambda: client.secrets(text).get("a"),
        lambda: client.secrets("shop").delete(text),
        lambda: client.secrets(text).list(),
        lambda: client.secrets("shop").patch(text, {}, type=PatchType.MERGE),
        lambda: client.secrets("shop").create(Secret(metadata=ObjectMeta(name="a", namespace=text))),
        lambda: client.config_maps("shop").update(ConfigMap(metadata=ObjectMeta(name=text))),
    ]
    for call in named:
        with pytest.raises((ValueError, NotFoundError)):
            call()
    for request in server.requests:
        path, _, query = request.target.partition("?")
        assert query == ""
        parts = path.split("/")
        assert parts[:4] == ["", "api", "v1", "namespaces"]
        assert parts[5] in {"secrets", "configmaps"}
        assert len(parts) <= 7
        assert not {".", ".."} & set(parts)
        assert path.isascii()
        assert "x-evil" not in request.headers


@pytest.mark.parametrize("text", ["a=b&fieldSelector=x", "a\r\nX: y", "a=b#", "a=%26", "a in (b\n)"])
def test_selectors_stay_selectors(serve: Serve, transport: MakeTransport, text: str) -> None:
    server = serve(lambda peer, request: peer.respond(b'{"kind":"SecretList","items":[]}'))
    client = Clientset(transport(server)).core_v1().secrets("shop")
    calls: list[Callable[[], object]] = [
        lambda: client.list(label_selector=text),
        lambda: client.list(field_selector=text),
    ]
    for call in calls:
        try:
            call()
        except SelectorError:
            continue
    for request in server.requests:
        assert request.target.count("?") == 1
        assert request.target.count("&") == 0
        assert "#" not in request.target
        assert "x" not in request.headers


# ---- headers and parameters


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nb", "a\x00"])
def test_a_user_agent_stays_one(serve: Serve, transport: MakeTransport, text: str) -> None:
    server = serve(lambda peer, request: peer.respond())
    with pytest.raises((ValueError, KinformError)):
        transport(server, user_agent=text).request("GET", "/")
    assert server.requests == []


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a&force=true", "a b#c"])
def test_a_field_manager_stays_one(serve: Serve, transport: MakeTransport, text: str) -> None:
    server = serve(lambda peer, request: peer.respond(b'{"kind":"ConfigMap","metadata":{"name":"a"}}'))
    client = Clientset(transport(server)).core_v1().config_maps("shop")
    client.create(ConfigMap(metadata=ObjectMeta(name="a")), field_manager=text)
    (request,) = server.requests
    assert request.target.count("&") == 0
    assert "x-evil" not in request.headers


# ---- redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "watch"])
def test_credentials_follow_no_redirect(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], status: str, method: str
) -> None:
    elsewhere = serve(lambda peer, request: peer.respond())
    server = serve(lambda peer, request: peer.respond(b"", status, location=f"{elsewhere.url}/api"))
    client = transport(api_client(server.url, token=TOKEN))
    ask: Callable[[str], object] = (
        partial(client.open, abort=Abort(), read_timeout=5)
        if method == "watch"
        else partial(_request, client, method, body=None if method == "GET" else b"{}")
    )
    with pytest.raises(ApiStatusError, match="kinform follows no redirects") as caught:
        ask("/api/v1/pods")
    assert caught.value.code == int(status[:3])
    assert len(server.requests) == 1
    assert elsewhere.count == 0


def test_a_proxy_gets_no_credentials_of_the_server_by_a_tunnel(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    def refuse(peer: Peer, request: Request) -> bool:
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return False

    proxy = serve(refuse)
    password = "pr0xy-passw0rd"
    basic = base64.b64encode(f"me:{password}".encode()).decode()
    manager = urllib3.ProxyManager(proxy.url, proxy_headers={"proxy-authorization": f"Basic {basic}"})
    client = transport(api_client("https://cluster.invalid", token=TOKEN, manager=manager))
    with pytest.raises(TransportError) as caught:
        client.request("GET", "/api")
    (request,) = proxy.requests
    assert request.method == "CONNECT"
    assert "authorization" not in request.headers
    said = repr(caught.value) + str(caught.value) + repr(client)
    for secret in (TOKEN, password, basic):
        assert secret not in said


def _request(client: Transport, method: str, path: str, *, body: bytes | None) -> object:
    return client.request(method, path, body=body)


# ---- bodies that blow up

SIZE = 200 * 1024 * 1024


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """200 MiB of nothing, in 200 KiB."""
    return gzip.compress(b" " * SIZE, compresslevel=9)


def test_an_error_that_blows_up_is_read_no_further_than_a_status_can_go(
    serve: Serve, transport: MakeTransport, bomb: bytes
) -> None:
    server = serve(lambda peer, request: peer.respond(bomb, "500 Internal Server Error", content_encoding="gzip"))
    client = transport(server, compression=True)
    tracemalloc.start()
    try:
        with pytest.raises(ApiStatusError):
            client.request("GET", "/")
        assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    finally:
        tracemalloc.stop()


def _read_all(stream: Stream, splitter: FrameSplitter) -> None:
    while data := stream.read():
        assert len(data) <= 1 << 20
        splitter.feed(data)


def test_a_watch_that_blows_up_ends_at_the_longest_frame(serve: Serve, transport: MakeTransport, bomb: bytes) -> None:
    body = gzip.compress(b'{"type":"ADDED","object":{"metadata":{"name":"') + bomb
    server = serve(lambda peer, request: peer.respond(body, content_encoding="gzip"))
    splitter = FrameSplitter(max_frame=4 * 1024 * 1024)
    tracemalloc.start()
    try:
        with (
            transport(server, compression=True).open("/", abort=Abort(), read_timeout=5) as stream,
            pytest.raises(FrameError, match="longer than"),
        ):
            _read_all(stream, splitter)
        assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_what_blew_up_is_whole_for_whoever_wants_it_all(serve: Serve, transport: MakeTransport, bomb: bytes) -> None:
    server = serve(lambda peer, request: peer.respond(bomb, content_encoding="gzip"))
    client = transport(server, compression=True)
    for _ in range(2):  # over one connection: it was read to its end
        assert len(client.request("GET", "/").body) == SIZE
    assert server.count == 1
