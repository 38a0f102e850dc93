"""Reading one's own writes: every end that a wait can have."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from kinform.errors import (
    CacheResetError,
    CacheWaitTimeoutError,
    InformerNotStartedError,
    InformerStoppedError,
)
from kinform.informer import ListOptions
from kinform.versions import at_least, is_comparable, is_older

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.informer.conftest import MakeInformer, MakePod, Pod

    from kinform.informer import SharedInformer
    from kinform.testing.clock import VirtualClock
    from kinform.testing.fake_source import FakeFeed, FakeSource


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("10", "9", True),
        ("9", "10", False),
        ("10", "10", True),
        ("99999999999999999999999", "100000000000000000000000", False),
        ("100000000000000000000000", "99999999999999999999999", True),
        ("a", "a", True),
        ("b", "a", False),
        ("10", "a", False),
        ("010", "9", False),
        ("-10", "9", False),
        ("0", "0", True),
        ("1", "0", False),
        ("", "1", False),
        ("٣", "1", False),
    ],
)
@pytest.mark.scenario("trap-25")
def test_resource_versions_compare_by_length_and_text_where_both_are_plain_numbers(
    one: str, other: str, expected: bool
) -> None:
    assert at_least(one, other) is expected


def test_older_is_only_said_of_plain_numbers() -> None:
    assert is_older("9", "10")
    assert not is_older("10", "10")
    assert not is_older("a", "b")
    assert not is_older("", "10")
    assert is_comparable("1")
    assert not is_comparable("")


class Waiting:
    """A wait in a thread of its own."""

    def __init__(self, wait: Callable[[Pod, float | None], None], obj: Pod, timeout: float | None) -> None:
        self.error: BaseException | None = None
        self.over = threading.Event()

        def run() -> None:
            try:
                wait(obj, timeout)
            except BaseException as error:  # noqa: BLE001
                self.error = error
            self.over.set()

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def end(self) -> BaseException | None:
        assert self.over.wait(10)
        self.thread.join(10)
        return self.error


class StartWait(Protocol):
    def __call__(
        self, wait: Callable[[Pod, float | None], None], obj: Pod, timeout: float | None = 30.0
    ) -> Waiting: ...


@pytest.fixture
def waiting(clock: VirtualClock) -> StartWait:
    """Starts a wait, and returns when it waits."""

    def start(wait: Callable[[Pod, float | None], None], obj: Pod, timeout: float | None = 30.0) -> Waiting:
        before = clock.waiters
        started = Waiting(wait, obj, timeout)
        clock.wait_for_waiters(before + 1)
        assert not started.over.is_set()
        return started

    return start


def test_it_is_over_when_the_cache_holds_the_object_at_its_version(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(pod("a", 3), resource_version=5)
    wait = waiting(informer.wait_for, pod("a", 10))
    feed.upsert(pod("a", 8))
    assert not wait.over.is_set()
    feed.upsert(pod("a", 10))
    assert wait.end() is None
    informer.wait_for(pod("a", 10), 0)
    informer.wait_for(pod("a", 7), 0)


def test_a_later_version_will_do(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(pod("a", 3), resource_version=5)
    wait = waiting(informer.wait_for, pod("a", 10))
    feed.upsert(pod("a", 100))
    assert wait.end() is None


def test_it_is_over_when_the_partition_has_passed_the_version(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    """The object was deleted again before the cache ever saw it, say: its resourceVersion has gone by."""
    feed.replace(resource_version=5)
    wait = waiting(informer.wait_for, pod("a", 10))
    feed.upsert(pod("other", 9))
    assert not wait.over.is_set()
    feed.bookmark(11)
    assert wait.end() is None


@pytest.mark.scenario("M03")
def test_a_write_that_the_cache_has_seen_come_and_go_is_not_brought_back(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod
) -> None:
    """client-go lays own writes over the cache (``MutationCache``), and must not revive the dead; here one waits."""
    feed.replace(pod("a", 1), resource_version=1)
    feed.upsert(pod("a", 2))
    feed.remove(pod("a", 3))
    informer.wait_for(pod("a", 2), 0)
    assert informer.read_entries() == []


def test_another_object_of_that_name_is_not_the_one(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(pod("a", 3, uid="old"), resource_version=5)
    wait = waiting(informer.wait_for, pod("a", 10, uid="new"))
    feed.upsert(pod("a", 8, uid="old"))
    assert not wait.over.is_set()
    feed.upsert(pod("a", 10, uid="new"))
    assert wait.end() is None


def test_versions_that_are_no_plain_numbers_must_be_equal(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(pod("a", "v1"), resource_version="v5")
    wait = waiting(informer.wait_for, pod("a", "v7"))
    feed.upsert(pod("a", "v9"))
    assert not wait.over.is_set()
    feed.upsert(pod("a", "v7"))
    assert wait.end() is None


def test_it_waits_for_the_first_sync(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    wait = waiting(informer.wait_for, pod("a", 10))
    feed.replace(pod("a", 10), resource_version=12)
    assert wait.end() is None


def test_outside_the_watched_namespaces_nothing_is_waited_for(make: MakeInformer, pod: MakePod) -> None:
    informer = make(namespaces=("shop",))
    informer.start()
    informer.wait_for(pod("a", 10, namespace="elsewhere"))
    informer.wait_for_deleted(pod("a", 10, namespace="elsewhere"))


@pytest.mark.parametrize(
    ("options", "outside", "inside"),
    [
        (ListOptions(label_selector="app=web"), {"labels": {"app": "db"}}, {"labels": {"app": "web"}}),
        (ListOptions(field_selector="spec.nodeName=n1"), {"nodeName": "n2"}, {"nodeName": "n1"}),
        (ListOptions(field_selector="metadata.name!=a"), {}, None),
        (ListOptions(field_selector="spec.flag=true"), {"flag": False}, {"flag": True}),
        # What is absent may have a default at the server: nobody can tell on this side.
        (ListOptions(field_selector="spec.nodeName=n1"), None, {}),
    ],
    ids=str,
)
def test_objects_that_the_selectors_leave_out_are_not_waited_for(  # noqa: PLR0917
    make: MakeInformer,
    source: FakeSource,
    pod: MakePod,
    waiting: StartWait,
    options: ListOptions,
    outside: dict[str, Any] | None,
    inside: dict[str, Any] | None,
) -> None:
    informer = make(options=options)
    informer.start()
    source.feed().replace(resource_version=5)
    if outside is not None:
        informer.wait_for(pod("a", 10, **outside))
        informer.wait_for_deleted(pod("a", 10, **outside))
    if inside is not None:
        wait = waiting(informer.wait_for, pod("a", 10, **inside))
        source.feed().bookmark(10)
        assert wait.end() is None


def test_an_object_that_has_left_the_selection_is_waited_for_until_the_cache_drops_it(
    make: MakeInformer, source: FakeSource, pod: MakePod, waiting: StartWait
) -> None:
    informer = make(options=ListOptions(label_selector="app=web"))
    informer.start()
    feed = source.feed()
    feed.replace(pod("a", 3, labels={"app": "web"}), resource_version=5)
    wait = waiting(informer.wait_for, pod("a", 10, labels={"app": "db"}))
    feed.remove(pod("a", 10, labels={"app": "web"}))
    assert wait.end() is None


def test_the_deadline_raises(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait, clock: VirtualClock
) -> None:
    feed.replace(resource_version=5)
    wait = waiting(informer.wait_for, pod("a", 10), 30.0)
    clock.advance(29)
    assert not wait.over.is_set()
    clock.advance(1)
    error = wait.end()
    assert isinstance(error, CacheWaitTimeoutError)
    assert isinstance(error, TimeoutError)
    assert str(error) == "the cache has not seen shop/a at resourceVersion 10 within 30.0 s; it is at 5"
    with pytest.raises(CacheWaitTimeoutError, match="the deletion of shop/a"):
        informer.wait_for_deleted(pod("a", 10), 0)


def test_a_relist_at_a_lower_version_raises(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    """The server was restored from a backup: what was written will never come."""
    feed.replace(pod("a", 3), resource_version=200)
    wait = waiting(informer.wait_for, pod("a", 210))
    feed.replace(pod("a", 3), resource_version=50)
    error = wait.end()
    assert isinstance(error, CacheResetError)
    assert "back to 50" in str(error)
    wait = waiting(informer.wait_for, pod("a", 60))  # begun after the reset, and may well come
    feed.upsert(pod("a", 60))
    assert wait.end() is None


def test_a_relist_that_is_merely_older_than_the_write_does_not(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    """It was begun before the write."""
    feed.replace(pod("a", 3), resource_version=100)
    wait = waiting(informer.wait_for, pod("a", 210))
    feed.replace(pod("a", 3), resource_version=150)
    assert not wait.over.is_set()
    feed.upsert(pod("a", 210))
    assert wait.end() is None


def test_a_reset_does_not_end_waits_for_what_it_includes(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(pod("a", 3), resource_version=100)
    wait = waiting(informer.wait_for, pod("a", "v7"))
    feed.replace(pod("a", 3), resource_version=50)
    assert not wait.over.is_set()
    feed.upsert(pod("a", "v7"))
    assert wait.end() is None


def test_a_reset_of_another_namespace_ends_nothing(
    make: MakeInformer, source: FakeSource, pod: MakePod, waiting: StartWait
) -> None:
    informer = make(namespaces=("shop", "test"))
    informer.start()
    for namespace in ("shop", "test"):
        source.feed(namespace=namespace).replace(resource_version=100)
    wait = waiting(informer.wait_for, pod("a", 210))
    source.feed(namespace="test").replace(resource_version=50)
    assert not wait.over.is_set()
    source.feed(namespace="shop").bookmark(300)
    assert wait.end() is None


def test_waiting_for_a_deletion(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(pod("a", 3), resource_version=5)
    wait = waiting(informer.wait_for_deleted, pod("a", 3))
    feed.upsert(pod("a", 8))
    feed.bookmark(9)
    assert not wait.over.is_set()
    feed.remove(pod("a", 10))
    assert wait.end() is None
    informer.wait_for_deleted(pod("a", 10), 0)


def test_a_deletion_is_not_over_before_the_cache_can_have_seen_the_creation(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(resource_version=5)
    wait = waiting(informer.wait_for_deleted, pod("a", 8))
    feed.upsert(pod("a", 8))
    assert not wait.over.is_set()
    feed.remove(pod("a", 9))
    assert wait.end() is None


def test_a_recreated_object_is_another_so_the_first_is_gone(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(pod("a", 3, uid="first"), resource_version=5)
    wait = waiting(informer.wait_for_deleted, pod("a", 3, uid="first"))
    feed.upsert(pod("a", 9, uid="second"))
    assert wait.end() is None


def test_without_plain_numbers_a_deletion_is_over_once_the_object_is_not_held(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait
) -> None:
    feed.replace(pod("a", "v3"), resource_version="v5")
    wait = waiting(informer.wait_for_deleted, pod("a", "v3"))
    feed.remove(pod("a", "v9"))
    assert wait.end() is None


def test_a_stop_ends_all_waits(informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, waiting: StartWait) -> None:
    feed.replace(resource_version=5)
    waits = [waiting(informer.wait_for, pod("a", 10), None), waiting(informer.wait_for_deleted, pod("b", 10), None)]
    informer.stop(10)
    assert [type(wait.end()) for wait in waits] == [InformerStoppedError] * 2
    with pytest.raises(InformerStoppedError):
        informer.wait_for(pod("a", 10))


def test_what_was_never_at_the_server_cannot_be_waited_for(
    informer: SharedInformer[Pod], pod: MakePod, make: MakeInformer
) -> None:
    with pytest.raises(ValueError, match="no uid or resourceVersion"):
        informer.wait_for(pod("a", ""))
    with pytest.raises(ValueError, match="no uid or resourceVersion"):
        informer.wait_for_deleted(pod("a", 1, uid=""))
    with pytest.raises(InformerNotStartedError):
        make().wait_for(pod("a", 1))
