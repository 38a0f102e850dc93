"""Starting, awaiting, and stopping all informers of a factory."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Never

import pytest

from kinform.errors import (
    CacheSyncError,
    ConfigurationError,
    ForbiddenError,
    InformerNotStartedError,
    InformerStoppedError,
    Status,
    TransportError,
)
from kinform.informer import InformerState

if TYPE_CHECKING:
    from types import SimpleNamespace

    from tests.runtime.factory.conftest import Factory, MakeFactory, MakeThing, Pod

    from kinform.informer import ErrorReport, Event
    from kinform.informer.source import SourceRequest
    from kinform.testing.clock import VirtualClock
    from kinform.testing.fake_source import FakeSource
    from kinform.transport import Transport


def test_nothing_is_watched_before_it_is_asked_for_and_started(factory: Factory, source: FakeSource) -> None:
    factory.pods()
    factory.start()
    assert source.feeds == []
    factory.pods().lister()
    assert len(source.feeds) == 1
    factory.nodes().informer()
    assert len(source.feeds) == 2


@pytest.mark.scenario("trap-29")
def test_starting_again_is_harmless_and_takes_in_late_informers(factory: Factory, source: FakeSource) -> None:
    factory.pods().informer()
    assert source.feeds == []
    factory.start()
    factory.start()
    assert len(source.feeds) == 1
    factory.nodes().informer()
    factory.start()
    assert [feed.started for feed in source.feeds] == [True, True]


def test_waiting_for_the_caches(factory: Factory, source: FakeSource) -> None:
    factory.pods().informer()
    with pytest.raises(InformerNotStartedError):
        factory.wait_for_cache_sync(0)
    with factory:
        source.feed().replace(resource_version=1)
        factory.wait_for_cache_sync(0)
        factory.wait_for_cache_sync()


def test_without_informers_there_is_nothing_to_wait_for(factory: Factory) -> None:
    with factory:
        factory.wait_for_cache_sync()


@pytest.mark.scenario("M08")
def test_what_has_not_synced_is_named_with_its_last_error(factory: Factory, source: FakeSource) -> None:
    for informer in (factory.pods(), factory.nodes(), factory.pods(label_selector="a=b")):
        informer.informer()
    with factory:
        pods, nodes, _ = source.feeds
        pods.replace(resource_version=1)
        refusal = ForbiddenError(Status(code=403, message="nodes is forbidden"))
        nodes.fail(TransportError("refused"))
        nodes.fail(refusal)
        with pytest.raises(CacheSyncError) as caught:
            factory.wait_for_cache_sync(0)
    assert caught.value.missing == {"nodes/v1": refusal, "pods/v1 (a=b)": None}
    assert str(caught.value) == (
        "2 of 3 informers have not synced within 0 s: nodes/v1: nodes is forbidden; pods/v1 (a=b): no answer yet"
    )


class Waiting:
    """``wait_for_cache_sync`` in a thread of its own."""

    def __init__(
        self, factory: Factory, timeout: float | None = None, *, cancel: threading.Event | None = None
    ) -> None:
        self.error: BaseException | None = None

        def run() -> None:
            try:
                factory.wait_for_cache_sync(timeout, cancel=cancel)
            except BaseException as error:  # noqa: BLE001
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def end(self) -> BaseException | None:
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.error


@pytest.mark.scenario("M07b")
def test_the_wait_ends_with_the_last_sync(factory: Factory, source: FakeSource, clock: VirtualClock) -> None:
    factory.pods().informer()
    factory.nodes().informer()
    with factory:
        waiting = Waiting(factory, 30)
        clock.wait_for_waiters(1)
        source.feeds[0].replace(resource_version=1)
        clock.wait_for_waiters(1)
        assert waiting.thread.is_alive()
        source.feeds[1].replace(resource_version=1)
        assert waiting.end() is None


@pytest.mark.scenario("M07c")
@pytest.mark.scenario("M07f")
def test_the_deadline_is_one_for_all(factory: Factory, source: FakeSource, clock: VirtualClock) -> None:
    for informer in (factory.pods(), factory.nodes(), factory.pods(namespace="x")):
        informer.informer()
    with factory:
        waiting = Waiting(factory, 60)
        clock.wait_for_deadline(60)
        clock.advance(59)
        source.feeds[0].replace(resource_version=1)
        clock.wait_for_deadline(1)
        clock.advance(1)
        error = waiting.end()
    assert isinstance(error, CacheSyncError)
    assert sorted(error.missing) == ["nodes/v1", "pods/v1 in x"]


def test_a_stop_ends_the_wait(factory: Factory, clock: VirtualClock) -> None:
    factory.pods().informer()
    factory.start()
    waiting = Waiting(factory)
    clock.wait_for_waiters(1)
    factory.stop(10)
    error = waiting.end()
    assert isinstance(error, CacheSyncError)
    assert "before the factory was stopped" in str(error)
    assert list(error.missing) == ["pods/v1"]


@pytest.mark.scenario("M07d")
def test_the_wait_can_be_cancelled(factory: Factory, source: FakeSource, clock: VirtualClock) -> None:
    factory.pods().informer()
    cancel = threading.Event()
    with factory:
        waiting = Waiting(factory, 30, cancel=cancel)
        clock.wait_for_deadline(0.1)
        clock.advance(0.1)
        clock.wait_for_deadline(0.1)
        assert waiting.thread.is_alive()
        cancel.set()
        clock.advance(0.1)
        assert waiting.end() is None
        factory.wait_for_cache_sync(cancel=cancel)
        timed = Waiting(factory, 0.25, cancel=threading.Event())
        for _ in range(3):
            clock.wait_for_waiters(1)
            clock.advance(0.1)
        assert isinstance(timed.end(), CacheSyncError)
        source.feed().replace(resource_version=1)
        factory.wait_for_cache_sync(cancel=threading.Event())


@pytest.mark.scenario("trap-29")
def test_stopping_ends_everything_and_for_good(factory: Factory, source: FakeSource, thing: MakeThing) -> None:
    informer = factory.pods().informer()
    factory.start()
    source.feed().replace(thing("a"), resource_version=1)
    assert factory.stop().clean
    assert factory.stop().clean
    assert source.feed().stopped
    assert informer.state is InformerState.STOPPED
    assert factory.pods().informer() is informer
    assert len(factory.pods().lister().keys()) == 1
    with pytest.raises(InformerStoppedError):
        factory.start()
    with pytest.raises(InformerStoppedError, match="nodes/v1"):
        factory.nodes().informer()


def test_stopping_before_the_start(factory: Factory) -> None:
    factory.pods().informer()
    assert factory.stop().clean
    with pytest.raises(InformerStoppedError):
        factory.start()


def test_all_informers_share_one_deadline_and_what_is_left_is_named(
    make: MakeFactory, source: FakeSource, thing: MakeThing, caplog: pytest.LogCaptureFixture
) -> None:
    factory = make()
    gate = threading.Event()
    entered = threading.Semaphore(0)

    def stuck(event: Event[Pod]) -> None:
        entered.release()
        assert gate.wait(30)

    for label in ("a", "b", "c"):
        factory.pods(label_selector=label).informer().add_handler(stuck, name=f"stuck {label}")
    factory.start()
    for feed in source.feeds:
        feed.replace(thing("x"), resource_version=1)
    for _ in range(3):
        assert entered.acquire(timeout=10)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING, logger="kinform"):
        result = factory.stop(0.2)
    assert time.monotonic() - began < 2
    assert result.unfinished == tuple(f"kinform pods/v1 ({label}): stuck {label}" for label in ("a", "b", "c"))
    assert "still running 0.2 s after stop(): kinform pods/v1 (a): stuck a;" in caplog.text
    gate.set()
    assert factory.stop(10).clean


def test_a_transport_of_ones_own_is_closed_and_a_shared_one_is_not(
    make: MakeFactory, client: SimpleNamespace, transport: Transport
) -> None:
    own, shared = make(source=lambda: client), make()
    assert shared.transport is transport
    assert own.transport is not transport
    own.stop()
    shared.stop()
    with pytest.raises(TransportError, match="closed"):
        own.transport.request("GET", "/version", timeout=1)
    with pytest.raises(TransportError) as caught:
        shared.transport.request("GET", "/version", timeout=1)
    assert "closed" not in str(caught.value)


def test_a_source_that_finds_no_configuration_fails_at_once(make: MakeFactory) -> None:
    def broken() -> Never:
        raise ConfigurationError("no kubeconfig")

    with pytest.raises(ConfigurationError, match="no kubeconfig"):
        make(source=broken)


def test_a_factory_that_cannot_start_is_stopped_on_the_way_out(make: MakeFactory, source: FakeSource) -> None:
    def refuse(request: SourceRequest) -> Never:
        raise RuntimeError("can't start new thread")

    factory = make(source_factory=refuse)
    factory.pods().informer()
    with pytest.raises(RuntimeError, match="new thread"), factory:
        pytest.fail("entered")
    with pytest.raises(InformerStoppedError):
        factory.start()


def test_every_error_that_is_swallowed_is_heard(
    factory: Factory, source: FakeSource, thing: MakeThing, caplog: pytest.LogCaptureFixture
) -> None:
    first: list[ErrorReport] = []
    second: list[ErrorReport] = []
    done = threading.Event()

    def broken(report: ErrorReport) -> None:
        raise SystemExit("not me") if report.handler else ValueError("not me")

    def note(report: ErrorReport) -> None:
        second.append(report)
        if report.handler:
            done.set()

    factory.on_error(first.append)
    factory.on_error(broken)
    factory.on_error(note)

    def handler(pod: Pod) -> None:
        raise RuntimeError("handler")

    factory.pods().informer().add_event_handler(on_add=handler, name="mine")
    with factory:
        source.feed().fail(TransportError("connection refused"))
        source.feed().replace(thing("a"), resource_version=1)
        assert done.wait(10)
    assert first == second
    assert [(each.informer, each.reason, each.handler) for each in first] == [
        ("pods/v1", "connection", ""),
        ("pods/v1", "handler", "mine"),
    ]
    assert caplog.text.count("an on_error callback raised") == 2


def test_statistics(factory: Factory, source: FakeSource, thing: MakeThing) -> None:
    factory.pods().informer()
    factory.nodes().informer()
    before = factory.statistics()
    assert (before.started, before.synced, before.objects) == (False, False, 0)
    with factory:
        source.feeds[0].replace(thing("a"), thing("b"), resource_version=1)
        now = factory.statistics()
        assert (now.started, now.synced, now.connected, now.objects) == (True, False, False, 2)
        assert now.bytes == now.informers["pods/v1"].bytes > 0
        source.feeds[1].replace(resource_version=1)
        now = factory.statistics()
        assert (now.synced, now.connected) == (True, True)
        assert sorted(now.informers) == ["nodes/v1", "pods/v1"]
    assert not factory.statistics().started


def test_statistics_of_all_watches(
    factory: Factory, source: FakeSource, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory.pods().informer()
    factory.nodes().informer()
    assert factory.statistics().last_event is None
    with factory:
        for feed, heard, restarts in zip(
            source.feeds, (30.0, 20.0), ({"closed": 2, "expired": 1}, {"closed": 1}), strict=True
        ):
            as_if = replace(feed.statistics(), last_activity=clock.monotonic() - heard, restarts=restarts)
            monkeypatch.setattr(feed, "statistics", lambda as_if=as_if: as_if)
        source.feeds[1].fail(TransportError("cut"))
        now = factory.statistics()
    assert now.last_event == 20.0
    assert now.restarts == {"closed": 3, "expired": 1}
    assert now.errors == 1
    assert now.informers["pods/v1"].last_event == 30.0


def test_many_threads_that_ask_at_once_get_one_informer(factory: Factory, source: FakeSource) -> None:
    factory.start()
    found = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait(10)
        found.append((factory.pods(), factory.pods().informer()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(set(found)) == 1
    assert len(source.feeds) == 1
