"""The packer's thread: what it packs and when, what it leaves, and that no reader ever sees anything but the body."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from kinform.packing import Packer, codec
from kinform.packing import packer as packing
from kinform.testing import VirtualClock, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kinform.wire import Entry

LONG = 30.0  # seconds that a test waits at most for what takes a moment


class Cache:
    """Entries, and the packer that works on them."""

    def __init__(self, body: Callable[..., bytes], entry: Callable[..., Entry], *, always: bool) -> None:
        self.entries: dict[int, Entry] = {}
        self.bodies: dict[int, bytes] = {}
        self.clock = VirtualClock()
        self._body = body
        self._entry = entry
        self.packer = Packer(
            lambda: list(self.entries.values()),
            lambda: len(self.entries),
            always=always,
            clock=self.clock,
            name="packing for a test",
        )

    def make(self, numbers: range, families: int = 20, era: str = "") -> list[Entry]:
        """New entries, put in the cache."""
        made = []
        for number in numbers:
            self.bodies[number] = self._body(number, number % families, era)
            self.entries[number] = self._entry(number, self.bodies[number])
            made.append(self.entries[number])
        return made

    def settle(self) -> None:
        """Waits until all is done; what waits for company is told that none will come."""
        for _ in range(600):
            if self.packer.wait_until_idle(LONG / 600):
                return
            self.clock.advance(1.0)
        raise AssertionError("the packer does not come to rest")

    @property
    def packed(self) -> int:
        return sum(entry.stored != self.bodies[number] for number, entry in self.entries.items())

    def check(self) -> None:
        assert all(entry.body == self.bodies[number] for number, entry in self.entries.items())


@pytest.fixture
def cache(body: Callable[..., bytes], entry: Callable[..., Entry]) -> Iterator[Callable[..., Cache]]:
    made: list[Cache] = []

    def make(*, always: bool = True) -> Cache:
        made.append(Cache(body, entry, always=always))
        return made[-1]

    yield make
    for each in made:
        each.packer.close()
        assert each.packer.join(LONG)


def test_a_fetch_is_packed_while_it_comes_and_looked_through_at_its_end(cache: Callable[..., Cache]) -> None:
    here = cache()
    for start in range(0, 2000, 100):
        here.packer.add(here.make(range(start, start + 100), families=100), stored=False)
    here.packer.fetched()
    here.settle()
    assert here.packed == 2000
    here.check()
    assert sum(len(entry.stored) for entry in here.entries.values()) < 0.08 * sum(map(len, here.bodies.values()))
    assert here.packer.overhead > 0


def test_few_bodies_wait_for_company_but_not_for_long(cache: Callable[..., Cache]) -> None:
    here = cache()
    here.packer.add(here.make(range(10)), stored=True)
    here.clock.wait_for_waiters()
    assert here.packed == 0
    here.clock.advance(1.0)
    here.settle()
    assert here.packed == 10
    here.check()


def test_a_small_cache_is_left_as_it_is(cache: Callable[..., Cache]) -> None:
    here = cache(always=False)
    here.packer.add(here.make(range(500)), stored=False)
    here.packer.fetched()
    for _ in range(10):  # the same objects, again and again: many bytes come by, and few are there
        here.packer.add(here.make(range(500)), stored=True)
    here.settle()
    assert here.packed == 0


def test_a_cache_that_grows_large_is_packed_all_of_it(cache: Callable[..., Cache]) -> None:
    here = cache(always=False)
    here.packer.add(here.make(range(600)), stored=False)
    here.packer.fetched()
    here.packer.add(here.make(range(600, 1700)), stored=True)
    here.settle()
    assert here.packed == 1700
    here.check()


def test_a_large_first_fetch_is_packed_before_it_is_complete(cache: Callable[..., Cache]) -> None:
    here = cache(always=False)
    coming = here.make(range(2000))
    here.entries, held = {}, here.entries  # none of it is in the store yet
    for start in range(0, 2000, 100):
        here.packer.add(coming[start : start + 100], stored=False)
    here.settle()
    assert sum(entry.unpacker is not None for entry in coming) > 500
    here.entries = held
    here.packer.fetched()
    here.settle()
    assert here.packed == 2000
    here.check()


def test_a_dictionary_of_what_is_no_more_is_replaced(
    cache: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All workloads get another configuration: what comes is like nothing that was there."""
    monkeypatch.setattr(packing, "_WORN_AFTER", 512)
    here = cache()
    for start in range(0, 3000, 100):
        here.packer.add(here.make(range(start, start + 100), families=100), stored=True)
    here.packer.fetched()
    here.settle()
    old = {entry.unpacker for entry in here.entries.values()}
    assert len(old) == 1
    for start in range(0, 3000, 100):
        here.packer.add(here.make(range(start, start + 100), families=100, era="new"), stored=True)
    here.settle()
    now = {entry.unpacker for entry in here.entries.values()}
    assert len(now) == 1
    assert now != old
    here.check()
    assert sum(len(entry.stored) for entry in here.entries.values()) < 0.08 * sum(map(len, here.bodies.values()))


