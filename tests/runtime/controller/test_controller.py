"""Controllers: which keys come, how often, and what becomes of those that fail."""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Hashable, Iterator
from datetime import timedelta

import pytest

from kinform import (
    LOW_PRIORITY,
    Controller,
    ItemExponentialFailureRateLimiter,
    ObjectKey,
    Result,
    TerminalError,
    generation_changed,
    run,
)
from kinform.testing import Server
from kinform.testing.clock import VirtualClock
from kinform.testing.fake_source import FakeSource
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.apps.v1 import Deployment, ReplicaSet
from kinform_k8s.models.core.v1 import ConfigMap, Pod
from kinform_k8s.models.meta.v1 import ObjectMeta, OwnerReference
from kinform_k8s.resources.apps.v1 import DEPLOYMENTS, REPLICA_SETS
from kinform_k8s.resources.core.v1 import CONFIG_MAPS, PODS

REAL = 10.0  # seconds of patience with real threads; nothing waits that long unless it is broken


class Calls:
    """A reconciler that tells the test of each call, and does what the test says."""

    def __init__(self) -> None:
        self.keys: queue.Queue[ObjectKey] = queue.Queue()
        self.outcomes: dict[str, list[Result | BaseException | None]] = {}
        self.running = 0
        self.most = 0
        self.hold: threading.Event | None = None
        self._lock = threading.Lock()

    def __call__(self, key: ObjectKey) -> Result | None:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            self.keys.put(key)
            if self.hold is not None:
                assert self.hold.wait(REAL)
            outcome = self.outcomes.get(key.name, [None]).pop(0) if self.outcomes.get(key.name) else None
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        finally:
            with self._lock:
                self.running -= 1

    def next(self) -> str:
        return str(self.keys.get(timeout=REAL))

    def none_waits(self) -> bool:
        return self.keys.empty()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def factory(source: FakeSource) -> Iterator[SharedInformerFactory]:
    with Server(resources=[]) as server:
        made = SharedInformerFactory(server.client, source_factory=source)
        yield made
        made.stop()


def meta(name: str, *, version: int = 1, owner: tuple[str, str, str] | None = None, **more: object) -> ObjectMeta:
    references = []
    if owner is not None:
        api_version, kind, owner_name = owner
        references = [
            OwnerReference(
                api_version=api_version, kind=kind, name=owner_name, uid=f"uid-{owner_name}", controller=True
            )
        ]
    return ObjectMeta(
        namespace="shop",
        name=name,
        uid=f"uid-{name}",
        resource_version=str(version),
        owner_references=references,
        **more,  # type: ignore[arg-type]
    )


def start(controller: Controller, factory: SharedInformerFactory) -> None:
    controller.wait_for_sync(REAL)
    controller.start()


def test_changes_of_the_watched_kind_enqueue_its_own_key(factory: SharedInformerFactory, source: FakeSource) -> None:
    calls = Calls()
    controller = Controller("pods", calls).watches(factory.core().v1().pods())
    factory.start()
    source.feed(PODS).replace(Pod(metadata=meta("a")), resource_version=1)
    start(controller, factory)
    assert calls.next() == "shop/a"
    source.feed(PODS).upsert(Pod(metadata=meta("b", version=2)))
    assert calls.next() == "shop/b"
    source.feed(PODS).remove(Pod(metadata=meta("a", version=3)))
    assert calls.next() == "shop/a"
    assert controller.stop(REAL) == []
    assert calls.none_waits()
    assert controller.statistics().reconciled == 3


def test_owned_objects_enqueue_their_controlling_owner(factory: SharedInformerFactory, source: FakeSource) -> None:
    calls = Calls()
    controller = (
        Controller("rollup", calls).watches(factory.apps().v1().deployments()).owns(factory.apps().v1().replica_sets())
    )
    factory.start()
    source.feed(DEPLOYMENTS).replace(resource_version=1)
    source.feed(REPLICA_SETS).replace(
        ReplicaSet(metadata=meta("web-1", owner=("apps/v1beta9", "Deployment", "web"))),
        ReplicaSet(metadata=meta("other", owner=("example.com/v1", "Deployment", "stranger"))),
        ReplicaSet(metadata=meta("stray")),
        resource_version=1,
    )
    start(controller, factory)
    assert calls.next() == "shop/web", "any version of the owner's group will do; another group's kind will not"
    source.feed(REPLICA_SETS).upsert(
        ReplicaSet(metadata=meta("web-1", version=2, owner=("apps/v1", "Deployment", "new")))
    )
    assert {calls.next(), calls.next()} == {"shop/web", "shop/new"}, "both the old owner and the new one"
    assert controller.stop(REAL) == []
    assert calls.none_waits()


