"""Informers of kinds that are known only when the program runs, against an API server in memory."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import Heard, let_it_retry, lists_asked_for, pod

from kinform import (
    CacheMutationError,
    ConflictingInformerError,
    Controller,
    DynamicClient,
    DynamicObject,
    GenericInformer,
    NoMatchError,
    NotFoundError,
    ObjectKey,
    VerbNotSupportedError,
    drop,
    field_index,
    generation_changed,
    index,
)
from kinform.meta import Resource
from kinform.testing import Server
from kinform_k8s.models.core.v1 import Pod

if TYPE_CHECKING:
    from tests.runtime.end_to_end.conftest import Connect, Errors

    from kinform.testing import VirtualClock

TIMEOUT = 10.0
WIDGETS = Resource("example.com", "v1", "widgets", "Widget", namespaced=True)


def widget(name: str, namespace: str = "shop", *, size: int = 1, owner: str = "") -> DynamicObject:
    obj = DynamicObject.new(WIDGETS, name, namespace)
    obj["spec"] = {"size": size}
    if owner:
        reference = {"apiVersion": "example.com/v1", "kind": "Widget", "name": owner, "uid": "u", "controller": True}
        obj.set_nested_field("metadata.ownerReferences", [reference])
    return obj


@pytest.mark.scenario("I01a")
def test_it_syncs_by_a_streaming_list_alone(streaming: Server, connect: Connect, errors: Errors) -> None:
    streaming.fail_next(lambda request: request.verb not in {"", "watch"}, 500, times=100)
    streaming.register(WIDGETS)
    factory = connect(streaming)
    lister = factory.dynamic().for_resource("example.com/v1", "widgets").lister()
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        assert len(lister) == 0
    assert lists_asked_for(streaming) == []
    assert errors.all == []


@pytest.mark.scenario("I02a")
@pytest.mark.scenario("I03a")
@pytest.mark.scenario("I03b")
@pytest.mark.scenario("I04a")
@pytest.mark.scenario("I04b")
@pytest.mark.scenario("I04c")
def test_a_kind_that_nobody_generated_is_followed(server: Server, connect: Connect, errors: Errors) -> None:
    """By streaming lists, and by lists where the server has none."""
    server.register(WIDGETS)
    server.put(widget("a"))
    factory, heard = connect(server, namespace="shop"), Heard()
    widgets = factory.dynamic().for_kind("example.com/v1", "Widget")
    sizes: queue.Queue[tuple[int | None, int | None]] = queue.Queue()
    informer, lister = widgets.informer(), widgets.lister()
    informer.add_handler(heard)
    informer.add_event_handler(
        on_update=lambda old, new: sizes.put((old.nested_int("spec.size"), new.nested_int("spec.size"))),
        where=generation_changed,
    )
    by_size = informer.add_index(field_index("spec.size"))
    by_text = informer.add_index(index("text", lambda obj: [f"{obj.metadata.name}-{obj.nested_int('spec.size')}"]))
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        assert heard.take(1) == ["ADDED a initial"]
        server.wait_for_watches(1)
        client = DynamicClient(factory.transport, mapper=factory.rest_mapper).for_resource(WIDGETS, namespace="shop")
        server.put(widget("elsewhere", "test"))
        client.create(widget("b", size=2))
        changed = lister.copy(ObjectKey("shop", "a"))
        changed.set_nested_field("spec.size", 2)
        informer.wait_for(client.update(changed), TIMEOUT)
        assert sizes.get(timeout=TIMEOUT) == (1, 2)
        assert {each.metadata.name for each in by_size["2"]} == {"a", "b"}
        assert [each.metadata.name for each in by_text["a-2"]] == ["a"]
        assert lister.namespace("shop").get("b").nested_int("spec.size") == 2
        client.delete("b")
        assert heard.take(3) == ["ADDED b", "MODIFIED a", "DELETED b"]
        with pytest.raises(NotFoundError, match=r'widget\.example\.com "b" not found'):
            lister.get(ObjectKey("shop", "b"))
    assert heard.nothing_more
    assert errors.all == []


def test_one_informer_for_all_who_ask_alike(streaming: Server, connect: Connect) -> None:
    streaming.register(WIDGETS)
    factory = connect(streaming)
    dynamic = factory.dynamic()
    widgets = dynamic.for_resource("example.com/v1", "widgets")
    assert isinstance(widgets, GenericInformer)
    assert dynamic.for_kind("example.com/v1", "Widget") is widgets
    assert dynamic.for_resource(WIDGETS) is widgets
    assert factory.dynamic().for_resource("example.com/v1", "widget", namespace=None) is widgets
    assert dynamic.for_resource(WIDGETS, label_selector="a=b") is not widgets
    metadata: object = factory.metadata().for_kind("example.com/v1", "Widget")
    assert metadata is not widgets
    with pytest.raises(ConflictingInformerError, match=r"widgets\.example\.com/v1 dynamic was asked for before"):
        dynamic.for_resource(WIDGETS, transform=drop("spec"))
    assert len([each for each in streaming.requests if each.path == "/apis"]) == 1, "one discovery for all of it"


def test_beside_generated_informers(streaming: Server, connect: Connect) -> None:
    streaming.put(pod("a", image="nginx"))
    factory = connect(streaming)
    typed, untyped = factory.core().v1().pods(), factory.dynamic().for_resource("v1", "pods")
    typed.informer()
    untyped.informer()
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        assert isinstance(typed.lister().pods("shop").get("a"), Pod)
        found = untyped.lister().namespace("shop").get("a")
        assert found.nested_list("spec.containers") == [{"image": "nginx", "name": "main"}]
        assert set(factory.statistics().informers) == {"pods/v1", "pods/v1 dynamic"}


def test_controllers_take_it_as_any_source(streaming: Server, connect: Connect) -> None:
    streaming.register(WIDGETS)
    streaming.put(widget("parent"))
    streaming.put(widget("child", owner="other-parent"))
    factory = connect(streaming)
    widgets = factory.dynamic().for_resource("example.com/v1", "widgets")
    seen: queue.Queue[str] = queue.Queue()
    controller = (
        Controller("widgets", lambda key: seen.put(str(key)))
        .watches(widgets, where=lambda obj: obj.metadata.name == "parent")
        .owns(widgets)
        .maps(widgets, lambda obj: [ObjectKey("mapped", str(obj.nested_int("spec.size")))])
    )
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        controller.wait_for_sync(TIMEOUT)
        controller.start()
        assert sorted(seen.get(timeout=TIMEOUT) for _ in range(3)) == ["mapped/1", "shop/other-parent", "shop/parent"]
        controller.stop(TIMEOUT)


def test_objects_of_the_cache_are_read_only(streaming: Server, connect: Connect, errors: Errors) -> None:
    streaming.register(WIDGETS)
    streaming.put(widget("a"))
    factory = connect(streaming)
    widgets = factory.dynamic().for_resource("example.com/v1", "widgets")
    lister = widgets.lister()
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        obj = lister.get(ObjectKey("shop", "a"))
        assert lister.get(ObjectKey("shop", "a")) is obj, "as long as anyone holds it"
        dict(obj.metadata.labels)
        list(obj.metadata.finalizers)
        lister.get(ObjectKey("shop", "a"))
        assert errors.all == [], "reading changes nothing"
        obj.metadata.labels["mine"] = "yes"
        assert lister.get(ObjectKey("shop", "a")) is not obj
        report = errors.wait_for("cache-mutation")
    assert isinstance(report.exception, CacheMutationError)
    assert report.exception.paths == ("metadata.labels",)


# ---- what can be followed


def test_a_definition_is_found_as_soon_as_it_is_served(streaming: Server, connect: Connect) -> None:
    factory = connect(streaming)
    with factory:
        with pytest.raises(NoMatchError, match=r"the server has no example\.com/v1"):
            factory.dynamic().for_resource("example.com/v1", "widgets")
        streaming.register(WIDGETS)
        streaming.put(widget("a"))
        widgets = factory.dynamic().for_resource("example.com/v1", "widgets")
        widgets.informer().wait_for_sync(TIMEOUT)
        assert len(widgets.lister()) == 1


def test_what_cannot_be_listed_and_watched_is_refused(streaming: Server, connect: Connect) -> None:
    factory = connect(streaming)
    mapper = factory.rest_mapper
    pods = mapper.for_resource("v1", "pods")
    streaming.fail_next("/api", 503)  # it would be asked again if it were not known
    object.__setattr__(pods, "verbs", ("create", "list"))
    for ask in (factory.dynamic().for_resource, factory.metadata().for_resource):
        with pytest.raises(
            VerbNotSupportedError,
            match="pods/v1 cannot be followed: an informer needs list and watch, the server has create, list",
        ):
            ask("v1", "pods")
    with pytest.raises(VerbNotSupportedError):
        factory.dynamic().for_kind("v1", "Pod")
    object.__setattr__(pods, "verbs", ())
    with pytest.raises(VerbNotSupportedError, match="the server has no verb at all"):
        factory.dynamic().for_kind("v1", "Pod")


def test_a_definition_that_goes_and_comes_again_with_another_uid(
    streaming: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    streaming.register(WIDGETS)
    streaming.put(widget("a"))
    factory, heard = connect(streaming), Heard()
    widgets = factory.dynamic().for_resource("example.com/v1", "widgets")
    widgets.informer().add_handler(heard)
    with factory:
        assert heard.take(1) == ["ADDED a initial"]
        streaming.wait_for_watches(1)
        clock.advance(60)
        streaming.unregister(WIDGETS)
        waits = []
        for count in range(1, 9):
            waits.append(let_it_retry(clock))
            errors.wait_for("not-found", count)
        assert all(30 <= wait < 60 for wait in waits[-2:]), waits
        assert list(widgets.lister().keys()) == [ObjectKey("shop", "a")], "what was known is still there"
        streaming.register(WIDGETS)
        streaming.put(widget("a"))
        let_it_retry(clock)
        assert heard.take(2) == ["DELETED a unknown", "ADDED a"]


def test_what_discovery_could_not_find_out_is_told(streaming: Server, connect: Connect, errors: Errors) -> None:
    streaming.register(WIDGETS)
    streaming.fail_next("/api", 403, message="not the core group")
    factory = connect(streaming)
    factory.dynamic().for_resource("example.com/v1", "widgets")
    report = errors.wait_for("discovery")
    assert (report.informer, report.key) == ("discovery", "/api")
    assert "not the core group" in str(report.exception)
