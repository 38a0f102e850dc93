"""A response's body as it comes: chunks taken apart, gzip undone, and a body that was cut told from one that ended."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from http.client import HTTPResponse

__all__ = ["BodyError", "BodyReader", "ChunkedFraming", "GzipDecoder", "UnknownEncodingError"]

_READ_SIZE = 1 << 18
"""Bytes asked of the socket at once. More brings nothing: TLS gives 16 KiB, and bigger buffers cost their zeroing."""

_MAX_CHUNK_HEAD = 1 << 12
"""Longest chunk-size line and longest trailer line; a server that sends more does not speak HTTP."""


_MAX_PIECE = 1 << 20
"""Most bytes of a decoded body that are handed out at once."""

_HEX = re.compile(rb"[0-9a-fA-F]{1,16}").fullmatch


class BodyError(Exception):
    """The body was cut off, or is not what its headers say."""


class UnknownEncodingError(BodyError):
    """The server used a content encoding that it was not offered."""


class _Framing(Protocol):
    """How a body is delimited."""

    ended: bool
    overrun: bool
    """Whether more came than the body: the connection is out of step then."""

    def feed(self, raw: bytes) -> bytes:
        """The payload in some more bytes from the connection; ``b""`` means that the connection ended.

        Raises:
            BodyError: The connection ended before the body, or the bytes do not fit the framing.
        """
        ...

    def wanted(self) -> int:
        """How many bytes may be read without reading past the body."""
        ...


class _LengthFraming:
    """``Content-Length``: so many bytes and no more."""

    overrun = False

    def __init__(self, length: int) -> None:
        self._left = length
        self.ended = length == 0

    def feed(self, raw: bytes) -> bytes:
        if not raw:
            raise BodyError(f"the connection ended {self._left} bytes before the body")
        self._left -= len(raw)
        self.ended = self._left == 0
        return raw

    def wanted(self) -> int:
        return min(self._left, _READ_SIZE)


class _UntilCloseFraming:
    """Neither length nor chunks: the body is over when the connection is, and a cut cannot be told from an end."""

    overrun = False

    def __init__(self) -> None:
        self.ended = False

    def feed(self, raw: bytes) -> bytes:
        self.ended = not raw
        return raw

    def wanted(self) -> int:
        return _READ_SIZE


class ChunkedFraming:
    """``Transfer-Encoding: chunked``, for a reader that takes whatever has come.

    ``http.client`` reads chunk by chunk through several calls each; the API server flushes a chunk per event, so this
    takes all chunks of one read apart in one go.
    """

    def __init__(self) -> None:
        self.ended: bool = False
        self.overrun: bool = False
        self._left = 0  # bytes of the current chunk still to come
        self._head = b""  # the part of a chunk's head, or of the trailer, that has come
        self._first = True  # no line end before the first chunk's size
        self._in_trailer = False

    def wanted(self) -> int:
        """How much to read: past the body there is nothing."""
        return _READ_SIZE

    def feed(self, raw: bytes) -> bytes:
        """The payload of all chunks, and parts of chunks, in these bytes.

        Raises:
            BodyError: The connection ended (``b""``) before the last chunk, or this is no chunked body.
        """
        if not raw:
            raise BodyError("the connection was cut in the middle of the body")
        left = self._left
        if left > len(raw):  # deep inside a large chunk
            self._left = left - len(raw)
            return raw
        self._left = 0
        payload: list[bytes] = []
        if left:
            payload.append(raw[:left])
        at = left
        if self._head:
            raw, at = self._head + raw[at:], 0
            self._head = b""
        size = len(raw)
        while not self.ended:
            if self._in_trailer:
                at = self._skip_trailer_line(raw, at)
                if at < 0:
                    break
                continue
            start = at if self._first else at + 2  # the line end that closes the chunk before
            newline = raw.find(b"\n", start)
            if newline < 0:
                self._keep_head(raw[at:])
                break
            if not self._first and raw[at:start] != b"\r\n":
                raise BodyError("a chunk is longer than it says")
            self._first = False
            at = newline + 1
            left = self._chunk_size(raw[start:newline])
            if not left:
                self._in_trailer = True
                continue
            end = at + left
            if end >= size:
                payload.append(raw[at:])
                self._left = end - size
                break
            payload.append(raw[at:end])
            at = end
        return payload[0] if len(payload) == 1 else b"".join(payload)

    def _keep_head(self, head: bytes) -> None:
        if len(head) > _MAX_CHUNK_HEAD:
            raise BodyError("a chunk's head does not end")
        self._head = head

    def _skip_trailer_line(self, raw: bytes, at: int) -> int:
        """Where the next trailer line starts; -1 where this one has not come whole."""
        newline = raw.find(b"\n", at)
        if newline < 0:
            self._keep_head(raw[at:])
            return -1
        if raw[at:newline].strip() == b"":
            self.ended = True
            self.overrun = newline + 1 < len(raw)
        return newline + 1

    @staticmethod
    def _chunk_size(line: bytes) -> int:
        digits = line.partition(b";")[0].strip()
        if not _HEX(digits):  # int() would take signs, prefixes and underscores too
            raise BodyError("a chunk's size is no number")
        return int(digits, 16)


class GzipDecoder:
    """Undoes gzip as it comes, over any number of members.

    The API server closes a member at each flush of a compressed watch (Kubernetes 1.37 on), so a decoder that stops
    after the first would lose every event after it.
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._inside = False
        self._left: bytes = b""
        self._full = False  # zlib may have taken all input and not yet given all output

    @property
    def waiting(self) -> bool:
        """Whether ``feed(b"")`` may give more of what has been fed already."""
        return self._full or bool(self._left)

    def feed(self, data: bytes) -> bytes:
        """What these bytes decode to, or the first MiB of it; ``b""`` where that is nothing yet.

        Gzip blows up a thousandfold: whoever bounds what they read must not be handed the whole at once.

        Raises:
            BodyError: This is not gzip.
        """
        data = self._left + data if self._left else data
        pieces: list[bytes] = []
        room = _MAX_PIECE
        while room > 0 and (data or self._full):
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            try:
                piece = self._member.decompress(data, room)
            except zlib.error as error:
                raise BodyError(f"the body is not the gzip it says: {error}") from None
            pieces.append(piece)
            room -= len(piece)
            self._inside = not self._member.eof
            self._full = self._inside and room <= 0
            data = self._member.unused_data or self._member.unconsumed_tail
        self._left = data
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def finish(self) -> None:
        """To be called at the end of the body.

        Raises:
            BodyError: It ended inside a member.
        """
        if self._inside:
            raise BodyError("the compressed body was cut in the middle")


