"""Wherever the thread is, it stops at once, and leaves and delivers nothing afterwards."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import TransportError
from kinform.reflector import ReflectorOptions, Report
from kinform.wire import Change

if TYPE_CHECKING:
    from collections.abc import Callable

Rig = Any
LONG = 10.0  # real seconds that a test waits at most for what happens in milliseconds


def _stop(rig: Rig) -> None:
    rig.thread.stop()
    assert rig.thread.join(2), "it did not stop within 2 s"
    assert rig.thread.statistics().state == "stopped"
    assert not rig.thread.statistics().connected
    assert rig.reports.empty(), "being stopped is no error"


@pytest.mark.scenario("R04")
def test_r04_a_stopped_reflector_asks_nothing(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    assert rig.thread.join(0), "it has not run"
    rig.thread.stop()
    rig.thread.start()
    assert rig.thread.join(0)
    assert rig.transport.calls.empty()


def test_stop_while_a_list_is_asked_for(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(options=ReflectorOptions(streaming=False))
    rig.thread.start()
    rig.call()
    _stop(rig)


def test_stop_while_a_stream_is_opened(rig: Rig) -> None:
    rig.call()
    _stop(rig)


@pytest.mark.scenario("R05")
@pytest.mark.scenario("R06")
@pytest.mark.scenario("R07")
@pytest.mark.scenario("R11")
@pytest.mark.scenario("W05")
def test_stop_while_reading(rig: Rig) -> None:
    stream = rig.call().accept()
    stream.send(rig.event("ADDED", "a", "1"))
    _stop(rig)
    assert stream.closed.is_set()
    assert rig.batches.empty()
    assert len(rig.transport.all) == 1
    assert rig.thread.statistics().restarts == {}


@pytest.mark.scenario("R02")
def test_r02_stop_after_the_first_event(rig: Rig) -> None:
    stream = rig.sync()
    stream.send(rig.event("ADDED", "a", "11"))
    rig.changes()
    _stop(rig)
    assert stream.closed.is_set()


@pytest.mark.scenario("invariant-6")
def test_stop_while_waiting(rig: Rig) -> None:
    rig.call().fail(TransportError("refused"))
    rig.report()
    rig.clock.wait_for_waiters(1)
    _stop(rig)


def test_stop_from_the_sink(rig: Rig) -> None:
    joined: list[bool] = []

    def stop(_: list[Change]) -> None:
        rig.thread.stop()
        joined.append(rig.thread.join(5))

    rig.on_sink = stop
    stream = rig.call().accept()
    stream.send(rig.end_bookmark("1"), rig.event("ADDED", "a", "2"))
    rig.changes()
    assert rig.thread.join(2)
    assert joined == [False], "a thread cannot wait for itself"


def test_nothing_is_delivered_once_stopped(rig: Rig) -> None:
    stream = rig.sync()
    in_sink, leave = threading.Event(), threading.Event()

    def block(_: list[Change]) -> None:
        in_sink.set()
        assert leave.wait(LONG)

    rig.on_sink = block
    stream.send(rig.event("ADDED", "a", "11"))
    assert in_sink.wait(LONG)
    stream.send(rig.event("ADDED", "b", "12"))
    rig.thread.stop()
    assert not rig.thread.join(0.01), "a sink that runs cannot be interrupted"
    leave.set()
    assert rig.thread.join(2)
    assert rig.names() == [("Upsert", "a")]
    assert rig.batches.empty()


def test_what_was_being_decoded_when_it_was_stopped_is_not_delivered(make_rig: Callable[..., Rig]) -> None:
    def transform(obj: dict[str, Any]) -> dict[str, Any]:
        if obj["metadata"]["name"] == "b":
            own.thread.stop()
        return obj

    own = make_rig(transform=transform)
    own.thread.start()
    stream = own.sync(("a", "1"))
    stream.send(own.event("ADDED", "b", "11"))
    assert own.thread.join(2)
    assert own.batches.empty()


def test_nothing_is_reported_once_stopped(make_rig: Callable[..., Rig]) -> None:
    told: list[Report] = []

    def stop(report: Report) -> None:
        told.append(report)
        own.thread.stop()

    own = make_rig(report=stop)
    own.thread.start()
    stream = own.sync()
    stream.send({"type": "ODD", "object": {}}, {"type": "ODDER", "object": {}})
    assert own.thread.join(2)
    assert ["ODD'" in str(report.exception) for report in told] == [True]


def test_stop_again_and_join_again(rig: Rig) -> None:
    rig.sync()
    for _ in range(3):
        _stop(rig)


def test_the_thread_is_a_daemon_with_a_name(rig: Rig) -> None:
    rig.sync()
    (thread,) = (t for t in threading.enumerate() if t.name == "kinform-test-pods")
    assert thread.daemon
    assert rig.thread.name == "kinform-test-pods"
    statistics = rig.thread.statistics()
    assert (statistics.state, statistics.connected, statistics.synced) == ("watching", True, True)


def test_it_starts_once(rig: Rig) -> None:
    with pytest.raises(RuntimeError):
        rig.thread.start()
