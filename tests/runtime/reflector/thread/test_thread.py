"""The thread does what the machine says, and survives everything but being stopped."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import ApiStatusError, Status, TransportError, status_error
from kinform.meta import ObjectKey
from kinform.reflector import ReflectorOptions, Report
from kinform.wire import Bookmark, Change, Entry, Replace, drop

if TYPE_CHECKING:
    from collections.abc import Callable

Rig = Any
LONG = 10.0  # real seconds that a test waits at most for what happens in milliseconds


# ---- the ordinary life


def test_streaming_list_and_watch(rig: Rig) -> None:
    stream = rig.sync(("a", "1"), ("b", "2"))
    assert stream.path == "/api/v1/pods"
    stream.send(rig.event("MODIFIED", "a", "11"), rig.event("DELETED", "b", "12"), rig.event("ADDED", "c", "13"))
    assert rig.names() == [("Upsert", "a"), ("Remove", "b"), ("Upsert", "c")], "one chunk, one call"
    stream.send({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "20"}}})
    (bookmark,) = rig.changes()
    assert isinstance(bookmark, Bookmark)
    stream.end()
    rig.skip_wait()
    assert rig.call().query["resourceVersion"] == "20"
    assert rig.reports.empty()


def test_paged_list_and_watch(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(namespace="shop", options=ReflectorOptions(streaming=False, label_selector="app=web"))
    rig.thread.start()
    call = rig.call()
    assert (call.path, call.query) == ("/api/v1/namespaces/shop/pods", {"labelSelector": "app=web", "limit": "500"})
    call.answer([rig.pod("a", "1")], "5", "token")
    call = rig.call()
    assert call.query["continue"] == "token"
    call.answer([rig.pod("b", "2")], "5")
    (replace,) = rig.changes()
    assert isinstance(replace, Replace)
    assert list(replace.entries) == [ObjectKey("shop", "a"), ObjectKey("shop", "b")]
    watch = rig.call().accept()
    assert watch.query["resourceVersion"] == "5"
    watch.send(rig.event("ADDED", "c", "6"))
    assert rig.names() == [("Upsert", "c")]


@pytest.mark.scenario("fault-split-utf8")
def test_an_event_in_many_pieces(rig: Rig) -> None:
    stream = rig.sync()
    data = json.dumps(rig.event("ADDED", "é𝄞", "11"), ensure_ascii=False).encode() + b"\n"
    for at in range(len(data)):
        stream.send_bytes(data[at : at + 1])
    assert rig.names() == [("Upsert", "é𝄞")]


def test_the_last_event_may_lack_its_newline(rig: Rig) -> None:
    stream = rig.sync()
    stream.send(rig.event("ADDED", "a", "11"))
    rig.changes()
    stream.send_bytes(json.dumps(rig.event("ADDED", "b", "12")).encode() + b" ")
    stream.end()
    assert rig.names() == [("Upsert", "b")]
    rig.skip_wait()
    assert rig.call().query["resourceVersion"] == "12"


def test_transform_and_known_entries(make_rig: Callable[..., Rig]) -> None:
    cache: dict[ObjectKey, Entry] = {}
    rig = make_rig(transform=drop("spec"), known=cache.get)
    rig.thread.start()
    stream = rig.call().accept()
    stream.send({"type": "ADDED", "object": rig.pod("a", "1", spec={"x": 1}, status={"y": 2})}, rig.end_bookmark("5"))
    (replace,) = rig.changes()
    assert isinstance(replace, Replace)
    cache.update(replace.entries)
    entry = cache[ObjectKey("shop", "a")]
    assert json.loads(entry.body) == rig.pod("a", "1", status={"y": 2})
    stream.send(rig.error(410, "Expired"))
    rig.skip_wait()
    stream = rig.call().accept()
    stream.send({"type": "ADDED", "object": rig.pod("a", "1", spec={"x": 1})}, rig.end_bookmark("6"))
    (replace,) = rig.changes()
    assert isinstance(replace, Replace)
    assert replace.entries[ObjectKey("shop", "a")] is entry


def test_patience_grows_once_the_initial_events_are_there(rig: Rig) -> None:
    stream = rig.call().accept()
    assert stream.timeout == 30
    stream.send(rig.end_bookmark("5"))
    rig.changes()
    stream.send(rig.event("ADDED", "a", "6"))
    rig.changes()
    assert stream.timeout == int(stream.query["timeoutSeconds"]) + 15


# ---- faults


def test_a_server_that_cannot_stream(rig: Rig) -> None:
    text = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
    rig.call().fail(status_error(Status(422, "Invalid", text)))
    assert rig.call().query == {"limit": "500"}


def test_a_request_that_waited_for_a_rate_limit_before_it_failed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.transport.on_open = lambda: rig.clock.advance(40)
    rig.thread.start()
    rig.call().fail(TransportError("connection refused"))
    assert rig.report().reason == "connection"
    rig.skip_wait()
    assert rig.call().query["sendInitialEvents"] == "true"


def test_a_silent_streaming_list(rig: Rig) -> None:
    stream = rig.call().accept()
    rig.clock.advance(30)
    stream.be_silent()
    assert rig.report().reason == "streaming-stalled"
    assert rig.call().query == {"limit": "500"}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (status_error(Status(403, "Forbidden", "no")), "forbidden"),
        (TransportError("refused"), "connection"),
        (RuntimeError("a bug in the transport"), "internal"),
    ],
)
@pytest.mark.scenario("invariant-5")
def test_failures_are_reported_and_tried_again(rig: Rig, error: Exception, reason: str) -> None:
    for _ in range(3):
        rig.call().fail(error)
        report = rig.report()
        assert (report.informer, report.reason, report.exception) == ("kinform-test-pods", reason, error)
        rig.skip_wait()
    rig.sync(("a", "1"))


def test_an_error_event_ends_the_stream(rig: Rig) -> None:
    stream = rig.sync(("a", "1"))
    stream.send(rig.event("MODIFIED", "a", "11"), rig.error(410, "Expired"), rig.event("MODIFIED", "a", "12"))
    assert rig.names() == [("Upsert", "a")]
    assert stream.closed.wait(LONG)
    report = rig.report()
    assert isinstance(report.exception, ApiStatusError)
    rig.skip_wait()
    assert rig.call().query["resourceVersion"] == "11"


@pytest.mark.scenario("fault-cut-stream")
def test_a_cut_stream_resumes(rig: Rig) -> None:
    stream = rig.sync()
    stream.send(rig.event("ADDED", "a", "11"))
    rig.changes()
    stream.send_bytes(b'{"type":"ADDED","object":{"kin')
    stream.cut()
    assert rig.report().reason == "connection"
    rig.skip_wait()
    assert rig.call().query["resourceVersion"] == "11"


@pytest.mark.scenario("fault-cut-stream")
def test_a_stream_that_ends_within_an_event_resumes(rig: Rig) -> None:
    stream = rig.sync()
    stream.send_bytes(b'{"type":"ADDED","object":{"kin')
    stream.end()
    assert rig.report().reason == "frame"
    rig.skip_wait()
    assert rig.call().query["resourceVersion"] == "10"


def test_what_came_before_garbage_counts(rig: Rig) -> None:
    stream = rig.sync()
    good = json.dumps(rig.event("ADDED", "a", "11")).encode()
    stream.send_bytes(good + b'\n{"no":"event"}\n' + good + b"\n")
    assert rig.names() == [("Upsert", "a")]
    assert rig.report().reason == "frame"
    assert stream.closed.wait(LONG)
    rig.skip_wait()
    assert rig.call().query["resourceVersion"] == "11"


@pytest.mark.scenario("fault-html")
def test_html_in_place_of_a_list_and_of_a_stream(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(options=ReflectorOptions(streaming=False))
    rig.thread.start()
    rig.call().body(b"<html>502 Bad Gateway</html>")
    assert rig.report().reason == "frame"
    rig.skip_wait()
    rig.call().answer([], "5")
    rig.changes()
    rig.call().accept().send_bytes(b"<html>502 Bad Gateway</html>")
    assert rig.report().reason == "frame"
    rig.skip_wait()
    assert rig.call().query["resourceVersion"] == "5"


def test_poison_is_told_at_once_while_the_stream_goes_on(rig: Rig) -> None:
    stream = rig.sync()
    bad = rig.pod("bad", "11")
    bad["metadata"]["labels"] = {"n": 1}
    stream.send({"type": "ADDED", "object": bad}, rig.event("ADDED", "good", "12"))
    assert rig.names() == [("Upsert", "bad"), ("Upsert", "good")]
    report = rig.report()
    assert (report.reason, report.key) == ("poison", "shop/bad")
    assert not stream.closed.is_set()


def test_a_sink_that_raises_is_reported_and_what_it_missed_is_fetched_anew(rig: Rig) -> None:
    stream = rig.sync()
    error = ValueError("the store is broken")

    def broken(_: list[Change]) -> None:
        rig.on_sink = lambda _: None
        raise error

    rig.on_sink = broken
    stream.send(rig.event("ADDED", "a", "11"))
    report = rig.report()
    assert (report.reason, report.exception) == ("sink", error)
    assert stream.closed.wait(LONG)
    rig.skip_wait()
    stream = rig.call().accept()
    assert stream.query["sendInitialEvents"] == "true"
    stream.send(rig.event("ADDED", "a", "11"), rig.end_bookmark("12"))
    assert rig.names() == [("Replace", "")]


def test_a_report_hook_that_raises_is_logged(make_rig: Callable[..., Rig], caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Report) -> None:
        raise RuntimeError("deaf")

    rig = make_rig(report=broken)
    with caplog.at_level(logging.ERROR, "kinform.reflector"):
        rig.thread.start()
        rig.call().fail(TransportError("refused"))
        rig.skip_wait()
        rig.sync()
    assert "could not be delivered" in caplog.text
    assert "deaf" in caplog.text


class Exit(BaseException):
    """As ``SystemExit``, or what a test framework raises to fail a test: none of these is an ``Exception``."""


@pytest.mark.scenario("invariant-5")
def test_no_exception_of_whatever_kind_ends_the_thread(make_rig: Callable[..., Rig]) -> None:
    calls: list[str] = []

    def transform(obj: dict[str, Any]) -> dict[str, Any]:
        calls.append(obj["metadata"]["name"])
        if len(calls) == 1:
            raise Exit("sys.exit(), somewhere in a transform")
        return obj

    rig = make_rig(transform=transform)
    rig.thread.start()
    rig.call().accept().send(rig.event("ADDED", "a", "1"))
    report = rig.report()
    assert report.reason == "internal"
    assert "Exit: sys.exit(), somewhere in a transform" in str(report.exception)
    assert isinstance(report.exception.__cause__, Exit)
    rig.skip_wait()
    rig.sync(("a", "1"))


def test_neither_does_one_of_the_sink_and_what_it_missed_is_fetched_anew(rig: Rig) -> None:
    stream = rig.sync()

    def leave(_: list[Change]) -> None:
        rig.on_sink = lambda _: None
        raise Exit("sys.exit(), below the sink")

    rig.on_sink = leave
    stream.send(rig.event("ADDED", "a", "11"))
    assert rig.report().reason == "sink"
    rig.skip_wait()
    assert rig.call().accept().query["sendInitialEvents"] == "true"


def test_nor_one_of_the_report_hook(make_rig: Callable[..., Rig], caplog: pytest.LogCaptureFixture) -> None:
    def leave(_: Report) -> None:
        raise Exit("sys.exit(), in a report hook")

    rig = make_rig(report=leave)
    with caplog.at_level(logging.ERROR, "kinform.reflector"):
        rig.thread.start()
        rig.call().fail(TransportError("refused"))
        rig.skip_wait()
        rig.sync()
    assert "sys.exit(), in a report hook" in caplog.text
