"""Factories that are fed by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import urllib3

from kinform.factory import InformerFactory, InformerOptions, ResourceInformer
from kinform.lister import NamespacedLister
from kinform.meta import Resource
from kinform.testing.clock import VirtualClock
from kinform.testing.fake_source import FakeSource
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self, Unpack

    from kinform.clock import Clock
    from kinform.informer.source import SourceFactory
    from kinform.transport import ApiSource

PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)


class Thing:
    """The least that a model can be."""

    def __init__(self, doc: dict[str, Any]) -> None:
        self.doc = doc
        self.name: str = doc["metadata"]["name"]

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        return cls(json.loads(data))

    def to_wire(self) -> bytes:
        return json.dumps(self.doc).encode()


class Pod(Thing):
    pass


class Node(Thing):
    pass


class PodInformer(ResourceInformer[Pod]):
    """As generated."""

    def __init__(self, factory: InformerFactory, **options: Unpack[InformerOptions]) -> None:
        super().__init__(factory, PODS, Pod, options)

    def lister(self, *, allow_unsynced: bool = False) -> NamespacedLister[Pod]:
        return NamespacedLister(self.informer(), allow_unsynced=allow_unsynced)


class NodeInformer(ResourceInformer[Node]):
    """As generated."""

    def __init__(self, factory: InformerFactory, **options: Unpack[InformerOptions]) -> None:
        super().__init__(factory, NODES, Node, options)


class Factory(InformerFactory):
    """As generated, less the groups and versions."""

    def pods(self, **options: Unpack[InformerOptions]) -> PodInformer:
        return self.resource_informer(PodInformer, **options)

    def nodes(self, **options: Unpack[InformerOptions]) -> NodeInformer:
        return self.resource_informer(NodeInformer, **options)


class FactoryOptions(InformerOptions, total=False):
    """What a factory can be made with."""

    clock: Clock
    source_factory: SourceFactory


class MakeFactory(Protocol):
    def __call__(self, source: ApiSource | Transport = ..., **options: Unpack[FactoryOptions]) -> Factory: ...


class MakeThing(Protocol):
    def __call__(self, name: str, rv: int = 1, *, namespace: str = "shop") -> Pod: ...


@pytest.fixture(autouse=True)
def clean(nothing_is_left: None) -> None:
    pass


@pytest.fixture
def client() -> SimpleNamespace:
    """An API client that leads nowhere."""
    return SimpleNamespace(
        configuration=SimpleNamespace(host="http://127.0.0.1:1"),
        rest_client=SimpleNamespace(pool_manager=urllib3.PoolManager()),
        default_headers={},
    )


@pytest.fixture
def transport(client: SimpleNamespace) -> Iterator[Transport]:
    with Transport(client) as transport:
        yield transport


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def make(transport: Transport, source: FakeSource, clock: VirtualClock) -> Iterator[MakeFactory]:
    """Makes factories, and stops them in the end."""
    made: list[Factory] = []
    usual: FactoryOptions = {"source_factory": source, "clock": clock}

    def make(source: ApiSource | Transport = transport, **options: Unpack[FactoryOptions]) -> Factory:
        given: FactoryOptions = {**usual, **options}
        factory = Factory(source, **given)
        made.append(factory)
        return factory

    yield make
    for factory in made:
        assert factory.stop(10).clean


@pytest.fixture
def factory(make: MakeFactory) -> Factory:
    return make()


@pytest.fixture
def thing() -> MakeThing:
    """Makes objects as the server sends them."""

    def make(name: str, rv: int = 1, *, namespace: str = "shop") -> Pod:
        metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": str(rv)}
        return Pod({"metadata": metadata})

    return make
