"""A loopback API server that answers what a test tells it, a small model, and clients for it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
import urllib3

from kinform.client import (
    ClientsetBase,
    CollectionDeletable,
    Creatable,
    Deletable,
    Gettable,
    Listable,
    Patchable,
    Sendable,
    StatusPatchable,
    StatusReadable,
    StatusUpdatable,
    Updatable,
    Watchable,
)
from kinform.meta import Resource
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.transport import ApiClient


class Owner(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Metadata(msgspec.Struct, rename="camel", omit_defaults=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    owner_references: list[Owner] = []


class Wire:
    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error

    def to_wire(self) -> bytes:
        return msgspec.json.encode(self)


class Widget(msgspec.Struct, Wire, rename="camel"):
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    kind: str = "Widget"
    api_version: str = "shop.example/v1"
    size: int = 0


class Scale(msgspec.Struct, Wire):
    replicas: int = 0
    kind: str = "Scale"


class Eviction(msgspec.Struct, Wire):
    kind: str = "Eviction"


class TokenRequest(msgspec.Struct, Wire):
    kind: str = "TokenRequest"
    token: str = ""


class WidgetClient(
    Creatable[Widget],
    Gettable[Widget],
    Listable[Widget],
    Watchable[Widget],
    Updatable[Widget],
    Patchable[Widget],
    Deletable[Widget],
    CollectionDeletable[Widget],
    StatusReadable[Widget],
    StatusUpdatable[Widget],
    StatusPatchable[Widget],
):
    """As the generator writes them."""

    def __init__(self, transport: Transport, namespace: str = "") -> None:
        super().__init__(
            transport, Resource("shop.example", "v1", "widgets", "Widget", namespaced=True), Widget, namespace
        )

    def get_scale(self, name: str) -> Scale:
        return self._get_subresource(name, "scale", Scale)

    def update_scale(self, name: str, scale: Scale) -> Scale:
        return self._update_subresource(name, "scale", scale)

    def patch_scale(self, name: str, patch: dict[str, object]) -> Scale:
        return self._patch_subresource(name, "scale", patch, Scale)

    def create_token(self, name: str, request: TokenRequest) -> TokenRequest:
        return self._create_subresource(name, "token", request, TokenRequest)

    def create_eviction(self, name: str, eviction: Eviction) -> None:
        self._send_to_subresource(name, "eviction", eviction)


class OrderClient(Sendable[Widget]):
    def __init__(self, transport: Transport, namespace: str = "") -> None:
        super().__init__(
            transport, Resource("shop.example", "v1", "widgets", "Widget", namespaced=True), Widget, namespace
        )


class NodeClient(Gettable[Widget], Listable[Widget], Creatable[Widget], CollectionDeletable[Widget]):
    def __init__(self, transport: Transport, namespace: str = "") -> None:
        super().__init__(transport, Resource("", "v1", "nodes", "Node", namespaced=False), Widget, namespace)


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> object:
        return json.loads(self.body)

    @property
    def fields(self) -> dict[str, Any]:
        """The body's, where it is an object."""
        assert isinstance(self.json, dict)
        return self.json


@dataclass
class Server:
    """Answers each request with the next of ``answers``, the last one again and again."""

    answers: list[object] = field(default_factory=lambda: [{}])
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def answer(self) -> None:
                url = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", "0")))
                outer.seen.append(Seen(self.command, url.path, dict(parse_qsl(url.query)), headers, body))
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                if callable(answer):
                    answer(self)
                    return
                status, content, extra = answer if isinstance(answer, tuple) else (200, answer, {})
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **extra}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  (http.server's names)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def source(server: Server) -> ApiClient:
    return SimpleNamespace(
        configuration=SimpleNamespace(host=server.url),
        rest_client=SimpleNamespace(pool_manager=urllib3.PoolManager()),
        default_headers={},
    )


@pytest.fixture
def transport(source: ApiClient) -> Iterator[Transport]:
    with Transport(source) as transport:
        yield transport


class Widgets(Protocol):
    """How the fixture ``widgets`` is called."""

    def __call__(self, namespace: str = "") -> WidgetClient: ...


@pytest.fixture
def widgets(transport: Transport) -> Widgets:
    return lambda namespace="": WidgetClient(transport, namespace)


class Orders(Protocol):
    """How the fixture ``orders`` is called."""

    def __call__(self, namespace: str = "") -> OrderClient: ...


@pytest.fixture
def orders(transport: Transport) -> Orders:
    """Clients of what is sent and not kept."""
    return lambda namespace="": OrderClient(transport, namespace)


@pytest.fixture
def nodes(transport: Transport) -> NodeClient:
    return NodeClient(transport)


class MakeWidget(Protocol):
    """How the fixture ``widget`` is called."""

    def __call__(
        self, name: str = "", namespace: str = "", *, size: int = 0, uid: str = "", resource_version: str = ""
    ) -> Widget: ...


@pytest.fixture
def widget() -> MakeWidget:
    """``widget(name, namespace, uid=…)`` makes one."""
    return lambda name="", namespace="", *, size=0, uid="", resource_version="": Widget(
        Metadata(name=name, namespace=namespace, uid=uid, resource_version=resource_version), size=size
    )


class Models(NamedTuple):
    """Classes of this module, for tests: they cannot import it."""

    scale: type[Scale] = Scale
    eviction: type[Eviction] = Eviction
    token_request: type[TokenRequest] = TokenRequest
    widget_client: type[WidgetClient] = WidgetClient
    clientset: type[ClientsetBase] = ClientsetBase


@pytest.fixture
def models() -> Models:
    return Models()
