from __future__ import annotations

import pytest
from benchmarks.summary import percentile, ratio, summarize


def test_the_median_is_the_middle_of_the_rounds_and_spread_is_what_lies_between_them() -> None:
    found = summarize([9.0, 1.0, 4.0])
    assert (found.median, found.lowest, found.highest, found.rounds) == (4.0, 1.0, 9.0, 3)
    assert found.spread == 2.0
    assert summarize([1.0, 2.0]).median == 1.5
    assert summarize([0.0]).spread == 0.0


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_what_has_no_median_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"summarize|finite"):
        summarize(values)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1) == 100
    assert percentile([7.0], 0.01) == 7.0


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_there_is_no_percentile_of_nothing_or_beyond_all(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, share)


def test_a_ratio_needs_both_sides() -> None:
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(None, 2.0) is None
    assert ratio(3.0, None) is None
    assert ratio(3.0, 0.0) is None
