"""What a run found: samples of each row, corpus, mode and round, and what they come to. Kept as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.summary import Summary, summarize

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Corpus", "Results", "Sample", "Skipped"]

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was served: a name of the replayer's, how many objects, and how large they are.

    Attributes:
        name: ``"pods"``, ``"pods-small"`` or ``"releases"``.
        count: How many objects.
        bytes: Of JSON, for each, on average.
        bytes_protobuf: The same of protobuf; 0 if there was none.
        workloads: How many deployments the objects belong to.
        compression: By how much zlib (level 6) makes all of them together smaller.
    """

    name: str
    count: int
    bytes: int = 0
    bytes_protobuf: int = 0
    workloads: int = 0
    compression: float = 0.0

    @property
    def title(self) -> str:
        """For headings."""
        return f"{self.count:,} {self.name}"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one session found, by metric."""

    corpus: str
    count: int
    row: str
    mode: str
    round: int
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured, and why."""

    row: str
    where: str
    reason: str


@dataclass(slots=True)
class Results:
    """All of a run.

    Attributes:
        about: Machine, time, command, versions.
        corpora: What was served.
        samples: What the sessions found.
        skipped: What was left out, and why.
        single: What is measured without a server, by table, line and column.
    """

    about: dict[str, Any] = field(default_factory=dict)
    corpora: list[Corpus] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    single: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def rows(self, corpus: str, count: int) -> list[str]:
        """The rows that were measured there, in order."""
        return list(dict.fromkeys(each.row for each in self.samples if (each.corpus, each.count) == (corpus, count)))

    def values(self, corpus: str, count: int, row: str, metric: str, mode: str | None = None) -> list[float]:
        """What all rounds found; of all modes together for None."""
        return [
            each.metrics[metric]
            for each in self.samples
            if (each.corpus, each.count, each.row) == (corpus, count, row)
            and mode in {None, each.mode}
            and metric in each.metrics
        ]

    def summary(self, corpus: str, count: int, row: str, metric: str, mode: str | None = None) -> Summary | None:
        """The median of all rounds; None if it was not measured."""
        values = self.values(corpus, count, row, metric, mode)
        return summarize(values) if values else None

    def medians(self, corpus: str, count: int, rows: Iterable[str], metric: str, modes: Iterable[str]) -> list[float]:
        """The median of each row and mode that was measured."""
        found = [self.summary(corpus, count, row, metric, mode) for row in rows for mode in modes]
        return [each.median for each in found if each is not None]

    def write(self, file: Path) -> None:
        """Keeps it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Results:
        """Reads what was kept.

        Raises:
            ValueError: It is of another version of the benchmark.
        """
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept.pop("format", None) != FORMAT:
            raise ValueError(f"{file} was written by another version of the benchmark: measure again")
        return cls(
            kept["about"],
            [Corpus(**each) for each in kept["corpora"]],
            [Sample(**each) for each in kept["samples"]],
            [Skipped(**each) for each in kept["skipped"]],
            kept["single"],
        )
