"""What a soak measures each minute, and whether something grows."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment.

    Attributes:
        seconds: Since the start.
        resident_bytes: Of the process, after a garbage collection.
        allocated_blocks: Of Python's allocator, likewise.
        threads: How many run.
        descriptors: Open files, sockets among them.
        sockets: Open sockets.
        objects: In all caches.
        events: Told to the handlers that stay, so far; without resyncs.
        fetches: Whole lists and streams taken over, so far.
        reconciled: Calls of the controllers, so far.
        writes: Acknowledged to the writer, so far.
        processor_seconds: Of the process, so far.
        server_processor_seconds: Of kube-apiserver and etcd, so far.
    """

    seconds: float
    resident_bytes: int
    allocated_blocks: int
    threads: int
    descriptors: int
    sockets: int
    objects: int
    events: int
    fetches: int
    reconciled: int
    writes: int
    processor_seconds: float
    server_processor_seconds: float


def settled(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The last three quarters: in the first one everything grows to its size."""
    return samples[len(samples) // 4 :]


def growth(points: Sequence[tuple[float, float]]) -> float:
    """By how much a value grows from the first point to the last one: slope times duration.

    The slope is Theil and Sen's: the median of the slopes between all pairs of points. A few samples that fell into a
    resync or a relist do not move it, as they would move that of least squares.
    """
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2) if t > s]
    return statistics.median(slopes) * (points[-1][0] - points[0][0]) if slopes else 0.0
