"""Indexes: what they hold after every kind of change, what functions may do, filling one beside writes."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from kinform.errors import CacheNotSyncedError, IndexFunctionError
from kinform.meta import ObjectKey, Resource
from kinform.store import Index, Indexer, Store, field_index, index, label_index
from kinform.wire import Change, Entry, Owner, Remove, Replace, Upsert

Make: TypeAlias = Callable[..., Entry]
WAIT = 10.0


def itself(entry: Entry) -> Entry:
    """Stands for an inflater: these tests look at entries."""
    return entry


def csv(entry: Entry) -> list[str]:
    """The label ``csv``, with dots for commas."""
    return entry.labels["csv"].split(".") if "csv" in entry.labels else []


def relist(rv: int, *entries: Entry) -> Replace:
    return Replace({each.key: each for each in entries}, str(rv))


def buckets(found: Index[object]) -> dict[str, set[str]]:
    return {value: {key.name for key in found.object_keys(value)} for value in found.index_values()}


@pytest.fixture
def store(pods: Resource) -> Store:
    return Store(pods)


@pytest.mark.scenario("T01")
@pytest.mark.scenario("T02")
def test_a_bucket_goes_with_its_last_object(store: Store, entry: Make) -> None:
    by_app = store.add_index(label_index("app"), itself)
    store.apply("", [Upsert(entry("a", 1, labels={"app": "web"})), Upsert(entry("b", 2, labels={"app": "web"}))])
    store.apply("", [Remove(entry("a", 3))])
    assert buckets(by_app) == {"web": {"b"}}
    store.apply("", [Remove(entry("b", 4))])
    assert buckets(by_app) == {}
    assert store._partitions[""].shelf.buckets == [{}]


@pytest.mark.scenario("T03")
def test_buckets_follow_values_that_come_and_go(store: Store, entry: Make) -> None:
    by_csv = store.add_index(index("csv", csv), itself)
    versions = iter(range(1, 100))

    def put(name: str, value: str) -> None:
        store.apply("", [Upsert(entry(name, next(versions), labels={"csv": value}))])

    def drop(name: str) -> None:
        store.apply("", [Remove(entry(name, next(versions)))])

    put("k1", "foo")
    put("k2", "bar")
    assert buckets(by_csv) == {"foo": {"k1"}, "bar": {"k2"}}
    put("k2", "foo.bar")
    assert buckets(by_csv) == {"foo": {"k1", "k2"}, "bar": {"k2"}}
    put("k1", "foo.bar")
    assert buckets(by_csv) == {"foo": {"k1", "k2"}, "bar": {"k1", "k2"}}
    put("k3", "foo.bar.baz")
    assert buckets(by_csv) == {"foo": {"k1", "k2", "k3"}, "bar": {"k1", "k2", "k3"}, "baz": {"k3"}}
    put("k1", "foo")
    assert buckets(by_csv) == {"foo": {"k1", "k2", "k3"}, "bar": {"k2", "k3"}, "baz": {"k3"}}
    put("k2", "bar")
    assert buckets(by_csv) == {"foo": {"k1", "k3"}, "bar": {"k2", "k3"}, "baz": {"k3"}}
    drop("k1")
    assert buckets(by_csv) == {"foo": {"k3"}, "bar": {"k2", "k3"}, "baz": {"k3"}}
    drop("k3")
    assert buckets(by_csv) == {"bar": {"k2"}}
    assert list(by_csv["baz"]) == []


@pytest.mark.scenario("T05a")
def test_index_values_are_each_once_and_sorted(store: Store, entry: Make) -> None:
    by_app = store.add_index(label_index("app"), itself)
    apps = {"one": "biz", "two": "bar", "tre": "bar"}
    store.apply("", [Upsert(entry(name, 1, labels={"app": app})) for name, app in apps.items()])
    assert by_app.index_values() == ["bar", "biz"]


@pytest.mark.scenario("T05b")
def test_objects_with_several_values(store: Store, entry: Make) -> None:
    by_user = store.add_index(index("users", csv), itself)
    users = {"one": "ernie.bert", "two": "bert.oscar", "tre": "ernie.elmo"}
    store.apply("", [Upsert(entry(name, 1, labels={"csv": each})) for name, each in users.items()])
    assert buckets(by_user) == {
        "ernie": {"one", "tre"},
        "bert": {"one", "two"},
        "elmo": {"tre"},
        "oscar": {"two"},
    }
    assert len(by_user["unknown"]) == 0
    assert by_user.object_keys("unknown") == []
    store.apply("", [Remove(entry("tre", 2))])
    assert buckets(by_user)["ernie"] == {"one"}
    assert "elmo" not in by_user.index_values()
    store.apply("", [Upsert(entry("two", 3, labels={"csv": "oscar"}))])
    assert buckets(by_user)["bert"] == {"one"}


@pytest.mark.scenario("T07")
def test_what_a_value_gives_are_the_stored_objects(store: Store, entry: Make) -> None:
    by_app = store.add_index(label_index("app"), itself)
    old, new, other = (
        entry("a", 1, labels={"app": "b"}),
        entry("a", 2, labels={"app": "b"}),
        entry("c", 3, labels={"app": "b"}),
    )
    store.apply("", [Upsert(old), Upsert(other), Upsert(new)])
    assert list(by_app["b"]) == [new, other], "with the same value an update stands in its predecessor's place"
    assert by_app["b"].keys() == [new.key, other.key]
    assert list(by_app["f"]) == []


def test_keys_are_sorted(store: Store, entry: Make) -> None:
    by_app = store.add_index(label_index("app"), itself)
    store.apply("", [Upsert(entry(name, 1, labels={"app": "x"})) for name in "cab"])
    store.apply("", [Upsert(entry("z", 2, namespace="a-shop", labels={"app": "x"}))])
    assert [str(key) for key in by_app.object_keys("x")] == ["a-shop/z", "shop/a", "shop/b", "shop/c"]


@pytest.mark.scenario("S01c")
@pytest.mark.scenario("M11b")
def test_an_index_covers_what_was_there_before_it(store: Store, entry: Make) -> None:
    store.apply("", [relist(1, *(entry(f"pod-{n}", 1, labels={"app": f"app-{n % 3}"}) for n in range(1000)))])
    by_app = store.add_index(label_index("app"), itself)
    assert {value: len(by_app[value]) for value in by_app.index_values()} == {"app-0": 334, "app-1": 333, "app-2": 333}
    store.apply("", [Upsert(entry("pod-0", 2, labels={"app": "app-1"}))])
    assert len(by_app["app-1"]) == 334


def test_a_relist_brings_new_buckets_with_the_reused_entries_in_them(store: Store, entry: Make) -> None:
    by_csv = store.add_index(index("csv", csv), itself)
    kept = entry("kept", 1, labels={"csv": "a.b"})
    store.apply("", [relist(1, kept, entry("changed", 1, labels={"csv": "a"}), entry("gone", 1, labels={"csv": "g"}))])
    store.apply("", [relist(2, entry("changed", 2, labels={"csv": "c"}), entry("kept", 1, labels={"csv": "a.b"}))])
    assert buckets(by_csv) == {"a": {"kept"}, "b": {"kept"}, "c": {"changed"}}
    assert list(by_csv["a"]) == [kept]


def test_another_uid_moves_from_bucket_to_bucket(store: Store, entry: Make) -> None:
    by_app = store.add_index(label_index("app"), itself)
    store.apply("", [Upsert(entry("a", 1, uid="one", labels={"app": "x"}))])
    store.apply("", [Upsert(entry("a", 2, uid="two", labels={"app": "y"}))])
    assert buckets(by_app) == {"y": {"a"}}


def test_an_index_spans_partitions(pods: Resource, entry: Make) -> None:
    store = Store(pods, ["a", "b"])
    by_app = store.add_index(label_index("app"), itself)
    for namespace in ("a", "b"):
        store.apply(namespace, [relist(1, entry("pod", 1, namespace=namespace, labels={"app": "web"}))])
    assert by_app.object_keys("web") == [ObjectKey("a", "pod"), ObjectKey("b", "pod")]
    assert by_app.index_values() == ["web"]
    store.apply("a", [relist(2)])
    assert by_app.object_keys("web") == [ObjectKey("b", "pod")]


# ---- what is indexed


def test_fields_are_read_from_the_bytes(store: Store, entry: Make) -> None:
    def never(_: Entry) -> object:
        raise AssertionError("a field index inflates nothing")

    by_value = store.add_index(field_index("spec.value"), never)
    by_namespace = store.add_index(field_index("metadata.namespace"), never)
    store.apply("", [Upsert(entry("a", 1, value="n1")), Upsert(entry("b", 1, value="n2")), Upsert(entry("c", 1))])
    assert by_value.index_values() == ["n1", "n2"], "an empty field is in no bucket"
    assert by_value.object_keys("n1") == [ObjectKey("shop", "a")]
    assert len(by_namespace.object_keys("shop")) == 3


def test_fields_in_lists_have_many_values(store: Store, entry: Make) -> None:
    by_image = store.add_index(field_index("spec.containers.image"), itself)
    pod = entry("a", 1)
    pod.stored = b'{"spec":{"containers":[{"image":"x:1"},{"image":"y:2"},{"name":"none"},{"image":"x:1"}]}}'
    store.apply("", [Upsert(pod)])
    assert by_image.index_values() == ["x:1", "y:2"]


def test_labels_with_an_empty_value_have_a_bucket_and_absent_ones_have_none(store: Store, entry: Make) -> None:
    by_label = store.add_index(label_index("example.com/app"), itself)
    store.apply("", [Upsert(entry("a", 1, labels={"example.com/app": ""})), Upsert(entry("b", 1))])
    assert by_label.index_values() == [""]
    assert by_label.object_keys("") == [ObjectKey("shop", "a")]


@pytest.mark.parametrize("path", ["", "a..b", "a[", "."])
def test_what_is_no_field_path_is_refused_at_once(path: str) -> None:
    with pytest.raises(ValueError, match="field path"):
        field_index(path)


@pytest.mark.parametrize("key", ["", "a b", "a/b/c"])
def test_what_is_no_label_key_is_refused_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="label key"):
        label_index(key)


@pytest.mark.parametrize(
    "found",
    [
        lambda _: ["x", "y", "x"],
        lambda _: ("x", "y"),
        lambda _: {"x", "y"},
        lambda _: {"x": 1, "y": 2}.keys(),
        lambda _: (each for each in "xyx"),
    ],
)
def test_functions_return_any_collection_and_repetitions_count_once(
    store: Store, entry: Make, found: Callable[[Entry], list[str]]
) -> None:
    by_it = store.add_index(index("it", found), itself)
    store.apply("", [Upsert(entry("a", 1))])
    assert by_it.index_values() == ["x", "y"]
    assert by_it.object_keys("x") == [ObjectKey("shop", "a")]


@pytest.mark.parametrize("found", [lambda _: "web", lambda _: None, lambda _: [1], lambda _: ["a", None], lambda _: 7])
def test_functions_that_return_something_else_are_reported(
    pods: Resource, entry: Make, found: Callable[[Entry], list[str]]
) -> None:
    """A string is a collection of its letters, and hardly ever meant so."""
    reports: list[Exception] = []
    store = Store(pods, report=reports.append)
    by_it = store.add_index(index("it", found), itself)
    store.apply("", [Upsert(entry("a", 1))])
    assert by_it.index_values() == []
    (report,) = reports
    assert isinstance(report, IndexFunctionError)
    assert "an index function returns" in str(report)


def test_a_function_that_raises_puts_the_object_in_no_bucket_and_reports(pods: Resource, entry: Make) -> None:
    """python-peers C11: there it breaks the write. In client-go the process panics."""
    reports: list[Exception] = []
    store = Store(pods, report=reports.append)

    def fussy(each: Entry) -> list[str]:
        if each.labels["app"] == "bad":
            raise LookupError("bad app")
        return [each.labels["app"]]

    by_it = store.add_index(index("it", fussy), itself)
    by_name = store.add_index(field_index("metadata.name"), itself)
    store.apply("", [Upsert(entry("a", 1, labels={"app": "good"}))])
    store.apply("", [Upsert(entry("a", 2, labels={"app": "bad"}))])
    assert buckets(by_it) == {}, "also not in the bucket of what it was before"
    assert buckets(by_name) == {"a": {"a"}}, "other indexes have it"
    (report,) = reports
    assert isinstance(report, IndexFunctionError)
    assert (report.index, report.key) == ("it", "shop/a")
    assert isinstance(report.__cause__, LookupError)
    store.apply("", [Upsert(entry("a", 3, labels={"app": "good"}))])
    assert buckets(by_it) == {"good": {"a"}}


def test_a_function_that_raises_in_the_filling_is_reported_too(pods: Resource, entry: Make) -> None:
    reports: list[Exception] = []
    store = Store(pods, report=reports.append)
    store.apply("", [relist(1, entry("a", 1, labels={"csv": "x"}), entry("b", 1))])

    def fussy(each: Entry) -> list[str]:
        return [each.labels["csv"]]

    by_it = store.add_index(index("it", fussy), itself)
    assert buckets(by_it) == {"x": {"a"}}
    assert [str(each) for each in reports] == ["index 'it' failed on shop/b: KeyError: 'csv'"]
    store.apply("", [Remove(entry("b", 2)), Remove(entry("a", 3))])
    assert buckets(by_it) == {}


def test_functions_run_once_for_each_version(store: Store, entry: Make) -> None:
    seen: list[str] = []

    def note(each: Entry) -> list[str]:
        seen.append(f"{each.key.name}@{each.resource_version}")
        return []

    store.apply("", [relist(1, entry("a", 1), entry("b", 1))])
    store.add_index(index("it", note), itself)
    store.apply("", [Upsert(entry("a", 2)), Upsert(entry("a", 2)), relist(3, entry("a", 2), entry("b", 3))])
    store.apply("", [Remove(entry("a", 4))])
    assert seen == ["a@1", "b@1", "a@2", "b@3"]


# ---- adding


def test_an_equal_indexer_gives_the_same_index_and_another_of_that_name_is_refused(store: Store, entry: Make) -> None:
    store.add_index(field_index("spec.value"), itself)
    by_csv = index("csv", csv)
    first = store.add_index(by_csv, itself)
    again: list[Indexer[Entry]] = [field_index("spec.value"), by_csv, index("csv", csv)]
    second = [store.add_index(each, itself) for each in again][-1]
    store.apply("", [Upsert(entry("a", 1, labels={"csv": "x"}))])
    assert buckets(first) == buckets(second) == {"x": {"a"}}
    assert len(store._columns) == 2
    with pytest.raises(ValueError, match="'csv'"):
        store.add_index(index("csv", lambda each: [each.uid]), itself)
    with pytest.raises(ValueError, match=r"'spec\.value'"):
        store.add_index(index("spec.value", csv), itself)


def test_an_index_asks_its_guard_before_each_read(store: Store) -> None:
    def guard() -> None:
        raise CacheNotSyncedError("not yet")

    by_app = store.add_index(label_index("app"), itself, guard=guard)
    assert by_app.name == "metadata.labels['app']"
    for read in (lambda: by_app["x"], lambda: by_app.object_keys("x"), by_app.index_values):
        with pytest.raises(CacheNotSyncedError):
            read()


def test_an_index_is_no_collection(store: Store) -> None:
    by_app = store.add_index(label_index("app"), itself)
    with pytest.raises(TypeError):
        iter(by_app)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        operator.contains(by_app, "x")  # type: ignore[arg-type]
    assert repr(by_app) == """<Index "metadata.labels['app']">"""


def test_an_index_function_cannot_add_an_index(pods: Resource, entry: Make) -> None:
    """It would wait for the very writer that it runs in."""
    reports: list[Exception] = []
    store = Store(pods, report=reports.append)

    def greedy(_: Entry) -> list[str]:
        store.add_index(label_index("more"), itself)
        return ["x"]

    store.add_index(index("greedy", greedy), itself)
    store.apply("", [Upsert(entry("a", 1))])
    assert [type(each.__cause__) for each in reports] == [RuntimeError]
    store.add_index(label_index("more"), itself)


def test_an_index_function_may_read_the_store(store: Store, entry: Make) -> None:
    def neighbours(each: Entry) -> list[str]:
        return [f"{len(store.entries(each.key.namespace))} before"]

    by_it = store.add_index(index("it", neighbours), itself)
    store.apply("", [Upsert(entry("a", 1)), Upsert(entry("b", 1))])
    assert buckets(by_it) == {"0 before": {"a"}, "1 before": {"b"}}


def test_an_interrupted_filling_leaves_the_store_in_order(store: Store, entry: Make) -> None:
    store.apply("", [relist(1, *(entry(f"pod-{n}", 1, labels={"csv": "x"}) for n in range(600)))])
    by_csv = store.add_index(index("csv", csv), itself)

    def interrupted(each: Entry) -> list[str]:
        if each.key.name == "pod-400":
            raise KeyboardInterrupt
        return ["y"]

    with pytest.raises(KeyboardInterrupt):
        store.add_index(index("it", interrupted), itself)
    again = store.add_index(index("it", lambda _: ["z"]), itself)
    changes: list[Change] = [Upsert(entry("pod-1", 2, labels={"csv": "w"})), Remove(entry("pod-2", 3))]
    store.apply("", changes)
    assert (len(by_csv["x"]), len(by_csv["w"]), len(again["z"])) == (598, 1, 599)
    assert store._partitions[""].shelf.buckets[1] == {}
    assert {len(each.index_values) for each in store.entries()} == {3}


# ---- beside writes


def test_filling_goes_on_beside_reads_and_writes(store: Store, entry: Make) -> None:
    """Held up in the middle of the filling, everything else must go through, and count in the finished index."""
    store.apply("", [relist(1, *(entry(f"pod-{n}", 1, labels={"csv": f"v{n % 7}"}) for n in range(1000)))])
    held_up, go_on = threading.Event(), threading.Event()
    filler = threading.current_thread()

    def slow(each: Entry) -> list[str]:
        if threading.current_thread() is filler and each.key.name == "pod-500":
            held_up.set()
            assert go_on.wait(WAIT)
        return csv(each)

    made: list[Index[Entry]] = []

    def add() -> None:
        made.append(store.add_index(index("csv", slow), itself))

    filler = threading.Thread(target=add)
    filler.start()
    assert held_up.wait(WAIT)
    try:
        # pod-0 has been filed already, pod-500 is being looked at, pod-999 is still to come.
        updates = [entry(f"pod-{n}", 2, labels={"csv": "new"}) for n in (0, 500, 999)]
        store.apply("", [Upsert(each) for each in updates])
        gone = [Remove(entry(f"pod-{n}", 3)) for n in (1, 501, 998)]
        store.apply("", gone)
        store.apply("", [Upsert(entry("late", 4, labels={"csv": "new"}))])
        store.apply("", [relist(5, *store.entries(), entry("later", 5, labels={"csv": "new"}))])
        store.apply("", [Upsert(entry("pod-2", 6, labels={"csv": "new"}))])
        assert len(store.entries("shop")) == len(store) == 999
        assert made == []
    finally:
        go_on.set()
        filler.join(WAIT)
    (by_csv,) = made
    expected: dict[str, set[str]] = {}
    for each in store.entries():
        expected.setdefault(each.labels["csv"], set()).add(each.key.name)
    assert expected["new"] == {"pod-0", "pod-500", "pod-999", "late", "later", "pod-2"}
    assert buckets(by_csv) == expected
    assert all(each is store.get(each.key) for value in expected for each in by_csv[value])
    store.apply("", [relist(9)])
    assert buckets(by_csv) == {}


def test_filling_does_not_come_between_a_relist_and_its_swap(store: Store, entry: Make) -> None:
    """What is filed in contents that are about to be replaced would be lost with them."""
    in_fill, end_fill, in_relist, end_relist = (threading.Event() for _ in range(4))

    def relisting(each: Entry) -> list[str]:
        if each.key.name == "new":
            in_relist.set()
            assert end_relist.wait(WAIT)
        return []

    def filling(each: Entry) -> list[str]:
        in_fill.set()
        assert end_fill.wait(WAIT)
        return [each.key.name]

    store.apply("", [relist(1, entry("old", 1))])
    store.add_index(index("relisting", relisting), itself)
    made: list[Index[Entry]] = []
    filler = threading.Thread(target=lambda: made.append(store.add_index(index("filling", filling), itself)))
    writer = threading.Thread(target=store.apply, args=("", [relist(2, entry("old", 1), entry("new", 2))]))
    filler.start()
    try:
        assert in_fill.wait(WAIT)
        writer.start()
        assert in_relist.wait(WAIT)
        end_fill.set()
        filler.join(0.2)
        assert filler.is_alive(), "it waits for the relist, which has taken the old entry over already"
    finally:
        end_fill.set()
        end_relist.set()
        filler.join(WAIT)
        writer.join(WAIT)
    assert buckets(made[0]) == {"old": {"old"}, "new": {"new"}}


def test_readers_do_not_wait_for_index_functions(store: Store, entry: Make) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(_: Entry) -> list[str]:
        inside.set()
        assert go_on.wait(WAIT)
        return ["x"]

    by_it = store.add_index(index("it", slow), itself)
    writer = threading.Thread(target=store.apply, args=("", [Upsert(entry("a", 1))]))
    writer.start()
    try:
        assert inside.wait(WAIT)
        assert store.get(ObjectKey("shop", "a")) is None
        assert (store.entries(), len(store), store.body_bytes) == ([], 0, 0)
        assert (list(by_it["x"]), by_it.index_values()) == ([], [])
    finally:
        go_on.set()
        writer.join(WAIT)
    assert by_it.index_values() == ["x"]


def test_equal_values_are_one_tuple(store: Store, entry: Make) -> None:
    store.add_index(field_index("spec.value"), itself)
    first, second = entry("a", 1, value="n1"), entry("b", 1, value="n1")
    store.apply("", [Upsert(first), Upsert(second)])
    assert first.index_values is second.index_values
    store.add_index(label_index("app"), itself)
    assert first.index_values is second.index_values
    assert first.index_values == (("n1",), ())
    store.add_index(field_index("metadata.name"), itself)
    third, fourth = entry("c", 1, value="n1"), entry("d", 1, value="n1")
    store.apply("", [Upsert(third), Upsert(fourth)])
    assert third.index_values != fourth.index_values
    assert third.index_values[0] is fourth.index_values[0] is first.index_values[0]


def test_the_pool_of_values_is_bounded(store: Store, entry: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinform.store.columns._POOL_LIMIT", 10)
    store.add_index(field_index("metadata.name"), itself)
    store.apply("", [Upsert(entry(f"pod-{n}", 1)) for n in range(100)])
    assert len(store._columns._pool) <= 10


def test_owners_can_be_indexed_from_the_entry_by_ones_own_indexer(store: Store, entry: Make) -> None:
    """Indexer is open: what the entry holds can be indexed at no cost."""

    class ByOwner(Indexer[object]):
        @property
        def name(self) -> str:
            return "owner"

        def values(self, entry: Entry, inflate: Callable[[Entry], object]) -> tuple[str, ...]:
            return () if entry.owner is None else (entry.owner.uid,)

    by_owner = store.add_index(ByOwner(), itself)
    owned = entry("a", 1)
    owned.owner = Owner("apps/v1", "ReplicaSet", "web", "uid-of-web")
    store.apply("", [Upsert(owned), Upsert(entry("b", 1))])
    assert list(by_owner["uid-of-web"]) == [owned]


def test_iterators_are_taken_once(store: Store, entry: Make) -> None:
    def lazily(each: Entry) -> Iterator[str]:
        yield each.key.name

    by_name = store.add_index(index("name", lazily), itself)
    store.apply("", [Upsert(entry("a", 1))])
    assert by_name.index_values() == ["a"]
