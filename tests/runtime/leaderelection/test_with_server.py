"""Electors and an API server over real HTTP, by the machine's clock: what connections do to an election."""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.runtime.leaderelection.conftest import KEY

from kinform import (
    LeaderElection,
    LeaderElector,
    Leadership,
    LeadershipLostError,
    TokenBucketRateLimiter,
    Transport,
)
from kinform.leaderelection.lease import LEASES
from kinform.testing import Server
from kinform_k8s.models.coordination.v1 import Lease

REAL = 20.0  # seconds of patience; nothing waits that long unless it is broken
LEASE = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/rollup"
QUICK = LeaderElection(
    lease="shop/rollup",
    lease_duration=timedelta(seconds=3),
    renew_deadline=timedelta(seconds=2),
    retry_period=timedelta(seconds=0.1),
)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(resources=[LEASES], strict=False) as server:
        yield server


class Candidate:
    """An elector in a thread of its own."""

    def __init__(self, source: Any, config: LeaderElection = QUICK, **options: Any) -> None:
        self.led: queue.Queue[Leadership] = queue.Queue()
        self.leaders: queue.Queue[str] = queue.Queue()
        self.reports: queue.Queue[str] = queue.Queue()
        self.elector = LeaderElector(
            config,
            source,
            on_started_leading=self._lead,
            on_new_leader=self.leaders.put,
            on_error=lambda report: self.reports.put(report.reason),
            **options,
        )
        self.outcome: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="runner")
        self._thread.start()

    def _lead(self, leadership: Leadership) -> None:
        self.led.put(leadership)
        assert leadership.stop.wait(REAL)

    def _run(self) -> None:
        try:
            self.elector.run()
        except LeadershipLostError as lost:
            self.outcome = lost

    def leads(self) -> Leadership:
        return self.led.get(timeout=REAL)

    def join(self) -> None:
        self._thread.join(REAL)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        self.elector.stop()
        self.join()


@pytest.fixture
def compete() -> Iterator[Callable[..., Candidate]]:
    candidates: list[Candidate] = []

    def begin(source: Any, config: LeaderElection = QUICK, **options: Any) -> Candidate:
        candidates.append(Candidate(source, config, **options))
        return candidates[-1]

    before = set(threading.enumerate())
    yield begin
    for candidate in candidates:
        candidate.elector.stop()
    for candidate in candidates:
        candidate.join()
    left = [each.name for each in set(threading.enumerate()) - before if each.name.startswith("kinform-lease")]
    assert left == []


Compete = Callable[..., Candidate]


def read(server: Server) -> Lease:
    (lease,) = server.objects(LEASES, Lease)
    return lease


@pytest.mark.scenario("E07a")
def test_a_lease_as_everyone_else_reads_it(server: Server, compete: Compete) -> None:
    candidate = compete(server.client)
    candidate.leads()
    server.wait_for_requests(lambda request: request.method == "PUT", 2)
    lease = read(server)
    assert lease.spec.holder_identity == candidate.elector.identity
    assert lease.spec.lease_duration_seconds == 3
    assert lease.spec.lease_transitions == 0
    assert lease.spec.acquire_time is not None
    assert lease.spec.renew_time is not None
    assert lease.spec.renew_time > lease.spec.acquire_time
    spec = cast("dict[str, str]", cast("dict[str, object]", server.get(LEASES, "rollup", "shop"))["spec"])
    for name in ("acquireTime", "renewTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", spec[name])
    assert [request.method for request in server.requests][:4] == ["GET", "POST", "PUT", "PUT"]


def test_the_next_one_leads_as_soon_as_the_lease_is_released(server: Server, compete: Compete) -> None:
    first = compete(server.client)
    first.leads()
    second = compete(server.client)
    assert second.leaders.get(timeout=REAL) == first.elector.identity
    first.stop()
    assert first.outcome is None
    second.leads()
    lease = read(server)
    assert lease.spec.holder_identity == second.elector.identity
    assert lease.spec.lease_transitions == 1


def test_the_next_one_leads_when_the_lease_of_one_who_vanished_has_expired(server: Server, compete: Compete) -> None:
    server.put(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"namespace": "shop", "name": "rollup", "annotations": {"kept": "yes"}},
            "spec": {"holderIdentity": "gone", "leaseDurationSeconds": 1, "leaseTransitions": 8, "strategy": "x"},
        }
    )
    candidate = compete(server.client)
    candidate.leads()
    assert [candidate.leaders.get(timeout=REAL) for _ in range(2)] == ["gone", candidate.elector.identity]
    lease = read(server)
    assert lease.spec.lease_transitions == 9
    assert lease.metadata.annotations == {"kept": "yes"}
    assert cast("dict[str, Any]", server.get(LEASES, "rollup", "shop"))["spec"]["strategy"] == "x"


