"""The recorder: what reaches the server, what is tried again, what is lost and told, and how it ends."""

from __future__ import annotations

import json
import multiprocessing
import queue
import random
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.runtime.events.conftest import NO_CLIENT, POD, HastyClock

from kinform import EventRecorder, EventsDroppedError, ForkedError, Transport
from kinform.errors import AbortedError, ConfigurationError, Status, TransportError, status_error
from kinform.events.occurrence import Series
from kinform.events.sink import EVENTS
from kinform.informer import ErrorReport
from kinform.meta import Resource
from kinform.testing import Server, VirtualClock
from kinform.transport import Abort
from kinform_k8s.models.core.v1 import Node, Pod
from kinform_k8s.models.meta.v1 import ObjectMeta

REAL = 10.0  # seconds of patience with real threads; nothing waits that long unless it is broken
START = 1_750_000_000.123456
NEW, OLD = EVENTS["events.k8s.io/v1"], EVENTS["v1"]
WEB = Pod(metadata=ObjectMeta(name="web-0", namespace="shop", uid="u1", resource_version="7"))
NODE = Node(metadata=ObjectMeta(name="n1", uid="u9"))


def refusal(code: int, reason: str = "", *, retry_after: float | None = None) -> Exception:
    return status_error(Status(code=code, reason=reason, message="the test asked for this"), retry_after=retry_after)


class Sink:
    """In place of the way to the server."""

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self.always: BaseException | None = None
        self.fail_each = 0
        self._failed: Counter[str] = Counter()
        self.written: list[tuple[str, int]] = []
        self.tries = 0
        self.hold: threading.Event | None = None
        self.entered = threading.Event()

    def write(self, series: Series, abort: Abort) -> bool:
        self.tries += 1
        self.entered.set()
        if self.hold is not None:
            assert self.hold.wait(REAL)
        if abort.aborted:
            raise AbortedError("aborted")
        if self.always is not None or self.failures:
            raise self.always or self.failures.pop(0)
        if self._failed[series.name] < self.fail_each:
            self._failed[series.name] += 1
            raise TransportError("reset")
        self.written.append((series.message, series.count))
        created, series.told = not series.told, series.count
        return created


class Rig:
    """A recorder over a sink of the test's."""

    def __init__(self, clock: VirtualClock, **options: Any) -> None:
        self.reports: queue.Queue[ErrorReport] = queue.Queue()
        self.clock = clock
        options = {"on_error": self.reports.put, "rng": random.Random(1), **options}
        self.recorder = EventRecorder(NO_CLIENT, "rollup", clock=clock, **options)
        self.sink = Sink()
        self.recorder._sink = self.sink  # type: ignore[assignment]

    def say(self, message: str = "it happened", **more: Any) -> None:
        self.recorder.event(POD, "Normal", "Started", message, **more)

    def report(self) -> ErrorReport:
        return self.reports.get(timeout=REAL)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig(HastyClock())
    yield made
    if made.sink.hold is not None:
        made.sink.hold.set()
    made.recorder.stop()


# ---- on the wire


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(resources=[NEW, OLD], strict=False) as server:
        yield server


def stored(server: Server, resource: Resource, namespace: str = "shop") -> list[dict[str, Any]]:
    with Transport(server.client) as transport:
        items = json.loads(transport.request("GET", resource.path(namespace)).body)["items"]
    return sorted(items, key=lambda item: str(item["metadata"]["name"]))


def said_of(item: dict[str, Any]) -> dict[str, Any]:
    """An event less what the server adds."""
    kept = ("name", "namespace", "annotations")
    return item | {"metadata": {key: value for key, value in item["metadata"].items() if key in kept}}


