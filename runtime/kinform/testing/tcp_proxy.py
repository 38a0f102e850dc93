"""A relay of TCP in front of any server, which makes the trouble that networks make."""

from __future__ import annotations

import contextlib
import errno
import queue
import select
import socket
import struct
import threading
import time
from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

__all__ = ["TcpProxy"]

_LOOPBACK: Final = "127.0.0.1"
_BACKLOG: Final = 256
_CHUNK: Final = 65536
_MAX_HELD: Final = 1 << 20  # bytes on their way in one direction; beyond that the sender is not read from
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds


class _Mode(Enum):
    PASSING = auto()
    REFUSING = auto()
    SILENT = auto()


class TcpProxy:
    """Relays connections to a server on this machine, until it is told to cut, refuse, delay or swallow them.

    What is behind it is none of its concern: bytes pass unread, TLS included. Give its port to the clients that are to
    suffer, and the server's own to those that are not. It has one thread, and takes clients of the loopback interface
    only. Everything is thread-safe; each method returns when what it does is done.

    Example:
        >>> with ControlPlane() as control_plane, TcpProxy(control_plane.port) as proxy:  # doctest: +SKIP
        ...     factory = SharedInformerFactory(control_plane.client(port=proxy.port))
        ...     with factory:
        ...         factory.wait_for_cache_sync(30)
        ...         proxy.reset()

    Args:
        port: The server's.
        host: The server's address.
    """

    def __init__(self, port: int, host: str = _LOOPBACK) -> None:
        self._server = (host, port)
        self._mode = _Mode.PASSING
        self._latency = 0.0
        self._links: set[_Link] = set()
        self._accepted = 0
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()  # guards the life: whether there is a thread to do what is asked
        self._thread: threading.Thread | None = None
        self._ending = False
        self._port = 0

    # ---- life

    def start(self) -> None:
        """Begins to listen, on a free port, and to relay.

        Raises:
            RuntimeError: It runs already, or has been stopped: it is used once.
        """
        with self._lock:
            if self._thread is not None:
                raise RuntimeError("a TcpProxy starts once: make another")
            self._listener = socket.create_server((_LOOPBACK, 0), backlog=_BACKLOG)
            self._listener.setblocking(False)
            self._port = int(self._listener.getsockname()[1])
            self._waker, self._woken = socket.socketpair()
            self._thread = threading.Thread(target=self._run, name=f"kinform-tcp-proxy-{self._port}", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Resets all connections and ends; clients are refused from then on. Again, or before ``start``: nothing."""
        with self._lock:
            thread, running = self._thread, self._thread is not None and not self._ending
            self._ending = True
            if running:
                self._waker.send(b"x")
        if thread is not None:
            thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # ---- what there is

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1; 0 before ``start``."""
        return self._port

    @property
    def connections(self) -> int:
        """How many clients are connected now, answered or not."""
        return len(self._links)

    @property
    def accepted(self) -> int:
        """How many clients have connected so far, those that were refused included."""
        return self._accepted

    # ---- trouble

    def reset(self) -> int:
        """Cuts every connection as a crash does: both sides get a reset (RST). New ones are not touched.

        Returns:
            How many were cut.
        """
        return self._do(self._reset_all)

    def refuse(self) -> int:
        """Cuts every connection, and new ones as soon as they are made, until ``heal()``; returns how many were cut.

        A client connects and is then reset; it meets no "connection refused", as the proxy goes on to listen.
        """
        return self._do(lambda: self._enter(_Mode.REFUSING, self._reset_all))

    def blackhole(self) -> int:
        """Lets nothing pass any more, in no direction, until ``heal()``; returns how many connections went silent.

        All stay open, and new ones are accepted and never answered: what a partition of the network, a lost route or a
        stalled load balancer look like. What was sent meanwhile arrives after ``heal()``, as by TCP's retransmissions.
        """
        return self._do(lambda: self._enter(_Mode.SILENT, lambda: len(self._links)))

    def half_close(self) -> int:
        """Ends what the server says on every connection: clients read an end (FIN), and may still send.

        New ones are not touched.

        Returns:
            How many were half closed.
        """
        return self._do(self._half_close_all)

    def delay(self, seconds: float) -> None:
        """Has everything take so long from now on, in each direction; 0 or ``heal()``: no longer."""
        if seconds < 0:
            raise ValueError(f"a delay cannot be negative: {seconds}")

        def set_latency() -> int:
            self._latency = seconds
            return 0

        self._do(set_latency)

    def heal(self) -> None:
        """Ends ``refuse``, ``blackhole`` and ``delay``. What has been cut stays cut."""

        def pass_again() -> int:
            self._latency = 0.0
            return 0

        self._do(lambda: self._enter(_Mode.PASSING, pass_again))

    def _enter(self, mode: _Mode, action: Callable[[], int]) -> int:
        self._mode = mode
        return action()

    def _reset_all(self) -> int:
        cut = len(self._links)
        for link in list(self._links):
            self._drop(link)
        return cut

    def _half_close_all(self) -> int:
        for link in self._links:
            link.half_close()
        return len(self._links)

    def _do(self, action: Callable[[], int]) -> int:
        """Has the proxy's thread do it, which alone touches connections, and waits for what it returns.

        Raises:
            RuntimeError: The proxy does not run.
        """
        done: queue.SimpleQueue[int] = queue.SimpleQueue()
        with self._lock:
            if self._thread is None or self._ending:
                raise RuntimeError("the TcpProxy does not run")
            self._commands.put(lambda: done.put(action()))
            self._waker.send(b"x")
        return done.get()

    # ---- the thread

    def _run(self) -> None:
        try:
            while True:
                ready = self._wait()
                if self._woken.fileno() in ready:
                    self._woken.recv(_CHUNK)
                    self._obey()
                    if self._ending:
                        return
                    continue  # what was ready may have been closed, and its number been given to another
                if self._listener.fileno() in ready:
                    self._accept()
                if self._mode is not _Mode.SILENT:
                    for link in list(self._links):
                        if not link.step(ready, self._latency):
                            self._drop(link)
        finally:
            with self._lock:
                self._ending = True
            self._reset_all()
            self._obey()  # whoever asked before the end waits for an answer
            for each in (self._listener, self._waker, self._woken):
                each.close()

    def _obey(self) -> None:
        while not self._commands.empty():
            self._commands.get()()

    def _wait(self) -> dict[int, int]:
        """Blocks until a socket is ready for what is wanted of it, or something held back is due."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        poll.register(self._listener, select.POLLIN)
        timeout: float | None = None
        if self._mode is not _Mode.SILENT:
            now = time.monotonic()
            for link in self._links:
                for sock, events in link.wanted(now):
                    poll.register(sock, events)
                due = link.next_due(now)
                if due is not None:
                    timeout = due if timeout is None else min(due, timeout)
        # Rounded up: a poll that ends a moment too early would be begun again at once.
        return dict(poll.poll(None if timeout is None else int(timeout * 1000) + 1))

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except BlockingIOError:
                return
            except ConnectionError:  # it has gone already
                continue
            self._accepted += 1
            link = _Link(client, self._server)
            self._links.add(link)
            if self._mode is _Mode.REFUSING:
                self._drop(link)

    def _drop(self, link: _Link) -> None:
        self._links.discard(link)
        link.close()


class _Side:
    """One end of a connection, and what is on its way to it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.held: deque[tuple[float, bytes]] = deque()  # what it is to be sent, and when
        self.size = 0
        self.said_all = False  # it has sent its end
        self.told_all = False  # it has been sent the other's end


class _Link:
    """One client's connection, and that to the server for it."""

    def __init__(self, client: socket.socket, server: tuple[str, int]) -> None:
        client.setblocking(False)
        upstream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        upstream.setblocking(False)
        for each in (client, upstream):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = _Side(client)
        self._upstream = _Side(upstream)
        self._connected = False
        self._mute = False  # the server's words are dropped
        self._broken = upstream.connect_ex(server) not in {0, errno.EINPROGRESS}

    def wanted(self, now: float) -> list[tuple[socket.socket, int]]:
        """The sockets and what is awaited of them."""
        if not self._connected:
            return [(self._upstream.sock, select.POLLOUT)]
        found: list[tuple[socket.socket, int]] = []
        for side, other in ((self._client, self._upstream), (self._upstream, self._client)):
            events = 0
            if not side.said_all and other.size < _MAX_HELD:
                events |= select.POLLIN
            if side.held and side.held[0][0] <= now:
                events |= select.POLLOUT
            if events:
                found.append((side.sock, events))
        return found

    def next_due(self, now: float) -> float | None:
        """In how many seconds something held back is to be sent; None: nothing is held back."""
        dues = [side.held[0][0] - now for side in (self._client, self._upstream) if side.held]
        return min((max(0.0, due) for due in dues if due > 0), default=None)

    def half_close(self) -> None:
        """Ends what the client hears."""
        self._mute = True
        self._client.held.clear()
        self._client.size = 0
        self._end(self._client)

    def step(self, ready: dict[int, int], latency: float) -> bool:
        """Does what can be done now; False when the connection is over."""
        if self._broken:
            return False
        try:
            if not self._connected:
                return self._connect(ready)
            for side, other in ((self._client, self._upstream), (self._upstream, self._client)):
                if ready.get(side.sock.fileno(), 0) & ~select.POLLOUT:
                    self._read(side, other, latency)
            for side, other in ((self._client, self._upstream), (self._upstream, self._client)):
                self._write(side)
                if other.said_all and not side.held:
                    self._end(side)
        except OSError:
            return False
        return not self._finished

    @property
    def _finished(self) -> bool:
        """Whether both sides have been told everything, and that it was all."""
        return self._client.told_all and self._upstream.told_all

    def close(self) -> None:
        """Resets both sides, unless they have ended in good order."""
        for side in (self._client, self._upstream):
            if not self._finished:
                with contextlib.suppress(OSError):
                    side.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            side.sock.close()

    def _connect(self, ready: dict[int, int]) -> bool:
        if ready.get(self._upstream.sock.fileno(), 0):
            if self._upstream.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                return False
            self._connected = True
        return True

    def _read(self, side: _Side, other: _Side, latency: float) -> None:
        try:
            data = side.sock.recv(_CHUNK)
        except BlockingIOError:
            return
        if not data:
            side.said_all = True
        elif not (self._mute and side is self._upstream):
            other.held.append((time.monotonic() + latency if latency else 0.0, data))
            other.size += len(data)

    def _write(self, side: _Side) -> None:
        now = time.monotonic()
        while side.held and side.held[0][0] <= now:
            due, data = side.held.popleft()
            try:
                sent = side.sock.send(data)
            except BlockingIOError:
                sent = 0
            side.size -= sent
            if sent < len(data):
                side.held.appendleft((due, data[sent:]))
                return

    @staticmethod
    def _end(side: _Side) -> None:
        if not side.told_all:
            side.told_all = True
            with contextlib.suppress(OSError):
                side.sock.shutdown(socket.SHUT_WR)
