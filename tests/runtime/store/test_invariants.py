"""Whatever changes come: the store is what a plain dict would be, its indexes fit it, and its notifications tell it all."""

from __future__ import annotations

from typing import TypeAlias, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinform.meta import ObjectKey, Resource
from kinform.selectors import LabelSelector
from kinform.store import Index, Notification, Store, index, label_index
from kinform.wire import Bookmark, Change, Entry, Remove, Replace, Upsert

Described: TypeAlias = tuple[str, str, str, int | str, str]

RESOURCE = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)
NAMESPACES = ["a", "b"]
CSV = ["", "x", "y", "x.y", "y.z.x"]

# (namespace, name, uid, version, labels): few of each, so that they meet.
_OBJECT = st.tuples(
    st.sampled_from(NAMESPACES),
    st.sampled_from(["p", "q", "r"]),
    st.sampled_from(["one", "two"]),
    st.sampled_from([1, 2, 3, 4, ""]),
    st.sampled_from(CSV),
)
_STEP = st.one_of(
    st.tuples(st.just("upsert"), _OBJECT),
    st.tuples(st.just("remove"), _OBJECT),
    st.tuples(st.just("relist"), st.lists(_OBJECT, max_size=5)),
    st.tuples(st.just("bookmark"), st.integers(5, 9)),
    st.tuples(st.just("index"), st.none()),
)


def make(described: Described) -> Entry:
    namespace, name, uid, rv, csv = described
    labels = {"csv": csv} if csv else {}
    return Entry(ObjectKey(namespace, name), f"{uid}-{name}", str(rv), 1, "", labels, None, b"x" * len(csv))


def csv_of(each: Entry) -> list[str]:
    return each.labels["csv"].split(".") if each.labels else []


class Handler:
    """Someone who knows the cache by its notifications alone, and insists on add, update, delete for each uid."""

    def __init__(self) -> None:
        self.known: dict[ObjectKey, Entry] = {}

    def hear(self, told: Notification) -> None:
        key, known = told.key, self.known.get(told.key)
        if told.old is None:
            assert told.new is not None
            assert known is None, f"{key} added twice"
            assert not told.final_state_unknown
            self.known[key] = told.new
        elif told.new is None:
            assert known is not None, f"{key} deleted without having been added"
            assert known.uid == told.old.uid
            assert not told.final_state_unknown or known is told.old
            del self.known[key]
        else:
            assert told.old is known, f"{key} updated from another state than the last"
            assert told.old.uid == told.new.uid
            healed = told.old.body == b"" != told.new.body  # it could not be read, and now it can
            assert told.old.resource_version != told.new.resource_version or told.new.resource_version == "" or healed
            self.known[key] = told.new


