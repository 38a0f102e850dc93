"""Bodies taken apart: chunked framing and gzip, however the bytes are cut."""

from __future__ import annotations

import gzip
import itertools
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.transport import body
from kinform.transport.body import BodyError, ChunkedFraming, GzipDecoder


def chunked(pieces: list[bytes], *, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return body + b"0\r\n" + trailer + b"\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


places = st.lists(st.integers(min_value=0, max_value=10_000), max_size=40)
pieces = st.lists(st.binary(min_size=1, max_size=300), max_size=20)


@given(pieces, places, st.sampled_from([b"", b";name=value"]), st.sampled_from([b"", b"Expires: never\r\nX: y\r\n"]))
def test_chunks_come_out_whole_wherever_they_are_cut(
    pieces: list[bytes], places: list[int], extension: bytes, trailer: bytes
) -> None:
    framing = ChunkedFraming()
    fed = cut(chunked(pieces, extension=extension, trailer=trailer), places)
    assert b"".join(framing.feed(part) for part in fed) == b"".join(pieces)
    assert framing.ended
    assert not framing.overrun


def test_each_byte_may_come_alone() -> None:
    body = chunked([b"a", b"bb" * 40, b"\r\n0\r\n\r\n"], trailer=b"T: 1\r\n")
    framing = ChunkedFraming()
    assert b"".join(framing.feed(body[i : i + 1]) for i in range(len(body))) == b"a" + b"bb" * 40 + b"\r\n0\r\n\r\n"
    assert framing.ended


@given(pieces, places, st.integers(min_value=0))
def test_a_chunked_body_that_is_cut_anywhere_never_ends_clean(
    pieces: list[bytes], places: list[int], length: int
) -> None:
    body = chunked(pieces)
    framing = ChunkedFraming()
    for part in cut(body[: length % len(body)], places):
        framing.feed(part)
    assert not framing.ended
    with pytest.raises(BodyError, match="cut"):
        framing.feed(b"")


@pytest.mark.parametrize(
    "text",
    [
        b"no number\r\n",
        b"-5\r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"1_0\r\nhello\r\n",
        b"\r\n",
        b"5\r\nhelloXX5\r\n",
        b"5\r\nhello5\r\n",
    ],
)
def test_what_is_not_chunked_is_refused(text: bytes) -> None:
    with pytest.raises(BodyError):
        ChunkedFraming().feed(text)


def test_a_chunk_head_without_end_is_refused() -> None:
    framing = ChunkedFraming()
    for _ in range(40):
        framing.feed(b"1" * 100)
    with pytest.raises(BodyError, match="does not end"):
        framing.feed(b"1" * 100)


def test_bytes_after_the_last_chunk_are_noticed() -> None:
    framing = ChunkedFraming()
    assert framing.feed(chunked([b"all"]) + b"HTTP/1.1 200 OK") == b"all"
    assert framing.ended
    assert framing.overrun


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8), places)
@pytest.mark.scenario("fault-gzip-members")
def test_gzip_members_come_out_whole_wherever_they_are_cut(members: list[bytes], places: list[int]) -> None:
    decoder = GzipDecoder()
    fed = cut(b"".join(gzip.compress(member) for member in members), places)
    assert b"".join(decoder.feed(part) for part in fed) == b"".join(members)
    decoder.finish()


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 40), places)
def test_what_is_handed_out_at_once_is_bounded(members: list[bytes], most: int, places: list[int]) -> None:
    decoder = GzipDecoder()
    pieces: list[bytes] = []
    with mock.patch.object(body, "_MAX_PIECE", most):
        for part in cut(b"".join(gzip.compress(member) for member in members), places):
            pieces.append(decoder.feed(part))
            while decoder.waiting:
                pieces.append(decoder.feed(b""))
    assert max(map(len, pieces)) <= most
    assert b"".join(pieces) == b"".join(members)
    decoder.finish()


def test_a_member_is_out_as_soon_as_it_is_in() -> None:
    decoder = GzipDecoder()
    for event in (b"one\n", b"two\n", b"three\n"):
        assert decoder.feed(gzip.compress(event)) == event


@given(st.binary(min_size=1, max_size=300), st.integers(min_value=0))
def test_gzip_that_is_cut_does_not_finish(data: bytes, length: int) -> None:
    whole = gzip.compress(b"first member") + gzip.compress(data)
    first = len(gzip.compress(b"first member"))
    decoder = GzipDecoder()
    decoder.feed(whole[: first + 1 + length % (len(whole) - first - 1)])
    with pytest.raises(BodyError, match="cut"):
        decoder.finish()


@pytest.mark.parametrize("text", [b"plain text", gzip.compress(b"fine") + b"and garbage"])
def test_what_is_not_gzip_is_refused(text: bytes) -> None:
    with pytest.raises(BodyError, match="gzip"):
        GzipDecoder().feed(text)


def test_an_empty_gzip_body_is_empty() -> None:
    decoder = GzipDecoder()
    assert decoder.feed(b"") == b""
    decoder.finish()
