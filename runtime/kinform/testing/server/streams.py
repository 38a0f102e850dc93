"""The bytes of one connection, plain or under TLS.

A connection's own thread opens its stream, reads, writes and closes it. Two things come from other threads: ``abort``,
and ``hung_up``, which is asked only while the connection's own thread does not read.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PlainStream", "TlsStream"]

_RECEIVE: Final = 64 * 1024
_PLAIN_REQUEST: Final = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


class PlainStream:
    """A socket as it is.

    Args:
        sock: Connected; this object closes it.

    Attributes:
        sock: For a selector.
        certificate: What the client has shown of itself, as ``ssl.SSLSocket.getpeercert`` tells it: nothing.
        takes_in: Whether ``hung_up`` takes in what has come, so that the socket falls silent by it.
    """

    takes_in: ClassVar[bool] = False

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.certificate: Mapping[str, object] = {}

    def open(self) -> None:
        """Gets ready to read and write."""

    def receive(self) -> bytes:
        """What has come, as soon as something has; empty at the end.

        Raises:
            OSError: The connection broke.
        """
        return self.sock.recv(_RECEIVE)

    def send(self, data: bytes) -> None:
        """Sends all of it, however long the client takes.

        Raises:
            OSError: The client went away.
        """
        self.sock.sendall(data)

    def hung_up(self) -> bool:
        """Whether the client has closed its side; asked while it should be silent, reading an answer."""
        try:
            return self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def finish(self) -> None:
        """Tells the client that nothing more comes; a stream that is closed without has been cut.

        Raises:
            OSError: The client went away.
        """

    def abort(self) -> None:
        """Wakes the connection's thread out of reading and writing."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the socket."""
        self.sock.close()


class TlsStream(PlainStream):
    """A socket under TLS.

    The protocol runs in memory, beside the socket: so a hang-up can be looked for while the connection's own thread
    writes (OpenSSL's objects are for one thread at a time), and aborted as a plain socket is.

    Args:
        sock: Connected; this object closes it.
        context: Of a server.
    """

    takes_in: ClassVar[bool] = True

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(sock)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._lock = threading.Lock()
        self._early = bytearray()  # what came while nobody read
        self._ended = False

    def open(self) -> None:
        """Shakes hands.

        Raises:
            OSError: The client went away, or the two do not trust each other.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._take_in(self.sock.recv(_RECEIVE))
            except ssl.SSLError as error:
                if error.reason == "HTTP_REQUEST":
                    self.sock.sendall(_PLAIN_REQUEST)  # as Go's servers answer
                else:
                    self._flush()  # tells the client why
                raise
            else:
                break
        self._flush()
        self.certificate: Mapping[str, object] = self._tls.getpeercert() or {}

    def receive(self) -> bytes:  # noqa: D102
        while True:
            with self._lock:
                self._decrypt()
                if self._early or self._ended:
                    data = bytes(self._early)
                    self._early.clear()
                    return data
            self._take_in(self.sock.recv(_RECEIVE))

    def send(self, data: bytes) -> None:  # noqa: D102
        rest = memoryview(data)
        with self._lock:
            while rest:
                rest = rest[self._tls.write(rest) :]
        self._flush()

    def hung_up(self) -> bool:  # noqa: D102
        try:
            self._take_in(self.sock.recv(_RECEIVE, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False
        except OSError:
            return True
        with self._lock:
            self._decrypt()
            return self._ended

    def finish(self) -> None:  # noqa: D102
        with self._lock, contextlib.suppress(ssl.SSLError):  # it would wait for the client to agree; we do not
            self._tls.unwrap()
        self._flush()

    def _take_in(self, data: bytes) -> None:
        with self._lock:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _decrypt(self) -> None:
        """Reads all that can be read; the lock is held."""
        try:
            while data := self._tls.read(_RECEIVE):
                self._early += data
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError:
            pass  # it broke off, or what came is no TLS
        self._ended = True

    def _flush(self) -> None:
        with self._lock:
            data = self._outgoing.read()
        self.sock.sendall(data)
