"""A run: corpora one after the other, each in rounds, each round with one session of every row and mode."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.processes import BenchmarkError, Replayer
from benchmarks.programs import ProgramError
from benchmarks.results import Corpus, Results, Sample, Skipped
from benchmarks.session import Plan, run_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.rows import Mode, Row

__all__ = ["CORPORA", "Run", "parse_corpus", "say"]

CORPORA: Final = ("pods", "pods-small", "releases")


def parse_corpus(text: str) -> tuple[str, int]:
    """Reads ``"pods:20000"``.

    Raises:
        ValueError: It is not like that.
    """
    name, _, count = text.partition(":")
    if name not in CORPORA or not count.isdecimal() or int(count) < 2:
        raise ValueError(f"{text!r} is no corpus and count, such as pods:20000; there are {', '.join(CORPORA)}")
    return name, int(count)


def say(line: str) -> None:
    """Tells how far it is."""
    print(line, file=sys.stderr, flush=True)


@dataclass(slots=True)
class Run:
    """One run.

    Attributes:
        rows: What is measured.
        modes: Which first syncs.
        rounds: Of the first corpus; all others have one.
        plan: What a session is made of.
        seed: Of the corpora.
        minutes: No session begins later than so many minutes after the first.
        results: Grows while it runs.
    """

    rows: Sequence[Row]
    modes: Sequence[Mode]
    rounds: int
    plan: Plan
    seed: int
    minutes: float
    results: Results = field(default_factory=Results)
    _begin: float = field(default_factory=time.monotonic)

    def measure(self, name: str, count: int, *, main: bool = True) -> None:
        """All rounds of one corpus. A row that fails is told among what was skipped, and not tried again.

        Raises:
            BenchmarkError, ProgramError: There is no replayer.
        """
        protobuf = any("protobuf" in row.variant for row in self.rows)
        with Replayer(name, count, self.seed, protobuf=protobuf) as replayer:
            stats = replayer.stats
            sizes = stats["bytes"], stats["bytes_protobuf"]
            corpus = Corpus(name, count, *sizes, stats["workloads"], stats["compression"])
            self.results.corpora.append(corpus)
            failed: set[tuple[str, Mode]] = set()
            for number in range(1, (self.rounds if main else 1) + 1):
                for row, mode in self._sessions(corpus, number, main=main):
                    if (row.name, mode) not in failed and not self._one(corpus, row, mode, number, replayer):
                        failed.add((row.name, mode))

    def _sessions(self, corpus: Corpus, number: int, *, main: bool) -> Iterator[tuple[Row, Mode]]:
        for row in self.rows:
            known = row.custom or corpus.name.startswith("pods")
            if known and (main or row.wide) and corpus.count <= row.most and not (row.once and number > 1):
                yield from ((row, mode) for mode in row.modes if mode in self.modes)

    def _one(self, corpus: Corpus, row: Row, mode: Mode, number: int, replayer: Replayer) -> bool:
        begin = time.monotonic()
        where = f"{corpus.title}, {mode}"
        try:
            self._check_time(begin)
            metrics, versions = run_session(row, replayer, mode, self.plan)
        except (BenchmarkError, ProgramError) as error:
            self.results.skipped.append(Skipped(row.name, where, str(error)))
            say(f"{where}, round {number}: {row.name}: skipped: {error}")
            return False
        self.results.samples.append(Sample(corpus.name, corpus.count, row.name, mode, number, metrics))
        self.results.about.setdefault("versions", {}).update(versions)
        say(
            f"{where}, round {number}: {row.name}: {metrics['sync_rate']:,.0f} objects/s,"
            f" {metrics['event_rate']:,.0f} events/s, {metrics.get('rss', 0) / 1024:.2f} KiB"
            f" ({time.monotonic() - begin:.0f} s)"
        )
        return True

    def _check_time(self, now: float) -> None:
        if now > self._begin + 60 * self.minutes:
            raise BenchmarkError(f"the {self.minutes:g} minutes of the run were over")
