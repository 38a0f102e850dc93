"""Factories against an API server in memory, by a clock that is moved by hand; and what each test leaves: nothing."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from kinform.reflector import STREAMING_SUPPORT
from kinform.testing import Server, VirtualClock
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import Container, Pod, PodSpec
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import NODES, PODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kinform import ErrorReport, Event

    Connect: TypeAlias = Callable[..., SharedInformerFactory]


@pytest.fixture(autouse=True)
def clean(nothing_is_left: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left; and no test learns from another that a server cannot stream."""
    monkeypatch.setattr(STREAMING_SUPPORT, "_refused", {})


def pod(name: str, namespace: str = "shop", *, node: str = "", app: str = "web", image: str = "nginx") -> Pod:
    return Pod(
        metadata=ObjectMeta(name=name, namespace=namespace, labels={"app": app}),
        spec=PodSpec(node_name=node, containers=[Container(name="main", image=image)]),
    )


class Heard:
    """What a handler was told, as short text."""

    def __init__(self) -> None:
        self._calls: queue.Queue[str] = queue.Queue()

    def __call__(self, event: Event[object]) -> None:
        flags = " initial" if event.initial else " unknown" if event.final_state_unknown else ""
        self._calls.put(f"{event.type} {event.key.name}{flags}")

    def take(self, count: int) -> list[str]:
        return [self._calls.get(timeout=10) for _ in range(count)]

    @property
    def nothing_more(self) -> bool:
        return self._calls.empty()


class Errors:
    """What ``on_error`` was told."""

    def __init__(self) -> None:
        self.all: list[ErrorReport] = []
        self._changed = threading.Condition()

    def __call__(self, report: ErrorReport) -> None:
        with self._changed:
            self.all.append(report)
            self._changed.notify_all()

    def wait_for(self, reason: str, count: int = 1) -> ErrorReport:
        def found() -> list[ErrorReport]:
            return [each for each in self.all if each.reason == reason]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, 10), f"no {reason!r} among {self.all}"
            return found()[count - 1]


@pytest.fixture(params=["on", "off"], ids=["streaming", "paging"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The same of either way to fetch everything."""
    with Server([PODS, NODES], watch_list=request.param) as server:
        yield server


@pytest.fixture
def streaming() -> Iterator[Server]:
    with Server([PODS, NODES]) as server:
        yield server


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def errors() -> Errors:
    return Errors()


@pytest.fixture
def connect(clock: VirtualClock, errors: Errors) -> Iterator[Connect]:
    """Makes factories by that clock; stops them in the end, which must leave nothing running."""
    made: list[SharedInformerFactory] = []

    def connect(server: Server, **options: Any) -> SharedInformerFactory:
        source = options.pop("source", None) or server.client()
        factory = SharedInformerFactory(source, clock=clock, **options)
        factory.on_error(errors)
        made.append(factory)
        return factory

    yield connect
    assert [factory.stop(10).unfinished for factory in made] == [()] * len(made)


def let_it_retry(clock: VirtualClock) -> float:
    """Passes the wait that stands before the next request, and tells how many seconds that was."""
    clock.wait_for_deadline(60)
    left = clock.next_deadline
    assert left is not None
    clock.advance(left)
    return left


def watches_asked_for(server: Server) -> list[dict[str, str]]:
    return [dict(each.query) for each in server.requests if each.verb == "watch"]


def lists_asked_for(server: Server) -> list[dict[str, str]]:
    return [dict(each.query) for each in server.requests if each.verb == "list"]
