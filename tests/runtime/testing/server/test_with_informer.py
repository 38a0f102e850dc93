"""The project's own informer on the server: both ways of a first fetch, and what it asks for after trouble."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any, Self

import pytest

from kinform.informer import SharedInformer
from kinform.meta import ObjectKey, Resource
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.runtime.testing.server.conftest import Api

    from kinform.informer import Event

PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)


class PodModel:
    """The least that is a model."""

    def __init__(self, wire: bytes) -> None:
        self.wire = wire

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        return cls(data)

    def to_wire(self) -> bytes:
        return self.wire


class Watched:
    """A server, a synced informer on its pods, and what the informer told."""

    def __init__(self, api: Api, informer: SharedInformer[PodModel], events: queue.Queue[Event[PodModel]]) -> None:
        self.api = api
        self.server = api.server
        self.informer = informer
        self._events = events

    def next(self) -> tuple[str, str, bool]:
        """The next event: type, name, and whether the last state may have been missed."""
        event = self._events.get(timeout=20)
        return str(event.type), event.key.name, event.final_state_unknown

    def verbs(self) -> list[str]:
        return [request.verb for request in self.server.requests]

    def cached(self) -> dict[ObjectKey, str]:
        return {entry.key: entry.resource_version for entry in self.informer.read_entries(None)}

    def stored(self) -> dict[ObjectKey, str]:
        found: dict[ObjectKey, str] = {}
        for obj in self.server.objects(PODS):
            metadata: Any = obj["metadata"]
            found[ObjectKey(metadata["namespace"], metadata["name"])] = metadata["resourceVersion"]
        return found


@pytest.fixture(params=["on", "off"])
def watched(request: pytest.FixtureRequest, serve: Callable[..., Api], pod: Callable[..., Any]) -> Iterator[Watched]:
    api = serve(watch_list=request.param)
    for name in ("a", "b", "c"):
        api.server.put(pod(name))
    events: queue.Queue[Event[PodModel]] = queue.Queue()
    transport = Transport(api.server.client())
    informer = SharedInformer(PODS, PodModel, transport)
    informer.add_handler(events.put)
    informer.start()
    try:
        informer.wait_for_sync(20)
        api.server.wait_for_watches(1)
        yield Watched(api, informer, events)
    finally:
        assert informer.stop().clean
        transport.close()
        api.server.wait_for_watches(0)


def test_first_fetch(watched: Watched) -> None:
    assert watched.verbs() in (["watch"], ["watch", "list", "watch"])
    assert watched.cached() == watched.stored()
    assert sorted(watched.next() for _ in range(3)) == [("ADDED", name, False) for name in "abc"]


def test_changes_arrive(watched: Watched, pod: Callable[..., Any]) -> None:
    for _ in range(3):
        watched.next()
    watched.api.post("/api/v1/namespaces/shop/pods", pod("d"))
    watched.api.merge("/api/v1/namespaces/shop/pods/a", {"spec": {"nodeName": "n1"}})
    watched.api.delete("/api/v1/namespaces/shop/pods/b")
    assert [watched.next() for _ in range(3)] == [
        ("ADDED", "d", False),
        ("MODIFIED", "a", False),
        ("DELETED", "b", False),
    ]
    assert watched.cached() == watched.stored()


def test_a_broken_watch_is_resumed(watched: Watched, pod: Callable[..., Any]) -> None:
    for _ in range(3):
        watched.next()
    watched.server.clear_requests()
    with watched.server.outage():
        watched.server.put(pod("d"))
    assert watched.next() == ("ADDED", "d", False)
    assert set(watched.verbs()) == {"watch"}
    assert all(request.query["resourceVersion"] not in {"", "0"} for request in watched.server.requests)
    assert watched.cached() == watched.stored()


def test_a_watch_that_cannot_be_resumed_is_made_up_for(watched: Watched, pod: Callable[..., Any]) -> None:
    for _ in range(3):
        watched.next()
    with watched.server.outage(keep_history=False):
        watched.server.delete(PODS, "b", "shop")
        watched.server.put(pod("d"))
    assert sorted(watched.next() for _ in range(2)) == [("ADDED", "d", False), ("DELETED", "b", True)]
    assert watched.cached() == watched.stored()