class Case:
    """A store beside a dict, going through the same changes."""

    def __init__(self, partitions: list[str]) -> None:
        self.partitions = partitions
        self.store = Store(RESOURCE, partitions)
        self.truth: dict[str, dict[ObjectKey, Entry]] = {each: {} for each in partitions}
        self.versions = dict.fromkeys(partitions, "")
        self.synced = dict.fromkeys(partitions, False)
        self.handler = Handler()
        self.indexes: list[Index[Entry]] = []

    def step(self, kind: str, what: object) -> None:
        for partition, change in self._changes(kind, what):
            initial = not self.synced[partition]
            told = self.store.apply(partition, [change])
            self._remember(partition, change)
            deletes = [each.new is None for each in told]
            assert not isinstance(change, Replace) or deletes == sorted(deletes, reverse=True), "deletes go first"
            for each in told:
                assert each.initial is initial
                self.handler.hear(each)
        self.check()

    def _changes(self, kind: str, what: object) -> list[tuple[str, Change]]:
        if kind == "index":
            name = f"csv-{len(self.indexes)}"
            self.indexes.append(self.store.add_index(index(name, csv_of), lambda each: each))
            return []
        if kind == "bookmark":
            return [(each, Bookmark(str(what))) for each in self.partitions]
        described = cast("list[Described]", what if isinstance(what, list) else [what])
        entries = [make(each) for each in described]
        if kind == "relist":
            return [
                (each, Replace({e.key: e for e in entries if self.mine(each, e)}, "30")) for each in self.partitions
            ]
        (entry,) = entries
        change = Upsert(entry) if kind == "upsert" else Remove(entry)
        return [(each, change) for each in self.partitions if self.mine(each, entry)]

    def mine(self, partition: str, entry: Entry) -> bool:
        return partition in {"", entry.key.namespace}

    def _remember(self, partition: str, change: Change) -> None:
        held = self.truth[partition]
        if isinstance(change, Replace):
            unchanged = {key: held[key] for key, each in change.entries.items() if self.same(held.get(key), each)}
            self.truth[partition] = {**change.entries, **unchanged}
            self.versions[partition] = change.resource_version
            self.synced[partition] = True
            return
        if isinstance(change, Bookmark):
            self.versions[partition] = change.resource_version
            return
        entry = change.entry
        self.versions[partition] = entry.resource_version or self.versions[partition]
        if isinstance(change, Remove):
            held.pop(entry.key, None)
        elif not self.same(held.get(entry.key), entry):
            held[entry.key] = entry

    @staticmethod
    def same(old: Entry | None, new: Entry) -> bool:
        if old is None or (old.body == b"" != new.body):
            return False
        return old.uid == new.uid and old.resource_version == new.resource_version != ""

    def check(self) -> None:
        truth = {key: each for held in self.truth.values() for key, each in held.items()}
        store = self.store
        assert {each.key: each for each in store.entries()} == truth
        assert len(store.entries()) == len(store) == len(truth)
        assert store.body_bytes == sum(len(each.body) for each in truth.values())
        assert self.handler.known == truth
        for key in {*truth, ObjectKey("a", "p"), ObjectKey("nowhere", "p")}:
            assert store.get(key) is truth.get(key)
        for namespace in [*NAMESPACES, "nowhere"]:
            assert set(store.keys(namespace)) == {key for key in truth if key.namespace == namespace}
        selector = LabelSelector.parse("csv in (x,y)")
        assert set(store.entries(None, selector)) == {e for e in truth.values() if e.labels.get("csv") in {"x", "y"}}
        for partition in self.partitions:
            assert store.resource_version(partition) == self.versions[partition]
            assert store.synced(partition) is self.synced[partition]
        expected: dict[str, set[Entry]] = {}
        for each in truth.values():
            for value in csv_of(each):
                expected.setdefault(value, set()).add(each)
        for found in self.indexes:
            assert found.index_values() == sorted(expected)
            for value, entries in expected.items():
                assert set(found[value]) == entries
                assert found.object_keys(value) == sorted(each.key for each in entries)
        for part in store._partitions.values():
            assert all(part.shelf._namespaces.values()), "no empty namespace is kept"
            assert all(bucket for column in part.shelf.buckets for bucket in column.values()), "no empty bucket is kept"


@settings(max_examples=settings().max_examples * 3)
@given(st.sampled_from([[""], ["a", "b"]]), st.lists(_STEP, max_size=25))
@pytest.mark.scenario("invariant-9")
def test_the_store_is_a_dict_with_indexes_and_a_true_story(
    partitions: list[str], steps: list[tuple[str, object]]
) -> None:
    case = Case(partitions)
    case.check()
    for kind, what in steps:
        case.step(kind, what)


@given(st.lists(_STEP, max_size=20))
@pytest.mark.scenario("trap-24")
def test_one_batch_or_many_come_to_the_same(steps: list[tuple[str, object]]) -> None:
    single, batched = Case([""]), Store(RESOURCE)
    batched_index = batched.add_index(label_index("csv"), lambda each: each)
    told_one_by_one: list[Notification] = []
    changes: list[Change] = []
    twins: list[Change] = []
    for kind, what in steps:
        if kind != "index":
            changes += [change for _, change in single._changes(kind, what)]
            twins += [change for _, change in single._changes(kind, what)]
    for change in changes:
        told_one_by_one += single.store.apply("", [change])
    told_at_once = batched.apply("", twins)

    def words(told: list[Notification]) -> list[tuple[object, ...]]:
        states = [[(e.uid, e.resource_version) for e in (each.old, each.new) if e is not None] for each in told]
        return [(e.key, e.initial, e.final_state_unknown, *each) for e, each in zip(told, states, strict=True)]

    assert words(told_at_once) == words(told_one_by_one)
    assert {(e.key, e.uid, e.resource_version) for e in batched.entries()} == {
        (e.key, e.uid, e.resource_version) for e in single.store.entries()
    }
    assert sum(len(batched_index[value]) for value in batched_index.index_values()) == sum(
        "csv" in each.labels for each in batched.entries()
    )
