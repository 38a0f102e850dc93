"""What the store makes of changes: the diff, its order, atomic relists, resourceVersions, partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import pytest

from kinform.meta import ObjectKey, Resource
from kinform.selectors import LabelSelector
from kinform.store import Notification, Store, index
from kinform.wire import Bookmark, Change, Decoder, Entry, Remove, Replace, Upsert

Make: TypeAlias = Callable[..., Entry]


def relist(rv: int | str, *entries: Entry) -> Replace:
    return Replace({each.key: each for each in entries}, str(rv))


def said(notifications: Iterable[Notification]) -> list[str]:
    """Notifications as words: ``add a@1``, ``update a@1>2``, ``delete a@3``; ``!`` for an unknown final state, ``*`` for initial."""
    words: list[str] = []
    for each in notifications:
        marks = "!" * each.final_state_unknown + "*" * each.initial
        old, new = each.old, each.new
        assert each.key == (new or old or pytest.fail("neither old nor new")).key
        if old is None:
            assert new is not None
            words.append(f"add {new.key.name}@{new.resource_version}{marks}")
        elif new is None:
            words.append(f"delete {old.key.name}@{old.resource_version}{marks}")
        else:
            words.append(f"update {new.key.name}@{old.resource_version}>{new.resource_version}{marks}")
    return words


def held(store: Store) -> dict[str, str]:
    return {each.key.name: each.resource_version for each in store.entries()}


@pytest.fixture
def store(pods: Resource) -> Store:
    """A store over all namespaces whose first list, an empty one, has been applied."""
    store = Store(pods)
    assert store.apply("", [relist(1)]) == []
    return store


# ---- one change


@pytest.mark.scenario("trap-01")
@pytest.mark.scenario("T06a")
def test_add_or_update_is_decided_by_what_is_there(store: Store, entry: Make) -> None:
    assert said(store.apply("", [Upsert(entry("a", 2))])) == ["add a@2"]
    assert said(store.apply("", [Upsert(entry("a", 3))])) == ["update a@2>3"]
    assert said(store.apply("", [Remove(entry("a", 4))])) == ["delete a@4"]
    assert said(store.apply("", [Upsert(entry("a", 5))])) == ["add a@5"]


def test_old_and_new_are_the_very_entries(store: Store, entry: Make) -> None:
    first, second, last = entry("a", 2), entry("a", 3), entry("a", 4)
    store.apply("", [Upsert(first)])
    (update,) = store.apply("", [Upsert(second)])
    assert (update.old, update.new) == (first, second)
    (delete,) = store.apply("", [Remove(last)])
    assert (delete.old, delete.new) == (last, None)


def test_the_same_version_again_is_no_change_but_moves_the_resource_version(store: Store, entry: Make) -> None:
    first = entry("a", 2)
    store.apply("", [Upsert(first), Upsert(entry("b", 3))])
    assert store.apply("", [Upsert(entry("a", 2))]) == []
    assert store.get(first.key) is first
    assert store.resource_version("") == "2"


def test_without_a_resource_version_nothing_is_known_to_be_unchanged(store: Store, entry: Make) -> None:
    store.apply("", [Upsert(entry("a", ""))])
    assert said(store.apply("", [Upsert(entry("a", ""))])) == ["update a@>"]
    assert said(store.apply("", [relist(5, entry("a", ""))])) == ["update a@>"]


@pytest.mark.scenario("trap-14")
def test_another_uid_under_the_same_key_is_a_delete_and_an_add(store: Store, entry: Make) -> None:
    """Pitfall 14: client-go tells of one update here, whose old and new are two objects."""
    old, new = entry("a", 2, uid="one"), entry("a", 9, uid="two")
    store.apply("", [Upsert(old)])
    delete, add = store.apply("", [Upsert(new)])
    assert (delete.old, delete.new, delete.final_state_unknown) == (old, None, True)
    assert (add.old, add.new, add.final_state_unknown) == (None, new, False)
    assert store.entries() == [new]


def test_a_new_uid_with_the_old_resource_version_is_no_repetition(store: Store, entry: Make) -> None:
    store.apply("", [Upsert(entry("a", 2, uid="one"))])
    assert said(store.apply("", [Upsert(entry("a", 2, uid="two"))])) == ["delete a@2!", "add a@2"]


def test_the_deletion_of_a_successor_deletes_what_is_there(store: Store, entry: Make) -> None:
    """Its own deletion and the successor's creation were missed: that it is gone is certain, how it ended is not."""
    store.apply("", [Upsert(entry("a", 2, uid="one"))])
    assert said(store.apply("", [Remove(entry("a", 9, uid="two"))])) == ["delete a@2!"]
    assert len(store) == 0


