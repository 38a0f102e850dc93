"""Connections that can be shut down from any thread: how they are made, tunnelled, kept and given up."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import select
import socket
import ssl
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from urllib3 import ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import parse_url
from urllib3.util.proxy import connection_requires_http_tunnel

from kinform.errors import ConfigurationError
from kinform.transport.abort import SocketHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from urllib3 import PoolManager

    from kinform.transport.abort import Abort

__all__ = ["Connection", "Endpoint", "IdleConnections"]

SocketOption: TypeAlias = "tuple[int, int, int | bytes]"

_IDLE_BEFORE_PROBE = 30
_PROBE_INTERVAL = 5
_PROBES = 3
_PEER_IS_GONE = _IDLE_BEFORE_PROBE + _PROBES * _PROBE_INTERVAL

_CONNECT_SLICE = 0.25
"""Seconds between two looks at the abort switch while connecting: not every system wakes a connect by a shutdown."""


def _socket_options() -> dict[tuple[int, int], int]:
    """TCP options by (level, name): no delay, and a dead peer found in 45 s, which over HTTP/1.1 nothing else does."""
    options = {(socket.IPPROTO_TCP, socket.TCP_NODELAY): 1, (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1}
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_BEFORE_PROBE),
        ("TCP_KEEPALIVE", _IDLE_BEFORE_PROBE),  # what macOS calls the former
        ("TCP_KEEPINTVL", _PROBE_INTERVAL),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", 1000 * _PEER_IS_GONE),  # for what was sent and never acknowledged
    ):
        option = getattr(socket, name, None)
        if option is not None:
            options[socket.IPPROTO_TCP, option] = value
    return options


_SOCKET_OPTIONS: Final = _socket_options()

_CONNECTION_KEYS = ("source_address", "blocksize")
_TLS_KEYS = (
    *("cert_reqs", "assert_hostname", "assert_fingerprint", "server_hostname", "ssl_context"),
    *("ca_certs", "ca_cert_dir", "ca_cert_data", "cert_file", "key_file", "key_password"),
    *("ssl_minimum_version", "ssl_maximum_version", "ssl_version"),
)
"""What urllib3's connections take from a pool manager's ``connection_pool_kw``."""


class Connection(HTTPConnection):
    """An HTTP connection that is under abort switches from its first packet on.

    The thread that uses it owns it: it alone claims, releases and disposes.
    """

    debuglevel = 0  # the official client's debug switch sets it on http.client's class, which then prints tokens
    aborts: Sequence[Abort] = ()
    """The switches over the request in progress."""
    handle: SocketHandle | None = None
    socks_options: Mapping[str, object] | None = None
    wanted_options: Sequence[SocketOption] = ()
    """Socket options that the user configured."""
    used: bool = False
    """Whether a request has been sent over it."""
    idle_since: float = 0.0
    live: socket.socket | None = None
    """What the current answer is read from; ``sock`` is None by then, where the server will close."""

    def _new_conn(self) -> socket.socket:
        address = (self._dns_host, self.port)  # with the trailing dot that `host` loses
        if self.socks_options is None:
            return self._dial(address, lambda sock, target: _connect(sock, target, self.timeout, self.aborts))
        socks = importlib.import_module("socks")
        options = self.socks_options
        proxy = (options["proxy_host"], options["proxy_port"])

        def connect_through_proxy(sock: Any, _target: object) -> None:
            sock.set_proxy(options["socks_version"], *proxy, options["rdns"], options["username"], options["password"])
            sock.settimeout(self.timeout)
            sock.connect(address)

        return self._dial(proxy, connect_through_proxy, socks.socksocket)

    def _dial(
        self,
        address: tuple[Any, Any],
        connect: Callable[[socket.socket, Any], None],
        make: Callable[..., socket.socket] = socket.socket,
    ) -> socket.socket:
        """A connected socket, to the first of the address's addresses that takes it."""
        failure: OSError | None = None
        for family, kind, protocol, _, target in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
            sock = make(family, kind, protocol)
            self.handle = SocketHandle(sock)
            try:
                self.claim(self.aborts)
                _set_options(sock, self.wanted_options)
                connect(sock, target)
                self._raise_if_aborted()
            except BaseException as error:
                self.release()
                self.handle.close()
                self.handle = None
                sock.close()
                self._raise_if_aborted()
                if not isinstance(error, OSError):
                    raise
                failure = error
            else:
                return sock
        raise failure or OSError(f"{address[0]} has no addresses")

    def _raise_if_aborted(self) -> None:
        for abort in self.aborts:
            abort.raise_if_aborted()

    def claim(self, aborts: Sequence[Abort]) -> None:
        """Puts the connection under the switches of a new request.

        Raises:
            AbortedError: One has been thrown already.
        """
        self.aborts = aborts
        self._raise_if_aborted()
        if self.handle is not None:
            for abort in aborts:
                abort.attach(self.handle)

    def release(self) -> None:
        """Takes the connection from under its switches: they must not end the next request."""
        if self.handle is not None:
            for abort in self.aborts:
                abort.detach(self.handle)

    def dispose(self) -> None:
        """Closes everything. Never raises."""
        self.release()
        with contextlib.suppress(OSError):
            self.close()
        if self.handle is not None:
            self.handle.close()
            self.handle = None


