"""Ending, from any thread, what another thread waits for on the network."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

from kinform.errors import AbortedError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Abort", "Abortable", "SocketHandle", "covering"]

_covering: Final[ContextVar[tuple[Abort, ...]]] = ContextVar("kinform_covering", default=())


class Abortable(Protocol):
    """What an ``Abort`` ends: a connection, or a wait."""

    def shutdown(self) -> None:
        """Ends it. Any thread, never blocks."""
        ...


class SocketHandle:
    """A second descriptor of a socket, by which any thread may shut the connection down.

    Closing a socket leaves a thread that is blocked in reading it blocked, and closing a response, or shutting down
    through the TLS layer, from another thread hangs or feeds ciphertext to the parser. Shutting down the *connection*
    by a descriptor of our own does none of this: the reader sees an end of file and cleans up in its own thread.
    """

    __slots__ = ("_lock", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._lock = threading.RLock()  # re-entrant, as a signal handler may abort the very thread that holds it
        self._sock: socket.socket | None = socket.socket(
            sock.family, sock.type, sock.proto, fileno=os.dup(sock.fileno())
        )

    def shutdown(self) -> None:
        """Ends the connection in both directions; nothing happens where it has ended. Any thread, never blocks."""
        with self._lock:
            if self._sock is not None:
                with contextlib.suppress(OSError):  # not connected yet, or not any more
                    self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Gives the descriptor back. For the thread that owns the connection."""
        with self._lock:
            sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()


class Abort:
    """A switch that ends requests, from any thread and for good.

    Pass one to ``Transport.request`` or ``Transport.open``: after :meth:`abort` the thread inside them gets an
    ``AbortedError`` within milliseconds, whether it connects, shakes hands, waits for headers or reads. One switch may
    cover many requests, one after another or at the same time; a request that starts later is refused at once. What
    cannot be interrupted is the resolving of a host name and the running of a credential plugin.

    Thread-safe. (client-go: the context of a request.)
    """

    __slots__ = ("_aborted", "_handles", "_lock")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._aborted = False
        self._handles: set[Abortable] = set()

    @property
    def aborted(self) -> bool:
        """Whether :meth:`abort` has been called."""
        return self._aborted

    def abort(self) -> None:
        """Ends every request under this switch, now and later. Never blocks; calling it again does nothing more."""
        with self._lock:
            self._aborted = True
            for handle in self._handles:
                handle.shutdown()

    @contextlib.contextmanager
    def covers(self) -> Generator[None]:
        """Puts every request that this thread (or task, or context) makes within the block under this switch, too.

        For code that makes its requests through clients, which take no ``abort=``. Threads started within the block are
        not covered, unless they run in a copy of its context.
        """
        token = _covering.set((*_covering.get(), self))
        try:
            yield
        finally:
            _covering.reset(token)

    def raise_if_aborted(self) -> None:
        """Does nothing until :meth:`abort` has been called.

        Raises:
            AbortedError: It has been called.
        """
        if self._aborted:
            raise AbortedError("aborted")

    def attach(self, handle: Abortable) -> None:
        """Puts a connection or a wait under this switch; for transports.

        Raises:
            AbortedError: The switch has been thrown already: nothing was attached.
        """
        with self._lock:
            self.raise_if_aborted()
            self._handles.add(handle)

    def detach(self, handle: Abortable) -> None:
        """Takes it away from under this switch, whether it is there or not; for transports."""
        with self._lock:
            self._handles.discard(handle)

    def __repr__(self) -> str:
        return f"<Abort{' aborted' if self._aborted else ''}>"


def covering() -> tuple[Abort, ...]:
    """The switches that cover what this thread does; for transports."""
    return _covering.get()