def test_mapped_objects_enqueue_what_the_function_says(factory: SharedInformerFactory, source: FakeSource) -> None:
    calls = Calls()
    controller = (
        Controller("pods", calls)
        .watches(factory.core().v1().pods())
        .maps(
            factory.core().v1().config_maps(),
            lambda config_map: [ObjectKey(config_map.metadata.namespace, name) for name in config_map.data],
        )
    )
    factory.start()
    source.feed(PODS).replace(resource_version=1)
    source.feed(CONFIG_MAPS).replace(ConfigMap(metadata=meta("c"), data={"a": ""}), resource_version=1)
    start(controller, factory)
    assert calls.next() == "shop/a"
    source.feed(CONFIG_MAPS).upsert(ConfigMap(metadata=meta("c", version=2), data={"b": ""}))
    assert {calls.next(), calls.next()} == {"shop/a", "shop/b"}
    assert controller.stop(REAL) == []


def test_a_predicate_belongs_to_its_source(factory: SharedInformerFactory, source: FakeSource) -> None:
    calls = Calls()
    controller = Controller("d", calls).watches(factory.apps().v1().deployments(), where=generation_changed)
    factory.start()
    source.feed(DEPLOYMENTS).replace(Deployment(metadata=meta("web", generation=1)), resource_version=1)
    start(controller, factory)
    assert calls.next() == "shop/web"
    source.feed(DEPLOYMENTS).upsert(Deployment(metadata=meta("web", version=2, generation=1)))
    source.feed(DEPLOYMENTS).upsert(Deployment(metadata=meta("web", version=3, generation=2)))
    source.feed(DEPLOYMENTS).upsert(Deployment(metadata=meta("end", version=4, generation=1)))
    assert [calls.next(), calls.next()] == ["shop/web", "shop/end"]
    assert controller.stop(REAL) == []