@pytest.mark.scenario("V11a")
@pytest.mark.scenario("V11b")
@pytest.mark.scenario("V11c")
def test_a_series_of_the_events_api(server: Server) -> None:
    clock = VirtualClock(wall=START)
    with EventRecorder(server.client, "example.com/rollup", instance="rollup-7", clock=clock) as recorder:
        more: dict[str, Any] = {"related": NODE, "annotations": {"a": "b"}, "field_path": "spec.containers{web}"}
        recorder.event(WEB, "Warning", "Failed", "no room", action="Place", **more)
        assert recorder.flush(REAL)
        clock.advance(1.5)
        recorder.event(WEB, "Warning", "Failed", "no room", action="Place", **more)
        recorder.event(WEB, "Warning", "Failed", "no room")
        assert recorder.flush(REAL)
        statistics = recorder.statistics()
    plain, whole = sorted(map(said_of, stored(server, NEW)), key=lambda event: "related" in event)
    assert whole == {
        "metadata": {"name": whole["metadata"]["name"], "namespace": "shop", "annotations": {"a": "b"}},
        "eventTime": "2025-06-15T15:06:40.123456Z",
        "type": "Warning",
        "reason": "Failed",
        "action": "Place",
        "note": "no room",
        "regarding": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "shop",
            "name": "web-0",
            "uid": "u1",
            "resourceVersion": "7",
            "fieldPath": "spec.containers{web}",
        },
        "related": {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u9"},
        "reportingController": "example.com/rollup",
        "reportingInstance": "rollup-7",
        "series": {"count": 2, "lastObservedTime": "2025-06-15T15:06:41.623456Z"},
    }
    assert "series" not in plain
    assert plain["action"] == "Failed", "the API wants an action: the reason says it"
    assert (statistics.recorded, statistics.created, statistics.patched, statistics.failed) == (3, 2, 1, 0)


def test_an_event_of_the_core_api(server: Server) -> None:
    clock = VirtualClock(wall=START)
    with EventRecorder(server.client, "rollup", api="v1", clock=clock) as recorder:
        recorder.event(NODE, "Normal", "Ready", "it is", action="Look", related=WEB)
        assert recorder.flush(REAL)
        clock.advance(2)
        recorder.event(NODE, "Normal", "Ready", "it is", action="Look", related=WEB)
        recorder.event(NODE, "Normal", "Ready", "it was")
    once, twice = sorted(map(said_of, stored(server, OLD, "default")), key=lambda event: int(event["count"]))
    host = twice["source"]["host"]
    assert host
    assert twice == {
        "metadata": {"name": twice["metadata"]["name"], "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u9"},
        "related": {
            "apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "web-0", "uid": "u1", "resourceVersion": "7",
        },
        "type": "Normal",
        "reason": "Ready",
        "action": "Look",
        "message": "it is",
        "source": {"component": "rollup", "host": host},
        "reportingComponent": "rollup",
        "reportingInstance": f"rollup-{host}",
        "firstTimestamp": "2025-06-15T15:06:40Z",
        "lastTimestamp": "2025-06-15T15:06:42Z",
        "count": 2,
    }  # fmt: skip
    assert "action" not in once


@pytest.mark.scenario("V02a")
@pytest.mark.scenario("V02b")
@pytest.mark.scenario("V02c")
@pytest.mark.scenario("V02d")
@pytest.mark.scenario("V02e")
def test_the_first_is_created_and_equal_ones_raise_its_count(rig: Rig) -> None:
    other = Pod(metadata=ObjectMeta(name="web-0", namespace="shop", uid="another"))
    for pod, reason, field_path in [
        (WEB, "Started", "c2"),
        (WEB, "Killed", ""),
        (WEB, "Started", "c2"),
        (other, "Started", "c2"),
        (WEB, "Started", "c2"),
        (other, "Stopped", "c2"),
        (other, "Stopped", "c2"),
    ]:
        rig.recorder.event(pod, "Normal", reason, "m", field_path=field_path)
    assert rig.recorder.flush(REAL)
    assert [count for _, count in rig.sink.written] == [1, 1, 2, 1, 3, 1, 2]
    statistics = rig.recorder.statistics()
    assert (statistics.created, statistics.patched) == (4, 3)


@pytest.mark.scenario("V04")
@pytest.mark.scenario("V11f")
@pytest.mark.parametrize("api", ["v1", "events.k8s.io/v1"])
def test_an_event_that_has_expired_is_made_again_with_its_count(server: Server, api: Any) -> None:
    with EventRecorder(server.client, "rollup", api=api, clock=VirtualClock()) as recorder:
        recorder.event(WEB, "Normal", "Ready", "it is")
        assert recorder.flush(REAL)
        (first,) = stored(server, EVENTS[api])
        with Transport(server.client) as transport:
            transport.request("DELETE", EVENTS[api].path("shop", first["metadata"]["name"]))
        recorder.event(WEB, "Normal", "Ready", "it is")
        assert recorder.flush(REAL)
    (again,) = stored(server, EVENTS[api])
    assert again["metadata"]["name"] == first["metadata"]["name"]
    assert "resourceVersion" not in again.get("series", {})
    assert (again["count"] if api == "v1" else again["series"]["count"]) == 2


