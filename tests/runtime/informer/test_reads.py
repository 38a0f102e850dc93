"""Reading the cache: never silently empty, never outside the scope."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import (
    CacheNotSyncedError,
    CacheSyncError,
    InformerNotStartedError,
    InformerStoppedError,
    NotCachedError,
    SelectorError,
    TransportError,
)
from kinform.informer import InformerReason, InformerState, ListOptions, SharedInformer
from kinform.lister import NamespaceLister
from kinform.meta import ObjectKey, Resource
from kinform.selectors import LabelSelector
from kinform.store import field_index, index

if TYPE_CHECKING:
    from tests.runtime.informer.conftest import MakeInformer, MakePod, Pod, Recorder

    from kinform.informer import ErrorReport, Registration
    from kinform.testing.clock import VirtualClock
    from kinform.testing.fake_source import FakeFeed, FakeSource
    from kinform.transport import Transport

A = ObjectKey("shop", "a")
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)


def test_reads_raise_before_the_start_and_before_the_sync(make: MakeInformer, source: FakeSource, pod: MakePod) -> None:
    informer = make()
    with pytest.raises(InformerNotStartedError):
        informer.read_entry(A)
    with pytest.raises(InformerNotStartedError):
        informer.read_entries()
    informer.start()
    with pytest.raises(CacheNotSyncedError):
        informer.read_entry(A)
    assert informer.read_entry(A, allow_unsynced=True) is None
    assert informer.read_entries(None, None, allow_unsynced=True) == []
    source.feed().replace(pod("a", 1, labels={"app": "web"}), pod("b", 2, namespace="test"), resource_version=2)
    entry = informer.read_entry(A)
    assert entry is not None
    assert informer.inflate(entry).name == "a"
    assert len(informer.read_entries()) == 2
    assert [entry.key for entry in informer.read_entries("shop")] == [A]
    assert [entry.key for entry in informer.read_entries(None, LabelSelector.parse("app=web"))] == [A]
    assert informer.read_entry(ObjectKey("shop", "none")) is None


def test_the_last_error_is_told_to_those_who_read_too_early(informer: SharedInformer[Pod], feed: FakeFeed) -> None:
    feed.fail(TransportError("connection refused"))
    with pytest.raises(CacheNotSyncedError, match="connection refused"):
        informer.read_entries()
    assert isinstance(informer.last_error, TransportError)


def test_each_namespace_is_readable_once_it_has_synced(make: MakeInformer, source: FakeSource, pod: MakePod) -> None:
    informer = make(namespaces=("shop", "test"))
    informer.start()
    source.feed(namespace="shop").replace(pod("a", 1), resource_version=2)
    assert not informer.has_synced()
    assert informer.read_entry(A) is not None
    with pytest.raises(CacheNotSyncedError):
        informer.read_entry(ObjectKey("test", "a"))
    with pytest.raises(CacheNotSyncedError):
        informer.read_entries()
    with pytest.raises(NotCachedError, match="'other'"):
        informer.read_entry(ObjectKey("other", "a"), allow_unsynced=True)
    source.feed(namespace="test").replace(pod("b", 7, namespace="test"), resource_version=8)
    assert informer.has_synced()
    assert len(informer.read_entries()) == 2


def test_a_relist_of_one_namespace_leaves_the_others_alone(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder]
) -> None:
    informer = make(namespaces=("shop", "test"))
    heard = recorder()
    informer.add_handler(heard.on_event)
    informer.start()
    source.feed(namespace="shop").replace(pod("a", 1), resource_version=2)
    source.feed(namespace="test").replace(pod("b", 7, namespace="test"), resource_version=8)
    source.feed(namespace="shop").replace(resource_version=9)
    assert heard.take(3) == ["ADDED a@1 initial", "ADDED b@7 initial", "DELETED a@1 final_state_unknown"]
    assert len(informer.read_entries()) == 1


def test_a_handler_of_several_namespaces_has_synced_when_all_have(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder]
) -> None:
    informer = make(namespaces=("shop", "test"))
    informer.start()
    source.feed(namespace="shop").replace(pod("a", 1), resource_version=2)
    heard = recorder()
    registration = informer.add_handler(heard.on_event)  # in between: a replay of one, and what comes of the other
    assert heard.take(1) == ["ADDED a@1 initial"]
    assert not registration.has_synced()
    source.feed(namespace="test").replace(pod("b", 7, namespace="test"), resource_version=8)
    registration.wait_for_sync(10)
    assert heard.take(1) == ["ADDED b@7 initial"]


def test_shared_objects_are_one_and_copies_are_private(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod
) -> None:
    feed.replace(pod("a", 1), resource_version=1)
    entry = informer.read_entry(A)
    assert entry is not None
    shared = informer.inflate(entry)
    assert informer.inflate(entry) is shared
    assert informer.copy(entry) is not shared


def test_a_lister_reads_an_informer(informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod) -> None:
    lister: NamespaceLister[Pod] = NamespaceLister(informer, "shop")
    with pytest.raises(CacheNotSyncedError):
        lister.get("a")
    feed.replace(pod("a", 1), resource_version=1)
    assert lister.get("a").name == "a"


def test_the_cache_stays_readable_after_the_stop(informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod) -> None:
    feed.replace(pod("a", 1), resource_version=1)
    informer.stop(10)
    assert informer.read_entry(A) is not None


def test_changes_that_come_after_the_stop_are_dropped(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    informer.add_handler(heard.on_event)
    feed.replace(pod("a", 1), resource_version=1)
    heard.take(1)
    informer.stop(10)
    feed.upsert(pod("a", 2))
    entry = informer.read_entry(A)
    assert entry is not None
    assert entry.resource_version == "1"
    assert heard.calls.empty()


@pytest.mark.scenario("S07")
def test_errors_of_the_watch_are_reported(
    informer: SharedInformer[Pod], feed: FakeFeed, errors: list[ErrorReport], caplog: pytest.LogCaptureFixture
) -> None:
    feed.fail(TransportError("Access Denied"))
    (report,) = errors
    assert report.informer == informer.name
    assert report.reason == "connection"
    assert str(report) == "pods/v1: connection: TransportError: Access Denied"
    (record,) = caplog.records
    assert record.getMessage() == str(report)
    said = {name: vars(record)[name] for name in ("informer", "reason", "handler", "key")}
    assert said == {"informer": "pods/v1", "reason": "connection", "handler": "", "key": ""}


@pytest.mark.scenario("S01a")
@pytest.mark.scenario("S01b")
@pytest.mark.scenario("S01c")
def test_indexes_before_the_start_and_while_running(make: MakeInformer, source: FakeSource, pod: MakePod) -> None:
    informer = make()
    by_node = informer.add_index(field_index("spec.nodeName"))
    with pytest.raises(InformerNotStartedError):
        by_node["n1"]
    informer.start()
    with pytest.raises(CacheNotSyncedError):
        by_node["n1"]
    feed = source.feed()
    feed.replace(pod("a", 1, nodeName="n1"), pod("b", 2, nodeName="n2"), resource_version=2)
    assert [each.name for each in by_node["n1"]] == ["a"]
    feed.upsert(pod("c", 3, nodeName="n1"))
    assert by_node.object_keys("n1") == [A, ObjectKey("shop", "c")]
    by_image = informer.add_index(index("image", lambda pod: [pod.spec["nodeName"] + "!"]))
    assert by_image.index_values() == ["n1!", "n2!"]


def test_an_index_function_that_raises_is_reported_outside_all_locks(
    make: MakeInformer, source: FakeSource, pod: MakePod, errors: list[ErrorReport]
) -> None:
    reports = []

    def note(report: ErrorReport) -> None:
        # Whoever is told may use the informer: no lock is held.
        reports.append((report.reason, len(informer.read_entries(allow_unsynced=True))))

    informer = make(on_error=note)
    informer.add_index(index("broken", lambda pod: [pod.spec["missing"]]))
    informer.start()
    source.feed().replace(pod("a", 1), resource_version=2)
    assert reports == [(InformerReason.INDEX_FUNCTION, 1)]
    informer.add_index(index("broken too", lambda pod: [pod.spec["missing"]]))
    assert len(reports) == 2


def test_an_index_function_that_exits_costs_one_object_its_place_and_no_handler_its_news(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], errors: list[ErrorReport]
) -> None:
    def leave(pod: Pod) -> list[str]:
        if pod.name == "b":
            raise SystemExit(3)
        return [pod.name]

    by_name = informer.add_index(index("name", leave))
    heard = recorder()
    informer.add_handler(heard.on_event)
    feed.replace(resource_version=1)
    feed.upsert(pod("a", 2), pod("b", 3), pod("c", 4))
    assert heard.take(3) == ["ADDED a@2", "ADDED b@3", "ADDED c@4"]
    assert by_name.index_values() == ["a", "c"]
    assert [(each.reason, type(each.exception.__cause__)) for each in errors] == [
        (InformerReason.INDEX_FUNCTION, SystemExit)
    ]


def test_an_index_function_may_register_a_handler(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder]
) -> None:
    informer = make()
    heard = recorder()
    registered: list[Registration] = []

    def odd(pod: Pod) -> list[str]:
        if not registered:
            registered.append(informer.add_handler(heard.on_event))
        return []

    informer.add_index(index("odd", odd))
    informer.start()
    source.feed().replace(pod("a", 1), pod("b", 2), resource_version=2)
    assert heard.take(2) == ["ADDED a@1 initial", "ADDED b@2 initial"]


def test_waiting_for_the_sync(make: MakeInformer, source: FakeSource, clock: VirtualClock) -> None:
    informer = make()
    with pytest.raises(InformerNotStartedError):
        informer.wait_for_sync(0)
    informer.start()
    with pytest.raises(CacheSyncError, match="no answer yet") as caught:
        informer.wait_for_sync(0)
    assert caught.value.missing == {"pods/v1": None}
    failure = TransportError("connection refused")
    source.feed().fail(failure)
    with pytest.raises(CacheSyncError, match="connection refused") as caught:
        informer.wait_for_sync(0)
    assert caught.value.missing == {"pods/v1": failure}
    source.feed().replace(resource_version=1)
    informer.wait_for_sync(0)
    informer.wait_for_sync()


def test_waiting_for_the_sync_of_a_stopped_informer_ends(informer: SharedInformer[Pod]) -> None:
    informer.stop(10)
    with pytest.raises(InformerStoppedError):
        informer.wait_for_sync()


@pytest.mark.scenario("S15")
def test_the_stages_of_a_life(make: MakeInformer, source: FakeSource, pod: MakePod) -> None:
    informer = make()

    def state() -> InformerState:
        return informer.state

    assert state() is InformerState.NEW
    informer.start()
    informer.start()
    assert state() is InformerState.SYNCING
    source.feed().replace(pod("a", 1), resource_version=1)
    assert state() is InformerState.SYNCED
    assert informer.stop(10).clean
    assert state() is InformerState.STOPPED
    assert source.feed().stopped
    with pytest.raises(InformerStoppedError):
        informer.start()


def test_what_cannot_be_watched_is_refused_at_once(transport: Transport, pods: Resource, pod_class: type[Pod]) -> None:
    with pytest.raises(SelectorError):
        SharedInformer(pods, pod_class, transport, options=ListOptions(label_selector="app in"))
    with pytest.raises(SelectorError):
        SharedInformer(pods, pod_class, transport, options=ListOptions(field_selector="spec.nodeName"))
    with pytest.raises(ValueError, match="resourceVersion"):
        SharedInformer(pods, pod_class, transport, options=ListOptions(query=(("resourceVersion", "0"),)))
    with pytest.raises(ValueError, match="cluster-scoped"):
        SharedInformer(NODES, pod_class, transport, namespaces=["shop"])
    with pytest.raises(ValueError, match="distinct"):
        SharedInformer(pods, pod_class, transport, namespaces=["shop", "shop"])
    with pytest.raises(ValueError, match="part of a path"):
        SharedInformer(pods, pod_class, transport, namespaces=["../secrets"])


def test_names_tell_what_is_watched(make: MakeInformer) -> None:
    assert make().name == "pods/v1"
    options = ListOptions("app=web", "spec.nodeName=n1", (("shardSelector", "x"),))
    assert (
        make(namespaces=("shop", "test"), options=options).name
        == "pods/v1 in shop, test (app=web; spec.nodeName=n1; shardSelector=x)"
    )
    assert repr(make()) == "<SharedInformer pods/v1: new>"


def test_a_source_is_asked_for_each_namespace(
    make: MakeInformer, source: FakeSource, pods: Resource, transport: Transport, clock: VirtualClock
) -> None:
    options = ListOptions("app=web")
    informer = make(namespaces=("shop", "test"), options=options)
    informer.start()
    asked = [feed.request for feed in source.feeds]
    assert [request.namespace for request in asked] == ["shop", "test"]
    assert {request.options for request in asked} == {options}
    assert {request.transport for request in asked} == {transport}
    assert {request.clock for request in asked} == {clock}
    assert len({request.name for request in asked}) == 2


@pytest.mark.scenario("invariant-10")
def test_statistics(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> None:
    informer = make()
    before = informer.statistics()
    assert (before.state, before.connected, before.synced, before.objects) == (InformerState.NEW, False, False, 0)
    assert before.watches == {}
    heard = recorder()
    informer.add_handler(heard.on_event, name="mine")
    informer.start()
    feed = source.feed()
    one, two = pod("a", 1), pod("b", 2)
    feed.replace(one, two, resource_version=5)
    heard.take(2)
    gate = heard.block()
    feed.upsert(pod("c", 6), pod("d", 7))
    for _ in range(3):
        heard.wait_until_inside()
    clock.advance(2)
    feed.fail(TransportError("cut"))
    now = informer.statistics()
    assert (now.state, now.connected, now.synced, now.objects) == (InformerState.SYNCED, True, True, 4)
    assert now.bytes == sum(len(entry.body) for entry in informer.read_entries())
    assert now.errors == 1
    assert str(now.last_error) == "cut"
    assert now.last_event is None
    assert now.watches[""].last_resource_version == "7"
    (handler,) = now.handlers
    assert (handler.name, handler.synced, handler.pending, handler.delivered) == ("mine", True, 1, 2)
    assert handler.running_for == 2.0
    gate.set()


@pytest.mark.scenario("S09")
@pytest.mark.scenario("K06")
def test_handlers_and_readers_get_transformed_objects(make: MakeInformer, source: FakeSource, pod: MakePod) -> None:
    def shout(doc: dict[str, Any]) -> dict[str, Any]:
        doc["spec"]["said"] = doc["spec"]["said"].upper()
        return doc

    informer = make(transform=shout)
    said: queue.Queue[str] = queue.Queue()
    informer.add_event_handler(
        on_add=lambda pod: said.put(pod.spec["said"]),
        on_update=lambda old, new: said.put(old.spec["said"] + new.spec["said"]),
        on_delete=lambda pod: said.put(pod.spec["said"]),
    )
    informer.start()
    feed = source.feed()
    feed.replace(pod("a", 1, said="one"), resource_version=1)
    feed.upsert(pod("a", 2, said="two"))
    entry = informer.read_entry(A)
    assert entry is not None
    assert informer.inflate(entry).spec["said"] == "TWO"
    feed.remove(pod("a", 3, said="gone"))
    assert [said.get(timeout=10) for _ in range(3)] == ["ONE", "ONETWO", "GONE"]


@pytest.mark.scenario("M06")
def test_a_handler_that_changes_a_cached_object_is_found_out(
    make: MakeInformer, source: FakeSource, pod: MakePod, errors: list[ErrorReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINFORM_CACHE_MUTATION_DETECTOR", "1")
    informer = make()
    registration = informer.add_event_handler(on_add=lambda pod: pod.spec.update(changed=True))
    informer.start()
    source.feed().replace(pod("a", 1), resource_version=1)
    registration.wait_for_sync(10)
    assert informer.stop(10).clean
    (report,) = errors
    assert report.reason == InformerReason.CACHE_MUTATION
    assert "spec.changed" in str(report.exception)