def test_an_update_keeps_one_key_object(store: Store, entry: Make) -> None:
    """Otherwise each object would hold its name twice, once in the map and once in the entry."""
    first, second = entry("a", 2), entry("a", 3)
    store.apply("", [Upsert(first), Upsert(second)])
    assert second.key is first.key
    third = entry("a", 4)
    store.apply("", [relist(4, third)])
    assert third.key is first.key


# ---- rows of client-go's behaviour


@pytest.mark.scenario("F06")
@pytest.mark.scenario("trap-02")
def test_deletes_of_unknown_objects_are_no_news(store: Store, entry: Make) -> None:
    """Ours differs: client-go calls OnDelete for an object that no handler ever heard of; we keep to add, update, delete.

    The deletion's resourceVersion counts all the same.
    """
    changes: list[Change] = [
        Upsert(entry("foo", 10)),
        Upsert(entry("bar", 15)),
        Upsert(entry("qux", 17)),
        Remove(entry("qux", 18)),
        Remove(entry("baz", 20)),
    ]
    assert said(store.apply("", changes)) == ["add foo@10", "add bar@15", "add qux@17", "delete qux@18"]
    assert store.resource_version("") == "20"


@pytest.mark.scenario("D02")
def test_a_relist_after_a_delete_brings_the_object_back(store: Store, entry: Make) -> None:
    store.apply("", [Upsert(entry("foo", 1))])
    changes: list[Change] = [Remove(entry("foo", 2)), relist(3, entry("foo", 3))]
    assert said(store.apply("", changes)) == ["delete foo@2", "add foo@3"]
    assert held(store) == {"foo": "3"}


@pytest.mark.scenario("D14")
def test_what_is_read_is_never_older_than_what_was_told(store: Store, entry: Make) -> None:
    """A resync reads the store, and the store is written before its notification is out: it cannot roll anyone back."""
    store.apply("", [Upsert(entry("foo", 5))])
    (update,) = store.apply("", [Upsert(entry("foo", 6))])
    assert update.new is not None
    assert store.entries() == [update.new]
    assert held(store) == {"foo": "6"}


@pytest.mark.scenario("F05")
def test_adds_updates_and_deletes_come_in_order_and_each_version_is_transformed_once(pods: Resource) -> None:
    """The transform runs where bytes become entries; what a relist finds deleted is not transformed again."""
    seen: list[str] = []

    def transform(obj: dict[str, object]) -> dict[str, object]:
        metadata = obj["metadata"]
        assert isinstance(metadata, dict)
        assert "done" not in obj, "transformed twice"
        seen.append(f"{metadata['name']}@{metadata['resourceVersion']}")
        return {**obj, "done": True}

    decoder = Decoder(pods, transform)  # type: ignore[arg-type]

    def event(kind: str, name: str, rv: int) -> Entry:
        metadata = f'{{"name":"{name}","namespace":"shop","uid":"{name}","resourceVersion":"{rv}"}}'
        obj = f'{{"apiVersion":"v1","kind":"Pod","metadata":{metadata}}}'
        decoded = decoder.event(f'{{"type":"{kind}","object":{obj}}}'.encode())
        entry = getattr(decoded, "entry", None)
        assert isinstance(entry, Entry)
        return entry

    store = Store(pods)
    changes: list[Change] = [
        relist(1),
        Upsert(event("ADDED", "foo", 10)),
        Upsert(event("ADDED", "bar", 11)),
        Upsert(event("MODIFIED", "foo", 12)),
        Remove(event("DELETED", "foo", 15)),
        relist(15),
        Upsert(event("ADDED", "bar", 16)),
        relist(16),
    ]
    told = store.apply("", changes)
    assert said(told) == [
        "add foo@10",
        "add bar@11",
        "update foo@10>12",
        "delete foo@15",
        "delete bar@11!",
        "add bar@16",
        "delete bar@16!",
    ]
    assert seen == ["foo@10", "bar@11", "foo@12", "foo@15", "bar@16"]
    assert all(b'"done":true' in (each.new or each.old or pytest.fail("empty")).body for each in told)