def test_an_outage_shorter_than_the_deadline_costs_nothing(server: Server, compete: Compete) -> None:
    config = LeaderElection(lease=KEY, retry_period=timedelta(seconds=0.05))
    candidate = compete(server.client, config)
    leadership = candidate.leads()
    with server.outage():
        assert candidate.reports.get(timeout=REAL) == "connection"
    server.clear_requests()
    server.wait_for_requests(lambda request: request.method == "PUT", 3)
    assert candidate.elector.is_leader()
    assert not leadership.stop.is_set()


def test_an_outage_longer_than_the_deadline_costs_the_lease(server: Server, compete: Compete) -> None:
    candidate = compete(server.client)
    leadership = candidate.leads()
    with server.outage():
        assert leadership.stop.wait(REAL)
        assert leadership.lost.aborted
        assert not candidate.elector.is_leader()
        candidate.join()
    assert isinstance(candidate.outcome, LeadershipLostError)
    assert "not renewed within 2 s" in str(candidate.outcome)


def test_a_server_that_accepts_and_never_answers(server: Server, compete: Compete) -> None:
    """Requests hang in the middle, and ``stop`` does not wait for them."""
    hold, hung = threading.Event(), threading.Event()

    def hang(request: object) -> bool:
        hung.set()
        hold.wait(REAL)
        return False

    candidate = compete(server.client)
    leadership = candidate.leads()
    fault = server.fail_next(hang, times=1000)
    assert hung.wait(REAL)
    assert leadership.stop.wait(REAL)
    candidate.join()
    assert isinstance(candidate.outcome, LeadershipLostError)
    assert "no answer in" in str(candidate.outcome) or "no bytes for" in str(candidate.outcome)
    fault.cancel()
    hold.set()


@pytest.mark.scenario("E05a")
def test_a_stop_while_a_renewal_hangs_at_the_server_still_releases(server: Server, compete: Compete) -> None:
    hold, hung = threading.Event(), threading.Event()

    def hang(request: Any) -> bool:
        if request.method != "PUT" or hung.is_set():
            return False
        hung.set()
        hold.wait(REAL)
        return False

    config = LeaderElection(lease=KEY, retry_period=timedelta(seconds=0.1))
    candidate = compete(server.client, config)
    candidate.leads()
    server.fail_next(hang)
    assert hung.wait(REAL)
    candidate.stop()  # joins long before the renewal would have timed out
    assert candidate.outcome is None
    assert read(server).spec.holder_identity == ""
    hold.set()


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "forbidden"), (409, "conflict"), (429, "throttled"), (500, "server-error")]
)
def test_what_the_server_refuses_is_told_and_tried_again(
    server: Server, compete: Compete, status: int, reason: str
) -> None:
    server.fail_next(LEASE, status, times=2)
    candidate = compete(server.client)
    assert [candidate.reports.get(timeout=REAL) for _ in range(2)] == [reason, reason]
    candidate.leads()
    statistics = candidate.elector.statistics()
    assert statistics.errors == 2
    assert statistics.last_error is not None


def test_a_namespace_that_does_not_exist_is_told(compete: Compete) -> None:
    with Server(resources=[LEASES], strict=True) as server:
        candidate = compete(server.client)
        assert candidate.reports.get(timeout=REAL) == "not-found"
        assert 'namespaces "shop" not found' in str(candidate.elector.statistics().last_error)
        candidate.stop()


def test_renewals_go_over_connections_of_their_own(server: Server, compete: Compete) -> None:
    """A transport whose requests are held back, and that is closed, delays no renewal."""
    spent = TokenBucketRateLimiter(0.001, 1)
    spent.try_accept()
    with Transport(server.client, rate_limiter=spent) as shared:
        candidate = compete(shared)
        candidate.leads()
    server.clear_requests()
    server.wait_for_requests(lambda request: request.method == "PUT", 3)
    assert candidate.elector.is_leader()


def test_stop_does_not_wait_for_a_connection(compete: Compete) -> None:
    """A listener whose queue is full: connecting hangs."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        with Server(resources=[]) as unused:
            client = unused.client()
            client.configuration.host = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
            candidate = compete(client, LeaderElection(lease=KEY))
            candidate.stop()
        for filler in fillers:
            filler.close()
