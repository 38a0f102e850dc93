"""Many threads on one store: no reader sees half of anything, no index loses an object, nothing waits for ever."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kinform.meta import ObjectKey, Resource
from kinform.store import Index, Store, index, label_index
from kinform.wire import Change, Entry, Remove, Replace, Upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 1.0
PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)


@pytest.fixture(autouse=True)
def _threads_take_turns_all_the_time() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def make(name: str, rv: int, namespace: str, labels: dict[str, str]) -> Entry:
    return Entry(ObjectKey(namespace, name), f"{namespace}/{name}", str(rv), 1, "", labels, None, b"{}")


def run(*workers: Callable[[], object]) -> None:
    """Runs the workers side by side to their end, and raises what the first of them raised."""
    raised: list[BaseException] = []

    def guarded(worker: Callable[[], object]) -> None:
        try:
            worker()
        except BaseException as error:  # noqa: BLE001  (brought to the test's own thread)
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a deadlock"
    if raised:
        raise raised[0]


@pytest.mark.scenario("invariant-2")
def test_no_reader_sees_half_a_relist() -> None:
    """python-peers C13: there the cache is emptied and filled again before its readers' eyes."""
    store = Store(PODS, ["a", "b"])
    by_generation: Index[Entry] = store.add_index(label_index("generation"), lambda each: each)
    stop = time.monotonic() + SECONDS
    count = 200
    seen = {"a": 0, "b": 0}

    def relist(namespace: str, generation: int) -> None:
        # Half of the objects are the same in every generation, half are new; names change from one to the next.
        labels = {"generation": str(generation)}
        entries = [make(f"same-{n}", 1, namespace, {"generation": "always"}) for n in range(count)]
        entries += [make(f"g{generation % 2}-{n}", generation, namespace, labels) for n in range(count)]
        store.apply(namespace, [Replace({each.key: each for each in entries}, str(generation))])

    def writer(namespace: str) -> None:
        generation = 1
        while time.monotonic() < stop:
            generation += 1
            relist(namespace, generation)
        seen[namespace] = generation

    def reader() -> None:
        while time.monotonic() < stop:
            for entries in (store.entries("a"), [each for each in store.entries() if each.key.namespace == "b"]):
                generations = [each.labels["generation"] for each in entries]
                assert generations.count("always") == count
                assert len(set(generations)) == 2, "two generations at once"
                assert len(entries) == 2 * count
            assert len(store) == 4 * count
            for value in by_generation.index_values():
                found = [each.key.namespace for each in by_generation[value]]
                assert found.count("a") in {0, count}
                assert found.count("b") in {0, count}
            assert store.get(ObjectKey("a", "same-7")) is not None, "what is in every list is always there"

    relist("a", 1)
    relist("b", 1)
    run(lambda: writer("a"), lambda: writer("b"), reader, reader)
    assert min(seen.values()) > 2


def test_indexes_added_while_everything_changes_miss_nothing() -> None:
    """python-peers C11: there an index is read while it changes."""
    store = Store(PODS, ["a", "b"])
    stop = time.monotonic() + SECONDS
    versions = iter(range(10, 100_000_000))
    added: list[Index[Entry]] = []
    deletes_and_adds = {"a": 0, "b": 0}

    def values(each: Entry) -> list[str]:
        return each.labels["csv"].split(".")

    def change(namespace: str, turn: int) -> Change:
        rv = next(versions)
        entry = make(f"pod-{turn % 300}", rv, namespace, {"csv": f"v{turn % 5}.w{rv % 3}"})
        if turn % 7 == 0:
            return Remove(entry)
        if turn % 500 == 1:
            kept = [each for each in store.entries(namespace) if each.key.name != "pod-5"]
            return Replace({each.key: each for each in [*kept, entry]}, str(rv))
        return Upsert(entry)

    def writer(namespace: str) -> None:
        turn = 0
        while time.monotonic() < stop:
            turn += 1
            told = store.apply(namespace, [change(namespace, turn)])
            deletes_and_adds[namespace] += sum((each.old is None) - (each.new is None) for each in told)

    def adder() -> None:
        while time.monotonic() < stop and len(added) < 12:
            added.append(store.add_index(index(f"csv-{len(added)}", values), lambda each: each))

    def reader() -> None:
        while time.monotonic() < stop:
            for each in list(added):
                for value in each.index_values():
                    assert all(value in values(entry) for entry in each[value])

    for namespace in ("a", "b"):
        initial = [make(f"pod-{n}", 1, namespace, {"csv": f"v{n % 5}"}) for n in range(600)]
        store.apply(namespace, [Replace({each.key: each for each in initial}, "1")])
    run(lambda: writer("a"), lambda: writer("b"), adder, reader)

    expected: dict[str, set[ObjectKey]] = {}
    for entry in store.entries():
        for value in values(entry):
            expected.setdefault(value, set()).add(entry.key)
    assert len(added) >= 2
    for each in added:
        assert each.index_values() == sorted(expected)
        for value, keys in expected.items():
            assert set(each.object_keys(value)) == keys
            assert all(entry is store.get(entry.key) for entry in each[value])
    assert len(store) == 1200 + sum(deletes_and_adds.values()), "notifications and contents agree"


def test_writers_of_one_partition_take_turns() -> None:
    """No two changes of one key are decided by the same old state."""
    store = Store(PODS)
    store.apply("", [Replace({}, "1")])
    versions = iter(range(2, 100_000_000))
    lock = threading.Lock()
    told: list[tuple[Entry | None, Entry | None]] = []

    def writer() -> None:
        for _ in range(500):
            found = store.apply("", [Upsert(make("one", next(versions), "a", {}))])
            with lock:
                told.extend((each.old, each.new) for each in found)

    run(writer, writer, writer)
    olds = [old.resource_version for old, _ in told if old is not None]
    assert len(told) == 1500
    assert len(olds) == len(set(olds)) == 1499, "each state was the old one once, save the first"
