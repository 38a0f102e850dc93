"""run() with leader election: caches before leadership, workers while it lasts, and both ways to its end."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from kinform import (
    AbortedError,
    Controller,
    ErrorReport,
    LeaderElection,
    LeadershipLostError,
    ObjectKey,
    current_reconciliation,
    run,
)
from kinform.health import HealthServer
from kinform.metrics import Metrics
from kinform.testing import Server
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.coordination.v1 import Lease
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.coordination.v1 import LEASES
from kinform_k8s.resources.core.v1 import CONFIG_MAPS

REAL = 20.0  # seconds of patience; nothing waits that long unless it is broken
LEASE = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/rollup"
ELECTION = LeaderElection(
    lease="shop/rollup",
    lease_duration=timedelta(seconds=3),
    renew_deadline=timedelta(seconds=2),
    retry_period=timedelta(seconds=0.1),
)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(resources=[LEASES, CONFIG_MAPS]) as server:
        server.put(ConfigMap(metadata=ObjectMeta(namespace="shop", name="a")))
        yield server


class Replica:
    """One process of a controller, as a thread."""

    def __init__(self, server: Server, election: LeaderElection = ELECTION, **options: Any) -> None:
        self.factory = SharedInformerFactory(server.client)
        self.calls: queue.Queue[ObjectKey] = queue.Queue()
        self.reports: queue.Queue[ErrorReport] = queue.Queue()
        self.factory.on_error(self.reports.put)
        self.hold: threading.Event | None = None
        self.controller = Controller("maps", self._reconcile).watches(self.factory.core().v1().config_maps())
        self.stop = threading.Event()
        self.outcome: BaseException | None = None
        self._options = {"leader_election": election, "stop": self.stop, **options}
        self.thread = threading.Thread(target=self._run, name="replica")

    def _reconcile(self, key: ObjectKey) -> None:
        self.calls.put(key)
        if self.hold is not None:
            assert self.hold.wait(REAL)

    def _run(self) -> None:
        try:
            run(self.factory, self.controller, **self._options)
        except BaseException as failure:  # noqa: BLE001
            self.outcome = failure

    def next(self) -> str:
        return str(self.calls.get(timeout=REAL))

    def join(self) -> None:
        self.thread.join(REAL)
        assert not self.thread.is_alive()


MakeReplica = Callable[..., Replica]


@pytest.fixture
def replica(server: Server) -> Iterator[MakeReplica]:
    made: list[Replica] = []

    def make(election: LeaderElection = ELECTION, **options: Any) -> Replica:
        made.append(Replica(server, election, **options))
        return made[-1]

    yield make
    for each in made:
        if each.hold is not None:
            each.hold.set()
        each.stop.set()
        if each.thread.ident is not None:
            each.join()
        each.factory.stop()


def holder(server: Server) -> str:
    (lease,) = server.objects(LEASES, Lease)
    return lease.spec.holder_identity or ""


def test_who_does_not_lead_fills_its_cache_and_works_on_nothing(server: Server, replica: MakeReplica) -> None:
    first, second = replica(), replica()
    first.thread.start()
    assert first.next() == "shop/a"
    second.thread.start()
    second.factory.start()
    second.factory.wait_for_cache_sync(REAL)
    server.wait_for_requests(lambda request: request.path == LEASE and request.method == "GET", 3)
    assert second.factory.core().v1().config_maps().lister().config_maps("shop").get("a")
    assert len(second.controller.queue) == 1
    assert second.calls.empty()
    assert second.controller.statistics().workers == 0
    first.stop.set()
    first.join()
    assert first.outcome is None
    assert second.next() == "shop/a", "what waited in the queue"
    assert second.factory.statistics().started
    second.stop.set()
    second.join()
    assert second.outcome is None
    assert holder(server) == ""


def test_the_lease_is_not_asked_for_before_the_caches_have_synced(server: Server, replica: MakeReplica) -> None:
    fault = server.fail_next("*/configmaps", 403, times=1000)
    one = replica()
    one.thread.start()
    assert one.reports.get(timeout=REAL).reason == "forbidden"
    assert not [request for request in server.requests if request.path.startswith(LEASE.rpartition("/")[0])]
    fault.cancel()
    assert one.next() == "shop/a"


def test_the_lease_is_held_until_what_waits_has_been_worked_on(server: Server, replica: MakeReplica) -> None:
    one = replica()
    one.hold = threading.Event()
    one.thread.start()
    assert one.next() == "shop/a"
    one.controller.queue.add(ObjectKey("shop", "waits"))
    one.stop.set()
    server.clear_requests()
    server.wait_for_requests(lambda request: request.path == LEASE and request.method == "PUT", 3)
    assert holder(server) != ""
    one.hold.set()
    one.join()
    assert one.outcome is None
    assert one.next() == "shop/waits"
    assert holder(server) == ""


def test_a_lost_lease_ends_run_with_an_error_and_what_waits_is_not_begun(server: Server, replica: MakeReplica) -> None:
    one = replica()
    one.hold = threading.Event()
    one.thread.start()
    assert one.next() == "shop/a"
    one.controller.queue.add(ObjectKey("shop", "waits"))
    server.fail_next("*/leases*", 503, times=1000)
    # The worker sits in its reconcile; the election neither waits for it beyond the lease, nor lets it begin another.
    one.join()
    assert isinstance(one.outcome, LeadershipLostError)
    assert any("kinform-lease-shop/rollup-leading" in note for note in one.outcome.__notes__)
    one.hold.set()
    for thread in threading.enumerate():
        if thread.name.startswith(("kinform-maps", "kinform-lease")):
            thread.join(REAL)
    assert one.calls.empty()
    assert one.reports.get(timeout=REAL).reason == "server-error"
    assert holder(server) != "", "left to expire"


def test_a_lost_lease_ends_the_requests_of_what_still_runs(server: Server) -> None:
    calling, failures = threading.Event(), queue.Queue[BaseException]()
    with Clientset(server.client) as clientset:

        def reconcile(key: ObjectKey) -> None:
            call = current_reconciliation()
            assert call is not None
            calling.set()
            while not call.abort.aborted:
                clientset.core_v1().config_maps("shop").list(limit=1)
            clientset.core_v1().config_maps("shop").delete("a")

        factory = SharedInformerFactory(server.client)
        controller = Controller("maps", reconcile, on_error=lambda key, error: failures.put(error))
        controller.watches(factory.core().v1().config_maps())
        runner = threading.Thread(target=_swallow, args=(factory, controller))
        runner.start()
        assert calling.wait(REAL)
        server.fail_next("*/leases*", 503, times=1000)
        assert isinstance(failures.get(timeout=REAL), AbortedError)
        runner.join(REAL)
        assert not runner.is_alive()
    assert len(server.objects(CONFIG_MAPS, ConfigMap)) == 1, "it could not be deleted any more"


def _swallow(factory: SharedInformerFactory, controller: Controller) -> None:
    with pytest.raises(LeadershipLostError):
        run(factory, controller, leader_election=ELECTION)


def test_a_drain_that_a_loss_cuts_short(server: Server, replica: MakeReplica) -> None:
    one = replica()
    one.hold = threading.Event()
    one.thread.start()
    assert one.next() == "shop/a"
    one.controller.queue.add(ObjectKey("shop", "waits"))
    one.stop.set()
    server.fail_next("*/leases*", 503, times=1000)
    one.join()
    assert isinstance(one.outcome, LeadershipLostError)
    one.hold.set()
    for thread in threading.enumerate():
        if thread.name.startswith(("kinform-maps", "kinform-lease")):
            thread.join(REAL)
    assert one.calls.empty()


def test_no_key_is_worked_on_after_the_lease_has_run_out() -> None:
    """Whatever a worker has in hand when its process wakes up: it asks right before it begins."""
    leads = [True, False]
    calls: list[ObjectKey] = []
    controller = Controller("c", calls.append)
    for name in ("a", "b"):
        controller.queue.add(ObjectKey("shop", name))
    controller.start(allowed=lambda: leads.pop(0))
    assert controller.stop(REAL) == []
    assert calls == [ObjectKey("shop", "a")]
    assert controller.statistics().reconciled == 1


def test_workers_that_do_not_end_in_time_leave_the_lease_to_expire(server: Server, replica: MakeReplica) -> None:
    one = replica(drain_timeout=0.1)
    one.hold = threading.Event()
    one.thread.start()
    assert one.next() == "shop/a"
    one.stop.set()
    one.join()
    assert one.outcome is None, "as without an election, it is logged"
    assert holder(server) != ""


def test_who_never_led_leaves_at_once(server: Server, replica: MakeReplica) -> None:
    first, second = replica(), replica()
    first.thread.start()
    assert first.next() == "shop/a"
    second.thread.start()
    server.clear_requests()
    server.wait_for_requests(lambda request: request.path == LEASE and request.method == "GET")
    second.stop.set()
    second.join()
    assert second.outcome is None
    assert second.calls.empty()
    assert first.thread.is_alive()


def test_a_signal_drains_and_releases(server: Server) -> None:
    before = signal.getsignal(signal.SIGTERM)
    factory = SharedInformerFactory(server.client)
    ended: list[str] = []

    def reconcile(key: ObjectKey) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        ended.append(str(key))

    controller = Controller("maps", reconcile).watches(factory.core().v1().config_maps())
    run(factory, controller, leader_election=ELECTION, sync_timeout=REAL)
    assert ended == ["shop/a"]
    assert holder(server) == ""
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_is_shown_of_an_election(server: Server, replica: MakeReplica) -> None:
    health, metrics = HealthServer(0), Metrics(CollectorRegistry())
    one = replica(health=health, metrics=metrics)
    one.thread.start()
    assert one.next() == "shop/a"
    page = metrics.render("")[1].decode()
    assert 'leader_election_master_status{name="shop/rollup"} 1.0' in page
    passed, said = health.healthz.report(verbose=True)
    assert passed
    assert "[+]leader-election ok" in said
    one.stop.set()
    one.join()
    assert 'leader_election_master_status{name="shop/rollup"} 0.0' in metrics.render("")[1].decode()
    assert "leader-election" not in health.healthz.report(verbose=True)[1]