def test_an_event_whose_creation_got_no_answer_is_there_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = EventRecorder(server.client, "rollup", clock=HastyClock())
    send, lost = recorder._sink._send, [True]

    def lose_the_answer(*arguments: Any) -> None:
        send(*arguments)
        if lost.pop() if lost else False:
            raise TransportError("reset")

    monkeypatch.setattr(recorder._sink, "_send", lose_the_answer)
    with recorder:
        recorder.event(WEB, "Normal", "Ready", "it is")
        assert recorder.flush(REAL)
        recorder.event(WEB, "Normal", "Ready", "it is")
        assert recorder.flush(REAL)
        assert recorder.statistics().failed == 0
    (event,) = stored(server, NEW)
    assert event["series"]["count"] == 2


# ---- failures


@pytest.mark.scenario("V03a")
@pytest.mark.parametrize("error", [refusal(403), refusal(404), refusal(422), TypeError("no JSON"), ValueError("path")])
def test_what_another_try_cannot_help_is_lost_at_once(rig: Rig, error: Exception) -> None:
    rig.sink.always = error
    rig.say()
    report = rig.report()
    assert (report.informer, report.exception, report.key) == ("events", error, "Pod shop/web-0")
    assert rig.recorder.flush(REAL)
    statistics = rig.recorder.statistics()
    assert (rig.sink.tries, statistics.failed, statistics.retries, statistics.last_error) == (1, 1, 0, error)


@pytest.mark.scenario("V03b")
@pytest.mark.parametrize("error", [TransportError("reset"), refusal(503), refusal(429), ConfigurationError("none")])
def test_what_may_pass_is_tried_twelve_times(rig: Rig, error: Exception) -> None:
    rig.sink.always = error
    rig.say()
    assert rig.report().exception is error
    assert isinstance(rig.clock, HastyClock)
    assert rig.sink.tries == 12
    assert 0 < rig.clock.waits[0] < 10
    assert rig.clock.waits[1:] == pytest.approx([10.0] * 10)
    assert rig.recorder.flush(REAL)
    assert (rig.recorder.statistics().failed, rig.recorder.statistics().retries) == (1, 11)


@pytest.mark.scenario("V03c")
def test_a_second_try_may_succeed(rig: Rig) -> None:
    rig.sink.failures = [TransportError("reset")]
    rig.say()
    assert rig.recorder.flush(REAL)
    assert rig.sink.written == [("it happened", 1)]
    assert rig.reports.empty()


def test_a_server_that_asks_for_a_time_gets_a_minute_at_most(rig: Rig) -> None:
    rig.sink.failures = [refusal(429, retry_after=20), refusal(429, retry_after=3600)]
    rig.say()
    assert rig.recorder.flush(REAL)
    assert isinstance(rig.clock, HastyClock)
    assert rig.clock.waits == pytest.approx([20.0, 60.0])


def test_a_credential_plugin_that_exits_does_not_end_the_recorder(rig: Rig) -> None:
    rig.sink.failures = [SystemExit(3)]
    rig.say()
    assert rig.recorder.flush(REAL)
    assert rig.sink.written == [("it happened", 1)]
    assert "SystemExit(3)" in str(rig.recorder.statistics().last_error)


@pytest.mark.scenario("V06")
def test_none_of_many_is_lost_in_an_outage(rig: Rig) -> None:
    rig.sink.fail_each = 4
    for number in range(1000):
        rig.recorder.event(Pod(metadata=ObjectMeta(name=f"p{number}", uid=f"u{number}")), "Normal", "R", "m")
    assert rig.recorder.flush(1e9)
    assert (len(rig.sink.written), rig.sink.tries) == (1000, 5000)
    assert rig.recorder.statistics().retries == 4000


@pytest.mark.parametrize("failure", [RuntimeError("mine"), SystemExit(1)])
def test_a_callback_that_raises_is_logged(caplog: pytest.LogCaptureFixture, failure: BaseException) -> None:
    def on_error(report: ErrorReport) -> None:
        raise failure

    rig = Rig(HastyClock(), on_error=on_error)
    rig.sink.failures = [refusal(403)]
    rig.say()
    rig.say("another")
    assert rig.recorder.flush(REAL)
    rig.recorder.stop()
    assert [message for message, _ in rig.sink.written] == ["another"]
    assert "the error callback raised" in caplog.text