@pytest.mark.scenario("F10a")
@pytest.mark.scenario("trap-03")
def test_in_a_relist_deletes_go_before_the_rest(store: Store, entry: Make) -> None:
    store.apply("", [Upsert(entry("foo", 5)), Upsert(entry("bar", 6)), Upsert(entry("baz", 7))])
    changes: list[Change] = [Remove(entry("baz", 10)), relist(11, entry("foo", 11))]
    assert said(store.apply("", changes)) == ["delete baz@10", "delete bar@6!", "update foo@5>11"]


@pytest.mark.scenario("F12")
def test_everything_up_to_the_first_relist_is_initial_its_deletes_included(pods: Resource, entry: Make) -> None:
    store = Store(pods)
    first = store.apply("", [Upsert(entry("foo", 5)), Upsert(entry("bar", 6)), Upsert(entry("baz", 7))])
    assert said(first) == ["add foo@5*", "add bar@6*", "add baz@7*"]
    assert not store.synced("")
    told = store.apply("", [relist(8, entry("foo", 8))])
    assert said(told) == ["delete bar@6!*", "delete baz@7!*", "update foo@5>8*"]
    assert store.synced("")
    assert said(store.apply("", [Upsert(entry("foo", 9))])) == ["update foo@8>9"]


@pytest.mark.scenario("F15h")
@pytest.mark.scenario("trap-08")
def test_in_one_batch_just_the_first_lists_objects_are_initial(pods: Resource, entry: Make) -> None:
    store = Store(pods)
    changes: list[Change] = [relist(4, entry("o1", 1), entry("o2", 2), entry("o3", 3)), Upsert(entry("o4", 5))]
    assert said(store.apply("", changes)) == ["add o1@1*", "add o2@2*", "add o3@3*", "add o4@5"]


@pytest.mark.scenario("F17c")
def test_successive_relists_are_each_applied(store: Store, entry: Make) -> None:
    changes: list[Change] = [
        Upsert(entry("foo", 2)),
        relist(10, entry("foo", 2)),
        relist(20, entry("foo", 15)),
        relist(56),
    ]
    versions: list[str] = []
    told: list[str] = []
    for change in changes:
        told += said(store.apply("", [change]))
        versions.append(store.resource_version(""))
    assert told == ["add foo@2", "update foo@2>15", "delete foo@15!"]
    assert versions == ["2", "10", "20", "56"]


@pytest.mark.scenario("K10d")
def test_an_object_with_a_failing_index_function_is_stored_and_told_of_like_the_others(
    pods: Resource, entry: Make
) -> None:
    """Ours differs: client-go's store rejects such an object, and its process panics. See test_indexes."""
    reports: list[Exception] = []
    store = Store(pods, report=reports.append)

    def fussy(each: Entry) -> list[str]:
        if each.key.name == "cm2":
            raise LookupError("not this one")
        return [each.key.name]

    by_name = store.add_index(index("name", fussy), lambda each: each)
    store.apply("", [relist(1)])
    told = store.apply("", [Upsert(entry("cm1", 2)), Upsert(entry("cm2", 3)), Upsert(entry("cm3", 4))])
    assert said(told) == ["add cm1@2", "add cm2@3", "add cm3@4"]
    assert held(store) == {"cm1": "2", "cm2": "3", "cm3": "4"}
    assert by_name.index_values() == ["cm1", "cm3"]
    assert [str(each) for each in reports] == ["index 'name' failed on shop/cm2: LookupError: not this one"]


@pytest.mark.scenario("K11a")
def test_a_relist_on_an_empty_store_adds(pods: Resource, entry: Make) -> None:
    store = Store(pods)
    assert said(store.apply("", [relist(1, entry("pod-1", 1))])) == ["add pod-1@1*"]
    assert held(store) == {"pod-1": "1"}


@pytest.mark.scenario("K11b")
def test_an_empty_relist_deletes_all_with_what_was_known(store: Store, entry: Make) -> None:
    store.apply("", [relist(3, entry("pod-1", 2), entry("pod-2", 3))])
    assert sorted(said(store.apply("", [relist(4)]))) == ["delete pod-1@2!", "delete pod-2@3!"]
    assert held(store) == {}