def test_in_quiet_times_it_takes_no_more_than_the_dictionary(cache: Callable[..., Cache]) -> None:
    """Nothing that only packing needs: it is made again when something comes."""
    here = cache()
    here.packer.add(here.make(range(640)), stored=True)
    here.settle()
    assert not here.packer._codec.at_rest
    here.clock.wait_for_deadline(30.0)
    here.clock.advance(30.0)
    eventually(lambda: here.packer._codec.at_rest)
    here.packer.add(here.make(range(640, 1000)), stored=True)
    here.packer.fetched()
    here.settle()
    assert here.packed == 1000
    eventually(lambda: here.packer._codec.at_rest)  # after everything has been looked through
    here.check()


def test_what_does_not_pack_stays_as_it_is(
    cache: Callable[..., Cache], entry: Callable[..., Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "_SMALL", 0)  # else the dictionary would hold a quarter of it
    here = cache()
    noise = random.Random(1)
    for number in range(100):
        here.bodies[number] = b"{" + noise.randbytes(40) + b"}"
        here.entries[number] = entry(number, here.bodies[number])
    failed = here.entries[100] = entry(100, b"")
    here.bodies[100] = b""
    here.packer.add(list(here.entries.values()), stored=False)
    here.packer.fetched()
    here.settle()
    here.check()
    assert failed.stored == b""
    assert here.packed <= 4, "none but those that the dictionary began with"


def test_who_fills_the_cache_waits_for_the_packer_until_it_is_closed(cache: Callable[..., Cache]) -> None:
    here = cache()
    go_on, hands_full = threading.Event(), threading.Event()
    pack = here.packer._pack

    def slowly(entries: Any) -> Any:
        hands_full.set()
        assert go_on.wait(LONG)
        return pack(entries)

    here.packer._pack = slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(here.packer.add, here.make(range(1000)), stored=False)
        assert hands_full.wait(LONG)
        assert not adding.done()
        here.packer.close()
        adding.result(LONG)
        go_on.set()
    here.packer.add(here.make(range(1000, 2000)), stored=False)  # does not wait
    here.check()


def test_an_error_ends_the_packing_and_nothing_else(
    cache: Callable[..., Cache], caplog: pytest.LogCaptureFixture
) -> None:
    here = cache()

    def broken(entries: Any) -> Any:
        raise MemoryError("no more")

    here.packer._pack = broken  # type: ignore[method-assign]
    here.packer.add(here.make(range(1000)), stored=False)  # would wait for ever for a thread that is gone
    assert here.packer.join(LONG)
    assert "what is cached stays right" in caplog.text
    here.check()


def test_closing_what_never_began(cache: Callable[..., Cache]) -> None:
    here = cache()
    here.packer.close()
    here.packer.fetched()
    here.packer.add(here.make(range(100)), stored=True)
    assert here.packer.join(0)
    assert here.packed == 0


def test_readers_see_the_body_and_nothing_else_while_it_is_packed_anew(
    cache: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_WORN_AFTER", 1)  # judged all the time
    here = cache()
    entries = here.make(range(200), families=200)
    done = threading.Event()

    def read(seed: int) -> int:
        chance, count = random.Random(seed), 0
        while not done.is_set():
            number = chance.randrange(200)
            assert entries[number].body == here.bodies[number]
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, seed) for seed in range(4)]
        try:
            for _ in range(30):
                here.packer._codec = codec.Codec()  # a new dictionary: every entry changes hands
                here.packer.fetched()
                here.settle()
        finally:
            done.set()
        assert all(reader.result() > 0 for reader in readers)
    assert here.packed == 200
