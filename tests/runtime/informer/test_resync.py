"""Resync: each handler by its own clock, from the cache, whatever the connection does."""

from __future__ import annotations

import queue
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from kinform.informer import generation_changed, resource_version_changed
from kinform.informer.options import resync_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.informer.conftest import MakeInformer, MakePod, Pod, Recorder

    from kinform.informer import SharedInformer
    from kinform.testing.clock import VirtualClock
    from kinform.testing.fake_source import FakeFeed, FakeSource


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.fixture
def heard_of_both(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> Callable[..., list[Recorder]]:
    """Registers handlers with these periods, which all hear of two pods; returns what they heard with."""

    def start(*periods: timedelta | None) -> list[Recorder]:
        recorders = [recorder() for _ in periods]
        registrations = [
            informer.add_handler(heard.on_event, resync=period)
            for heard, period in zip(recorders, periods, strict=True)
        ]
        feed.replace(pod("pod1", 1), pod("pod2", 2), resource_version=2)
        for heard in recorders:
            assert heard.take(2) == ["ADDED pod1@1 initial", "ADDED pod2@2 initial"]
        for registration in registrations:
            registration.wait_for_sync(10)
        clock.wait_for_waiters(len(periods))
        return recorders

    return start


BOTH = ["MODIFIED pod1@1 pod1@1", "MODIFIED pod2@2 pod2@2"]


@pytest.mark.scenario("S02")
@pytest.mark.scenario("S03")
def test_each_handler_is_told_again_by_its_own_period(
    heard_of_both: Callable[..., list[Recorder]], clock: VirtualClock
) -> None:
    never, two, three = heard_of_both(None, seconds(2), seconds(3))
    clock.advance(2)
    assert two.take(2) == BOTH
    clock.wait_for_deadline(1)
    assert never.calls.empty()
    assert three.calls.empty()
    clock.advance(1)
    assert three.take(2) == BOTH
    clock.wait_for_waiters(3)
    clock.advance(1)
    assert two.take(2) == BOTH
    assert never.calls.empty()


@pytest.mark.scenario("S06")
@pytest.mark.scenario("trap-05")
def test_a_relist_tells_of_what_changed_only_and_resync_waits_for_no_connection(
    heard_of_both: Callable[..., list[Recorder]],
    feed: FakeFeed,
    pod: MakePod,
    clock: VirtualClock,
    recorder: type[Recorder],
) -> None:
    """client-go tells a handler with resync of unchanged objects in a relist; here relists and resyncs are apart."""
    plain, resyncing = heard_of_both(None, seconds(1))
    # The connection is down: pod3 has come and pod2 has changed at the server, but nobody hears of it.
    clock.advance(1)
    assert resyncing.take(2) == BOTH
    # It comes back, and a relist finds out.
    feed.replace(pod("pod1", 1), pod("pod2", 3), pod("pod3", 4), resource_version=4)
    assert plain.take(2) == resyncing.take(2) == ["MODIFIED pod2@2 pod2@3", "ADDED pod3@4"]
    clock.wait_for_waiters(2)
    assert plain.calls.empty()
    assert resyncing.calls.empty()


def test_relists_do_not_put_off_the_resync(
    heard_of_both: Callable[..., list[Recorder]], feed: FakeFeed, pod: MakePod, clock: VirtualClock
) -> None:
    """O6: with the timer inside the watch loop, a stream that is cut sooner than the period means no resync at all."""
    (heard,) = heard_of_both(seconds(10))
    for n in range(1, 10):
        clock.advance(1)
        feed.replace(pod("pod1", 1), pod("pod2", 2), resource_version=10 + n)
    assert heard.calls.empty()
    clock.advance(1)
    assert heard.take(2) == BOTH  # O7: with the old object, so that handlers can tell that nothing changed


@pytest.mark.scenario("D14")
@pytest.mark.scenario("trap-06")
def test_a_resync_never_tells_an_older_state_after_a_newer_one(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> None:
    heard = recorder()
    registration = informer.add_handler(heard.on_event, resync=seconds(5))
    feed.replace(pod("a", 1), pod("b", 2), pod("c", 3), resource_version=3)
    registration.wait_for_sync(10)
    heard.take(3)
    while heard.entered.acquire(blocking=False):
        pass
    gate = heard.block()
    clock.wait_for_waiters(1)
    clock.advance(5)
    heard.wait_until_inside()  # in the resync's first call
    feed.upsert(pod("b", 4))
    feed.remove(pod("c", 5))
    gate.set()
    assert heard.take(3) == ["MODIFIED a@1 a@1", "MODIFIED b@2 b@4", "DELETED c@5"]
    clock.wait_for_waiters(1)
    assert heard.calls.empty()


def test_a_resync_that_takes_longer_than_its_period_is_not_started_twice(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> None:
    heard = recorder()
    registration = informer.add_handler(heard.on_event, resync=seconds(5))
    feed.replace(pod("a", 1), pod("b", 2), resource_version=3)
    registration.wait_for_sync(10)
    heard.take(2)
    while heard.entered.acquire(blocking=False):
        pass
    gate = heard.block()
    clock.wait_for_waiters(1)
    clock.advance(5)
    heard.wait_until_inside()
    clock.advance(20)
    gate.set()
    assert heard.take(2) == ["MODIFIED a@1 a@1", "MODIFIED b@2 b@2"]
    clock.wait_for_deadline(5)
    clock.advance(5)
    assert heard.take(2) == ["MODIFIED a@1 a@1", "MODIFIED b@2 b@2"]


def test_no_resync_before_the_handler_has_synced(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> None:
    informer = make(resync=seconds(1), namespaces=("shop", "test"))
    heard = recorder()
    registration = informer.add_handler(heard.on_event)
    informer.start()
    source.feed(namespace="shop").replace(pod("a", 1), resource_version=1)
    assert heard.take(1) == ["ADDED a@1 initial"]
    clock.wait_for_waiters(1)
    clock.advance(1)
    clock.wait_for_deadline(1)
    source.feed(namespace="test").replace(pod("b", 2, namespace="test"), resource_version=2)
    assert heard.take(1) == ["ADDED b@2 initial"]
    registration.wait_for_sync(10)
    clock.wait_for_deadline(1)
    assert heard.calls.empty()
    clock.advance(1)
    assert heard.take(2) == ["MODIFIED a@1 a@1", "MODIFIED b@2 b@2"]


@pytest.mark.scenario("S04a")
@pytest.mark.scenario("S04b")
@pytest.mark.scenario("S04c")
@pytest.mark.scenario("S04d")
@pytest.mark.scenario("trap-26")
def test_periods_are_what_each_handler_asked_for_and_the_informers_else(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> None:
    """client-go has one check period for all handlers, which late ones are raised to: here each has a clock."""
    informer = make(resync=seconds(60))
    informer.start()
    source.feed().replace(pod("a", 1), resource_version=1)
    default, never, own = recorder(), recorder(), recorder()
    registrations = [
        informer.add_handler(default.on_event),
        informer.add_handler(never.on_event, resync=timedelta(0)),
        informer.add_key_handler(own.on_key, resync=seconds(5)),
    ]
    for registration in registrations:
        registration.wait_for_sync(10)
    for heard in (default, never, own):
        heard.take(1)
    clock.wait_for_waiters(3)
    clock.advance(5)
    assert own.take(1) == ["key shop/a"]
    clock.advance(55)
    assert default.take(1) == ["MODIFIED a@1 a@1"]
    assert never.calls.empty()


@pytest.mark.scenario("trap-04")
def test_a_resync_passes_the_predicate_like_any_update(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> None:
    objects, changes = recorder(), recorder()
    registrations = [
        informer.add_handler(objects.on_event, resync=seconds(1), where=lambda pod: pod.name == "a"),
        informer.add_handler(changes.on_event, resync=seconds(1), where=generation_changed),
    ]
    feed.replace(pod("a", 1), pod("b", 2), resource_version=2)
    for registration in registrations:
        registration.wait_for_sync(10)
    objects.take(1)
    changes.take(2)
    clock.wait_for_waiters(2)
    clock.advance(1)
    assert objects.take(1) == ["MODIFIED a@1 a@1"]
    clock.wait_for_waiters(2)
    assert changes.calls.empty()


@pytest.mark.scenario("trap-06")
def test_a_resync_of_which_everything_has_changed_meanwhile_tells_nothing_twice(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> None:
    """More objects than are passed over in one go."""
    count = 700
    heard = recorder()
    registration = informer.add_handler(heard.on_event, resync=seconds(5))
    feed.replace(*(pod(f"p{n}", n + 1) for n in range(count)), resource_version=count)
    registration.wait_for_sync(10)
    heard.take(count)
    while heard.entered.acquire(blocking=False):
        pass
    gate = heard.block()
    clock.wait_for_waiters(1)
    clock.advance(5)
    heard.wait_until_inside()  # in the resync's first call
    feed.replace(*(pod(f"p{n}", 1000 + n) for n in range(count)), resource_version=5000)
    gate.set()
    assert heard.take(count + 1) == [
        "MODIFIED p0@1 p0@1",
        *(f"MODIFIED p{n}@{n + 1} p{n}@{1000 + n}" for n in range(count)),
    ]
    clock.wait_for_waiters(1)
    assert heard.calls.empty()


@pytest.mark.scenario("trap-05")
def test_only_what_a_resync_repeats_is_called_a_resync(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], clock: VirtualClock
) -> None:
    """Some aggregated APIs give no resourceVersions: an update there is news all the same."""
    told: queue.Queue[tuple[str, bool]] = queue.Queue()
    news = recorder()
    registrations = [
        informer.add_handler(lambda event: told.put((event.key.name, event.resync)), resync=seconds(5)),
        informer.add_handler(news.on_event, resync=seconds(5), where=resource_version_changed),
    ]
    feed.replace(pod("a", ""), resource_version="")
    for registration in registrations:
        registration.wait_for_sync(10)
    assert told.get(timeout=10) == ("a", False)
    feed.upsert(pod("a", "", changed=True))
    assert told.get(timeout=10) == ("a", False)
    assert news.take(2) == ["ADDED a@ initial", "MODIFIED a@ a@"]
    clock.wait_for_waiters(2)
    clock.advance(5)
    assert told.get(timeout=10) == ("a", True)
    clock.wait_for_waiters(2)
    assert news.calls.empty()


@pytest.mark.scenario("trap-26")
def test_periods_below_a_second_are_raised_and_negative_ones_refused(make: MakeInformer) -> None:
    assert resync_seconds(None) is None
    assert resync_seconds(timedelta(0)) is None
    assert resync_seconds(timedelta(milliseconds=5)) == 1.0
    assert resync_seconds(timedelta(minutes=2)) == 120.0
    with pytest.raises(ValueError, match="negative"):
        make(resync=timedelta(seconds=-1))
