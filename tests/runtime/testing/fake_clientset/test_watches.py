"""Watches of a fake clientset, by hand and by informers."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import Heard, pod

from kinform.errors import AbortedError, ExpiredError, ForbiddenError
from kinform.testing import VirtualClock
from kinform.testing.fake_clientset import FakeWatch, Refuse, WatchAction
from kinform.transport import Abort
from kinform.wire import EventType
from kinform_k8s import SharedInformerFactory
from kinform_k8s.resources.core.v1 import PODS
from kinform_k8s.testing import FakeClientset

if TYPE_CHECKING:
    from kinform.client import Watch
    from kinform_k8s.models.core.v1 import Pod


def take(watch: Watch[Pod], count: int) -> list[str]:
    events = [next(watch) for _ in range(count)]
    return [f"{event.type} {event.object.metadata.name}" for event in events]


def test_nothing_is_lost_between_a_list_and_its_watch(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    listed = pods.list()
    pods.create(pod("between"))
    pods.delete("a")
    with pods.watch(resource_version=listed.resource_version) as watch:
        pods.patch("b", {"metadata": {"labels": {"x": "y"}}})
        fake.tracker.add(pod("tracked"))
        assert take(watch, 4) == ["ADDED between", "DELETED a", "MODIFIED b", "ADDED tracked"]


def test_watches_keep_to_their_selectors_and_namespaces(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    since = fake.tracker.resource_version
    with (
        pods.watch(resource_version=since, label_selector="app=db") as labelled,
        pods.watch(resource_version=since, field_selector="spec.nodeName=n2") as placed,
        fake.core_v1().pods("other").watch(resource_version=since) as other,
    ):
        pods.patch("a", {"metadata": {"labels": {"app": "db"}}})
        pods.patch("a", {"metadata": {"labels": {"app": "web"}}})
        pods.patch("b", {"spec": {"nodeName": "n2"}})
        pods.delete("b")
        fake.core_v1().pods("other").delete("c")
        assert take(labelled, 4) == ["ADDED a", "DELETED a", "MODIFIED b", "DELETED b"]
        assert take(placed, 2) == ["ADDED b", "DELETED b"]
        assert take(other, 1) == ["DELETED c"]


def test_streaming_lists_have_an_end(fake: FakeClientset) -> None:
    with fake.core_v1().pods("shop").watch(send_initial_events=True) as watch:
        assert take(watch, 2) == ["ADDED a", "ADDED b"]
        bookmark = next(watch)
    assert bookmark.type is EventType.BOOKMARK
    assert bookmark.object.metadata.annotations == {"k8s.io/initial-events-end": "true"}
    assert bookmark.object.metadata.resource_version == fake.tracker.resource_version


def test_a_version_that_history_has_forgotten() -> None:
    fake = FakeClientset(pod("a"))
    pods = fake.core_v1().pods("shop")
    for number in range(10_001):
        fake.tracker.update(
            {**pod_json(), "metadata": {"name": "a", "namespace": "shop", "labels": {"n": str(number)}}}
        )
    with pytest.raises(ExpiredError):
        next(pods.watch(resource_version="2"))


def pod_json() -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Pod"}


def test_a_watch_ends_after_its_time() -> None:
    clock = VirtualClock()
    fake = FakeClientset(clock=clock)
    watch = fake.core_v1().pods().watch(timeout=5)
    ended = threading.Event()

    def read() -> None:
        list(watch)
        ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    clock.wait_for_deadline(10)
    clock.advance(5)
    reader.join(10)
    assert ended.is_set()


def test_another_thread_ends_a_watch_that_waits(fake: FakeClientset) -> None:
    watch = fake.core_v1().pods("shop").watch(resource_version=fake.tracker.resource_version)
    got: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for event in watch:
            got.put(event.object.metadata.name)

    reader = threading.Thread(target=read)
    reader.start()
    fake.tracker.add(pod("d"))
    assert got.get(timeout=10) == "d"
    watch.close()
    reader.join(10)
    assert not reader.is_alive()


def test_nothing_is_left_of_what_is_over(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    pods.list()
    assert fake.transport.statistics().in_progress == 0
    watch = pods.watch()
    assert fake.transport.statistics().in_progress == 1
    assert len(fake._cluster.core.watches.list()) == 1
    watch.close()
    assert fake.transport.statistics().in_progress == 0
    assert fake._cluster.core.watches.list() == []


def test_a_reader_that_was_told_to_stop_sees_nothing_more(fake: FakeClientset) -> None:
    abort = Abort()
    path = PODS.path("shop")
    with fake.transport.open(path, query=[("watch", "1")], abort=abort, read_timeout=10) as stream:
        abort.abort()  # and two pods wait to be read
        with pytest.raises(AbortedError):
            stream.read()
    with pytest.raises(AbortedError):
        fake.transport.request("GET", path, abort=abort)


def test_closing_the_clientset_ends_its_watches() -> None:
    fake = FakeClientset()
    watch = fake.core_v1().pods().watch()
    begun = threading.Event()

    def read() -> None:
        begun.set()
        with pytest.raises(Exception, match="the transport is closed"):
            next(watch)

    reader = threading.Thread(target=read)
    reader.start()
    begun.wait(10)
    fake.close()
    reader.join(10)
    assert not reader.is_alive()
    watch.close()


# ---- informers


def test_informers_run_on_it(fake: FakeClientset) -> None:
    heard = Heard()
    with SharedInformerFactory(fake.client, namespace="shop") as factory:
        pods = factory.core().v1().pods()
        pods.informer().add_handler(heard)
        factory.wait_for_cache_sync(timeout=10)
        assert sorted(heard.take(2)) == ["ADDED a initial", "ADDED b initial"]
        made = fake.core_v1().pods("shop").create(pod("d"))
        pods.informer().wait_for(made, timeout=10)
        assert pods.lister().pods("shop").get("d").metadata.uid == made.metadata.uid
        fake.core_v1().pods("shop").delete("a")
        fake.core_v1().pods("other").delete("c")  # which is none of its
        assert heard.take(2) == ["ADDED d", "DELETED a"]
        assert factory.statistics().errors == 0
    (watch,) = [action for action in fake.actions if isinstance(action, WatchAction)]
    assert watch.send_initial_events
    assert str(watch) == "watch pods shop"


def test_a_factory_may_share_the_transport(fake: FakeClientset) -> None:
    factory = SharedInformerFactory(fake.transport)
    pods = factory.core().v1().pods(label_selector="app=web")
    with factory:
        factory.wait_for_cache_sync(timeout=10)
        assert sorted(str(key) for key in pods.lister().keys()) == ["other/c", "shop/a"]  # noqa: SIM118  (no mapping)
    assert fake.core_v1().pods("shop").get("a")


# ---- watches of a test's own


def test_the_events_of_a_fake_watch(fake: FakeClientset) -> None:
    made = FakeWatch()
    fake.prepend_watch_reactor("pods", lambda _: made)
    made.add(pod("x"))
    made.modify(pod("x"))
    made.delete({"metadata": {"name": "x"}})
    made.bookmark(77)
    made.stop()
    with fake.core_v1().pods("shop").watch() as watch:
        assert take(watch, 3) == ["ADDED x", "MODIFIED x", "DELETED x"]
        bookmark = next(watch)
        assert (bookmark.object.kind, bookmark.object.metadata.resource_version) == ("Pod", "77")
        assert list(watch) == []
    with pytest.raises(RuntimeError, match="has been stopped"):
        made.add(pod("y"))


def test_an_event_that_nobody_has_read_waits_for_the_next_reader(fake: FakeClientset) -> None:
    made = FakeWatch()
    fake.prepend_watch_reactor("pods", lambda _: made)
    abort = Abort()
    with fake.transport.open(PODS.path("shop"), query=[("watch", "1")], abort=abort, read_timeout=10) as stream:
        made.add(pod("x"))
        abort.abort()
        with pytest.raises(AbortedError):
            stream.read()
    with fake.core_v1().pods("shop").watch() as watch:
        assert take(watch, 1) == ["ADDED x"]


def test_a_fake_watch_that_fails(fake: FakeClientset) -> None:
    made = FakeWatch()
    fake.prepend_watch_reactor("*", lambda _: made)
    made.error(Refuse(410, "too old", reason="Expired"))
    with pytest.raises(ExpiredError, match="too old"), fake.core_v1().pods("shop").watch() as watch:
        next(watch)
    fake.prepend_watch_reactor("pods", lambda _: Refuse(403))
    with pytest.raises(ForbiddenError):
        fake.core_v1().pods("shop").watch()
    fake.prepend_watch_reactor("pods", lambda _: "nonsense")  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="a reactor returns a FakeWatch"):
        fake.core_v1().pods("shop").watch()


def test_an_informer_on_a_fake_watch(fake: FakeClientset) -> None:
    made = FakeWatch()
    asked: list[str] = []

    def react(action: WatchAction) -> FakeWatch | None:
        asked.append(str(action))
        return made if action.resource.plural == "pods" else None

    fake.prepend_watch_reactor("*", react)
    heard = Heard()
    with SharedInformerFactory(fake.client, namespace="shop") as factory:
        factory.core().v1().pods().informer().add_handler(heard)
        known = fake.core_v1().pods("shop").get("a")
        made.add(known)
        made.bookmark(known.metadata.resource_version, ends_initial_events=True)
        factory.wait_for_cache_sync(timeout=10)
        made.delete(known)
        assert heard.take(2) == ["ADDED a initial", "DELETED a"]
    assert asked == ["watch pods shop"]


def test_an_informer_gets_over_a_refusal() -> None:
    fake = FakeClientset(pod("a"))
    refusals = [Refuse(500)]
    fake.prepend_watch_reactor("pods", lambda _: refusals.pop() if refusals else None)
    clock = VirtualClock()
    factory = SharedInformerFactory(fake.client, clock=clock)
    informer = factory.core().v1().pods().informer()
    with factory:
        clock.wait_for_deadline(10)
        clock.advance(clock.next_deadline or 0)
        fake.wait_for_actions("watch", "pods", count=2)
        informer.wait_for(fake.core_v1().pods("shop").get("a"), timeout=10)
        assert factory.statistics().errors == 1
