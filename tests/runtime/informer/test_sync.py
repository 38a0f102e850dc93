"""When an informer has synced, when its handlers have, and that it stays so whatever comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kinform.errors import CacheNotSyncedError, ExpiredError, Status
from kinform.informer import InformerState
from kinform.meta import ObjectKey

if TYPE_CHECKING:
    from tests.runtime.informer.conftest import MakeInformer, MakePod, Pod, Recorder

    from kinform.informer import SharedInformer
    from kinform.testing.fake_source import FakeFeed, FakeSource


@pytest.mark.scenario("trap-07")
def test_changes_do_not_make_a_sync_but_a_complete_list_does_even_an_empty_one(
    informer: SharedInformer[Pod], feed: FakeFeed, make: MakeInformer, source: FakeSource, pod: MakePod
) -> None:
    """In client-go any change before the first list counts as a sync."""
    feed.upsert(pod("early", 1))
    assert not informer.has_synced()
    with pytest.raises(CacheNotSyncedError):
        informer.read_entries()
    feed.replace(resource_version=2)
    assert informer.has_synced()
    assert informer.read_entries() == []
    empty = make()
    empty.start()
    source.feed().replace(resource_version=1)
    assert empty.has_synced()


@pytest.mark.scenario("trap-07")
@pytest.mark.scenario("invariant-10")
def test_synced_once_is_synced_for_ever(informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod) -> None:
    registration = informer.add_key_handler(lambda key: None)
    feed.replace(pod("a", 1), resource_version=1)
    registration.wait_for_sync(10)
    feed.fail(ExpiredError(Status(410, "Expired", "too old resource version")))
    assert informer.has_synced()
    assert registration.has_synced()
    assert informer.state is InformerState.SYNCED
    assert informer.read_entry(ObjectKey("shop", "a")) is not None, "a relist does not take the cache away"
    feed.replace(resource_version=9)
    assert informer.has_synced()
    assert registration.has_synced()


@pytest.mark.scenario("trap-07")
@pytest.mark.scenario("trap-09")
def test_what_the_first_list_finds_deleted_counts_for_the_sync_of_a_handler(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    gate = heard.block()
    registration = informer.add_handler(heard.on_event)
    feed.upsert(pod("early", 1))
    heard.wait_until_inside()
    feed.replace(pod("a", 2), resource_version=2)
    assert informer.has_synced()
    assert not registration.has_synced(), "the cache is filled, but nobody has been told"
    gate.set()
    registration.wait_for_sync(10)
    assert heard.take(3) == ["ADDED early@1 initial", "DELETED early@1 final_state_unknown", "ADDED a@2 initial"]


@pytest.mark.scenario("trap-08")
def test_initial_is_what_the_first_list_of_each_namespace_brings_and_nothing_later(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder]
) -> None:
    informer = make(namespaces=("shop", "test"))
    heard = recorder()
    informer.add_handler(heard.on_event)
    informer.start()
    shop, test = source.feed(namespace="shop"), source.feed(namespace="test")
    shop.replace(pod("a", 1), resource_version=1)
    shop.upsert(pod("b", 2))
    test.replace(pod("c", 3, namespace="test"), resource_version=3)
    test.replace(pod("c", 4, namespace="test"), pod("d", 5, namespace="test"), resource_version=5)
    assert heard.take(5) == [
        "ADDED a@1 initial",
        "ADDED b@2",
        "ADDED c@3 initial",
        "MODIFIED c@3 c@4",
        "ADDED d@5",
    ]
