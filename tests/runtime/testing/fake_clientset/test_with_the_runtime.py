"""Everything else that makes requests, on a fake clientset: controllers, elections, recorders, other views of objects."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kinform import (
    Controller,
    EventRecorder,
    LeaderElection,
    ObjectKey,
    PartialObjectMetadata,
    RateLimitingQueue,
    TokenBucketRateLimiter,
    run,
)
from kinform.testing import VirtualClock
from kinform.testing.fake_clientset import CreateAction, Refuse, UpdateAction
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.coordination.v1 import Lease
from kinform_k8s.resources.core.v1 import PODS

if TYPE_CHECKING:
    from kinform_k8s.testing import FakeClientset


def test_a_controller_leads_works_is_refused_and_tries_again(fake: FakeClientset) -> None:
    factory = SharedInformerFactory(fake.client, namespace="shop")
    clientset = Clientset(factory.transport)
    pods = factory.core().v1().pods()
    refusals = [Refuse(500)]
    fake.prepend_reactor("patch", "pods", lambda _: refusals.pop() if refusals else None)

    def reconcile(key: ObjectKey) -> None:
        found = pods.lister().pods(key.namespace).get(key.name)
        if "seen" not in found.metadata.labels:
            clientset.core_v1().pods(key.namespace).patch(key.name, {"metadata": {"labels": {"seen": "yes"}}})

    controller = Controller("labels", reconcile).watches(pods)
    stop = threading.Event()
    election = LeaderElection(lease="shop/labels", identity="me")
    runner = threading.Thread(
        target=run, args=(factory, controller), kwargs={"stop": stop, "leader_election": election}
    )
    runner.start()
    fake.wait_for_actions("patch", "pods", count=3)  # two pods, one of them twice
    stop.set()
    runner.join(10)
    assert [each.metadata.labels.get("seen") for each in fake.core_v1().pods("shop").list()] == ["yes", "yes"]
    leases = [action for action in fake.writes if action.resource.plural == "leases"]
    assert isinstance(leases[0], CreateAction)
    assert leases[0].object_as(Lease).spec.holder_identity == "me"
    assert isinstance(leases[-1], UpdateAction)
    assert leases[-1].object_as(Lease).spec.holder_identity == ""  # given back


def test_events_are_recorded(fake: FakeClientset) -> None:
    with EventRecorder(fake.transport, "example.com/me") as recorder:
        recorder.event(fake.core_v1().pods("shop").get("a"), "Normal", "Seen", "it is there", action="Look")
    (action,) = fake.writes
    assert str(action).startswith("create events shop/a.")
    (event,) = fake.events_v1().events("shop").list()
    assert (event.reason, event.regarding.name) == ("Seen", "a")


def test_informers_of_metadata_and_of_no_class(fake: FakeClientset) -> None:
    with SharedInformerFactory(fake.client) as factory:
        metadata = factory.metadata().for_resource(PODS)
        dynamic = factory.dynamic().for_kind("v1", "Pod")
        assert metadata.informer().resource == dynamic.informer().resource == PODS
        factory.wait_for_cache_sync(timeout=10)
        found = metadata.lister().get(ObjectKey("shop", "a"))
        assert isinstance(found, PartialObjectMetadata)
        assert found.metadata.labels == {"app": "web"}
        assert len(dynamic.lister().list()) == 3


def test_key_handlers_and_queues(fake: FakeClientset) -> None:
    queue: RateLimitingQueue[ObjectKey] = RateLimitingQueue(name="pods")
    with SharedInformerFactory(fake.client, namespace="other") as factory:
        factory.core().v1().pods().informer().add_key_handler(queue.add)
        assert queue.get() == ObjectKey("other", "c")


def test_rates_are_limited_as_elsewhere(fake: FakeClientset) -> None:
    clock = VirtualClock()
    limited = Clientset(fake.client, rate_limiter=TokenBucketRateLimiter(1, 1, clock=clock))
    limited.core_v1().pods("shop").get("a")
    assert limited.transport.statistics().answers == {"200": 1}
    limited.close()
