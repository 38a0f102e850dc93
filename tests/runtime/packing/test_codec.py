"""Packing by a dictionary that grows: nothing is lost, whichever state of it a frame was made with."""

from __future__ import annotations

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kinform.packing import Codec
from kinform.packing.codec import BADLY_PACKED, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

_MUCH = 1 << 30


def test_what_was_packed_comes_back_whatever_the_dictionary_was(body: Callable[..., bytes]) -> None:
    codec = Codec()
    sizes = set()
    packed: list[tuple[bytes, bytes]] = []
    for start in range(0, 2000, 50):
        bodies = [body(number, number % 300) for number in range(start, start + 50)]
        packed += zip(bodies, codec.pack(bodies, _MUCH), strict=True)
        sizes.add(codec.size)
    assert len(sizes) > 3, "the dictionary has grown several times meanwhile"
    assert all(codec.unpack(frame) == whole for whole, frame in packed)


def test_bodies_of_known_families_pack_well(body: Callable[..., bytes]) -> None:
    codec = Codec()
    for start in range(0, 600, 50):
        codec.pack([body(number, number % 100) for number in range(start, start + 50)], _MUCH)
    codec.grow()
    whole = [body(number, number % 100) for number in range(1000, 1100)]
    assert sum(map(len, codec.pack(whole, _MUCH))) < BADLY_PACKED / 2 * sum(map(len, whole))
    assert codec.size < 130 * len(whole[0]), "one body of each family is enough"


def test_the_dictionary_is_kept_to_its_share(body: Callable[..., bytes]) -> None:
    codec = Codec()
    for start in range(0, 1000, 50):
        codec.pack([body(number, number) for number in range(start, start + 50)], 1000 * 4000)
    assert codec.size <= 512 * 1024 + 4 * 4096
    assert codec.full


def test_the_dictionary_of_few_bodies_is_not_larger_than_they_are(body: Callable[..., bytes]) -> None:
    """However many come and go: what differs in each of them would fill any dictionary."""
    codec = Codec()
    total = 20 * len(body(0, 0))
    for start in range(0, 2000, 5):
        codec.pack([body(number, number) for number in range(start, start + 5)], total)
    codec.grow()
    assert codec.size < total / 2


def test_a_frame_knows_its_ratio(body: Callable[..., bytes]) -> None:
    codec = Codec()
    whole = body(1, 1)
    (frame,) = codec.pack([whole], _MUCH)
    assert ratio(frame) == pytest.approx(len(frame) / len(whole))


@given(st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=40))
def test_any_bytes_come_back(bodies: list[bytes]) -> None:
    codec = Codec()
    frames = codec.pack(bodies, _MUCH)
    codec.grow()
    more = codec.pack(bodies[::-1], _MUCH)
    assert [codec.unpack(frame) for frame in frames] == bodies
    assert [codec.unpack(frame) for frame in more] == bodies[::-1]


def test_without_batches_of_the_library(body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """As on interpreters for which zstandard has no extension module."""
    monkeypatch.setattr(zstandard, "backend_features", set())
    codec = Codec()
    bodies = [body(number, 1) for number in range(20)]
    frames = codec.pack(bodies, _MUCH)
    assert [codec.unpack(frame) for frame in frames] == bodies
    assert all(sys.getsizeof(frame) < len(whole) / 2 for frame, whole in zip(frames[4:], bodies[4:], strict=True))


def test_what_never_was_packed_cannot_be_unpacked() -> None:
    with pytest.raises(RuntimeError, match="nothing has been packed"):
        Codec().unpack(b"")


def test_many_threads_unpack_while_the_dictionary_grows(body: Callable[..., bytes]) -> None:
    codec = Codec()
    packed: list[tuple[bytes, bytes]] = []
    done = threading.Event()

    def read(seed: int) -> int:
        chance, count = random.Random(seed), 0
        while not done.is_set() or count < 200:
            if packed:
                whole, frame = chance.choice(packed)
                assert codec.unpack(frame) == whole
                count += 1
        return count

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read, seed) for seed in range(6)]
        try:
            for start in range(0, 1500, 30):
                bodies = [body(number, number % 200) for number in range(start, start + 30)]
                packed.extend(zip(bodies, codec.pack(bodies, _MUCH), strict=True))
        finally:
            done.set()
        assert all(reader.result() >= 200 for reader in readers)