def test_failures_come_again_with_back_off_and_are_told(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    told: queue.Queue[tuple[ObjectKey, BaseException]] = queue.Queue()
    controller = Controller("pods", calls, on_error=lambda key, error: told.put((key, error)), clock=clock)
    calls.outcomes["a"] = [RuntimeError("first"), SystemExit(3)]
    with caplog.at_level(logging.CRITICAL, "kinform.controller"):
        controller.queue.add(ObjectKey("shop", "a"))
        controller.start()
        assert calls.next() == "shop/a"
        assert told.get(timeout=REAL)[0] == ObjectKey("shop", "a")
        clock.wait_for_deadline(0.005)
        clock.advance(0.005)
        assert calls.next() == "shop/a"
        assert isinstance(told.get(timeout=REAL)[1], SystemExit), "an exit is an error like others: the worker lives on"
        assert controller.queue.num_requeues(ObjectKey("shop", "a")) == 2
        clock.wait_for_deadline(0.010)
        clock.advance(0.010)
        assert calls.next() == "shop/a"
        assert controller.stop(REAL) == []
    assert controller.queue.num_requeues(ObjectKey("shop", "a")) == 0, "success starts the key anew"
    statistics = controller.statistics()
    assert (statistics.failed, statistics.reconciled, statistics.workers) == (2, 1, 0)


def test_terminal_errors_are_not_tried_again(clock: VirtualClock) -> None:
    calls = Calls()
    controller = Controller("pods", calls, clock=clock)
    calls.outcomes["a"] = [TerminalError("cannot be")]
    controller.queue.add(ObjectKey("shop", "a"))
    controller.start()
    assert calls.next() == "shop/a"
    clock.wait_for_waiters(1)
    assert clock.next_deadline is None, "nothing waits to come again"
    assert controller.stop(REAL) == []
    assert controller.statistics().terminal == 1


def test_requeue_after(clock: VirtualClock) -> None:
    calls = Calls()
    controller = Controller("pods", calls, clock=clock)
    calls.outcomes["a"] = [Result(requeue_after=timedelta(minutes=5))]
    controller.queue.add(ObjectKey("shop", "a"))
    controller.start()
    assert calls.next() == "shop/a"
    clock.wait_for_deadline(300)
    clock.advance(299)
    assert calls.none_waits()
    clock.wait_for_deadline(1)
    clock.advance(1)
    assert calls.next() == "shop/a"
    assert controller.stop(REAL) == []


@pytest.mark.parametrize("seconds", [0, -60])
def test_a_requeue_that_is_due_already_goes_through_the_limiter_and_never_spins(
    clock: VirtualClock, seconds: int
) -> None:
    calls = Calls()
    controller = Controller("pods", calls, clock=clock)
    calls.outcomes["a"] = [Result(requeue_after=timedelta(seconds=seconds))] * 3
    key = ObjectKey("shop", "a")
    controller.queue.add(key)
    for wait in (0.005, 0.01, 0.02):
        with controller.queue.processing() as got:
            controller._process(got)
        clock.advance(wait * 0.9)
        assert len(controller.queue) == 0, "the back-off grows"
        clock.advance(wait)
    assert controller.queue.num_requeues(key) == 3
    with controller.queue.processing() as got:
        controller._process(got)
    assert controller.queue.num_requeues(key) == 0, "a good end forgets the failures"
    assert (controller.statistics().reconciled, controller.statistics().requeued) == (4, 3)


def test_a_result_is_checked_where_it_is_made() -> None:
    with pytest.raises(TypeError, match="give a timedelta"):
        Result(requeue_after="5s")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="give an integer"):
        Result(priority="high")  # type: ignore[arg-type]
    controller = Controller("pods", Calls())
    with pytest.raises(TypeError, match="give an integer"):
        controller.queue.add(ObjectKey("shop", "a"), priority="high")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="give an integer"):
        controller.queue.add_after(ObjectKey("shop", "a"), 1, priority="high")  # type: ignore[arg-type]
    assert len(controller.queue) == 0