class BodyReader:
    """Reads the decoded body of one response. For one thread."""

    def __init__(self, response: HTTPResponse) -> None:
        """Takes over ``response``, of which nothing but the headers has been read.

        Raises:
            UnknownEncodingError: The body has an encoding other than gzip.
        """
        self._response = response
        self._framing: _Framing
        if response.length is not None:  # first, as it is 0 where HTTP allows no body at all
            self._framing = _LengthFraming(response.length)
        elif response.chunked:
            self._framing = ChunkedFraming()
        else:
            self._framing = _UntilCloseFraming()
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"identity", "", "gzip", "x-gzip"}:
            raise UnknownEncodingError(f"the body has content-encoding {encoding!r}, which was not asked for")
        self._decoder = GzipDecoder() if encoding.endswith("gzip") else None

    @property
    def complete(self) -> bool:
        """Whether all of the body, and nothing else, has been read, so that the connection can be used again."""
        return self._framing.ended and not self._framing.overrun

    def read(self) -> bytes:
        """Some bytes of the body as soon as there are any; ``b""`` at its end.

        Raises:
            BodyError: The body was cut, or is not what the headers say.
            OSError: The connection failed; ``TimeoutError`` where it was silent for its time-out.
        """
        framing, decoder = self._framing, self._decoder
        while decoder is not None and decoder.waiting:
            if payload := decoder.feed(b""):
                return payload
        while not framing.ended:
            payload = framing.feed(self._response.fp.read1(framing.wanted()))
            if decoder is not None and payload:
                payload = decoder.feed(payload)
            if payload:
                return payload
        if decoder is not None:
            decoder.finish()
        return b""