class _TlsConnection(Connection, HTTPSConnection):
    """The same with TLS, to a server or to an HTTPS proxy."""


def _set_options(sock: socket.socket, wanted: Iterable[SocketOption]) -> None:
    for (level, name), number in _SOCKET_OPTIONS.items():
        with contextlib.suppress(OSError):  # a sandboxed kernel may lack some; none is worth the connection
            sock.setsockopt(level, name, number)
    for level, name, value in wanted:
        sock.setsockopt(level, name, value)


def _connect(sock: socket.socket, target: Any, timeout: float | None, aborts: Sequence[Abort]) -> None:
    """Connects, looking at the switches on the way.

    Raises:
        AbortedError: A switch was thrown.
        OSError: Refused, unreachable; ``TimeoutError`` after ``timeout`` seconds.
    """
    sock.setblocking(False)
    code = sock.connect_ex(target)
    if code in {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR}:
        deadline = None if timeout is None else time.monotonic() + timeout
        poller = select.poll()
        poller.register(sock, select.POLLOUT)
        while True:
            left = _CONNECT_SLICE if deadline is None else min(_CONNECT_SLICE, deadline - time.monotonic())
            ready = poller.poll(max(0.0, left) * 1000)
            for abort in aborts:
                abort.raise_if_aborted()
            if ready:
                break
            if left <= 0:
                raise TimeoutError(errno.ETIMEDOUT, "no connection in time")
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    sock.settimeout(timeout)


def _close_half_made(error: BaseException) -> None:
    """Closes the TLS socket that was being made when the error came, if it was lost.

    A connection that is reset just before the handshake makes Python's ``ssl`` raise with its new socket open: it has
    taken the descriptor from the plain socket, and nobody has the new one but the frames of the error's traceback. As
    errors are kept (``last_error``), so would the descriptor be.
    """
    cause: BaseException | None = error
    while cause is not None:
        for frame, _ in traceback.walk_tb(cause.__traceback__):
            made = frame.f_locals.get("self")
            if isinstance(made, ssl.SSLSocket):
                made.close()
        cause = cause.__context__