@pytest.mark.scenario("K11c")
@pytest.mark.scenario("trap-03")
def test_a_relists_notifications_are_deletes_and_then_the_lists_order(store: Store, entry: Make) -> None:
    store.apply("", [relist(3, entry("pod-1", 1), entry("pod-2", 2), entry("pod-3", 3))])
    listed = relist(7, entry("pod-1", 4), entry("pod-4", 6), entry("pod-2", 5))
    told = store.apply("", [listed])
    assert said(told) == ["delete pod-3@3!", "update pod-1@1>4", "add pod-4@6", "update pod-2@2>5"]
    assert all(each.new is None or store.get(each.new.key) is each.new for each in told)
    assert held(store) == {"pod-1": "4", "pod-2": "5", "pod-4": "6"}


@pytest.mark.scenario("K12")
def test_what_a_later_relist_finds_is_not_initial(pods: Resource, entry: Make) -> None:
    store = Store(pods)
    assert said(store.apply("", [relist(1, entry("pod-1", 1))])) == ["add pod-1@1*"]
    assert said(store.apply("", [relist(3, entry("pod-1", 2), entry("pod-2", 3))])) == [
        "update pod-1@1>2",
        "add pod-2@3",
    ]


@pytest.mark.scenario("T04b")
@pytest.mark.scenario("T04a")
@pytest.mark.scenario("trap-25")
@pytest.mark.scenario("K13a")
@pytest.mark.scenario("K13b")
def test_the_resource_version_is_that_of_the_last_write(pods: Resource, entry: Make) -> None:
    """T04b's key-only delete and plain string are here an object and a deletion without resourceVersion."""
    store = Store(pods)
    steps: list[tuple[Change, str]] = [
        (Upsert(entry("a", 10)), "10"),
        (Upsert(entry("b", 10)), "10"),
        (Upsert(entry("a", 20)), "20"),
        (Remove(entry("a", 30)), "30"),
        (Upsert(entry("plain", "")), "30"),
        (Upsert(entry("c", 40)), "40"),
        (Remove(entry("c", "")), "40"),
    ]
    assert store.resource_version("") == ""
    for change, expected in steps:
        store.apply("", [change])
        assert store.resource_version("") == expected
    store.apply("", [Upsert(entry("d", 40)), Upsert(entry("e", 30)), Upsert(entry("f", 50))])
    assert store.resource_version("") == "50"
    store.apply("", [Upsert(entry("d", 60)), Upsert(entry("e", 55))])
    assert store.resource_version("") == "55", "the last one, not the highest"
    store.apply("", [Bookmark("70"), Bookmark("")])
    assert store.resource_version("") == "70"


@pytest.mark.scenario("T04c")
def test_a_relist_sets_the_lists_resource_version(store: Store, entry: Make) -> None:
    store.apply("", [relist(50, entry("a", 40), entry("b", 30))])
    assert store.resource_version("") == "50"
    store.apply("", [relist(7)])
    assert store.resource_version("") == "7", "also a lower one, after an etcd restore"


@pytest.mark.scenario("T04d")
def test_a_deletion_has_its_own_resource_version(store: Store, entry: Make) -> None:
    store.apply("", [Upsert(entry("a", 10)), Remove(entry("a", 20))])
    assert store.resource_version("") == "20"


# ---- relists


def test_a_relist_reuses_the_entries_that_are_unchanged(store: Store, entry: Make) -> None:
    kept, changed = entry("kept", 2), entry("changed", 3)
    store.apply("", [Upsert(kept), Upsert(changed)])
    newer = entry("changed", 4)
    assert said(store.apply("", [relist(9, entry("kept", 2), newer)])) == ["update changed@3>4"]
    assert store.get(kept.key) is kept
    assert store.get(newer.key) is newer


def test_in_a_relist_another_uid_is_a_delete_among_the_deletes_and_an_add_in_its_place(
    store: Store, entry: Make
) -> None:
    store.apply("", [relist(3, entry("a", 1), entry("b", 2, uid="one"), entry("c", 3))])
    listed = relist(9, entry("a", 7), entry("b", 8, uid="two"))
    assert said(store.apply("", [listed])) == ["delete b@2!", "delete c@3!", "update a@1>7", "add b@8"]