def test_no_worker_ends_whatever_a_limiter_or_a_hook_raises(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(ItemExponentialFailureRateLimiter):
        def forget(self, item: Hashable) -> None:
            raise RuntimeError("forget")

    class Unusual(BaseException):
        pass

    def on_error(key: ObjectKey, error: BaseException) -> None:
        raise Unusual

    calls = Calls()
    calls.outcomes["a"] = [TerminalError("no")]
    controller = Controller("pods", calls, limiter=Broken(0.001, 0.001), on_error=on_error)
    controller.start()
    for name in ("a", "b"):
        controller.queue.add(ObjectKey("shop", name))
        assert calls.next() == f"shop/{name}"
    controller.queue.add(ObjectKey("shop", "c"))
    while calls.next() != "shop/c":
        pass
    assert controller.statistics().workers == 1
    assert controller.stop(REAL) == []
    assert "on_error raised" in caplog.text
    assert "a worker met what it cannot handle, and goes on" in caplog.text


def test_a_mapping_that_fails_for_one_state_loses_no_key_of_the_other(
    factory: SharedInformerFactory, source: FakeSource
) -> None:
    calls = Calls()
    errors: queue.Queue[BaseException] = queue.Queue()
    factory.on_error(lambda report: errors.put(report.exception))

    def to_keys(config_map: ConfigMap) -> list[ObjectKey]:
        if "bad" in config_map.data:
            raise LookupError("bad")
        return [ObjectKey("shop", name) for name in config_map.data]

    controller = Controller("d", calls).maps(factory.core().v1().config_maps(), to_keys)
    factory.start()
    source.feed(CONFIG_MAPS).replace(ConfigMap(metadata=meta("c"), data={"bad": ""}), resource_version=1)
    start(controller, factory)
    assert isinstance(errors.get(timeout=REAL), LookupError)
    source.feed(CONFIG_MAPS).upsert(ConfigMap(metadata=meta("c", version=2), data={"b": ""}))
    assert calls.next() == "shop/b"
    assert isinstance(errors.get(timeout=REAL), LookupError)
    source.feed(CONFIG_MAPS).upsert(ConfigMap(metadata=meta("c", version=3), data={"bad": ""}))
    assert calls.next() == "shop/b"
    assert controller.stop(REAL) == []


def test_workers_share_the_work_but_never_a_key() -> None:
    calls = Calls()
    calls.hold = threading.Event()
    controller = Controller("pods", calls, workers=2)
    for name in ("a", "b"):
        controller.queue.add(ObjectKey("shop", name))
    controller.start()
    assert {calls.next(), calls.next()} == {"shop/a", "shop/b"}
    controller.queue.add(ObjectKey("shop", "a"))
    assert len(controller.queue) == 0, "it waits until its worker is done"
    calls.hold.set()
    assert calls.next() == "shop/a"
    assert controller.stop(REAL) == []
    assert calls.most == 2


def priorities(controller: Controller, count: int) -> dict[str, int]:
    """The next keys, each with its priority."""
    found = {}
    for _ in range(count):
        key = controller.queue.get()
        found[str(key)] = controller.queue.priority_of(key)
        controller.queue.done(key)
    return found


def test_what_was_there_at_first_comes_after_what_is_new(factory: SharedInformerFactory, source: FakeSource) -> None:
    controller = (
        Controller("rollup", Calls())
        .watches(factory.apps().v1().deployments())
        .owns(factory.apps().v1().replica_sets())
        .maps(
            factory.core().v1().config_maps(), lambda config_map: [ObjectKey("shop", f"of-{config_map.metadata.name}")]
        )
    )
    factory.start()
    source.feed(DEPLOYMENTS).replace(Deployment(metadata=meta("web")), resource_version=1)
    owner = ("apps/v1", "Deployment", "owner")
    source.feed(REPLICA_SETS).replace(ReplicaSet(metadata=meta("web-1", owner=owner)), resource_version=1)
    source.feed(CONFIG_MAPS).replace(ConfigMap(metadata=meta("c")), resource_version=1)
    assert priorities(controller, 3) == {
        "shop/web": LOW_PRIORITY,
        "shop/owner": LOW_PRIORITY,
        "shop/of-c": LOW_PRIORITY,
    }
    source.feed(DEPLOYMENTS).upsert(Deployment(metadata=meta("web", version=2)))
    source.feed(REPLICA_SETS).upsert(ReplicaSet(metadata=meta("web-1", version=2, owner=owner)))
    source.feed(CONFIG_MAPS).remove(ConfigMap(metadata=meta("c", version=2)))
    assert priorities(controller, 3) == {"shop/web": 0, "shop/owner": 0, "shop/of-c": 0}
    assert controller.stop(REAL) == []


def test_a_resync_comes_after_what_is_new(source: FakeSource, clock: VirtualClock) -> None:
    with Server(resources=[]) as server:
        factory = SharedInformerFactory(server.client, source_factory=source, clock=clock, resync=timedelta(minutes=10))
        controller = Controller("pods", Calls()).watches(factory.core().v1().pods())
        controller.maps(factory.core().v1().config_maps(), lambda config_map: [ObjectKey("", "mapped")])
        factory.start()
        source.feed(PODS).replace(Pod(metadata=meta("a")), resource_version=1)
        source.feed(CONFIG_MAPS).replace(ConfigMap(metadata=meta("c")), resource_version=1)
        controller.wait_for_sync(REAL)
        assert len(priorities(controller, 2)) == 2
        clock.wait_for_waiters(2)
        clock.advance(600)
        assert priorities(controller, 2) == {"shop/a": LOW_PRIORITY, "mapped": LOW_PRIORITY}
        assert controller.stop(REAL) == []
        factory.stop()


def test_a_key_keeps_its_priority_when_it_comes_again_unless_the_result_says_otherwise(clock: VirtualClock) -> None:
    calls = Calls()
    calls.outcomes = {
        "a": [RuntimeError("first"), Result(requeue_after=timedelta(seconds=1))],
        "b": [Result(requeue_after=timedelta(seconds=1), priority=9)],
    }
    controller = Controller("pods", calls, clock=clock)
    for name in ("a", "b"):
        controller.queue.add(ObjectKey("shop", name), priority=LOW_PRIORITY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.getLogger("kinform.controller"), "disabled", True)
        for _ in range(3):
            clock.advance(0.005)
            with controller.queue.processing() as key:
                controller._process(key)
    clock.advance(1.0)
    assert priorities(controller, 2) == {"shop/b": 9, "shop/a": LOW_PRIORITY}


def test_stop_drains_and_names_a_worker_that_does_not_end() -> None:
    calls = Calls()
    calls.hold = threading.Event()
    controller = Controller("pods", calls, workers=1)
    for name in ("a", "b"):
        controller.queue.add(ObjectKey("shop", name))
    controller.start()
    assert calls.next() == "shop/a"
    assert controller.stop(0.05) == ["kinform-pods-worker-0"]
    calls.hold.set()
    for thread in threading.enumerate():
        if thread.name == "kinform-pods-worker-0":
            thread.join(REAL)
    assert calls.none_waits(), "what waited was dropped"


def test_stop_before_start_is_harmless() -> None:
    controller = Controller("pods", Calls())
    controller.queue.add(ObjectKey("", "x"))
    assert controller.stop(REAL) == []


def test_misuse_is_told(factory: SharedInformerFactory) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Controller("x", Calls(), workers=0)
    with pytest.raises(ValueError, match="call watches"):
        Controller("x", Calls()).owns(factory.core().v1().pods())
    with pytest.raises(ValueError, match="one kind each"):
        Controller("x", Calls()).watches(factory.core().v1().pods()).watches(factory.core().v1().nodes())
    with pytest.raises(ValueError, match="at least one controller"):
        run(factory)


def test_run_ends_gracefully_on_sigterm(factory: SharedInformerFactory, source: FakeSource) -> None:
    before = signal.getsignal(signal.SIGTERM)
    calls = Calls()
    controller = Controller("pods", calls, workers=2).watches(factory.core().v1().pods())

    def feed() -> None:
        source.feed(PODS).replace(Pod(metadata=meta("a")), resource_version=1)
        calls.next()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    feeder = threading.Thread(target=feed)
    # The factory starts inside run(); its feed exists from then on.
    informer = factory.core().v1().pods().informer()
    original = informer.start

    def start_and_feed() -> None:
        original()
        feeder.start()

    informer.start = start_and_feed  # type: ignore[method-assign]
    run(factory, controller, sync_timeout=REAL)
    feeder.join(REAL)
    assert signal.getsignal(signal.SIGTERM) == before
    assert controller.statistics().workers == 0
    assert not factory.statistics().started


def test_run_ends_while_a_source_still_hands_over(factory: SharedInformerFactory, source: FakeSource) -> None:
    mapping, release = threading.Event(), threading.Event()

    def to_keys(config_map: ConfigMap) -> list[ObjectKey]:
        mapping.set()
        assert release.wait(REAL)
        return []

    calls = Calls()
    controller = (
        Controller("pods", calls).watches(factory.core().v1().pods()).maps(factory.core().v1().config_maps(), to_keys)
    )
    stop = threading.Event()
    factory.start()
    source.feed(PODS).replace(Pod(metadata=meta("a")), resource_version=1)
    source.feed(CONFIG_MAPS).replace(ConfigMap(metadata=meta("c")), resource_version=1)
    runner = threading.Thread(target=run, args=(factory, controller), kwargs={"stop": stop, "drain_timeout": 0.1})
    runner.start()
    assert mapping.wait(REAL)
    stop.set()
    runner.join(REAL)
    assert not runner.is_alive()
    assert calls.none_waits(), "no worker was started"
    release.set()


def test_run_ends_by_its_event_also_while_it_waits_for_sync(factory: SharedInformerFactory) -> None:
    calls = Calls()
    controller = Controller("pods", calls).watches(factory.core().v1().pods())
    stop = threading.Event()
    runner = threading.Thread(target=run, args=(factory, controller), kwargs={"stop": stop})
    runner.start()
    stop.set()
    runner.join(REAL)
    assert not runner.is_alive()
    assert calls.none_waits()
