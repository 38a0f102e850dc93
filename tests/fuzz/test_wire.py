"""Whatever a server sends: what kinform reads of it is what a plain decoder of the whole text reads, or a clear error."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.documents import STYLES, Facts, Style, facts_of, full, objects, without_managed_fields
from tests.fuzz.support import broken, inputs, within

from kinform.errors import FrameError, KinformError
from kinform.meta import Resource
from kinform.objects import DynamicObject
from kinform.wire import (
    BookmarkEvent,
    Decoder,
    Entry,
    ErrorEvent,
    FrameSplitter,
    ObjectEvent,
    PoisonEvent,
    UnknownEvent,
)

if TYPE_CHECKING:
    from kinform.wire import Page, WatchEvent

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
TYPES = ("ADDED", "MODIFIED", "DELETED")


def said_by(entry: Entry) -> Facts:
    owner = None if entry.owner is None else tuple(entry.owner)
    return Facts(
        entry.key.namespace,
        entry.key.name,
        entry.uid,
        entry.resource_version,
        entry.generation,
        entry.deletion_timestamp,
        dict(entry.labels),
        owner,  # type: ignore[arg-type]
    )


def assert_same(entry: Entry, value: dict[str, Any], *, metadata_only: bool = False) -> None:
    """The entry holds that object and all of it, less managedFields, with its type where that was left out."""
    assert said_by(entry) == facts_of(value)
    held = full(entry.body)
    assert held is not None, entry.body
    expected = without_managed_fields(value)
    if metadata_only:
        expected = {"metadata": expected["metadata"]}
    expected |= {"kind": "Pod", "apiVersion": "v1"}
    assert held.value == expected
    assert DynamicObject.from_wire(entry.body).metadata.name == entry.key.name


def assert_consistent(entry: Entry) -> None:
    """What the entry says is what its bytes say, or its reader will hear that they say nothing."""
    held = full(entry.body)
    if held is not None and held.sound:
        assert said_by(entry) == facts_of(held.value)
    try:
        DynamicObject.from_wire(entry.body)
    except ValueError:
        assert held is None or not held.sound


def is_pod(value: Any) -> bool:
    return (
        facts_of(value) is not None
        and value.get("kind") in {None, "", "Pod"}
        and value.get("apiVersion") in {None, "", "v1"}
    )


_TYPES = st.sampled_from(TYPES)


def frames(kind: st.SearchStrategy[str] = _TYPES) -> st.SearchStrategy[bytes]:
    return st.builds(lambda style, said, pod: style.write({"type": said, "object": pod}), STYLES, kind, objects())


def pages() -> st.SearchStrategy[bytes]:
    return st.builds(
        lambda style, pods, version, token: style.write(
            {
                "kind": "PodList",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": version, "continue": token, "remainingItemCount": None},
                "items": pods,
            }
        ),
        STYLES,
        st.lists(objects(), max_size=4),
        st.one_of(st.none(), st.just("9")),
        st.one_of(st.none(), st.just("more")),
    )


# ---- what is right


@inputs(3)
@given(frames(), st.booleans())
def test_an_event_is_read_as_a_full_decode_reads_it(frame: bytes, metadata_only: bool) -> None:
    whole = json.loads(frame)
    event = Decoder(PODS, metadata_only=metadata_only).event(frame)
    assert isinstance(event, ObjectEvent), event
    assert event.type == whole["type"]
    assert_same(event.entry, whole["object"], metadata_only=metadata_only)


@inputs(1)
@given(pages(), st.booleans())
def test_a_page_is_read_as_a_full_decode_reads_it(body: bytes, metadata_only: bool) -> None:
    whole = json.loads(body)
    page = Decoder(PODS, metadata_only=metadata_only).page(body)
    assert not page.poison
    assert page.resource_version == (whole["metadata"]["resourceVersion"] or "")
    assert page.continue_token == (whole["metadata"]["continue"] or "")
    assert len(page.entries) == len(whole["items"])
    for entry, value in zip(page.entries, whole["items"], strict=True):
        assert_same(entry, value, metadata_only=metadata_only)


@inputs(0.5)
@given(st.lists(frames(), min_size=1, max_size=5))
def test_one_decoder_reads_each_event_as_if_it_were_the_first(several: list[bytes]) -> None:
    """Labels, owners and namespaces are kept from one event to the next."""
    decoder = Decoder(PODS)
    for frame in [*several, *several]:
        event = decoder.event(frame)
        assert isinstance(event, ObjectEvent)
        assert_same(event.entry, json.loads(frame)["object"])


# ---- streams


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({place % (len(data) + 1) for place in places})
    return [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]


def split(chunks: list[bytes]) -> list[bytes]:
    splitter = FrameSplitter()
    found = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    return [*found, *splitter.finish()]


PLACES = st.lists(st.integers(0, 1 << 16), max_size=12)


@inputs(1)
@given(st.lists(frames(), max_size=5), st.sampled_from([b"\n", b"\r\n", b"", b" ", b"\n\n", b"\r"]), PLACES)
def test_a_stream_is_the_same_however_it_is_cut(several: list[bytes], between: bytes, places: list[int]) -> None:
    one_style = [Style().write(json.loads(frame)) for frame in several]
    for sent in (one_style, several):
        stream = b"".join(frame + between for frame in sent)
        if between == b"\n" and sent is several and b"\n" in b"".join(several):
            continue  # some documents of one line and some of many: the test below
        assert [frame.strip() for frame in split(cut(stream, places))] == sent


@inputs(1)
@given(st.lists(frames(), max_size=5), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), PLACES)
def test_a_stream_of_mixed_styles_is_the_same_however_it_is_cut(
    several: list[bytes], between: bytes, places: list[int]
) -> None:
    stream = b"".join(frame + between for frame in several)
    assert [frame.strip() for frame in split(cut(stream, places))] == several


@inputs(0.3)
@given(st.lists(frames(), min_size=1, max_size=4))
def test_byte_by_byte(several: list[bytes]) -> None:
    stream = b"\n".join(several)
    assert [frame.strip() for frame in split([bytes([byte]) for byte in stream])] == several


def page_in_pieces(body: bytes, places: list[int]) -> tuple[Page, list[Entry]]:
    """The page, and what was handed out of it on the way."""
    reader = Decoder(PODS).page_reader()
    early = [entry for piece in cut(body, places) for entry in reader.feed(piece)]
    return reader.finish(), early


def as_told(page: Page) -> list[object]:
    entries = [(said_by(entry), entry.body) for entry in page.entries]
    poison = sorted((each.key_hint, each.entry is None) for each in page.poison)
    return [entries, poison, page.resource_version, page.continue_token]


@inputs(2)
@given(st.one_of(pages(), broken(pages())), PLACES)
def test_a_page_in_pieces_is_the_page(body: bytes, places: list[int]) -> None:
    with within(10):
        try:
            whole = Decoder(PODS).page(body)
        except FrameError:
            with pytest.raises(FrameError):
                page_in_pieces(body, places)
            return
        page, early = page_in_pieces(body, places)
    assert as_told(page) == as_told(whole)
    assert page.entries[: len(early)] == early


# ---- what is wrong


def assert_judged(event: WatchEvent, frame: bytes) -> None:
    """An event of a frame that may be broken says nothing that a full decode does not say."""
    whole = full(frame)
    match event:
        case ObjectEvent():
            assert event.type in TYPES
            assert_consistent(event.entry)
            if whole is not None and whole.sound:
                assert event.type == whole.value["type"]
                assert_same(event.entry, whole.value["object"])
        case PoisonEvent():
            assert isinstance(event.error, KinformError)
            if whole is not None and whole.sound:
                assert not is_pod(whole.value.get("object"))
            if event.entry is not None:
                assert not event.entry.body or event.entry.body.startswith(b"{")
        case ErrorEvent() | UnknownEvent() | BookmarkEvent():
            if whole is not None and whole.sound:
                assert whole.value["type"] not in TYPES


@inputs(4)
@given(broken(frames()))
def test_a_broken_event(frame: bytes) -> None:
    with within(5):
        try:
            event = Decoder(PODS).event(frame)
        except FrameError as error:
            whole = full(frame)
            if whole is not None and whole.sound:
                assert not (isinstance(whole.value, dict) and isinstance(whole.value.get("type"), str)), error
            return
        assert_judged(event, frame)


OTHERS = st.sampled_from(["BOOKMARK", "ERROR", "UPSERT", ""])


@inputs(1)
@given(broken(frames(OTHERS)))
def test_broken_bookmarks_and_errors(frame: bytes) -> None:
    with within(5):
        try:
            event = Decoder(PODS).event(frame)
        except FrameError:
            return
        assert_judged(event, frame)


@inputs(2)
@given(broken(pages()))
def test_a_broken_page(body: bytes) -> None:
    with within(5):
        try:
            page: Page = Decoder(PODS).page(body)
        except FrameError:
            return
    for entry in page.entries:
        assert_consistent(entry)
    for poison in page.poison:
        assert isinstance(poison.error, KinformError)
    whole = full(body)
    if whole is not None and whole.sound and isinstance(whole.value.get("items"), list):
        items = whole.value["items"]
        assert len(items) == len(page.entries) + sum(each.entry is None for each in page.poison)
        good = [item for item in items if is_pod(item)]
        held = [entry for entry in page.entries if entry.body]
        assert len(held) == len(good)
        for entry, item in zip(held, good, strict=True):
            assert_same(entry, item)


@inputs(2)
@given(broken(st.lists(frames(), min_size=1, max_size=4).map(b"\n".join)), PLACES)
def test_a_broken_stream(stream: bytes, places: list[int]) -> None:
    splitter, decoder = FrameSplitter(max_frame=1 << 20), Decoder(PODS)
    seen = 0
    with within(10):
        try:
            for chunk in cut(stream, places):
                for frame in splitter.feed(chunk):
                    seen += len(frame)
                    assert_judged(decoder.event(frame), frame)
            for frame in splitter.finish():
                seen += len(frame)
                assert_judged(decoder.event(frame), frame)
        except FrameError:
            pass
    assert seen <= len(stream)


@inputs(1)
@given(st.binary(max_size=300), PLACES)
def test_noise(data: bytes, places: list[int]) -> None:
    with within(5):
        for read in (Decoder(PODS).event, Decoder(PODS).page, lambda noise: split(cut(noise, places))):
            with contextlib.suppress(FrameError):
                read(data)


@pytest.mark.parametrize("depth", [100, 1_100, 20_000])
@pytest.mark.parametrize("inner", [b"[", b'{"metadata":'])
@pytest.mark.parametrize("place", ["spec", "labels", "managedFields", "annotations", "name"])
def test_nesting_never_ends_the_stream(depth: int, inner: bytes, place: str) -> None:
    closing = b"]" if inner == b"[" else b"}"
    deep = inner * depth + b"1" + closing * depth
    if place == "spec":
        pod = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":%b}' % deep
    else:
        pod = b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","%b":%b}}' % (place.encode(), deep)
    with within(10):
        event = Decoder(PODS).event(b'{"type":"ADDED","object":%b}' % pod)
        page = Decoder(PODS).page(b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[%b]}' % pod)
    assert isinstance(event, ObjectEvent | PoisonEvent)
    assert len(page.entries) + sum(each.entry is None for each in page.poison) == 1
    for entry in page.entries:
        assert_consistent(entry) if entry.body else None


def test_long_lines_of_brackets_take_linear_time() -> None:
    for noise in (
        b"{" * 2_000_000,
        b'{"a":"' + b"\\" * 2_000_000,
        b'{"a":[' + b"}}" * 1_000_000,
        b'{"' + b'"' * 2_000_001,
    ):
        with within(10), contextlib.suppress(FrameError):
            split(cut(noise, [*range(0, len(noise), 4096)]))
