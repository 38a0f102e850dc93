"""The goals, and whether a run reached them: kinform's worse mode against the better of each peer's set-ups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.summary import ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.results import Results

__all__ = ["Goal", "judge"]

KINFORM: Final = "kinform"
READING: Final = "kinform, reading handler"
PEERS: Final = {
    "client-go JSON": "client-go, JSON",
    "client-go protobuf": "client-go, protobuf",
    "official": "official client",
}
"""A peer's name, and how the names of its rows begin."""

MODES: Final = ("streamed", "paged")


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal and what was found.

    Attributes:
        name: What is compared.
        wanted: The bound.
        found: What was measured; None: it was not.
        at_least: Whether the bound is the lower one.
    """

    name: str
    wanted: float
    found: float | None
    at_least: bool = True

    @property
    def reached(self) -> bool | None:
        """Whether it is; None: it was not measured."""
        if self.found is None:
            return None
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted


def judge(results: Results, corpus: str, count: int) -> list[Goal]:
    """All goals for one corpus."""
    scope = _Scope(results, corpus, count)
    return [*_throughput(scope), *_memory(scope), *_reads(scope)]


def growth(results: Results, corpus: str, small: int, large: int) -> list[Goal]:
    """Whether it stays as fast and as small with ever more objects."""
    few, many = _Scope(results, corpus, small), _Scope(results, corpus, large)
    found = []
    for mode in MODES:
        rate = ratio(many.worst(KINFORM, "sync_rate", (mode,)), few.worst(KINFORM, "sync_rate", (mode,)))
        found.append(Goal(f"objects/s, {mode}: {large:,} over {small:,}", 0.9, rate))
    size = ratio(many.worst(KINFORM, "rss", most=True), few.worst(KINFORM, "rss", most=True))
    return [*found, Goal(f"bytes per object: {large:,} over {small:,}", 1.0, size, at_least=False)]


@dataclass(frozen=True, slots=True)
class _Scope:
    """One corpus of a run."""

    results: Results
    corpus: str
    count: int

    def worst(self, row: str, metric: str, modes: tuple[str, ...] = MODES, *, most: bool = False) -> float | None:
        """The lowest median of a row's modes, or the highest where less is better."""
        found = self.results.medians(self.corpus, self.count, [row], metric, modes)
        return (max if most else min)(found, default=None)

    def best(self, peer: str, metric: str, modes: tuple[str, ...] = MODES, *, least: bool = False) -> float | None:
        """The highest median of all rows of a peer, or the lowest where less is better."""
        rows = [row for row in self.results.rows(self.corpus, self.count) if row.startswith(PEERS[peer])]
        found = self.results.medians(self.corpus, self.count, rows, metric, modes)
        return (min if least else max)(found, default=None)


def _throughput(scope: _Scope) -> Iterator[Goal]:
    json, protobuf, official = PEERS
    for name, metric, row, modes, wanted in (
        ("first sync, streamed", "sync_rate", KINFORM, ("streamed",), {json: 10, protobuf: 2}),
        ("first sync, paged", "sync_rate", KINFORM, ("paged",), {json: 6, protobuf: 1.3, official: 20}),
        ("events/s, key handler", "event_rate", KINFORM, MODES, {json: 12, protobuf: 2}),
        ("events/s, reading handler", "event_rate", READING, MODES, {json: 3}),
    ):
        ours = scope.worst(row, metric, modes)
        for peer, factor in wanted.items():
            yield Goal(f"{name}: kinform over {peer}", factor, ratio(ours, scope.best(peer, metric, modes)))


def _memory(scope: _Scope) -> Iterator[Goal]:
    ours = scope.worst(KINFORM, "rss", most=True)
    smallest = [
        found
        for peer in ("client-go JSON", "client-go protobuf")
        if (found := scope.best(peer, "rss", least=True)) is not None
    ]
    yield Goal("resident per object: client-go over kinform", 14, ratio(min(smallest, default=None), ours))
    yield Goal("resident per object: official over kinform", 70, ratio(scope.best("official", "rss", least=True), ours))
    for name, metric in (("first sync", "sync_peak"), ("a relist", "relist_peak")):
        peak = scope.worst(KINFORM, metric, most=True)
        yield Goal(f"peak during {name}, over resident", 1.3, peak, at_least=False)


def _reads(scope: _Scope) -> Iterator[Goal]:
    decode = scope.worst("orjson dicts", "decode")
    for name, metric, most, factor in (
        ("touched lately", "get_hot", 3, 0.1),
        ("packed", "get_cold", 200, 6),
    ):
        found = scope.worst(KINFORM, metric, most=True)
        yield Goal(f"lister.get, {name}, in µs", most, None if found is None else found * 1e6, at_least=False)
        yield Goal(f"lister.get, {name}, over one orjson decode", factor, ratio(found, decode), at_least=False)
