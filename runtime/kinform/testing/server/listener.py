"""Accepting connections, a thread for each, and noticing when a client hangs up on a silent watch."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

from kinform.testing.server.connection import Connection
from kinform.testing.server.streams import PlainStream, TlsStream

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator

    from kinform.testing.server.connection import Exchange

__all__ = ["Listener"]

_LOG: Final = logging.getLogger("kinform.testing.server")
_BACKLOG: Final = 256


class Listener:
    """The listening socket and its connections, from ``start`` to ``stop``; used once.

    Args:
        address: Host and port; port 0 takes a free one.
        handle: Answers an exchange, in the connection's thread.
        wake: Called when connections have been abandoned, so that whoever waits for them looks up.
        tls: What its connections speak; None: plain HTTP.

    Raises:
        OSError: The port is taken.
    """

    def __init__(
        self,
        address: tuple[str, int],
        handle: Callable[[Exchange], None],
        wake: Callable[[], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._handle = handle
        self._wake = wake
        self._tls = tls
        self._lock = threading.Lock()
        self._connections: dict[Connection, threading.Thread] = {}
        self._count = 0
        self._socket = socket.create_server(address, backlog=_BACKLOG)
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._stop_sender, self._stop_receiver = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="kinform-server", daemon=True)

    def start(self) -> None:
        """Begins to accept."""
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._stop_receiver, selectors.EVENT_READ)
        self._thread.start()

    def stop(self, timeout: float) -> list[str]:
        """Refuses new connections, breaks the present ones and waits for their threads.

        Returns:
            The names of threads that are still running after ``timeout`` seconds: none, unless one is stuck.
        """
        deadline = time.monotonic() + timeout
        self._stop_sender.send(b"x")
        self._thread.join(timeout)
        with self._lock:
            threads = list(self._connections.values())
            for connection in self._connections:
                connection.abandon()
        self._wake()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for sock in (self._stop_sender, self._stop_receiver):
            sock.close()
        self._selector.close()
        return [thread.name for thread in (self._thread, *threads) if thread.is_alive()]

    @property
    def connections(self) -> int:
        """How many are open."""
        with self._lock:
            return len(self._connections)

    # ---- the listener's thread

    def _run(self) -> None:
        try:
            while True:
                for key, _ in self._selector.select():
                    if key.fileobj is self._stop_receiver:
                        return
                    if key.fileobj is self._socket:
                        self._accept()
                    else:
                        self._look_after(*key.data)
        finally:
            self._socket.close()

    def _accept(self) -> None:
        try:
            sock, _ = self._socket.accept()
        except OSError:
            return  # it was gone before we came
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._count += 1
        stream = PlainStream(sock) if self._tls is None else TlsStream(sock, self._tls)
        connection = Connection(stream, self._answer, self._count)
        name = f"kinform-server-{self._count}"
        thread = threading.Thread(target=self._serve, args=(connection,), name=name, daemon=True)
        with self._lock:
            self._connections[connection] = thread
        thread.start()

    def _look_after(self, connection: Connection, exchange: Exchange) -> None:
        """The client sent something while it should be reading: most likely its end of the connection."""
        stream = connection.stream
        with self._lock:  # which its own thread must take before it reads again
            if not self._listens(connection, exchange):
                return
            gone = stream.hung_up()
            if gone or not stream.takes_in:
                self._selector.unregister(stream.sock)
        if gone:
            connection.abandon()
            self._wake()

    def _listens(self, connection: Connection, exchange: Exchange) -> bool:
        """Whether it is still this exchange whose hang-up is listened for; the lock is held."""
        try:
            return self._selector.get_key(connection.stream.sock).data[1] is exchange
        except (KeyError, RuntimeError, ValueError):  # nobody listens, or the server has stopped
            return False

    # ---- the connections' threads

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            with self._lock:
                del self._connections[connection]

    def _answer(self, connection: Connection, exchange: Exchange) -> None:
        with self._noticing_hang_up(connection, exchange):
            try:
                self._handle(exchange)
            except OSError:
                raise
            except Exception:  # noqa: BLE001  (a fault of this server must not look like one of the client)
                _LOG.exception("%s %s failed", exchange.request.method, exchange.request.path)
                if exchange.started:
                    raise ConnectionAbortedError from None
                exchange.respond(500, b"Internal Server Error: see the log", content_type="text/plain")

    @contextlib.contextmanager
    def _noticing_hang_up(self, connection: Connection, exchange: Exchange) -> Generator[None]:
        # epoll and kqueue let one thread add and remove while another waits.
        with self._lock:
            self._selector.register(connection.stream.sock, selectors.EVENT_READ, (connection, exchange))
        try:
            yield
        finally:
            with self._lock:
                if self._listens(connection, exchange):
                    self._selector.unregister(connection.stream.sock)
