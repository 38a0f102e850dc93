"""Informers, handlers, predicates and factories, with kinds written by hand: what is inferred without a word."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Self, assert_type

from kinform.factory import FactoryStatistics, InformerFactory, InformerOptions, ListOptions, ResourceInformer
from kinform.informer import (
    ErrorReport,
    Event,
    InformerState,
    InformerStatistics,
    Predicate,
    Registration,
    SharedInformer,
    StopResult,
    generation_changed,
    labels_changed,
    matches_labels,
    resource_version_changed,
    satisfies,
)
from kinform.lister import ClusterLister
from kinform.meta import ObjectKey, Resource
from kinform.store import Index, Snapshot, field_index, index, label_index
from kinform.transport import Transport, connect
from kinform.wire import EventType, Json, drop

if TYPE_CHECKING:
    from typing import Unpack

GADGETS = Resource("example.com", "v1", "gadgets", "Gadget", namespaced=True)


class Gadget:
    size: int = 0

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        raise NotImplementedError

    def to_wire(self) -> bytes:
        raise NotImplementedError


class GadgetInformer(ResourceInformer[Gadget]):
    def __init__(self, factory: InformerFactory, **options: Unpack[InformerOptions]) -> None:
        super().__init__(factory, GADGETS, Gadget, options)

    def lister(self, *, allow_unsynced: bool = False) -> ClusterLister[Gadget]:
        return ClusterLister(self.informer(), allow_unsynced=allow_unsynced)


class Factory(InformerFactory):
    def gadgets(self, **options: Unpack[InformerOptions]) -> GadgetInformer:
        return self.resource_informer(GadgetInformer, **options)


def shrink(doc: dict[str, Json]) -> dict[str, Json]:
    return {**doc, "spec": {}}


def tweak(options: ListOptions) -> ListOptions:
    return ListOptions(options.label_selector, "metadata.name=x", (("shardSelector", "s"),))


def factories(transport: Transport) -> None:
    factory = Factory(connect, namespace={"a", "b"}, transform=drop("spec"), resync=timedelta(hours=1), tweak=tweak)
    Factory(transport)
    Factory(lambda: connect(context="test"))
    gadgets = factory.gadgets(namespace="shop", label_selector="a=b", field_selector=None, transform=shrink)
    assert_type(gadgets, GadgetInformer)
    assert_type(gadgets.informer(), SharedInformer[Gadget])
    assert_type(gadgets.lister().list(), Snapshot[Gadget])
    assert_type(gadgets.lister().get("x"), Gadget)
    assert_type(factory.informer_for(GADGETS, Gadget, namespace=None), SharedInformer[Gadget])
    reports: list[ErrorReport] = []
    factory.on_error(reports.append)
    factory.on_error(lambda report: print(report.informer, report.reason, report.exception, report.handler, report.key))
    with factory as same:
        assert_type(same, Factory)
        same.wait_for_cache_sync()
        same.wait_for_cache_sync(30.0, cancel=threading.Event())
    assert_type(factory.stop(5), StopResult)
    assert_type(factory.statistics(), FactoryStatistics)


def is_big(gadget: Gadget) -> bool:
    return gadget.size > 10


def on_any(event: Event[object]) -> None:
    print(event.key)


def print_size(gadget: Gadget) -> None:
    print(gadget.size)


def handlers(informer: SharedInformer[Gadget], keys: list[ObjectKey]) -> None:
    informer.add_event_handler(on_add=print_size, on_delete=lambda gadget: gadget.size)
    informer.add_event_handler(on_update=lambda old, new: old.size < new.size, resync=timedelta(0), max_pending=5)
    informer.add_event_handler(on_add=print, where=is_big, name="big ones")
    registration = informer.add_handler(lambda event: assert_type(event.object, Gadget))
    assert_type(registration, Registration)
    assert_type(registration.remove(), bool)
    registration.wait_for_sync(1.0)
    informer.add_handler(on_any)
    informer.add_handler(lambda event: assert_type(event.new, Gadget | None) and event.type is EventType.ADDED)
    informer.add_key_handler(keys.append, where=lambda gadget: gadget.size > 3)
    assert_type(informer.statistics(), InformerStatistics)
    assert_type(informer.state, InformerState)
    gadget = Gadget()
    informer.wait_for(gadget, timeout=5)
    informer.wait_for_deleted(gadget)


def predicates(informer: SharedInformer[Gadget], other: Predicate[Gadget]) -> None:
    assert_type(generation_changed | labels_changed, Predicate[object])
    assert_type(generation_changed & other, Predicate[Gadget])
    assert_type(other | generation_changed, Predicate[Gadget])
    assert_type(~other, Predicate[Gadget])
    assert_type(satisfies(is_big), Predicate[Gadget])
    assert_type(resource_version_changed & matches_labels("app=web"), Predicate[object])
    both = generation_changed & satisfies(is_big) & ~matches_labels("app=web")
    assert_type(both, Predicate[Gadget])
    informer.add_key_handler(print, where=both)
    informer.add_handler(print, where=generation_changed | labels_changed)
    informer.add_event_handler(on_add=print_size, where=labels_changed & other)


def indexes(informer: SharedInformer[Gadget]) -> None:
    assert_type(informer.add_index(field_index("spec.nodeName")), Index[Gadget])
    assert_type(informer.add_index(label_index("app")), Index[Gadget])
    by_size = informer.add_index(index("size", lambda gadget: [str(gadget.size)]))
    assert_type(by_size["1"], Snapshot[Gadget])
