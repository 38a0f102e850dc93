"""Factories that are fed by hand."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import urllib3

from kinform.factory import InformerFactory, ResourceInformer
from kinform.lister import NamespacedLister
from kinform.meta import Resource
from kinform.testing.clock import VirtualClock
from kinform.testing.fake_source import FakeSource
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)


class Thing:
    """The least that a model can be."""

    def __init__(self, doc: dict) -> None:
        self.doc = doc
        self.name = doc["metadata"]["name"]

    @classmethod
    def from_wire(cls, data: bytes) -> Thing:
        return cls(json.loads(data))

    def to_wire(self) -> bytes:
        return json.dumps(self.doc).encode()


class Pod(Thing):
    pass


class Node(Thing):
    pass


class PodInformer(ResourceInformer):
    """As generated."""

    def __init__(self, factory: InformerFactory, **options) -> None:
        super().__init__(factory, PODS, Pod, options)

    def lister(self, *, allow_unsynced: bool = False) -> NamespacedLister:
        return NamespacedLister(self.informer(), allow_unsynced=allow_unsynced)


class NodeInformer(ResourceInformer):
    """As generated."""

    def __init__(self, factory: InformerFactory, **options) -> None:
        super().__init__(factory, NODES, Node, options)


class Factory(InformerFactory):
    """As generated, less the groups and versions."""

    def pods(self, **options) -> PodInformer:
        return self.resource_informer(PodInformer, **options)

    def nodes(self, **options) -> NodeInformer:
        return self.resource_informer(NodeInformer, **options)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(5)
    assert not [thread.name for thread in left if thread.is_alive()]


@pytest.fixture
def client() -> SimpleNamespace:
    """An API client that leads nowhere."""
    return SimpleNamespace(
        configuration=SimpleNamespace(host="http://127.0.0.1:1"),
        rest_client=SimpleNamespace(pool_manager=urllib3.PoolManager()),
        default_headers={},
    )


@pytest.fixture
def transport(client) -> Iterator[Transport]:
    with Transport(client) as transport:
        yield transport


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def make(transport, source, clock) -> Iterator[Callable[..., Factory]]:
    """Makes factories, and stops them in the end."""
    made = []

    def make(**options) -> Factory:
        given = {"source_factory": source, "clock": clock, **options}
        factory = Factory(given.pop("source", transport), **given)
        made.append(factory)
        return factory

    yield make
    for factory in made:
        assert factory.stop(10).clean


@pytest.fixture
def factory(make) -> Factory:
    return make()


@pytest.fixture
def thing() -> Callable[..., Pod]:
    """Makes objects as the server sends them."""

    def make(name: str, rv: int = 1, *, namespace: str = "shop") -> Pod:
        metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": str(rv)}
        return Pod({"metadata": metadata})

    return make
