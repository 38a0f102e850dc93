"""The elector as a whole: threads, callbacks and ends, by a clock that stands still."""

from __future__ import annotations

import logging
import queue
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.runtime.leaderelection.conftest import CONFIG, Store, config, error
from urllib3 import PoolManager

from kinform import ApiClient, ErrorReport, ForkedError, LeaderElection, LeaderElector, Leadership, LeadershipLostError
from kinform.errors import TransportError
from kinform.leaderelection.lease import Lease
from kinform.leaderelection.lock import Verb
from kinform.testing import FakeRecorder, VirtualClock, eventually
from kinform.transport import Abort, Transport

REAL = 10.0  # seconds of patience with real threads; nothing waits that long unless it is broken
NO_CLIENT = cast(
    "ApiClient",
    SimpleNamespace(
        configuration=SimpleNamespace(host="http://127.0.0.1:1"),
        rest_client=SimpleNamespace(pool_manager=PoolManager()),
        default_headers={},
    ),
)


class Lock:
    """In place of the way to the server: a store, which fails or hangs as the test wants."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.failure: Exception | None = None
        self.hang: threading.Event | None = None
        self.hanging: queue.Queue[Abort] = queue.Queue()
        self.calls: list[str] = []

    def perform(self, verb: Verb, lease: Lease | None, timeout: float, abort: Abort) -> Lease:
        self.calls.append(verb.name.lower())
        if self.hang is not None:
            self.hanging.put(abort)
            assert self.hang.wait(REAL)
            abort.raise_if_aborted()
        if self.failure is not None:
            raise self.failure
        return self.store.perform(verb, lease)


class Rig:
    """An elector in a thread of its own, and a clock that only the test moves."""

    def __init__(self, election: LeaderElection = CONFIG, **options: Any) -> None:
        self.clock = VirtualClock()
        self.store = Store()
        self.lock = Lock(self.store)
        self.began: queue.Queue[Leadership] = queue.Queue()
        self.events: list[str] = []
        self.leaders: queue.Queue[str] = queue.Queue()
        self.reports: queue.Queue[ErrorReport] = queue.Queue()
        self.hold: threading.Event | None = None
        callbacks = {
            "on_started_leading": self.started,
            "on_stopped_leading": self.stopped,
            "on_new_leader": self.leaders.put,
            "on_error": self.reports.put,
        }
        self.elector = LeaderElector(
            election, NO_CLIENT, clock=self.clock, rng=random.Random(1), **{**callbacks, **options}
        )
        self.elector._lock = self.lock  # type: ignore[assignment]
        self.outcome: BaseException | None = None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name="runner")

    def _run(self) -> None:
        try:
            self.elector.run(self.stop)
        except BaseException as failure:  # noqa: BLE001
            self.outcome = failure

    def started(self, leadership: Leadership) -> None:
        self.events.append("started")
        self.began.put(leadership)
        leadership.stop.wait(REAL)
        if self.hold is not None:
            assert self.hold.wait(REAL)
        self.events.append("ended")

    def stopped(self) -> None:
        self.events.append("stopped")

    # ---- the test's steps

    def settle(self) -> None:
        """Until the elector waits, and for nothing but time."""
        requester = self.elector._requester
        eventually(lambda: requester._current is None and self.clock.waiters == 1)

    def skip(self, seconds: float) -> None:
        self.settle()
        self.clock.advance(seconds)

    def lead(self) -> Leadership:
        self.thread.start()
        leadership = self.began.get(timeout=REAL)
        assert self.leaders.get(timeout=REAL) == self.elector.identity
        return leadership

    def run_out(self) -> None:
        """Lets time pass until ``run()`` has ended."""
        for _ in range(200):
            self.thread.join(0.0)
            if not self.thread.is_alive():
                return
            if self.clock.waiters:
                self.clock.advance(0.25)
            else:
                self.thread.join(0.01)
        pytest.fail("the elector goes on for ever")

    def join(self) -> None:
        self.thread.join(REAL)
        assert not self.thread.is_alive()


@pytest.fixture
def make_rig(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[..., Rig]]:
    caplog.set_level(logging.DEBUG, "kinform.leaderelection")
    rigs: list[Rig] = []

    def make(*arguments: Any, **options: Any) -> Rig:
        rigs.append(Rig(*arguments, **options))
        return rigs[-1]

    before = set(threading.enumerate())
    yield make
    for rig in rigs:
        if rig.hold is not None:
            rig.hold.set()
        if rig.lock.hang is not None:
            rig.lock.hang.set()
        rig.elector.stop()
        if rig.thread.ident is not None:
            rig.join()
    eventually(lambda: set(threading.enumerate()) <= before)


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()


# ---- an ordinary life


def test_from_the_beginning_to_the_release(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    assert not rig.elector.is_leader()
    assert rig.elector.leader_identity == ""
    leadership = rig.lead()
    assert rig.elector.is_leader()
    assert rig.elector.leader_identity == rig.elector.identity == rig.store.spec["holderIdentity"]
    for _ in range(3):
        rig.skip(2)
    rig.settle()
    assert rig.lock.calls == ["get", "create", "update", "update", "update"]
    statistics = rig.elector.statistics()
    assert (statistics.lease, statistics.identity) == (CONFIG.key, rig.elector.identity)
    assert (statistics.is_leader, statistics.leader) == (True, rig.elector.identity)
    assert (statistics.renewals, statistics.slow_renewals, statistics.transitions) == (4, 0, 0)
    assert (statistics.errors, statistics.last_error, statistics.last_renewal) == (0, None, 0.0)
    assert not leadership.stop.is_set()
    rig.elector.stop()
    rig.join()
    assert rig.outcome is None
    assert leadership.stop.is_set()
    assert rig.events == ["started", "ended", "stopped"]
    assert rig.store.spec["holderIdentity"] == ""
    assert rig.leaders.get_nowait() == ""
    assert not rig.elector.is_leader()
    said = [record.getMessage() for record in caplog.records]
    assert f"{rig.elector.identity} became leader of shop/rollup" in said
    assert f"{rig.elector.identity} stopped leading: shop/rollup is released" in said


def test_the_identity_is_that_of_the_config_or_made_for_each_elector(make_rig: Callable[..., Rig]) -> None:
    assert make_rig(config(identity="me")).elector.identity == "me"
    first, second = make_rig().elector.identity, make_rig().elector.identity
    assert first != second
    assert "_" in first


def test_a_candidate_leaves_at_once(rig: Rig) -> None:
    rig.store.put(holderIdentity="other", leaseDurationSeconds=15)
    rig.thread.start()
    assert rig.leaders.get(timeout=REAL) == "other"
    assert rig.elector.leader_identity == "other"
    rig.elector.stop()
    rig.join()
    assert rig.outcome is None
    assert rig.events == [], "neither begun nor ended"


def test_a_candidate_takes_over(rig: Rig) -> None:
    rig.store.put(holderIdentity="other", leaseDurationSeconds=15)
    rig.thread.start()
    for _ in range(60):
        if rig.events:
            break
        rig.skip(0.25)
    assert rig.began.get(timeout=REAL)
    assert rig.clock.monotonic() == pytest.approx(1015, abs=0.3)
    assert [rig.leaders.get(timeout=REAL), rig.leaders.get(timeout=REAL)] == ["other", rig.elector.identity]


def test_an_event_of_the_callers_ends_it_too(rig: Rig) -> None:
    rig.lead()
    rig.stop.set()
    rig.skip(0.25)
    rig.join()
    assert rig.outcome is None
    assert rig.store.spec["holderIdentity"] == ""


def test_stopped_before_it_begins_it_asks_nothing(rig: Rig) -> None:
    rig.elector.stop()
    rig.thread.start()
    rig.join()
    assert rig.lock.calls == []


def test_it_runs_once(rig: Rig) -> None:
    rig.elector.stop()
    rig.elector.run()
    with pytest.raises(RuntimeError, match="an elector runs once"):
        rig.elector.run()


def test_callbacks_are_not_needed(make_rig: Callable[..., Rig]) -> None:
    none = dict.fromkeys(("on_started_leading", "on_stopped_leading", "on_new_leader", "on_error"))
    rig = make_rig(**none)
    rig.lock.failure = error(403)
    rig.thread.start()
    rig.settle()
    rig.lock.failure = None
    rig.skip(4.5)
    eventually(rig.elector.is_leader)
    rig.elector.stop()
    rig.join()
    assert rig.outcome is None
    assert rig.store.spec["holderIdentity"] == ""


# ---- draining


@pytest.mark.scenario("trap-30")
def test_the_lease_is_renewed_until_the_work_has_ended_and_then_released(rig: Rig) -> None:
    rig.hold = threading.Event()
    leadership = rig.lead()
    rig.elector.stop()
    assert leadership.stop.wait(REAL)
    for _ in range(10):
        rig.skip(2)
        rig.settle()
        assert rig.elector.is_leader()
    assert not leadership.lost.aborted
    assert rig.lock.calls.count("update") == 10
    rig.hold.set()
    rig.join()
    assert rig.outcome is None
    assert rig.lock.calls[-2:] == ["get", "update"]
    assert rig.store.spec["holderIdentity"] == ""


def test_work_that_does_not_end_is_left_behind_and_the_lease_left_to_expire(
    make_rig: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    rig = make_rig(drain_timeout=timedelta(seconds=5))
    rig.hold = threading.Event()
    leadership = rig.lead()
    rig.elector.stop()
    assert leadership.stop.wait(REAL)
    for _ in range(3):
        rig.skip(2)
    rig.join()
    assert rig.outcome is None
    assert leadership.lost.aborted
    assert rig.store.spec["holderIdentity"] == rig.elector.identity
    said = [record.getMessage() for record in caplog.records]
    assert "the lease shop/rollup: still running at the end: kinform-lease-shop/rollup-leading" in said
    assert f"{rig.elector.identity} stopped leading: shop/rollup is left to expire" in said


def test_work_that_raises_ends_the_election_and_leaves_the_lease(make_rig: Callable[..., Rig]) -> None:
    failure = ValueError("no")

    def fail(leadership: Leadership) -> None:
        raise failure

    rig = make_rig(on_started_leading=fail)
    rig.thread.start()
    rig.join()
    assert rig.outcome is failure
    assert rig.events == ["stopped"]
    assert rig.store.spec["holderIdentity"] == rig.elector.identity


def test_a_negative_drain_is_none() -> None:
    with pytest.raises(ValueError, match="drain_timeout cannot be negative"):
        LeaderElector(CONFIG, NO_CLIENT, drain_timeout=timedelta(seconds=-1))


# ---- losing


def test_a_lost_lease_stops_the_work_at_once_and_ends_run_with_an_error(rig: Rig) -> None:
    leadership = rig.lead()
    rig.settle()
    rig.lock.failure = error(503)
    for _ in range(4):
        rig.skip(2)
        rig.settle()
        assert rig.elector.is_leader()
    rig.skip(1.99)
    assert rig.elector.is_leader()
    rig.skip(0.01)
    assert not rig.elector.is_leader()
    assert leadership.stop.wait(REAL)
    rig.join()
    assert isinstance(rig.outcome, LeadershipLostError)
    assert str(rig.outcome).startswith(
        "the lease shop/rollup is lost: not renewed within 10 s (the test asked for this"
    )
    assert rig.outcome.__cause__ is rig.lock.failure
    assert leadership.lost.aborted
    assert sorted(rig.events) == ["ended", "started", "stopped"]
    assert rig.store.spec["holderIdentity"] == rig.elector.identity, "it is not released"
    report = rig.reports.get(timeout=REAL)
    assert (report.informer, report.reason, report.key) == ("leader election", "server-error", "shop/rollup")
    assert str(report).startswith("leader election shop/rollup: server-error: ServiceUnavailableError: ")


def test_a_hung_server_cannot_outlast_the_deadline(rig: Rig) -> None:
    leadership = rig.lead()
    rig.settle()
    rig.lock.hang = threading.Event()
    rig.clock.advance(2)
    first = rig.lock.hanging.get(timeout=REAL)
    rig.clock.wait_for_waiters(1)
    rig.clock.advance(5)
    second = rig.lock.hanging.get(timeout=REAL)
    assert first.aborted
    rig.clock.wait_for_waiters(1)
    rig.clock.advance(3)
    assert not rig.elector.is_leader()
    assert leadership.stop.wait(REAL)
    eventually(lambda: second.aborted)
    assert leadership.lost.aborted
    rig.lock.hang.set()
    rig.join()
    assert isinstance(rig.outcome, LeadershipLostError)


def test_a_suspended_machine_wakes_up_as_no_leader(rig: Rig) -> None:
    leadership = rig.lead()
    rig.settle()
    rig.clock.suspend(60)
    assert not rig.elector.is_leader(), "whoever asks, before any thread has run"
    rig.skip(0.25)
    assert leadership.stop.wait(REAL)
    rig.join()
    assert isinstance(rig.outcome, LeadershipLostError)
    assert rig.lock.calls == ["get", "create"]


def test_a_leader_that_sees_another_in_its_lease_tells_who(rig: Rig) -> None:
    rig.lead()
    rig.settle()
    rig.store.put(holderIdentity="other", leaseDurationSeconds=15)
    rig.skip(2)
    rig.join()
    assert isinstance(rig.outcome, LeadershipLostError)
    assert rig.leaders.get(timeout=REAL) == "other"
    assert rig.elector.leader_identity == "other"
    assert rig.reports.get(timeout=REAL).reason == "conflict"


def test_work_that_goes_on_after_a_loss_is_waited_for_until_another_may_lead(rig: Rig) -> None:
    rig.hold = threading.Event()
    leadership = rig.lead()
    rig.settle()
    rig.lock.failure = error(503)
    rig.skip(10)
    assert leadership.stop.wait(REAL)
    rig.run_out()
    assert rig.clock.boottime() == pytest.approx(1015, abs=0.26)
    assert isinstance(rig.outcome, LeadershipLostError)
    assert rig.outcome.__notes__ == ["still running at the end: kinform-lease-shop/rollup-leading"]
    assert "stopped" in rig.events, "it was told at once"


def test_a_lease_can_be_lost_in_the_middle_of_draining(rig: Rig) -> None:
    rig.hold = threading.Event()
    leadership = rig.lead()
    rig.settle()
    rig.elector.stop()
    assert leadership.stop.wait(REAL)
    rig.settle()
    rig.lock.failure = error(503)
    rig.skip(10)
    eventually(lambda: leadership.lost.aborted)
    rig.hold.set()
    rig.join()
    assert isinstance(rig.outcome, LeadershipLostError)


# ---- what callbacks may do


def test_a_callback_that_hangs_costs_no_lease(make_rig: Callable[..., Rig]) -> None:
    gate = threading.Event()
    rig = make_rig(on_new_leader=lambda _: gate.wait(REAL))
    rig.thread.start()
    assert rig.began.get(timeout=REAL)
    for _ in range(10):
        rig.skip(2)
        rig.settle()
        assert rig.elector.is_leader()
    gate.set()


def test_interrupting_run_drains_and_releases(make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    rig = make_rig()
    rig.lead()
    rig.settle()
    original = rig.clock.boottime
    interrupted: list[bool] = []

    def interrupt() -> float:
        if threading.current_thread() is rig.thread and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return original()

    monkeypatch.setattr(rig.clock, "boottime", interrupt)
    rig.clock.advance(0.25)
    rig.join()
    assert isinstance(rig.outcome, KeyboardInterrupt)
    assert rig.events == ["started", "ended", "stopped"]
    assert rig.store.spec["holderIdentity"] == ""


def test_a_system_that_has_no_thread_for_the_work_gives_the_lease_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(rig.elector._work, "start", refuse)
    rig.thread.start()
    rig.join()
    assert isinstance(rig.outcome, RuntimeError)
    assert rig.store.spec["holderIdentity"] == ""


# ---- health


@pytest.mark.scenario("E09a")
@pytest.mark.scenario("E09b")
@pytest.mark.scenario("E09d")
@pytest.mark.scenario("E09e")
def test_health(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(config(lease_duration=60))
    rig.elector.check()
    rig.lead()
    rig.settle()
    rig.elector.check()
    tolerance = timedelta(seconds=20)
    rig.clock.suspend(61)
    rig.elector.check(tolerance)
    with pytest.raises(LeadershipLostError, match="the lease shop/rollup is lost: not renewed for 61 s"):
        rig.elector.check()
    rig.clock.suspend(3600)
    with pytest.raises(LeadershipLostError, match="shop/rollup"):
        rig.elector.check(tolerance)
    rig.skip(0.25)
    rig.join()
    with pytest.raises(LeadershipLostError, match="shop/rollup"):
        rig.elector.check(tolerance)


@pytest.mark.scenario("E09c")
def test_others_and_those_that_ended_well_are_healthy(make_rig: Callable[..., Rig]) -> None:
    follower = make_rig()
    follower.store.put(holderIdentity="other", leaseDurationSeconds=60)
    follower.thread.start()
    follower.settle()
    follower.clock.suspend(3600)
    follower.elector.check()
    leader = make_rig(config(release_on_cancel=False))
    leader.lead()
    leader.elector.stop()
    leader.join()
    leader.clock.advance(3600)
    leader.elector.check()


@pytest.mark.scenario("E08")
def test_anyone_may_ask_while_it_renews(rig: Rig) -> None:
    rig.lead()
    stop, failures = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            try:
                rig.elector.check()
                assert rig.elector.statistics().leader == rig.elector.identity
                assert rig.elector.is_leader()
            except Exception as failure:  # noqa: BLE001
                failures.append(failure)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for _ in range(50):
        rig.skip(2)
        rig.settle()
    stop.set()
    for asker in askers:
        asker.join(REAL)
    assert failures == []


# ---- forks


def test_a_fork_of_the_leader_leads_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.lead()
    with monkeypatch.context() as patch:
        patch.setattr("kinform.informer.forks._forks", 1000)  # as the hook does in a child
        assert not rig.elector.is_leader()
        with pytest.raises(ForkedError, match="make one in each process"):
            rig.elector.run()
    assert rig.elector.is_leader()


def test_a_transport_that_is_given_is_left_alone() -> None:
    with Transport(NO_CLIENT) as given:
        elector = LeaderElector(CONFIG, given)
        assert elector._transport is not given
        elector.stop()
        elector.run()
        with pytest.raises(TransportError, match="closed"):
            elector._transport.request("GET", "/")
        with pytest.raises(TransportError, match="refused"):
            given.request("GET", "/")


# ---- events


@pytest.mark.scenario("E11c")
def test_beginning_and_end_are_events_of_the_lease(make_rig: Callable[..., Rig]) -> None:
    recorder = FakeRecorder()
    rig = make_rig(recorder=recorder)
    rig.store.put(holderIdentity="")
    assert rig.store.tree is not None
    rig.store.tree["metadata"]["uid"] = "u1"
    rig.lead()
    who = rig.elector.identity
    assert recorder.wait_for(1) == [f"Normal LeaderElection {who} became leader"]
    rig.elector.stop()
    rig.join()
    assert recorder.events == [
        f"Normal LeaderElection {who} became leader",
        f"Normal LeaderElection {who} stopped leading",
    ]
    lease = recorder.occurrences[0].regarding
    assert (lease.api_version, lease.kind, lease.namespace, lease.name) == (
        *("coordination.k8s.io/v1", "Lease"),
        *("shop", "rollup"),
    )
    assert (lease.uid, lease.resource_version) == ("u1", "102")


def test_a_loss_is_an_event_too_and_a_candidate_that_never_led_says_nothing(make_rig: Callable[..., Rig]) -> None:
    recorder = FakeRecorder()
    rig = make_rig(recorder=recorder)
    rig.lead()
    rig.lock.failure = error(503)
    rig.run_out()
    assert recorder.events[1:] == [f"Normal LeaderElection {rig.elector.identity} stopped leading"]

    recorder = FakeRecorder()
    rig = make_rig(recorder=recorder)
    rig.store.put(holderIdentity="other", leaseDurationSeconds=15)
    rig.thread.start()
    assert rig.leaders.get(timeout=REAL) == "other"
    rig.elector.stop()
    rig.join()
    assert recorder.events == []


def test_a_recorder_that_raises_costs_no_leadership(make_rig: Callable[..., Rig], caplog: Any) -> None:
    def refuse(*arguments: object) -> None:
        raise ForkedError("the recorder is another's")

    rig = make_rig(recorder=SimpleNamespace(event=refuse))
    rig.lead()
    assert rig.elector.is_leader()
    rig.elector.stop()
    rig.join()
    assert rig.outcome is None
    assert "the recorder raised" in caplog.text