def test_a_list_taken_before_a_relist_stays_as_it_was(store: Store, entry: Make) -> None:
    store.apply("", [relist(3, entry("a", 1), entry("b", 2))])
    before = store.entries()
    store.apply("", [relist(9), Upsert(entry("c", 10))])
    assert [each.key.name for each in before] == ["a", "b"]
    before.clear()
    assert held(store) == {"c": "10"}, "the list is the caller's own"


# ---- reads


def test_reads_by_key_namespace_and_selector(store: Store, entry: Make) -> None:
    web, db = entry("web", 1, labels={"app": "web"}), entry("db", 2, labels={"app": "db"})
    other = entry("web", 3, namespace="test", labels={"app": "web"})
    store.apply("", [relist(3, web, db, other)])
    assert store.get(ObjectKey("test", "web")) is other
    assert store.get(ObjectKey("test", "db")) is None
    assert store.get(ObjectKey("", "web")) is None
    assert store.entries("shop") == [web, db]
    assert store.entries("nowhere") == []
    assert store.entries(None, LabelSelector.parse("app=web")) == [web, other]
    assert store.entries("shop", LabelSelector.parse("app=web")) == [web]
    assert store.entries("shop", LabelSelector.parse("app!=web,none!=x")) == [db]
    assert store.entries("shop", LabelSelector.everything()) == [web, db]
    assert store.keys("shop") == [web.key, db.key]
    assert set(store.keys()) == {web.key, db.key, other.key}
    assert len(store) == 3
    assert store.body_bytes == sum(len(each.body) for each in (web, db, other))


def test_counts_follow_every_kind_of_change(store: Store, entry: Make) -> None:
    big = entry("a", 3, value="x" * 1000)
    changes: tuple[Change, ...] = (
        Upsert(entry("a", 2)),
        Upsert(big),
        Upsert(entry("a", 4, uid="another", value="y" * 50)),
        Upsert(entry("b", 5)),
        Remove(entry("a", 6, uid="another")),
        relist(7, entry("b", 5), entry("c", 7)),
    )
    for change in changes:
        store.apply("", [change])
        assert len(store) == len(store.entries())
        assert store.body_bytes == sum(len(each.body) for each in store.entries())
    assert len(store) == 2


def test_a_namespace_without_objects_leaves_nothing_behind(store: Store, entry: Make) -> None:
    store.apply("", [Upsert(entry("a", 2, namespace=f"ns-{n}")) for n in range(10)])
    store.apply("", [Remove(entry("a", 3, namespace=f"ns-{n}")) for n in range(10)])
    assert store.entries("ns-3") == []
    assert store._partitions[""].shelf._namespaces == {}


# ---- partitions


def test_partitions_are_apart(pods: Resource, entry: Make) -> None:
    store = Store(pods, ["a", "b"])
    store.apply("a", [relist(5, entry("x", 5, namespace="a"), entry("y", 4, namespace="a"))])
    assert (store.synced("a"), store.synced("b")) == (True, False)
    assert (store.resource_version("a"), store.resource_version("b")) == ("5", "")
    assert said(store.apply("b", [relist(9, entry("z", 9, namespace="b"))])) == ["add z@9*"]
    assert said(store.apply("a", [relist(10, entry("x", 5, namespace="a"))])) == ["delete y@4!"]
    assert store.keys() == [ObjectKey("a", "x"), ObjectKey("b", "z")]
    assert store.keys("b") == [ObjectKey("b", "z")]
    assert store.get(ObjectKey("b", "z")) is not None
    assert store.get(ObjectKey("c", "z")) is None
    assert store.entries("c") == []
    assert [store.partition_of(each) for each in ("a", "b", "c", "")] == ["a", "b", None, None]


def test_one_partition_over_all(pods: Resource) -> None:
    store = Store(pods)
    assert store.partitions == ("",)
    assert [store.partition_of(each) for each in ("a", "")] == ["", ""]
    assert store.resource is pods


@pytest.mark.parametrize("partitions", [[], ["a", "a"], ["", "a"]])
def test_partitions_that_cannot_be(pods: Resource, partitions: list[str]) -> None:
    with pytest.raises(ValueError, match="partitions"):
        Store(pods, partitions)


def test_unknown_partitions_are_refused(store: Store) -> None:
    for ask in (lambda: store.apply("x", []), lambda: store.resource_version("x"), lambda: store.synced("x")):
        with pytest.raises(ValueError, match="no partition"):
            ask()
