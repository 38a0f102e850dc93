"""Statistics of rounds: medians with their spread, percentiles, ratios."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Summary", "percentile", "ratio", "summarize"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What several rounds found.

    Attributes:
        median: The middle one; between the two middle ones of an even number.
        lowest: The lowest.
        highest: The highest.
        rounds: How many there were.
    """

    median: float
    lowest: float
    highest: float
    rounds: int

    @property
    def spread(self) -> float:
        """How far the rounds lie apart, as a share of the median; 0 for a single one."""
        return (self.highest - self.lowest) / self.median if self.median else 0.0


def summarize(values: Sequence[float]) -> Summary:
    """The median of rounds and their spread.

    Raises:
        ValueError: There are no values, or one is not finite.
    """
    if not values:
        raise ValueError("there is nothing to summarize")
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"not all of these are finite: {list(values)}")
    return Summary(statistics.median(values), min(values), max(values), len(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by that share of all (nearest rank).

    Raises:
        ValueError: There are no values, or ``share`` is not above 0 and at most 1.
    """
    if not values or not 0 < share <= 1:
        raise ValueError(f"there is no percentile {share} of {len(values)} values")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def ratio(value: float | None, other: float | None) -> float | None:
    """How many times as much the first one is; None where one is missing, or the second is 0."""
    if value is None or not other:
        return None
    return value / other
