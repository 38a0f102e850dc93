"""What runs beside the thread that decides: requests, news, and the work."""

from __future__ import annotations

import logging
import queue
import threading

import pytest
from tests.runtime.leaderelection.conftest import KEY

from kinform.errors import AbortedError, TransportError
from kinform.leaderelection.actions import Send
from kinform.leaderelection.lease import Lease, LeaseRecord
from kinform.leaderelection.lock import Verb
from kinform.leaderelection.news import News
from kinform.leaderelection.requester import Requester
from kinform.leaderelection.work import Leadership, Work
from kinform.transport import Abort

REAL = 10.0
GET = Send(Verb.GET, None, 5.0)


class Server:
    """Holds each request until the test lets it go, and tells of it."""

    def __init__(self) -> None:
        self.requests: queue.Queue[tuple[threading.Event, Abort]] = queue.Queue()
        self.woken: queue.Queue[None] = queue.Queue()
        self.outcome: Lease | Exception = Lease.new(KEY, LeaseRecord())

    def perform(self, send: Send, abort: Abort) -> Lease:
        gate = threading.Event()
        self.requests.put((gate, abort))
        assert gate.wait(REAL)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def wake(self) -> None:
        self.woken.put(None)


@pytest.fixture
def server() -> Server:
    return Server()


def test_an_answer_is_handed_over_once_and_wakes(server: Server) -> None:
    requester = Requester(server.perform, server.wake, "r")
    assert requester.take_answer() is None
    requester.send(GET)
    assert requester.take_answer() is None
    server.requests.get(timeout=REAL)[0].set()
    server.woken.get(timeout=REAL)
    assert requester.take_answer() is server.outcome
    assert requester.take_answer() is None
    assert requester.join(REAL) == []


def test_an_error_is_an_answer(server: Server) -> None:
    requester = Requester(server.perform, server.wake, "r")
    server.outcome = AbortedError("aborted")
    requester.send(GET)
    server.requests.get(timeout=REAL)[0].set()
    server.woken.get(timeout=REAL)
    assert requester.take_answer() is server.outcome


def test_whatever_ends_a_request_is_an_answer(server: Server) -> None:
    def leave(send: Send, abort: Abort) -> Lease:
        raise SystemExit(3)

    requester = Requester(leave, server.wake, "r")
    requester.send(GET)
    server.woken.get(timeout=REAL)
    answer = requester.take_answer()
    assert isinstance(answer, TransportError)
    assert str(answer) == "the request was ended by SystemExit(3)"


def test_the_next_request_gives_the_last_one_up(server: Server) -> None:
    requester = Requester(server.perform, server.wake, "r")
    requester.send(GET)
    first, abort = server.requests.get(timeout=REAL)
    before = abort.aborted
    requester.send(GET)
    second, _ = server.requests.get(timeout=REAL)
    assert (before, abort.aborted) == (False, True)
    first.set()
    server.woken.get(timeout=REAL)
    assert requester.take_answer() is None, "that was the answer to the first"
    second.set()
    server.woken.get(timeout=REAL)
    assert requester.take_answer() is not None


def test_few_are_left_hanging_and_then_the_next_fails_at_once(server: Server) -> None:
    requester = Requester(server.perform, server.wake, "r")
    gates = []
    for _ in range(4):
        requester.send(GET)
        gates.append(server.requests.get(timeout=REAL)[0])
    requester.send(GET)
    server.woken.get(timeout=REAL)
    answer = requester.take_answer()
    assert isinstance(answer, TransportError)
    assert str(answer) == "4 earlier requests still resolve a name or run a credentials plugin"
    assert server.requests.empty()
    assert requester.join(0.0) == ["r"] * 4
    for gate in gates:
        gate.set()
    assert requester.join(REAL) == []
    requester.send(GET)
    server.requests.get(timeout=REAL)[0].set()
    assert requester.join(REAL) == []


