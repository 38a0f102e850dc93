"""Cuts a watch stream into frames: one JSON document each, wherever the chunks of the network happen to end."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from kinform.errors import FrameError
from kinform.wire.glimpse import glimpse

__all__ = ["DEFAULT_MAX_FRAME", "FrameSplitter"]

DEFAULT_MAX_FRAME: Final = 64 * 1024 * 1024
"""Bytes; the API server's own limit for one object is a few MB."""

_SPACE: Final = b" \t\r\n"
_OPEN: Final = ord("{")
_CLOSE: Final = ord("}")
_NEWLINE: Final = ord("\n")
_prove_document = msgspec.json.Decoder(msgspec.Raw).decode


class FrameSplitter:
    """Splits a stream of JSON objects; takes time linear in the bytes, however they are chunked.

    An API server writes each event on a line of its own, and JSON as it writes it has no other newline: then a frame is
    what stands between two newlines. Other servers pretty-print, or write one document after the other. So the first
    document is scanned bracket by bracket, which needs no newline at all; where it turns out to be one line, ended by a
    newline, lines it is until one looks otherwise, else the scan goes on.

    Not thread-safe: it belongs to the thread that reads the stream. After a ``FrameError`` it is of no more use.

    Args:
        max_frame: The longest frame accepted, in bytes.
    """

    def __init__(self, max_frame: int = DEFAULT_MAX_FRAME) -> None:
        self._max_frame = max_frame
        self._scanner: _Scanner | None = _Scanner()
        self._undecided = True
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._tried_size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that are complete with this chunk, without the newline; a complete document is never held back.

        Raises:
            FrameError: A frame is longer than ``max_frame``, or this is no stream of JSON objects.
        """
        return self._feed_lines(chunk) if self._scanner is None else self._feed_scanned(chunk, self._scanner)

    def finish(self) -> list[bytes]:
        """The stream has ended: the last frame, where it came without its newline.

        Raises:
            FrameError: Half a frame is left.
        """
        left = b"".join(self._pending).strip(_SPACE)
        self._pending.clear()
        self._pending_size = 0
        if not left:
            return []
        if _Scanner().end_of_document(left, 0) != len(left):
            raise FrameError(f"the stream ended in the middle of a frame, {len(left)} bytes into it")
        return [left]

    # ---- lines

    def _feed_lines(self, chunk: bytes) -> list[bytes]:
        frames = chunk.split(b"\n")
        rest = frames.pop()
        if not frames:
            self._hold(chunk)
            return self._complete_at_end_of_chunk([])
        if self._pending:
            self._pending.append(frames[0])
            frames[0] = b"".join(self._pending)
            self._pending.clear()
            self._pending_size = 0
        self._tried_size = 0
        frames = [line for line in frames if line and not line.isspace()]
        if frames and len(max(frames, key=len)) > self._max_frame:
            raise self._too_long()
        odd = next((i for i, line in enumerate(frames) if line[0] != _OPEN or line[-1] != _CLOSE), -1)
        if odd >= 0:  # not one document on each line after all, but white space inside them
            self._scanner = _Scanner()
            return frames[:odd] + self._feed_scanned(b"\n".join([*frames[odd:], rest]), self._scanner)
        if rest:
            self._hold(rest)
            return self._complete_at_end_of_chunk(frames)
        return frames

    def _complete_at_end_of_chunk(self, frames: list[bytes]) -> list[bytes]:
        """A server that writes the newline *before* each document would have us hold the last one until the next."""
        # Looking costs a scan, so not again before the frame has doubled: linear, whatever the chunks end with.
        if not self._pending[-1].endswith(b"}}") or self._pending_size < 2 * self._tried_size:
            return frames
        left = b"".join(self._pending)
        try:
            _prove_document(left)
        except (msgspec.DecodeError, RecursionError):
            self._tried_size = self._pending_size
            self._pending = [left]
            return frames
        self._pending.clear()
        self._pending_size = self._tried_size = 0
        return [*frames, left]

    # ---- documents

    def _feed_scanned(self, chunk: bytes, scanner: _Scanner) -> list[bytes]:
        frames: list[bytes] = []
        start = 0
        if scanner.between:
            chunk = chunk.lstrip(_SPACE)
        while start < len(chunk):
            end = scanner.end_of_document(chunk, start)
            if end < 0:
                self._hold(chunk[start:])
                break
            self._pending.append(chunk[start:end])
            frame = b"".join(self._pending)
            self._pending.clear()
            self._pending_size = 0
            if len(frame) > self._max_frame:
                raise self._too_long()
            frames.append(frame)
            start = end
            if self._undecided and self._ends_lines(frame, chunk, end):
                self._scanner = None
                return frames + self._feed_lines(chunk[end:])
            while start < len(chunk) and chunk[start] in _SPACE:
                start += 1
        return frames

    def _ends_lines(self, frame: bytes, chunk: bytes, end: int) -> bool:
        """Whether this is a server that ends each document, and nothing but documents, with a newline."""
        if end == len(chunk):
            return False  # nothing to be seen: ask again at the next document
        self._undecided = False
        return b"\n" not in frame and chunk[end] == _NEWLINE

    # ---- size

    def _hold(self, part: bytes) -> None:
        self._pending.append(part)
        self._pending_size += len(part)
        if self._pending_size > self._max_frame:
            raise self._too_long()

    def _too_long(self) -> FrameError:
        return FrameError(f"a frame of the watch stream is longer than {self._max_frame} bytes")


class _Scanner:
    """Finds where a JSON object ends, over any number of chunks, by counting brackets outside strings."""

    # A whole string in one step, an opening quote whose string runs out of the chunk, or one bracket.
    _TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|"|[{}\[\]]', re.DOTALL)
    _STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False  # the chunk before ended with the backslash of an escape

    @property
    def between(self) -> bool:
        """True between two documents."""
        return self._depth == 0

    def end_of_document(self, chunk: bytes, start: int) -> int:
        """The offset just behind the document that is being read, or -1 where it goes on in the next chunk."""
        at = start
        if self._depth == 0 and chunk[at : at + 1] != b"{":
            raise FrameError(f"the stream holds no JSON objects; {glimpse(chunk[at:])}")
        if self._in_string:
            at = self._leave_string(chunk, at)
            if at < 0:
                return -1
        for token in self._TOKEN.finditer(chunk, at):
            first = chunk[token.start()]
            if first in b"{[":
                self._depth += 1
            elif first in b"}]":
                self._depth -= 1
                if self._depth == 0:
                    return token.end()
            elif token.end() - token.start() == 1:
                self._in_string = True
                self._escaped = _ends_in_escape(chunk, token.end())
                return -1
        return -1

    def _leave_string(self, chunk: bytes, at: int) -> int:
        if self._escaped:
            at += 1
            self._escaped = False
        end = self._STRING_END.match(chunk, at)
        if end is None:
            self._escaped = _ends_in_escape(chunk, at)
            return -1
        self._in_string = False
        return end.end()


def _ends_in_escape(chunk: bytes, start: int) -> bool:
    """Whether the string part ``chunk[start:]`` ends with the first half of an escape: an odd number of backslashes."""
    part = chunk[start:]
    return (len(part) - len(part.rstrip(b"\\"))) % 2 == 1
