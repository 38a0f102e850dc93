"""Removing handlers: what waits is dropped, what runs is waited for, and nothing is left."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from kinform.errors import CacheSyncError, InformerStoppedError

if TYPE_CHECKING:
    from tests.runtime.informer.conftest import MakeInformer, MakePod, Pod, Recorder

    from kinform.informer import Event, SharedInformer
    from kinform.testing.clock import VirtualClock
    from kinform.testing.fake_source import FakeFeed, FakeSource


@pytest.mark.scenario("S10")
@pytest.mark.scenario("S18")
def test_a_removed_handler_hears_no_more(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    removed, kept = recorder(), recorder()
    registration = informer.add_handler(removed.on_event)
    informer.add_handler(kept.on_event)
    assert len(informer.statistics().handlers) == 2
    feed.replace(pod("pod1", 1), resource_version=1)
    assert removed.take(1) == ["ADDED pod1@1 initial"]
    assert registration.remove(10)
    assert len(informer.statistics().handlers) == 1
    feed.upsert(pod("pod2", 2))
    assert kept.take(2) == ["ADDED pod1@1 initial", "ADDED pod2@2"]
    assert removed.calls.empty()


@pytest.mark.scenario("S23")
@pytest.mark.scenario("trap-11")
def test_with_no_time_to_wait_removal_returns_while_a_call_runs_on_and_says_so(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    """client-go's RemoveEventHandler never waits; here it is ``timeout=0``, and the caller is told."""
    heard = recorder()
    gate = heard.block()
    registration = informer.add_handler(heard.on_event)
    feed.replace(pod("a", 1), pod("b", 2), resource_version=2)
    heard.wait_until_inside()
    assert not registration.remove(0)
    assert registration.statistics().pending == 0
    assert heard.calls.empty()
    gate.set()
    assert heard.take(1) == ["ADDED a@1 initial"]
    assert registration.remove(10)
    assert heard.calls.empty()  # what waited was dropped


@pytest.mark.scenario("S24")
@pytest.mark.scenario("trap-11")
def test_removal_returns_when_the_running_call_has_returned(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    gate = heard.block()
    registration = informer.add_handler(heard.on_event)
    feed.replace(pod("a", 1), pod("b", 2), resource_version=2)
    heard.wait_until_inside()
    closed = threading.Event()

    def remove() -> None:
        registration.remove()
        closed.set()

    remover = threading.Thread(target=remove)
    remover.start()
    assert not closed.is_set()
    gate.set()
    remover.join(10)
    assert closed.is_set()
    assert heard.take(1) == ["ADDED a@1 initial"]
    assert not any(thread.is_alive() for thread in heard.threads)


@pytest.mark.scenario("trap-11")
def test_a_handler_can_remove_itself(informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod) -> None:
    calls = []
    done = threading.Event()

    def once(event: Event[Pod]) -> None:
        calls.append(event.key.name)
        assert registration.remove()
        done.set()

    registration = informer.add_handler(once)
    feed.replace(pod("a", 1), pod("b", 2), resource_version=2)
    assert done.wait(10)
    assert registration.remove(10)
    assert calls == ["a"]


@pytest.mark.scenario("S13")
def test_removing_again_is_harmless(informer: SharedInformer[Pod], recorder: type[Recorder]) -> None:
    registration = informer.add_handler(recorder().on_event)
    assert registration.remove(10)
    assert registration.remove(10)


@pytest.mark.scenario("S11")
def test_a_registration_knows_its_informer(make: MakeInformer, recorder: type[Recorder]) -> None:
    """client-go's RemoveEventHandler may be called on the wrong informer; here there is nothing to get wrong."""
    one, other = make(), make()
    registration = one.add_handler(recorder().on_event)
    other.add_handler(recorder().on_event)
    registration.remove(10)
    assert len(one.statistics().handlers) == 0
    assert len(other.statistics().handlers) == 1


@pytest.mark.scenario("S17")
def test_removal_after_the_informers_stop(informer: SharedInformer[Pod], recorder: type[Recorder]) -> None:
    registration = informer.add_handler(recorder().on_event)
    informer.stop(10)
    assert registration.remove(10)


@pytest.mark.scenario("S25a")
@pytest.mark.scenario("S20c")
def test_removal_from_an_informer_that_was_never_started(make: MakeInformer, recorder: type[Recorder]) -> None:
    informer = make()
    registration = informer.add_handler(recorder().on_event)
    assert threading.active_count() == len(threading.enumerate())
    assert not any("handler" in thread.name or "kinform" in thread.name for thread in threading.enumerate())
    assert registration.remove()


@pytest.mark.scenario("S25b")
@pytest.mark.scenario("S25c")
@pytest.mark.scenario("S20a")
@pytest.mark.scenario("S20b")
def test_removal_before_and_after_the_sync_leaves_no_thread(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder]
) -> None:
    informer = make()
    early = informer.add_handler(recorder().on_event)
    informer.start()
    source.feed().replace(pod("a", 1), resource_version=1)
    late = informer.add_handler(recorder().on_event)
    assert early.remove(10)
    assert late.remove(10)
    assert not any("kinform" in thread.name for thread in threading.enumerate())


def test_waiting_for_the_sync_of_a_removed_handler_ends(
    informer: SharedInformer[Pod], recorder: type[Recorder]
) -> None:
    registration = informer.add_handler(recorder().on_event)
    waiting = threading.Thread(target=registration.remove)
    waiting.start()
    with pytest.raises(InformerStoppedError):
        registration.wait_for_sync()
    waiting.join(10)


def test_waiting_for_a_handlers_sync_ends_with_its_time(
    informer: SharedInformer[Pod], recorder: type[Recorder], clock: VirtualClock
) -> None:
    registration = informer.add_handler(recorder().on_event)
    errors = []

    def wait() -> None:
        try:
            registration.wait_for_sync(30)
        except CacheSyncError as error:
            errors.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    clock.wait_for_deadline(30)
    clock.advance(30)
    waiting.join(10)
    assert "within 30 s" in str(errors[0])


def test_a_removed_handler_that_is_still_in_a_call_is_named_by_stop(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    gate = heard.block()
    registration = informer.add_handler(heard.on_event, name="slowpoke")
    feed.replace(pod("a", 1), resource_version=1)
    heard.wait_until_inside()
    assert not registration.remove(0)
    result = informer.stop(0.05)
    assert result.unfinished == ("kinform pods/v1: slowpoke",)
    gate.set()
    assert informer.stop(10).clean
