"""One call of a reconciler: its names in logs, its time, and what it may raise or return without harm to its worker."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from kinform import (
    AbortedError,
    Controller,
    ObjectKey,
    ReconcileLogFilter,
    ReconcileTimeoutError,
    Reconciliation,
    Result,
    ShutDown,
    TerminalError,
    Transport,
    current_reconciliation,
)
from kinform.controller.calls import Calls, _place
from kinform.testing import Server, VirtualClock
from kinform.testing.fake_source import FakeSource
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.resources.core.v1 import CONFIG_MAPS

REAL = 10.0  # seconds of patience with real threads; nothing waits that long unless it is broken
KEY = ObjectKey("shop", "web")
TEN = timedelta(seconds=10)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


class Rig:
    """A controller with one key at a time, and what it told."""

    def __init__(self, reconcile: Callable[[ObjectKey], Result | None], clock: VirtualClock, **options: Any) -> None:
        self.told: queue.Queue[tuple[ObjectKey, BaseException]] = queue.Queue()
        options = {"on_error": lambda key, error: self.told.put((key, error)), **options}
        self.controller = Controller("rollup", reconcile, clock=clock, **options)

    def one(self, key: ObjectKey = KEY) -> None:
        """In this thread."""
        self.controller.queue.add(key)
        with self.controller.queue.processing() as found:
            self.controller._process(found)

    def error(self) -> BaseException:
        return self.told.get(timeout=REAL)[1]


# ---- which call it is


def test_code_below_a_reconcile_can_ask_which_it_is(clock: VirtualClock) -> None:
    seen: list[Reconciliation | None] = []

    def ask() -> None:
        seen.append(current_reconciliation())

    def reconcile(key: ObjectKey) -> None:
        ask()
        thread = threading.Thread(target=contextvars.copy_context().run, args=(ask,))
        thread.start()
        thread.join()
        asyncio.run(asyncio.to_thread(ask))
        other = threading.Thread(target=ask)
        other.start()
        other.join()

    with Server(resources=[]) as server:
        factory = SharedInformerFactory(server.client, source_factory=FakeSource())
        rig = Rig(reconcile, clock)
        rig.controller.watches(factory.apps().v1().deployments())
        rig.one()
    first, copied, in_task, other = seen
    assert first is not None
    assert first is copied
    assert first is in_task
    assert other is None
    assert current_reconciliation() is None
    assert (first.controller, first.kind, first.key, first.timeout) == ("rollup", "Deployment", KEY, None)
    assert first.remaining() is None
    first.raise_if_overdue()
    assert str(first) == f"rollup Deployment shop/web {first.id}"
    rig.one()
    assert len({seen[0].id, seen[4].id} if seen[0] and seen[4] else ()) == 2, "each call has its own"


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.addFilter(ReconcileLogFilter())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    root = logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)


def test_plain_logging_can_show_which_it_is(lines: Lines, clock: VirtualClock) -> None:
    ids: list[str] = []

    def reconcile(key: ObjectKey) -> None:
        current = current_reconciliation()
        assert current is not None
        ids.append(current.id)
        logging.getLogger("another.package").warning("wrote")
        raise ValueError("no")

    lines.setFormatter(
        logging.Formatter("%(reconcile)s%(message)s|%(controller)s|%(kind)s|%(namespace)s|%(object)s|%(reconcile_id)s")
    )
    Rig(reconcile, clock).one()
    logging.getLogger("another.package").warning("outside")
    wrote, failed, outside = (line.partition("\n")[0] for line in lines.lines)
    (call,) = ids
    assert wrote == f"[rollup shop/web {call}] wrote|rollup||shop|web|{call}"
    assert failed.startswith(f"[rollup shop/web {call}] controller rollup: shop/web: failure 1, will be tried again|")
    assert outside == "outside|||||"


# ---- how long it may take


def aborted(call: Reconciliation) -> bool:
    return call.abort.aborted


def start(rig: Rig) -> None:
    rig.controller.start()
    rig.controller.queue.add(KEY)


def test_a_call_that_takes_too_long_is_told_of_with_its_place_and_goes_on(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    running, go_on = threading.Event(), threading.Event()
    seen: list[Reconciliation] = []

    def reconcile(key: ObjectKey) -> None:
        current = current_reconciliation()
        assert current is not None
        seen.append(current)
        running.set()
        assert go_on.wait(REAL)

    rig = Rig(reconcile, clock, reconcile_timeout=TEN)
    start(rig)
    assert running.wait(REAL)
    (call,) = seen
    assert (call.timeout, call.remaining()) == (10.0, 10.0)
    clock.wait_for_waiters(1)
    clock.advance(9.5)
    assert call.remaining() == 0.5
    call.raise_if_overdue()
    assert not aborted(call)
    clock.wait_for_waiters(1)
    clock.advance(0.5)
    error = rig.error()
    assert isinstance(error, ReconcileTimeoutError)
    assert (error.key, error.timeout) == (KEY, 10.0)
    assert "the reconcile of shop/web takes longer than 10 s" in str(error)
    assert aborted(call)
    assert call.remaining() == 0.0
    with pytest.raises(ReconcileTimeoutError):
        call.raise_if_overdue()
    assert rig.controller.statistics().timed_out == 1
    assert rig.controller.statistics().reconciled == 0
    assert "in reconcile\n    assert go_on.wait(REAL)" in caplog.text
    go_on.set()
    assert rig.controller.stop(REAL) == []
    assert rig.controller.statistics().reconciled == 1, "it returned in the end"
    assert rig.told.empty(), "each is told of once"
    assert not any("deadlines" in thread.name for thread in threading.enumerate())


def test_calls_that_end_in_time_are_not_told_of(clock: VirtualClock) -> None:
    ended: queue.Queue[ObjectKey] = queue.Queue()
    rig = Rig(ended.put, clock, reconcile_timeout=TEN, workers=2)
    start(rig)
    for number in range(20):
        rig.controller.queue.add(ObjectKey("shop", str(number)))
    for _ in range(21):
        ended.get(timeout=REAL)
    while rig.controller.statistics().queue.processing:
        ended.empty()
    clock.advance(11)
    assert rig.controller.stop(REAL) == []
    assert rig.told.empty()
    assert rig.controller.statistics().timed_out == 0


def test_the_next_deadline_is_that_of_the_longest_running_call(clock: VirtualClock) -> None:
    late: queue.Queue[str] = queue.Queue()
    calls = Calls("rollup", 10.0, lambda call, place: late.put(call.key.name), clock)
    calls.start()
    calls.start()
    clock.wait_for_waiters(1)
    with calls.call(ObjectKey("", "first"), ""):
        clock.wait_for_deadline(10)
        clock.advance(4)
        with calls.call(ObjectKey("", "second"), ""):
            clock.wait_for_deadline(6)
            clock.advance(6)
            assert late.get(timeout=REAL) == "first"
            clock.wait_for_deadline(4)
            clock.advance(4)
            assert late.get(timeout=REAL) == "second"
    calls.stop(REAL)
    assert clock.waiters == 0


def test_the_requests_of_a_call_end_with_its_time(clock: VirtualClock) -> None:
    with Server(resources=[CONFIG_MAPS]) as server, Clientset(server.client) as clientset:
        client = clientset.core_v1().config_maps("shop")

        def reconcile(key: ObjectKey) -> None:
            current = current_reconciliation()
            assert current is not None
            client.list()
            current.abort.abort()
            client.list()

        rig = Rig(reconcile, clock)
        rig.one()
        assert isinstance(rig.error(), AbortedError)
        assert rig.controller.statistics().failed == 1
        client.list()
        with Transport(server.client) as transport:
            transport.request("GET", "/version")


def test_a_stop_ends_the_requests_of_calls_that_it_leaves_behind() -> None:
    running, go_on = threading.Event(), threading.Event()
    seen: list[Reconciliation | None] = []

    def reconcile(key: ObjectKey) -> None:
        seen.append(current_reconciliation())
        running.set()
        assert go_on.wait(REAL)

    controller = Controller("rollup", reconcile)
    controller.queue.add(KEY)
    controller.start()
    assert running.wait(REAL)
    assert controller.stop(0.05) == ["kinform-rollup-worker-0"]
    (call,) = seen
    assert call is not None
    assert aborted(call)
    go_on.set()
    for thread in controller._threads:
        thread.join(REAL)


def test_a_thread_that_has_ended_is_nowhere() -> None:
    assert _place(0) == "somewhere"


# ---- what it may raise and return


@pytest.mark.parametrize("error", [ValueError("v"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), ShutDown()])
def test_whatever_is_raised_the_key_comes_again(clock: VirtualClock, error: BaseException) -> None:
    errors = [error]

    def reconcile(key: ObjectKey) -> None:
        if errors:
            raise errors.pop()

    rig = Rig(reconcile, clock)
    rig.one()
    assert rig.error() is error
    clock.advance(1)
    with rig.controller.queue.processing() as key:
        rig.controller._process(key)
    statistics = rig.controller.statistics()
    assert (statistics.failed, statistics.reconciled, rig.controller.queue.num_requeues(KEY)) == (1, 1, 0)


@pytest.mark.parametrize("answer", [True, 5, "done", timedelta(seconds=1)])
def test_an_answer_that_is_none_is_an_error(clock: VirtualClock, answer: object) -> None:
    rig = Rig(cast("Callable[[ObjectKey], Result | None]", lambda key: answer), clock)
    rig.one()
    assert "return None, or a kinform.Result" in str(rig.error())
    assert rig.controller.statistics().failed == 1
    assert rig.controller.statistics().reconciled == 0


@pytest.mark.parametrize("failure", [RuntimeError("mine"), SystemExit(1)])
def test_a_callback_that_raises_does_not_end_the_worker(
    clock: VirtualClock, failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def reconcile(key: ObjectKey) -> None:
        raise TerminalError("no")

    def on_error(key: ObjectKey, error: BaseException) -> None:
        raise failure

    rig = Rig(reconcile, clock, on_error=on_error)
    rig.one()
    rig.one()
    assert rig.controller.statistics().terminal == 2
    assert "on_error raised" in caplog.text


class BrokenLimiter:
    def when(self, item: ObjectKey) -> timedelta:
        raise ZeroDivisionError

    def forget(self, item: ObjectKey) -> None: ...

    def num_requeues(self, item: ObjectKey) -> int:
        return 0


def test_a_limiter_that_raises_costs_ten_seconds_not_the_worker(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def reconcile(key: ObjectKey) -> None:
        raise ValueError("no")

    rig = Rig(reconcile, clock, limiter=BrokenLimiter())
    rig.one()
    assert "the limiter raised" in caplog.text
    assert "shop/web: will be tried again in 0:00:10" in caplog.text
    clock.advance(9)
    assert len(rig.controller.queue) == 0
    clock.advance(1)
    with rig.controller.queue.processing() as key:
        assert key == KEY


def test_a_question_that_raises_is_a_failure(clock: VirtualClock) -> None:
    def allowed() -> bool:
        raise RuntimeError("who knows")

    rig = Rig(lambda key: None, clock)
    rig.controller._allowed = allowed
    rig.one()
    assert str(rig.error()) == "who knows"


def test_misuse_is_told() -> None:
    async def reconcile(key: ObjectKey) -> None: ...

    with pytest.raises(TypeError, match=r"give a function that calls asyncio\.run"):
        Controller("rollup", cast("Callable[[ObjectKey], None]", reconcile))
    with pytest.raises(ValueError, match="reconcile_timeout must be more than 0"):
        Controller("rollup", lambda key: None, reconcile_timeout=timedelta(0))
