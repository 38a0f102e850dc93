"""A plain watch: typed events of one connection, and its ends."""

from __future__ import annotations

import gc
import json
import threading
from typing import TYPE_CHECKING, Protocol

import pytest

from kinform.errors import ExpiredError, ForbiddenError, FrameError, TransportError, UndecodableObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler

    from tests.runtime.client.conftest import Server, Widgets


def event(kind: str, name: str = "a", **fields: object) -> bytes:
    obj = {"kind": "Widget", "metadata": {"name": name}, **fields}
    return json.dumps({"type": kind, "object": obj}).encode() + b"\n"


class StreamOf(Protocol):
    """How the fixture ``stream`` is called."""

    def __call__(self, *chunks: bytes, then: str = "end") -> threading.Event: ...


@pytest.fixture
def stream(server: Server) -> Iterator[StreamOf]:
    """``stream(*chunks, then=…)``: the next answer is a chunked stream of these, which then ends as told."""
    release = threading.Event()

    def answer(*chunks: bytes, then: str = "end") -> threading.Event:
        def write(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for chunk in chunks:
                handler.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            if then == "stay":
                release.wait(20)
            if then == "end":
                handler.wfile.write(b"0\r\n\r\n")
            else:
                handler.close_connection = True

        server.answers = [write]
        return release

    yield answer
    release.set()


def test_events_are_typed_and_in_order(server: Server, widgets: Widgets, stream: StreamOf) -> None:
    stream(
        event("ADDED", "a", size=1),
        event("MODIFIED", "a", size=2)[:20],
        event("MODIFIED", "a", size=2)[20:] + event("DELETED", "a", size=2) + event("NEWS") + event("BOOKMARK", ""),
    )
    with widgets("eu").watch(resource_version="5", label_selector="x", allow_bookmarks=True) as watch:
        seen = [(kind, obj.metadata.name, obj.size) for kind, obj in watch]
    assert seen == [("ADDED", "a", 1), ("MODIFIED", "a", 2), ("DELETED", "a", 2), ("BOOKMARK", "", 0)]
    assert server.last.path == "/apis/shop.example/v1/namespaces/eu/widgets"
    assert server.last.query == {
        "watch": "1",
        "labelSelector": "x",
        "resourceVersion": "5",
        "allowWatchBookmarks": "true",
    }
    assert next(watch, None) is None


def test_what_a_watch_can_ask_for(server: Server, widgets: Widgets, stream: StreamOf) -> None:
    stream()
    assert list(widgets().watch(send_initial_events=True, timeout=9, field_selector="metadata.name=x")) == []
    assert server.last.query == {
        "watch": "1",
        "fieldSelector": "metadata.name=x",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "9",
    }


def test_a_refused_watch_raises_where_it_is_opened(server: Server, widgets: Widgets) -> None:
    server.answers = [(403, {"kind": "Status", "reason": "Forbidden", "message": "no"}, {})]
    with pytest.raises(ForbiddenError):
        widgets().watch()


def test_an_error_event_is_raised(widgets: Widgets, stream: StreamOf) -> None:
    error = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}
    stream(event("ADDED") + json.dumps(error).encode() + b"\n", then="stay")
    with widgets("eu").watch() as watch:
        assert next(watch).object.metadata.name == "a"
        with pytest.raises(ExpiredError, match=r"watch=1: 410 too old"):
            next(watch)
        assert list(watch) == []


def test_an_object_that_cannot_be_read_does_not_end_the_watch(widgets: Widgets, stream: StreamOf) -> None:
    stream(event("ADDED", "bad", size="large") + event("ADDED", "good"))
    with widgets("eu").watch() as watch:
        with pytest.raises(UndecodableObjectError, match=r"GET .*watch=1"):
            next(watch)
        assert next(watch).object.metadata.name == "good"
        assert next(watch, None) is None


@pytest.mark.parametrize("body", [b"<html>", b'{"x":1}\n', b'{"type":"ADDED","obj'])
def test_what_is_no_watch_is_an_error(widgets: Widgets, stream: StreamOf, body: bytes) -> None:
    stream(body)
    with widgets("eu").watch() as watch:
        with pytest.raises(FrameError):
            next(watch)
        assert next(watch, None) is None


def test_a_watch_that_is_cut_is_an_error(widgets: Widgets, stream: StreamOf) -> None:
    stream(event("ADDED"), then="cut")
    with widgets("eu").watch() as watch:
        next(watch)
        with pytest.raises(TransportError, match="cut"):
            next(watch)
        assert next(watch, None) is None


def test_any_thread_closes_a_watch_that_waits(widgets: Widgets, stream: StreamOf) -> None:
    release = stream(event("ADDED"), then="stay")
    watch = widgets("eu").watch()
    first = threading.Event()
    seen: list[str] = []

    def follow() -> None:
        for each in watch:
            seen.append(each.object.metadata.name)
            first.set()

    follower = threading.Thread(target=follow)
    follower.start()
    assert first.wait(10)
    watch.close()
    follower.join(2)
    assert not follower.is_alive()
    assert seen == ["a"]
    assert list(watch) == []
    watch.close()
    release.set()


def test_closing_drops_what_has_come_and_was_not_taken(widgets: Widgets, stream: StreamOf) -> None:
    stream(event("ADDED", "a") + event("ADDED", "b"), then="stay")
    watch = widgets("eu").watch()
    assert next(watch).object.metadata.name == "a"
    watch.close()
    assert list(watch) == []


def test_a_watch_that_is_forgotten_leaves_no_socket(widgets: Widgets, stream: StreamOf) -> None:
    """A ``for`` that is left by ``break``; a ResourceWarning would fail this test."""
    stream(event("ADDED"), then="stay")
    for _ in widgets("eu").watch():
        break
    gc.collect()
