"""A loopback HTTP server to be scripted per test, certificates, and the official client's shape."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar, cast

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kinform.transport import Abort, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kinform.transport import ApiSource

T = TypeVar("T")


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """The number of the connection it came over."""


class Peer:
    """The server's side of one connection."""

    def __init__(self, sock: socket.socket, number: int, closing: threading.Event) -> None:
        self.sock = sock
        self.number = number
        self.closing = closing
        self.buffer = b""

    def read_request(self) -> Request | None:
        while b"\r\n\r\n" not in self.buffer:
            if not self._fill():
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        while len(self.buffer) < length:
            if not self._fill():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Request(method, target, headers, body, self.number)

    def _fill(self) -> bool:
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def head(self, status: str = "200 OK", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.send("\r\n".join([*lines, "", ""]).encode())

    def respond(self, body: bytes = b"{}", status: str = "200 OK", **headers: str) -> None:
        self.head(status, **{"content_length": str(len(body)), "content_type": "application/json", **headers})
        self.send(body)

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def wait_for_hang_up(self) -> None:
        """Until the client has gone, or the test is over."""
        self.sock.settimeout(0.05)
        while not self.closing.is_set():
            try:
                if not self.sock.recv(65536):
                    return
            except TimeoutError:
                continue
            except OSError:
                return


Handler: TypeAlias = "Callable[[Peer, Request], object]"


@dataclass
class Server:
    """Serves each connection in a thread: ``handler(peer, request)`` per request, False ends the connection."""

    handler: Handler
    tls: ssl.SSLContext | None = None
    on_connect: Callable[[Peer], object] | None = None
    requests: list[Request] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.count = 0
        self.threads = [threading.Thread(target=self._accept, name="server")]
        self.threads[0].start()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.closing.is_set():
                sock.close()
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.count += 1
            thread = threading.Thread(target=self._serve, args=(sock, self.count), name="server connection")
            self.threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            if self.on_connect is not None and self.on_connect(Peer(sock, number, self.closing)) is False:
                return
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            self.connections.append(sock)
            peer = Peer(sock, number, self.closing)
            while (request := peer.read_request()) is not None:
                self.requests.append(request)
                if self.handler(peer, request) is False:
                    return
        except OSError:
            pass  # the client has gone
        except Exception as error:  # noqa: BLE001  (a mistake of the test's)
            self.failures.append(error)
        finally:
            sock.close()

    def close(self) -> None:
        self.closing.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            pass  # wakes accept()
        self.listener.close()
        for sock in self.connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()
        assert not self.failures, self.failures


class Serve(Protocol):
    """How the fixture ``serve`` is called."""

    def __call__(
        self, handler: Handler, *, tls: ssl.SSLContext | None = None, on_connect: Callable[[Peer], object] | None = None
    ) -> Server: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(handler, tls=…)`` starts a server, which ends with the test."""
    servers: list[Server] = []

    def start(
        handler: Handler, *, tls: ssl.SSLContext | None = None, on_connect: Callable[[Peer], object] | None = None
    ) -> Server:
        servers.append(Server(handler, tls, on_connect))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class FakeApiClient:
    """What kinform uses of ``kubernetes.client.ApiClient``."""

    def __init__(self, host: str, *, token: str = "", manager: urllib3.PoolManager | None = None, **files: str) -> None:
        known = {"ssl_ca_cert": "ca_certs", "cert_file": "cert_file", "key_file": "key_file"}
        self.configuration = SimpleNamespace(host=host, **files)
        settings = {known[name]: path for name, path in files.items()}
        self.rest_client = SimpleNamespace(pool_manager=manager or urllib3.PoolManager(10, None, **settings))
        self.default_headers = {"User-Agent": "OpenAPI-Generator/37/python"}
        self.token = token
        self.auth_calls = 0

    def update_params_for_auth(  # noqa: PLR0917  (the official signature)
        self,
        headers: dict[str, str],
        queries: list[tuple[str, str]],
        auth_settings: list[str],
        resource_path: str,
        method: str,
        body: bytes | None,
        request_auth: object = None,
    ) -> None:
        assert auth_settings == ["BearerToken"]
        self.auth_calls += 1
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"


@pytest.fixture
def api_client() -> type[FakeApiClient]:
    return FakeApiClient


class MakeTransport(Protocol):
    """How the fixture ``transport`` is called."""

    def __call__(
        self, source: Server | ApiSource, *, user_agent: str | None = None, compression: bool | None = None
    ) -> Transport: ...


@pytest.fixture
def transport() -> Iterator[MakeTransport]:
    """``transport(server_or_source)``, closed when the test ends."""
    made: list[Transport] = []

    def make(
        source: Server | ApiSource, *, user_agent: str | None = None, compression: bool | None = None
    ) -> Transport:
        if isinstance(source, Server):
            source = FakeApiClient(source.url)
        made.append(Transport(source, user_agent=user_agent, compression=compression))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Task(threading.Thread, Generic[T]):
    """Runs a function in a thread and keeps what became of it."""

    def __init__(self, function: Callable[[], T]) -> None:
        super().__init__(name="task", daemon=True)
        self.function = function
        self.result: T | None = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.function()
        except BaseException as error:  # noqa: BLE001  (the test looks at it)
            self.error = error

    def wait(self, timeout: float = 10.0) -> T:
        self.join(timeout)
        assert not self.is_alive(), "the task is stuck"
        if self.error is not None:
            raise self.error
        return cast("T", self.result)

    def block_in(self, *modules: str) -> None:
        """Until the thread is inside a function of one of these modules, such as ``ssl``."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            frame = None if self.ident is None else sys._current_frames().get(self.ident)
            if frame is not None and frame.f_globals.get("__name__") in modules:
                return
            self.join(0.002)
            assert self.is_alive(), self.error or self.result
        raise AssertionError(f"the task never came to {modules}")


class StartTask(Protocol):
    """How the fixture ``task`` is called."""

    def __call__(self, function: Callable[[], T]) -> Task[T]: ...


@pytest.fixture
def task() -> StartTask:
    return Task


@pytest.fixture
def abort() -> Iterator[Abort]:
    switch = Abort()
    yield switch
    switch.abort()


class Authority:
    """A certificate authority with files for servers and clients."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{folder.name} authority")])
        self.certificate = self._sign(self.name, self.key.public_key(), authority=True)
        self.ca_file = self._write("ca.crt", self.certificate.public_bytes(serialization.Encoding.PEM))

    def _write(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        authority: bool = False,
        expires: dt.datetime | None = None,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        expires = expires or now + dt.timedelta(hours=1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, expires) - dt.timedelta(hours=1))
            .not_valid_after(expires)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str, expires: dt.datetime | None = None) -> tuple[str, str]:
        """Paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key.public_key(), expires=expires)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return (
            self._write(f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM)),
            self._write(f"{name}.key", private),
        )

    def server_context(self, clients: str | None = None) -> ssl.SSLContext:
        """For servers; ``clients``: the authority file that client certificates must come from."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue("server"))
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        return context


@pytest.fixture(scope="session")
def make_authority() -> type[Authority]:
    return Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(autouse=True)
def clean(nothing_is_left: None) -> None:
    pass