# ---- a bounded queue


def test_a_full_queue_drops_counts_and_tells_without_blocking() -> None:
    rig = Rig(HastyClock(), max_pending=3)
    rig.sink.hold = threading.Event()
    rig.say("0")
    assert rig.sink.entered.wait(REAL)
    for number in range(1, 6):
        rig.say(str(number))
    statistics = rig.recorder.statistics()
    assert (statistics.recorded, statistics.waiting, statistics.dropped) == (6, 3, 2)
    rig.sink.hold.set()
    assert rig.recorder.flush(REAL)
    report = rig.report()
    assert isinstance(report.exception, EventsDroppedError)
    assert (report.reason, report.exception.count) == ("dropped", 2)
    assert "3 wait already" in str(report)
    assert rig.recorder.stop() == 2
    assert [message for message, _ in rig.sink.written] == ["0", "1", "2", "3"]


@pytest.mark.scenario("V01c")
def test_many_threads_at_once(rig: Rig) -> None:
    threads = [threading.Thread(target=rig.say, args=("m",)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rig.recorder.stop() == 0
    assert rig.sink.written[-1] == ("m", 20)


def test_a_system_without_threads_loses_events_only(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        rig.say()
    rig.say("later")
    assert rig.recorder.flush(REAL)
    assert rig.recorder.statistics().dropped == 1
    assert rig.sink.written == [("later", 1)]


# ---- spam and combinations, as the user sees them


def test_what_was_held_back_is_told_at_the_end() -> None:
    rig = Rig(VirtualClock())
    for _ in range(40):
        rig.say()
    assert rig.recorder.flush(REAL)
    assert rig.sink.written[-1] == ("it happened", 25)
    assert rig.recorder.statistics().filtered == 15
    assert rig.recorder.stop() == 0
    assert rig.sink.written[-1] == ("it happened", 40)


def test_what_was_held_back_is_told_when_it_is_quiet() -> None:
    clock = VirtualClock()
    rig = Rig(clock)
    for _ in range(30):
        rig.say()
    assert rig.recorder.flush(REAL)
    for _ in range(6):
        clock.wait_for_waiters(1)
        assert rig.sink.written[-1] == ("it happened", 25)
        clock.advance(60)
    clock.wait_for_waiters(1)
    assert rig.sink.written[-1] == ("it happened", 30)
    assert clock.next_deadline is None, "it looks no more"
    rig.recorder.stop()


def test_a_failure_to_tell_a_count_loses_no_occurrence() -> None:
    rig = Rig(VirtualClock())
    for _ in range(26):
        rig.say()
    assert rig.recorder.flush(REAL)
    rig.sink.always = refusal(403)
    assert rig.recorder.stop() == 0
    assert rig.report().reason == "forbidden"


def test_similar_ones_are_combined_on_the_server(server: Server) -> None:
    with EventRecorder(server.client, "rollup", api="v1", clock=VirtualClock()) as recorder:
        for number in range(12):
            recorder.event(WEB, "Warning", "Failed", f"node {number} is full")
        assert recorder.flush(REAL)
        assert recorder.statistics().combined == 3
    events = stored(server, OLD)
    assert len(events) == 10
    (combined,) = [event for event in events if event["message"].startswith("(combined from similar events): ")]
    assert (combined["message"], combined["count"]) == ("(combined from similar events): node 11 is full", 3)


# ---- ends


@pytest.mark.scenario("V07b")
def test_another_recorder_counts_from_one(server: Server) -> None:
    clock = VirtualClock()
    for _ in range(2):
        with EventRecorder(server.client, "rollup", api="v1", clock=clock) as recorder:
            recorder.event(WEB, "Normal", "Ready", "it is")
            recorder.event(WEB, "Normal", "Ready", "it is")
        clock.advance(1)
    assert [event["count"] for event in stored(server, OLD)] == [2, 2]


@pytest.mark.scenario("V01a")
@pytest.mark.scenario("V01b")
def test_it_ends_without_having_begun_and_again(rig: Rig) -> None:
    before = set(threading.enumerate())
    assert rig.recorder.stop() == 0
    assert rig.recorder.stop() == 0
    assert set(threading.enumerate()) <= before
    rig.say()
    assert rig.recorder.statistics().dropped == 1
    assert rig.sink.tries == 0
    assert rig.recorder.stop() == 1
    assert "the recorder has stopped" in str(rig.report())


def test_it_writes_what_waits_and_leaves_no_thread(rig: Rig) -> None:
    rig.sink.hold = threading.Event()
    for number in range(5):
        rig.say(str(number))
    assert rig.sink.entered.wait(REAL)
    threading.Timer(0.05, rig.sink.hold.set).start()
    assert rig.recorder.stop() == 0
    assert len(rig.sink.written) == 5
    assert rig.recorder._thread is not None
    assert not rig.recorder._thread.is_alive()


@pytest.mark.scenario("V05")
def test_at_the_end_each_is_tried_once_without_waiting() -> None:
    clock = VirtualClock()
    rig = Rig(clock)
    rig.sink.always = TransportError("reset")
    rig.say("first")
    clock.wait_for_waiters(1)
    assert rig.sink.tries == 1
    rig.say("second")
    stopper = threading.Thread(target=rig.recorder.stop)
    stopper.start()
    stopper.join(REAL)
    assert not stopper.is_alive(), "no time had to pass"
    assert rig.sink.tries == 3, "the first once more, the second once"
    assert rig.recorder.statistics().failed == 2


def test_the_deadline_ends_a_request_that_hangs() -> None:
    clock = VirtualClock()
    rig = Rig(clock)
    rig.sink.hold = threading.Event()
    rig.say("hangs")
    rig.say("waits")
    assert rig.sink.entered.wait(REAL)
    lost: list[int] = []
    stopper = threading.Thread(target=lambda: lost.append(rig.recorder.stop(timeout=3)))
    stopper.start()
    clock.wait_for_waiters(1)
    clock.advance(3)
    while not rig.recorder._abort.aborted:
        stopper.join(0.001)
    rig.sink.hold.set()
    stopper.join(REAL)
    assert lost == [2]
    assert rig.sink.written == []


def test_flush_has_a_deadline() -> None:
    clock = VirtualClock()
    rig = Rig(clock)
    rig.sink.hold = threading.Event()
    rig.say()
    assert rig.sink.entered.wait(REAL)
    assert not rig.recorder.flush(0)
    rig.sink.hold.set()
    assert rig.recorder.flush(REAL)
    rig.recorder.stop()


def test_a_callback_may_stop_it() -> None:
    rig = Rig(HastyClock())
    stopped = threading.Event()

    def on_error(report: ErrorReport) -> None:
        rig.recorder.stop()
        stopped.set()

    rig.recorder._on_error = on_error
    rig.sink.always = refusal(403)
    rig.say()
    assert stopped.wait(REAL)
    assert rig.recorder._thread is not None
    rig.recorder._thread.join(REAL)
    assert not rig.recorder._thread.is_alive()


def _in_child(recorder: EventRecorder, said: Any) -> None:
    try:
        recorder.event(POD, "Normal", "Started", "m")
    except ForkedError as error:
        said.put(str(error))
    recorder.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_needs_its_own(rig: Rig) -> None:
    rig.say()
    assert rig.recorder.flush(REAL)
    fork = multiprocessing.get_context("fork")
    said = fork.SimpleQueue()
    child = fork.Process(target=_in_child, args=(rig.recorder, said))
    child.start()
    child.join(REAL)
    assert child.exitcode == 0
    assert "belongs to the parent process" in said.get()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"component": "no spaces"}, "component 'no spaces' must be"),
        ({"component": "a", "instance": ""}, "1 to 128 bytes"),
        ({"component": "a", "instance": "x" * 129}, "1 to 128 bytes"),
        ({"component": "a", "api": "events.k8s.io/v1beta1"}, "events are written to 'events.k8s.io/v1' or 'v1', not"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EventRecorder(NO_CLIENT, **options)


def test_it_has_connections_of_its_own(server: Server) -> None:
    with Transport(server.client) as shared, EventRecorder(shared, "rollup") as recorder:
        assert recorder._transport is not shared
        recorder.event(WEB, "Normal", "Ready", "it is")
    assert len(stored(server, NEW)) == 1
