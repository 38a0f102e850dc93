"""Snapshots: lazy, immutable, keeping nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pytest

from kinform.errors import UndecodableObjectError
from kinform.meta import ObjectKey, Resource
from kinform.store import Snapshot, Store
from kinform.wire import Entry, Replace

Make: TypeAlias = Callable[..., Entry]


class Counting:
    """Stands for an inflater: makes names of entries, and counts."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, entry: Entry) -> str:
        self.calls.append(entry.key.name)
        if entry.body == b"":
            raise UndecodableObjectError(str(entry.key), "no body")
        return entry.key.name


@pytest.fixture
def inflate() -> Counting:
    return Counting()


@pytest.fixture
def abc(entry: Make, inflate: Counting) -> Snapshot[str]:
    return Snapshot([entry("a"), entry("b"), entry("c")], inflate)


def test_only_what_is_looked_at_is_inflated(abc: Snapshot[str], inflate: Counting) -> None:
    assert len(abc) == 3
    assert bool(abc)
    assert abc.keys() == [ObjectKey("shop", "a"), ObjectKey("shop", "b"), ObjectKey("shop", "c")]
    assert repr(abc) == "<Snapshot of 3 objects>"
    tail = abc[1:]
    assert inflate.calls == []
    assert abc[1] == "b"
    assert tail[-1] == "c"
    assert inflate.calls == ["b", "c"]
    assert next(iter(abc)) == "a"
    assert inflate.calls == ["b", "c", "a"]
    assert next(reversed(abc)) == "c"
    assert inflate.calls == ["b", "c", "a", "c"]


def test_nothing_is_kept(abc: Snapshot[str], inflate: Counting) -> None:
    assert list(abc) == ["a", "b", "c"]
    assert list(abc) == ["a", "b", "c"]
    assert len(inflate.calls) == 6


def test_it_is_a_sequence(abc: Snapshot[str]) -> None:
    assert isinstance(abc, Sequence)
    assert abc[::-1][0] == "c"
    assert list(reversed(abc)) == ["c", "b", "a"]
    assert "b" in abc
    assert "x" not in abc
    assert abc.index("c") == 2
    assert abc.count("a") == 1
    assert list(abc[:0]) == []
    assert isinstance(abc[5:], Snapshot)
    with pytest.raises(IndexError):
        abc[3]


def test_it_cannot_be_changed(abc: Snapshot[str]) -> None:
    with pytest.raises(TypeError):
        abc[0] = "x"  # type: ignore[index]
    with pytest.raises(TypeError):
        del abc[0]  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        abc.extra = 1  # type: ignore[attr-defined]


def test_it_shows_one_moment(pods: Resource, entry: Make, inflate: Counting) -> None:
    store = Store(pods)
    store.apply("", [Replace({(each := entry(name)).key: each for name in "ab"}, "1")])
    before = Snapshot(store.entries(), inflate)
    store.apply("", [Replace({}, "2")])
    assert list(before) == ["a", "b"]
    assert len(store.entries()) == 0


def test_a_poison_object_raises_at_its_reader_and_is_not_skipped(entry: Make, inflate: Counting) -> None:
    poison = entry("b")
    poison.stored = b""
    some = Snapshot([entry("a"), poison, entry("c")], inflate)
    assert len(some) == 3
    assert (some[0], some[2]) == ("a", "c")
    with pytest.raises(UndecodableObjectError, match="shop/b"):
        some[1]
    with pytest.raises(UndecodableObjectError):
        list(some)
