"""HTTP/1.1 on one connection: requests in, answers out, streams in chunks, and cuts where a test wants them."""

from __future__ import annotations

import contextlib
import gzip
import http
import re
import threading
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote

from kinform.testing.server.shaping import CutError, Shaper

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from kinform.testing.server.effects import Effect
    from kinform.testing.server.streams import PlainStream

__all__ = ["Connection", "Exchange", "Request"]

BODY_LIMIT: Final = 3 * 1024 * 1024
_HEAD_LIMIT: Final = 64 * 1024
# No signs, no underscores, and no more digits than int() takes.
_is_length: Final = re.compile(r"[0-9]{1,18}").fullmatch
_is_chunk_size: Final = re.compile(rb"[0-9a-fA-F]{1,15}").fullmatch


class _MalformedError(Exception):
    """What came is no HTTP that this server reads."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: In capitals.
        segments: The path's segments, unquoted.
        path: The path as it came, without the query.
        query: The parameters; of one given twice, the last.
        headers: By lower-case name.
        body: Whole; None where it was over the limit of 3 MiB.
    """

    method: str
    segments: tuple[str, ...]
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Request:
        """The request with its target, ``/path?query``, taken apart."""
        path, _, query = target.partition("?")
        return cls(
            method=method,
            segments=tuple(unquote(each) for each in path.removeprefix("/").removesuffix("/").split("/")),
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=body,
        )