def test_a_system_without_threads_is_a_failed_request(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    requester = Requester(server.perform, server.wake, "r")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    requester.send(GET)
    server.woken.get(timeout=REAL)
    assert isinstance(requester.take_answer(), RuntimeError)
    assert requester.join(REAL) == []


# ---- news


def test_news_are_told_in_order_and_one_that_raises_stops_none(caplog: pytest.LogCaptureFixture) -> None:
    news, told = News("n"), []

    def fail() -> None:
        raise ValueError("no")

    with caplog.at_level(logging.CRITICAL, "kinform.leaderelection"):
        news.tell(lambda: told.append(1))
        news.tell(fail)
        news.tell(lambda: told.append(2))
        assert news.close(REAL) == []
    assert told == [1, 2]
    assert News("n").close(REAL) == []


def test_news_that_take_too_long_are_named() -> None:
    news, gate = News("n"), threading.Event()
    news.tell(lambda: gate.wait(REAL))
    assert news.close(0.0) == ["n"]
    gate.set()
    assert news.close(REAL) == []


# ---- the work


class Told:
    """Runs a piece of work and says what happens to it."""

    def __init__(self) -> None:
        self.began: queue.Queue[Leadership] = queue.Queue()
        self.woken: queue.Queue[None] = queue.Queue()
        self.events: list[str] = []
        self.gate = threading.Event()
        self.failure: BaseException | None = None
        self.on_stopped_gate: threading.Event | None = None
        self.work = Work(self._started, self._stopped, lambda: self.woken.put(None), "w")

    def _started(self, leadership: Leadership) -> None:
        self.began.put(leadership)
        assert self.gate.wait(REAL)
        self.events.append("returned")
        if self.failure is not None:
            raise self.failure

    def _stopped(self) -> None:
        if self.on_stopped_gate is not None:
            assert self.on_stopped_gate.wait(REAL)
        self.events.append("stopped")

    def finish(self) -> None:
        while not self.work.finished:
            self.woken.get(timeout=REAL)
        self.work.join(REAL)
        assert self.work.running == []


def test_a_gentle_stop_tells_after_the_work_has_returned() -> None:
    told = Told()
    told.work.start()
    leadership = told.began.get(timeout=REAL)
    assert not leadership.stop.is_set()
    told.work.stop()
    assert leadership.stop.is_set()
    assert not leadership.lost.aborted
    assert told.events == []
    assert told.work.running == ["w"]
    told.gate.set()
    told.finish()
    assert told.events == ["returned", "stopped"]
    told.work.lose()
    assert told.events == ["returned", "stopped"]
    assert not any(thread.name == "w-stopped" for thread in threading.enumerate())


def test_work_that_returns_early_is_not_over_before_it_is_told_to_stop() -> None:
    told = Told()
    told.gate.set()
    told.work.start()
    told.began.get(timeout=REAL)
    assert not told.work.finished
    told.work.stop()
    told.finish()
    assert told.events == ["returned", "stopped"]


def test_a_loss_is_told_at_once_while_the_work_still_runs() -> None:
    told = Told()
    told.work.start()
    leadership = told.began.get(timeout=REAL)
    told.work.lose()
    told.work.lose()
    told.woken.get(timeout=REAL)
    assert told.events == ["stopped"]
    assert leadership.stop.is_set()
    assert leadership.lost.aborted
    assert not told.work.finished
    told.gate.set()
    told.finish()
    assert told.events == ["stopped", "returned"]


def test_it_is_not_over_while_somebody_is_being_told() -> None:
    told = Told()
    told.on_stopped_gate = threading.Event()
    told.work.start()
    told.began.get(timeout=REAL)
    told.work.lose()
    told.gate.set()
    told.woken.get(timeout=REAL)
    assert not told.work.finished
    told.on_stopped_gate.set()
    told.finish()


@pytest.mark.parametrize("failure", [ValueError("no"), SystemExit(3)])
def test_what_the_work_raises_is_kept(failure: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    told.failure = failure
    told.gate.set()
    with caplog.at_level(logging.CRITICAL, "kinform.leaderelection"):
        told.work.start()
        told.finish()
    assert told.work.failure is failure
    assert told.events == ["returned", "stopped"]


def test_what_on_stopped_raises_is_kept_too(caplog: pytest.LogCaptureFixture) -> None:
    woken: queue.Queue[None] = queue.Queue()
    failure = ValueError("no")

    def fail() -> None:
        raise failure

    work = Work(None, fail, lambda: woken.put(None), "w")
    with caplog.at_level(logging.CRITICAL, "kinform.leaderelection"):
        work.start()
        work.stop()
        woken.get(timeout=REAL)
    assert work.finished
    assert work.failure is failure
    work.join(REAL)


def test_without_functions_there_is_nothing_to_wait_for() -> None:
    woken: queue.Queue[None] = queue.Queue()
    work = Work(None, None, lambda: woken.put(None), "w")
    work.start()
    work.stop()
    woken.get(timeout=REAL)
    assert work.finished
    work.join(REAL)