class Endpoint:
    """The way to one API server: its address, TLS, client certificate and proxies, as the official client has them.

    Read from the configuration of the official client's pool manager; its own pools are never used. Thread-safe.
    """

    def __init__(self, url: str, manager: PoolManager) -> None:
        """Reads the configuration; opens nothing.

        Raises:
            ConfigurationError: ``url`` is no ``http`` or ``https`` URL.
        """
        try:
            parsed = parse_url(url)
        except ValueError:
            parsed = None
        if parsed is None or parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ConfigurationError("the API server's address (configuration.host) is no http:// or https:// URL")
        self.secure: bool = parsed.scheme == "https"
        self.name: str = parsed._replace(auth=None, path=None, query=None, fragment=None).url
        """The server as ``https://host:port``, without what may be secret."""
        self._path = (parsed.path or "").rstrip("/")
        self.address: str = f"{self.name}{self._path}"
        """The same with the path that all requests begin with: behind some proxies it says which cluster."""
        host, port = parsed.host, parsed.port or (443 if self.secure else 80)
        settings: Mapping[str, Any] = manager.connection_pool_kw
        self.verified: bool = not (self.secure and settings.get("cert_reqs") in {ssl.CERT_NONE, "CERT_NONE", "NONE"})
        """Whether the server has to prove that it is who it says (always true without TLS, where nothing proves it)."""
        self._socks_options: Mapping[str, object] | None = settings.get("_socks_options")
        self._wanted_options: Sequence[SocketOption] = settings.get("socket_options") or ()
        self._tunnel: tuple[str, int, str] | None = None
        self._proxy_headers: Mapping[str, str] = {}
        self._absolute = ""  # what comes before the path where a forwarding proxy wants the whole URL
        arguments: dict[str, Any] = {"host": host.strip("[]"), "port": port}
        secure = self.secure
        if isinstance(manager, ProxyManager) and manager.proxy is not None:
            proxy = manager.proxy
            self._proxy_headers = dict(manager.proxy_headers or {})
            arguments = {
                "host": (proxy.host or "").strip("[]"),
                "port": proxy.port,
                "proxy": proxy,
                "proxy_config": manager.proxy_config,
            }
            if connection_requires_http_tunnel(proxy, manager.proxy_config, parsed.scheme):
                self._tunnel = (host, port, proxy.scheme or "http")
            else:
                self._absolute = self.name
                secure = proxy.scheme == "https"
        keys = (*_CONNECTION_KEYS, *_TLS_KEYS) if secure else _CONNECTION_KEYS
        arguments |= {key: settings[key] for key in keys if settings.get(key) is not None}
        self._arguments = arguments
        self._class: type[Connection] = _TlsConnection if secure else Connection

    def target(self, path: str) -> str:
        """What stands in the request line for a path with query."""
        return f"{self._absolute}{self._path}{path}"

    @property
    def proxy_headers(self) -> Mapping[str, str]:
        """The headers that a forwarding proxy wants with each request; a tunnel gets them once, by itself."""
        return {} if self._tunnel else self._proxy_headers

    def connect(self, aborts: Sequence[Abort], timeout: float) -> Connection:
        """A new connection, through proxy and TLS, claimed for ``aborts``; each of its waits ends after ``timeout`` s.

        Raises:
            AbortedError: A switch was thrown.
            OSError, urllib3.exceptions.HTTPError, ValueError: It cannot be made.
        """
        connection = self._class(timeout=timeout, **self._arguments)
        connection.aborts = aborts
        connection.socks_options = self._socks_options
        connection.wanted_options = self._wanted_options
        try:
            if self._tunnel is not None:
                host, port, scheme = self._tunnel
                connection.set_tunnel(host, port, headers=self._proxy_headers, scheme=scheme)
            connection.connect()
        except BaseException as error:
            connection.dispose()
            _close_half_made(error)
            raise
        return connection


class IdleConnections:
    """Connections kept for the next request. Thread-safe.

    Hands out without limit and keeps a few: no number of threads can wait for one another here.
    """

    def __init__(self, limit: int = 16, max_idle: float = 60.0) -> None:
        self._limit = limit
        self._max_idle = max_idle
        self._lock = threading.Lock()
        self._connections: list[Connection] = []
        self._closed = False
        self._pid = os.getpid()

    @property
    def kept(self) -> int:
        """How many there are."""
        return len(self._connections)

    def take(self) -> Connection | None:
        """A connection that looks alive, the last one used first; None where there is none."""
        while True:
            with self._lock:
                connection = self._connections.pop() if self._connections else None
            if connection is None:
                return None
            # After a fork the parent goes on using its sockets: the child only lets go of them.
            young = time.monotonic() - connection.idle_since < self._max_idle
            if young and os.getpid() == self._pid and connection.is_connected:
                return connection
            connection.dispose()

    def put(self, connection: Connection) -> None:
        """Keeps a connection whose last response has been read to its end, or closes it where enough are kept."""
        connection.release()
        connection.idle_since = time.monotonic()
        with self._lock:
            keep = not self._closed and len(self._connections) < self._limit and os.getpid() == self._pid
            if keep:
                self._connections.append(connection)
        if not keep:
            connection.dispose()

    def close(self) -> None:
        """Closes what is kept, and what is put here from now on."""
        with self._lock:
            self._closed = True
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.dispose()
