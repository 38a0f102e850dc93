"""What waits for a handler: order, bounds, merging, and snapshots that are walked lazily."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kinform.informer.backlog import EventBacklog, KeyBacklog, KeyWork, Marker, Pending
from kinform.meta import ObjectKey
from kinform.store import Notification
from kinform.wire import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator


def entry(name: str, rv: int = 1, uid: str | None = None) -> Entry:
    return Entry(ObjectKey("shop", name), f"uid-{name}" if uid is None else uid, str(rv), 1, "", {}, None, b"{}")


def added(new: Entry, *, initial: bool = False) -> Notification:
    return Notification(None, new, initial)


def shown(work: Pending | Marker | None) -> str:
    if work is None or isinstance(work, Marker):
        return str(work)
    states = [state.resource_version if state is not None else "-" for state in (work.seen, work.old, work.new)]
    return f"{work.key.name} {' '.join(states)}{' initial' if work.initial else ''}"


def drain(backlog: EventBacklog) -> list[str]:
    found = []
    while (work := backlog.take()) is not None:
        found.append(shown(work))
    return found


@pytest.fixture
def events() -> EventBacklog:
    """Merges from two on."""
    return EventBacklog(lambda entry: True, 2)


@pytest.fixture
def two_waiting(events: EventBacklog) -> EventBacklog:
    events.put(added(entry("x")))
    events.put(added(entry("y")))
    return events


def test_below_the_bound_everything_is_told_in_order() -> None:
    backlog = EventBacklog(lambda entry: True, 10)
    backlog.put(added(entry("a", 1), initial=True))
    backlog.put(Notification(entry("a", 1), entry("a", 2)))
    backlog.put(Notification(entry("a", 2), entry("a", 3)))
    backlog.put(Notification(entry("a", 3), None))
    assert drain(backlog) == ["a - - 1 initial", "a 1 1 2", "a 2 2 3", "a 3 3 -"]
    assert backlog.coalesced == 0


@pytest.mark.scenario("trap-12")
def test_beyond_the_bound_updates_go_from_the_oldest_to_the_newest_state(two_waiting: EventBacklog) -> None:
    two_waiting.put(Notification(entry("a", 1), entry("a", 2)))
    for rv in range(2, 100):
        two_waiting.put(Notification(entry("a", rv), entry("a", rv + 1)))
    assert len(two_waiting) == 3
    assert two_waiting.coalesced == 98
    assert drain(two_waiting)[2:] == ["a 1 1 100"]


def test_beyond_the_bound_a_waiting_addition_takes_up_later_states_and_stays_initial(events: EventBacklog) -> None:
    events.put(added(entry("a", 1), initial=True))
    events.put(added(entry("b", 1), initial=True))
    events.put(Notification(entry("a", 1), entry("a", 2)))
    assert drain(events) == ["a - - 2 initial", "b - - 1 initial"]


def test_beyond_the_bound_a_deletion_has_the_last_state_and_remembers_the_one_last_heard_of(
    two_waiting: EventBacklog,
) -> None:
    two_waiting.put(Notification(entry("a", 1), entry("a", 2)))
    two_waiting.put(Notification(entry("a", 3), None, final_state_unknown=True))
    assert len(two_waiting) == 3
    drain(two_waiting)
    events = two_waiting
    events.put(added(entry("x")))
    events.put(added(entry("y")))
    events.put(Notification(entry("a", 1), entry("a", 2)))
    events.put(Notification(entry("a", 3), None, final_state_unknown=True))
    events.take()
    events.take()
    work = events.take()
    assert shown(work) == "a 1 3 -"
    assert isinstance(work, Pending)
    assert work.final_state_unknown


def test_beyond_the_bound_what_left_and_came_back_is_an_update(two_waiting: EventBacklog) -> None:
    """As when an object ceases to match the selector and matches again."""
    two_waiting.put(Notification(entry("a", 1), None))
    two_waiting.put(added(entry("a", 5)))
    assert drain(two_waiting)[2:] == ["a 1 1 5"]


def test_beyond_the_bound_what_came_and_went_is_not_told_at_all(two_waiting: EventBacklog) -> None:
    two_waiting.put(added(entry("a", 1)))
    two_waiting.put(Notification(entry("a", 2), None))
    assert len(two_waiting) == 2
    two_waiting.put(added(entry("a", 3)))
    assert len(two_waiting) == 3
    assert drain(two_waiting)[2:] == ["a - - 3"]
    assert len(two_waiting) == 0


def test_another_uid_is_another_object(two_waiting: EventBacklog) -> None:
    two_waiting.put(Notification(entry("a", 1, "first"), None))
    two_waiting.put(added(entry("a", 2, "second")))
    two_waiting.put(Notification(entry("a", 2, "second"), entry("a", 3, "second")))
    assert drain(two_waiting)[2:] == ["a 1 1 -", "a - - 3"]


def test_objects_that_come_and_go_take_no_room() -> None:
    backlog = EventBacklog(lambda entry: True, 2)
    backlog.put(added(entry("x")))
    backlog.put(added(entry("y")))
    for n in range(10_000):
        backlog.put(added(entry(f"n{n}")))
        backlog.put(Notification(entry(f"n{n}", 2), None))
    assert len(backlog) == 2
    assert len(backlog._queue) < 50
    assert drain(backlog) == ["x - - 1", "y - - 1"]


def test_the_synced_mark_keeps_its_place(events: EventBacklog) -> None:
    events.put(added(entry("a", 1), initial=True))
    events.put_synced()
    events.put(added(entry("b", 2)))
    assert len(events) == 2
    assert drain(events) == ["a - - 1 initial", "Marker.SYNCED", "b - - 2"]


def test_a_replay_comes_before_everything_and_is_walked_lazily(events: EventBacklog) -> None:
    walked: list[int] = []

    class Snapshot(list[Entry]):
        def __iter__(self) -> Iterator[Entry]:
            for n in range(len(self)):
                walked.append(n)
                yield self[n]

    events.put_synced()
    events.replay(Snapshot([entry(f"p{n}", n) for n in range(3)]))
    events.put(Notification(entry("p2", 2), entry("p2", 9)))
    assert events.waiting == 4
    assert shown(events.take()) == "p0 - - 0 initial"
    assert walked == [0]
    assert events.waiting == 3
    assert drain(events) == ["p1 - - 1 initial", "p2 - - 2 initial", "Marker.SYNCED", "p2 2 2 9"]


def test_a_resync_takes_turns_with_news(events: EventBacklog) -> None:
    events.resync([entry("p0"), entry("p1"), entry("p2")])
    events.put(added(entry("a")))
    events.put(added(entry("b")))
    assert drain(events) == ["a - - 1", "p0 1 1 1", "b - - 1", "p1 1 1 1", "p2 1 1 1"]
    assert not events.resyncing


@pytest.mark.scenario("trap-06")
def test_a_resync_passes_over_what_has_news_waiting_and_what_has_changed_since() -> None:
    cache = {"same": 1, "changed": 2, "news": 2}
    backlog = EventBacklog(lambda entry: cache.get(entry.key.name) == int(entry.resource_version), 10)
    # news: told of before the snapshot was taken, and still waiting.
    backlog.put(Notification(entry("news", 1), entry("news", 2)))
    backlog.put(added(entry("later")))
    backlog.resync([entry("news", 2), entry("changed", 1), entry("gone", 1), entry("same", 1)])
    backlog._resync_turn = True
    assert drain(backlog) == ["same 1 1 1", "news 1 1 2", "later - - 1"]


def test_a_resync_with_nothing_to_tell_gives_the_lock_back_now_and_then() -> None:
    backlog = EventBacklog(lambda entry: False, 10)
    backlog.resync([entry(f"p{n}") for n in range(1000)])
    found = drain(backlog)
    assert set(found) == {"Marker.SKIPPED"}
    assert len(found) == 5


def test_clearing_drops_everything(events: EventBacklog) -> None:
    events.put(added(entry("a")))
    events.put_synced()
    events.replay([entry("b")])
    events.resync([entry("c")])
    events.clear()
    assert len(events) == 0
    assert drain(events) == []


# ---- keys


@pytest.fixture
def keys() -> KeyBacklog:
    return KeyBacklog(lambda entry: True, keep_changes=False)


def drain_keys(backlog: KeyBacklog) -> list[str]:
    found = []
    while (work := backlog.take()) is not None:
        found.append(str(work) if isinstance(work, Marker) else work.key.name)
    return found


def test_equal_keys_are_one_at_the_place_of_the_first(keys: KeyBacklog) -> None:
    keys.put(added(entry("a", 1)))
    keys.put(added(entry("b", 1)))
    keys.put(Notification(entry("a", 1), entry("a", 2)))
    keys.put(Notification(entry("a", 2), None))
    assert len(keys) == 2
    assert keys.coalesced == 2
    assert drain_keys(keys) == ["a", "b"]


def test_without_a_predicate_no_entry_is_kept(keys: KeyBacklog) -> None:
    keys.put(added(entry("a", 1)))
    work = keys.take()
    assert isinstance(work, KeyWork)
    assert work.changes is None


def test_the_synced_mark_keeps_its_place_among_keys(keys: KeyBacklog) -> None:
    keys.put(added(entry("a")))
    keys.put_synced()
    keys.put(added(entry("b")))
    keys.put(Notification(entry("a", 1), entry("a", 2)))
    assert len(keys) == 2
    assert drain_keys(keys) == ["a", "Marker.SYNCED", "b"]


def test_a_snapshot_tells_of_waiting_keys_before_their_turn(keys: KeyBacklog) -> None:
    keys.put(added(entry("c")))
    keys.put(added(entry("b")))
    keys.replay([entry("a"), entry("b")])
    assert drain_keys(keys) == ["a", "b", "c"]


def test_a_resync_of_keys_passes_over_those_that_wait(keys: KeyBacklog) -> None:
    keys.put(added(entry("a")))
    keys.put(added(entry("b")))
    keys.resync([entry("b"), entry("c")])
    keys._resync_turn = True
    assert drain_keys(keys) == ["c", "a", "b"]


def test_with_a_predicate_a_key_keeps_one_change_for_each_uid() -> None:
    backlog = KeyBacklog(lambda entry: True, keep_changes=True)
    backlog.put(Notification(entry("a", 1), entry("a", 2)))
    backlog.put(Notification(entry("a", 2), entry("a", 3)))
    backlog.put(Notification(entry("a", 3), None))
    for n in range(100):  # others under the same key, that come and go
        backlog.put(added(entry("a", 10 + n, f"uid-{n}")))
        backlog.put(Notification(entry("a", 10 + n, f"uid-{n}"), None))
    backlog.put(added(entry("a", 200, "last")))
    assert len(backlog) == 1
    work = backlog.take()
    assert isinstance(work, KeyWork)
    assert work.changes is not None
    assert [shown(change) for change in work.changes] == ["a 1 1 -", "a - - 200"]


def background(backlog: KeyBacklog) -> list[tuple[str, bool]]:
    found = []
    while (work := backlog.take()) is not None:
        assert isinstance(work, KeyWork)
        found.append((work.key.name, work.background))
    return found


@pytest.mark.parametrize("keep_changes", [False, True])
def test_keys_without_news_are_told_apart(keep_changes: bool) -> None:
    backlog = KeyBacklog(lambda entry: True, keep_changes=keep_changes)
    for name in ("a", "b", "c"):
        backlog.put(added(entry(name), initial=True))
    backlog.put(Notification(entry("b", 1), entry("b", 2)))
    backlog.put(Notification(entry("d", 1), None, initial=True))
    backlog.put(added(entry("e")))
    assert background(backlog) == [("a", True), ("b", False), ("c", True), ("d", False), ("e", False)]
    backlog.put(added(entry("b"), initial=True))
    assert background(backlog) == [("b", True)], "news that was told is none any more"


@pytest.mark.parametrize("keep_changes", [False, True])
def test_a_key_of_a_snapshot_that_also_has_news_is_no_background(keep_changes: bool) -> None:
    backlog = KeyBacklog(lambda entry: True, keep_changes=keep_changes)
    backlog.replay([entry("a"), entry("b", 2)])
    backlog.put(Notification(entry("b", 1), entry("b", 2)))
    assert background(backlog) == [("a", True), ("b", False)]
    backlog.resync([entry("a")])
    assert background(backlog) == [("a", True)]
    backlog.put(added(entry("c")))
    backlog.clear()
    backlog.put(added(entry("c"), initial=True))
    assert background(backlog) == [("c", True)]