class Exchange:
    """One request and its answer. Used by the connection's thread; ``abandoned`` may be read from any.

    Attributes:
        request: What was asked.
        started: Whether the head of an answer has gone out.
        streaming: Whether the answer is a stream.
        closing: Whether the connection ends with the answer.
    """

    def __init__(self, connection: Connection, request: Request) -> None:
        self.request = request
        self.started: bool = False
        self._connection = connection
        self.streaming: bool = False
        self.closing: bool = False
        self._shaper: Shaper | None = None
        self._compressed = False

    @property
    def abandoned(self) -> bool:
        """Whether nobody reads any more."""
        return self._connection.abandoned

    @property
    def certificate(self) -> Mapping[str, object]:
        """The client's certificate as ``ssl.SSLSocket.getpeercert`` tells it; empty where it showed none."""
        return self._connection.stream.certificate

    def shape(self, effect: Effect) -> None:
        """Has the body go out as a fault wants it."""
        self._shaper = Shaper(effect)

    def compress(self) -> None:
        """Has the body go out as gzip if the client takes that; each piece of a stream is a member of its own."""
        offered = self.request.headers.get("accept-encoding", "").lower().split(",")
        self._compressed = any(each.partition(";")[0].strip() == "gzip" for each in offered)

    def wait(self, seconds: float | None) -> None:
        """Lets real time go by (None: for ever).

        Raises:
            CutError: The client or the server went away meanwhile.
        """
        if self._connection.ended.wait(seconds):
            raise CutError

    def respond(
        self, code: int, body: bytes, *, content_type: str = "application/json", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Sends a whole answer.

        Raises:
            OSError: The client went away.
            CutError: A fault ends the answer before its end.
        """
        body = self._encode(body)
        length = [("Content-Length", str(len(body))), *headers]
        self._send_head(code, content_type, length)
        self._send_content(body if self.request.method != "HEAD" else b"")

    def stream(self, pieces: Generator[bytes]) -> None:
        """Sends JSON lines as they come, in chunks; closes ``pieces`` behind the last.

        Raises:
            OSError: The client went away.
            CutError: A fault ends the stream, or ``pieces`` does.
        """
        with contextlib.closing(pieces):
            self.start()
            for piece in pieces:
                self.write(piece)
        self.finish()

    def start(self) -> None:
        """Begins an answer that is a stream of JSON lines, in chunks."""
        self.streaming = True
        self._send_head(200, "application/json", [("Transfer-Encoding", "chunked")])

    def write(self, data: bytes) -> None:
        """Sends a piece of the stream.

        Raises:
            OSError: The client went away.
            CutError: A fault ends the stream.
        """
        self._send_content(self._encode(data))

    def finish(self) -> None:
        """Ends the stream cleanly."""
        self._send_content(b"")
        self.terminate()

    def terminate(self) -> None:
        """Ends the stream, whatever faults there are."""
        self._connection.send(b"0\r\n\r\n")

    def _send_head(self, code: int, content_type: str, headers: Iterable[tuple[str, str]]) -> None:
        self.started = True
        lines = [f"HTTP/1.1 {code} {_phrase(code)}", "Cache-Control: no-cache, private"]
        lines += [f"Content-Type: {content_type}", f"Date: {formatdate(usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += ["Content-Encoding: gzip"] * self._compressed + ["Connection: close"] * self.closing
        self._connection.send("\r\n".join([*lines, "\r\n"]).encode("latin-1"))

    def _encode(self, data: bytes) -> bytes:
        if self._shaper is not None:
            data = self._shaper.content(data, streaming=self.streaming)
        return gzip.compress(data, 1) if self._compressed and data else data

    def _send_content(self, data: bytes) -> None:
        if self._shaper is not None:
            self._shaper.send(data, self)
        else:
            self.transmit(data)

    def transmit(self, data: bytes) -> None:
        """Sends a piece of the body as it is."""
        if data:
            self._connection.send(b"%x\r\n%b\r\n" % (len(data), data) if self.streaming else data)


def _phrase(code: int) -> str:
    try:
        return http.HTTPStatus(code).phrase
    except ValueError:
        return "Unknown"


class Connection:
    """One connection: reads a request, has it handled, and again, until either side has enough.

    Args:
        stream: Connected; this object opens and closes it.
        handle: Answers an exchange.
        number: For the thread's name.
    """

    def __init__(self, stream: PlainStream, handle: Callable[[Connection, Exchange], None], number: int) -> None:
        self.stream = stream
        self.number = number
        self.ended: threading.Event = threading.Event()
        self._handle = handle
        self._buffer = bytearray()

    @property
    def abandoned(self) -> bool:
        """Whether nobody reads any more."""
        return self.ended.is_set()

    def send(self, data: bytes) -> None:
        """Sends all of it, however long the client takes.

        Raises:
            OSError: The client went away.
        """
        self.stream.send(data)

    def abandon(self) -> None:
        """Ends the connection from any thread: wakes its own out of reading and writing, and that one closes it."""
        self.ended.set()
        self.stream.abort()

    def serve(self) -> None:
        """Serves until the connection ends; never raises for what the client does."""
        try:
            with contextlib.suppress(OSError):
                self.stream.open()
                self._serve()
                self.stream.finish()
        finally:
            self.ended.set()
            self.stream.close()

    def _serve(self) -> None:
        while not self.abandoned:
            try:
                request = self._read_request()
            except _MalformedError as error:
                self.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n")
                self.send(str(error).encode())
                return
            if request is None:
                return
            exchange = Exchange(self, request)
            self._handle(self, exchange)
            if exchange.closing or request.body is None or "close" in request.headers.get("connection", "").lower():
                return

    # ---- reading

    def _receive(self) -> bool:
        data = self.stream.receive()
        self._buffer += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._receive():
                raise ConnectionResetError
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _discard(self, size: int) -> None:
        """Reads past a body: a client that is still sending would not see the answer."""
        size -= len(self._buffer)
        self._buffer.clear()
        while size > 0 and (data := self.stream.receive()):
            size -= len(data)

    def _take_until(self, mark: bytes) -> bytes | None:
        """The bytes up to a mark, which is passed over; None if the connection ends before the first of them."""
        searched = 0
        while (place := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark))
            if len(self._buffer) > _HEAD_LIMIT:
                raise _MalformedError("the head of the request is too long")
            if not self._receive():
                return None
        data = bytes(self._buffer[:place])
        del self._buffer[: place + len(mark)]
        return data

    def _read_request(self) -> Request | None:
        head = self._take_until(b"\r\n\r\n")
        if head is None:
            return None
        first, *rest = head.decode("latin-1").split("\r\n")
        try:
            method, target, version = first.split(" ")
        except ValueError:
            raise _MalformedError("that is no request line") from None
        if version != "HTTP/1.1":
            raise _MalformedError("this server speaks HTTP/1.1")
        headers: dict[str, str] = {}
        for line in rest:
            name, colon, value = line.partition(":")
            if not colon:
                raise _MalformedError("that is no header")
            headers[name.strip().lower()] = value.strip()
        return Request.of(method, target, headers, self._read_body(headers))

    def _read_body(self, headers: Mapping[str, str]) -> bytes | None:
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "0")
        if not _is_length(length):
            raise _MalformedError("that is no length")
        if not chunked and int(length) > BODY_LIMIT:
            if "expect" not in headers:
                self._discard(int(length))
            return None
        if headers.get("expect", "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self._read_chunks() if chunked else self._take(int(length))

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while True:
            line = self._take_until(b"\r\n") or b""
            digits = line.partition(b";")[0].strip()
            if not _is_chunk_size(digits):
                raise _MalformedError("that is no chunk")
            size = int(digits, 16)
            if len(body) + size > BODY_LIMIT:
                return None
            body += self._take(size)
            if size == 0:
                while self._take_until(b"\r\n"):
                    pass  # trailers
                return bytes(body)
            self._take(2)
