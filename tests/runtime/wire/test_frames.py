"""The frame splitter gives back the documents that were written, however the network cuts the stream."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinform.errors import FrameError
from kinform.wire import FrameSplitter

_nasty_text = st.text(st.sampled_from(['"', "\\", "{", "}", "[", "]", "\n", "\r", "é", "𝄞", "a", " ", "/"]), max_size=8)
_text = _nasty_text | st.text(max_size=8)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_documents = st.lists(st.dictionaries(_text, _values, max_size=3), max_size=6)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_STYLES = {
    "lines": lambda docs: "".join(_compact(d) + "\n" for d in docs),
    "lines, ASCII only": lambda docs: "".join(json.dumps(d) + "\n" for d in docs),
    "lines of a Windows server": lambda docs: "".join(_compact(d) + "\r\n" for d in docs),
    "blank lines between": lambda docs: "".join(_compact(d) + "\n\n" for d in docs),
    "last newline missing": lambda docs: "\n".join(_compact(d) for d in docs),
    "newline before": lambda docs: "".join("\n" + _compact(d) for d in docs),
    "one after the other": lambda docs: "".join(_compact(d) for d in docs),
    "spaces between": lambda docs: "  ".join(_compact(d) for d in docs),
    "pretty": lambda docs: "".join(json.dumps(d, indent=2, ensure_ascii=False) + "\n" for d in docs),
    "pretty, one after the other": lambda docs: "".join(json.dumps(d, indent=1) for d in docs),
}


def _chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(c % (len(data) + 1) for c in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


def _split(chunks: list[bytes]) -> list[bytes]:
    splitter = FrameSplitter()
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    return frames + splitter.finish()


@pytest.mark.parametrize("style", _STYLES)
@given(documents=_documents, cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_every_document_comes_out_once_and_whole(style: str, documents: list[Any], cuts: list[int]) -> None:
    data = _STYLES[style](documents).encode()
    assert [json.loads(frame) for frame in _split(_chunks(data, cuts))] == documents


@pytest.mark.parametrize("style", _STYLES)
@settings(max_examples=settings().max_examples // 4)
@given(documents=_documents)
@pytest.mark.scenario("fault-split-utf8")
def test_cut_at_every_byte(style: str, documents: list[Any]) -> None:
    data = _STYLES[style](documents).encode()
    assert [json.loads(frame) for frame in _split([data[i : i + 1] for i in range(len(data))])] == documents


@given(documents=_documents, cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_lines_keep_their_bytes(documents: list[Any], cuts: list[int]) -> None:
    lines = [_compact(d).encode() for d in documents]
    assert _split(_chunks(b"".join(line + b"\n" for line in lines), cuts)) == lines


@pytest.mark.parametrize("style", [s for s in _STYLES if s != "last newline missing"])
def test_a_document_is_never_held_back(style: str) -> None:
    splitter = FrameSplitter()
    for number in range(5):
        document = {"type": "ADDED", "object": {"n": number, "text": 'a}}"\\'}}
        frames = splitter.feed(_STYLES[style]([document]).encode())
        assert [json.loads(frame) for frame in frames] == [document], f"document {number} did not come at once"


def test_a_server_that_writes_newlines_first_is_not_kept_waiting_in_line_mode() -> None:
    splitter = FrameSplitter()
    assert splitter.feed(b'{"a":{}}\n{"b":{}}\n') == [b'{"a":{}}', b'{"b":{}}']
    assert splitter.feed(b'{"c":{}}') == [b'{"c":{}}']
    assert splitter.feed(b'\n{"d":{"e":{}}') == []
    assert splitter.feed(b"}\n") == [b'{"d":{"e":{}}}']


def test_a_server_that_breaks_lines_only_in_long_documents() -> None:
    documents = [{"a": 1}, {"b": {"c": "d"}}, {"e": [1, {"f": {}}]}, {"g": 2}]
    data = b'{"a": 1}\n{\n "b": {"c": "d"}}\n{"e": [1,\n{"f": {}}]}\n{"g": 2}\n'
    for cut in range(len(data)):
        assert [json.loads(frame) for frame in _split([data[:cut], data[cut:]])] == documents


def test_garbage_between_lines_is_refused() -> None:
    with pytest.raises(FrameError, match="no JSON objects"):
        _split([b'{"a":1}\n{"b":2}\nupstream timed out\n{"c":3}\n'])


def test_blank_stream_has_no_frames() -> None:
    assert _split([b"", b"\n", b" \r\n"]) == []


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.scenario("fault-long-lines")
def test_ten_megabytes_in_one_line(end: bytes) -> None:
    document = {"type": "ADDED", "object": {"data": {f"key-{i}": "}}" + "x" * 1000 for i in range(10_000)}}}
    data = json.dumps(document, separators=(",", ":")).encode() + end
    assert len(data) > 10_000_000
    first = b'{"type":"BOOKMARK","object":{}}\n'
    frames = _split([first, *_chunks(data, list(range(0, len(data), 65_536)))])
    assert json.loads(frames[1]) == document
    assert len(frames) == 2


def test_time_is_linear_even_if_every_chunk_looks_like_an_end() -> None:
    def seconds(chunks: int) -> float:
        splitter = FrameSplitter(max_frame=1 << 30)
        splitter.feed(b'{"type":"ADDED","object":{}}\n{"a":"')
        chunk = b"x" * 4094 + b"}}"
        start = time.perf_counter()
        for _ in range(chunks):
            assert splitter.feed(chunk) == []
        return time.perf_counter() - start

    small = min(seconds(250) for _ in range(3))
    large = min(seconds(4000) for _ in range(3))
    assert large < small * 16 * 6 + 0.05, f"16 times the data took {large / small:.0f} times as long"


@pytest.mark.parametrize("prefix", [b"", b'{"a":1}\n', b'{"a":1}{"b":2}'])
def test_a_frame_without_end_is_refused(prefix: bytes) -> None:
    splitter = FrameSplitter(max_frame=1000)
    splitter.feed(prefix)
    splitter.feed(b'{"x":"' + b"y" * 900)
    with pytest.raises(FrameError, match="longer than 1000 bytes"):
        splitter.feed(b"y" * 200)


@pytest.mark.parametrize("prefix", [b"", b'{"a":1}\n'])
def test_a_whole_frame_that_is_too_long_is_refused(prefix: bytes) -> None:
    splitter = FrameSplitter(max_frame=1000)
    splitter.feed(prefix)
    with pytest.raises(FrameError, match="longer than 1000 bytes"):
        splitter.feed(b'{"x":"' + b"y" * 2000 + b'"}\n')


@pytest.mark.parametrize("text", [b"<html><body>502 Bad Gateway</body></html>", b"[1]", b'"text"', b"null\n"])
def test_what_are_no_json_objects_is_refused(text: bytes) -> None:
    with pytest.raises(FrameError, match="no JSON objects"):
        FrameSplitter().feed(text)


@pytest.mark.parametrize("start", [b'{"type":"ADDED","obj', b'{"a":1}\n{"type":"ADDED"', b'{"a":"\\', b'{"a":1}{"b":'])
def test_half_a_frame_at_the_end_is_an_error(start: bytes) -> None:
    splitter = FrameSplitter()
    splitter.feed(start)
    with pytest.raises(FrameError, match="in the middle of a frame"):
        splitter.finish()
