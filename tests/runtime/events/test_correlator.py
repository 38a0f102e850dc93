"""What becomes of many occurrences: combined, counted, filtered; and what ends."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.runtime.events.conftest import POD, said

from kinform.events.correlator import COMBINED, Correlator
from kinform.events.recent import Recent

if TYPE_CHECKING:
    from kinform.events.occurrence import Occurrence, Series
    from kinform.testing import VirtualClock

OTHER_POD = msgspec.structs.replace(POD, name="web-1", uid="u2")


def feed(
    correlator: Correlator, clock: VirtualClock, before: list[Occurrence], every: float, last: Occurrence
) -> Series | None:
    """Adds the earlier ones, so many seconds apart, and returns what becomes of the last."""
    for occurrence in before:
        correlator.add(occurrence)
        clock.advance(every)
    return correlator.add(last)


def similar(number: int) -> list[Occurrence]:
    return [said(f"message {each}") for each in range(number)]


@pytest.mark.scenario("V08a")
@pytest.mark.scenario("V08b")
def test_equal_ones_are_counted(correlator: Correlator, clock: VirtualClock) -> None:
    first = feed(correlator, clock, [], 1, said())
    assert first is not None
    assert (first.count, first.message, first.told) == (1, "it happened", 0)
    again = correlator.add(said(at=1_750_000_005.5))
    assert again is first
    assert (first.count, first.last, first.first.at) == (2, 1_750_000_005.5, 1_750_000_000.0)


@pytest.mark.scenario("V08c")
def test_equal_ones_are_not_combined(correlator: Correlator, clock: VirtualClock) -> None:
    series = feed(correlator, clock, [said()] * 10, 30, said())
    assert series is not None
    assert (series.count, series.message, correlator.combined) == (11, "it happened", 0)


@pytest.mark.scenario("V08d")
def test_too_many_of_one_object_are_counted_only(correlator: Correlator, clock: VirtualClock) -> None:
    assert feed(correlator, clock, [said()] * 24, 1, said()) is not None, "25 pass"
    assert correlator.add(said()) is None
    clock.advance(300)
    series = correlator.add(said())
    assert series is not None, "one more in 5 minutes"
    assert series.count == 27


@pytest.mark.scenario("V09a")
def test_the_rate_is_one_for_all_reasons_and_another_for_each_type(correlator: Correlator, clock: VirtualClock) -> None:
    assert feed(correlator, clock, [said()] * 25, 1, said(reason="Killed")) is None
    assert correlator.add(said(type="Warning")) is not None
    assert correlator.add(said(regarding=OTHER_POD)) is not None


@pytest.mark.scenario("V08e")
def test_many_objects_are_no_spam(correlator: Correlator, clock: VirtualClock) -> None:
    pods = [msgspec.structs.replace(POD, name=f"web-{number}", uid=f"u{number}") for number in range(10, 40)]
    series = feed(correlator, clock, [said(regarding=pod) for pod in pods], 1, said())
    assert series is not None
    assert series.count == 1


@pytest.mark.scenario("V08f")
@pytest.mark.scenario("V08g")
def test_similar_ones_are_combined_from_the_tenth_on(correlator: Correlator, clock: VirtualClock) -> None:
    tenth = feed(correlator, clock, similar(9), 5, said("another"))
    assert tenth is not None
    assert (tenth.message, tenth.count) == (f"{COMBINED}another", 1)
    eleventh = correlator.add(said("and another"))
    assert eleventh is tenth
    assert (tenth.message, tenth.count, correlator.combined) == (f"{COMBINED}and another", 2, 2)


def test_a_message_that_is_still_remembered_goes_on_by_itself(correlator: Correlator, clock: VirtualClock) -> None:
    feed(correlator, clock, similar(9), 5, said("another"))
    series = correlator.add(said("message 5"))
    assert series is not None
    assert (series.message, series.count) == ("message 5", 2)


@pytest.mark.scenario("V08h")
def test_those_of_another_container_are_not_similar(correlator: Correlator, clock: VirtualClock) -> None:
    here = [dataclasses.replace(each, regarding=msgspec.structs.replace(POD, field_path="c1")) for each in similar(9)]
    series = feed(correlator, clock, here, 5, said("another", field_path="c2"))
    assert series is not None
    assert (series.message, series.count) == ("another", 1)


@pytest.mark.scenario("V08i")
def test_similar_ones_far_apart_are_not_combined(correlator: Correlator, clock: VirtualClock) -> None:
    series = feed(correlator, clock, similar(9), 601, said("another"))
    assert series is not None
    assert series.message == "another"


def test_ten_minutes_between_two_are_not_far_apart(correlator: Correlator, clock: VirtualClock) -> None:
    series = feed(correlator, clock, similar(9), 600, said("another"))
    assert series is not None
    assert series.message == f"{COMBINED}another"


@pytest.mark.scenario("V08j")
@pytest.mark.parametrize(
    "other",
    [
        said("last", reason="Killed"),
        said("last", action="Kill"),
        said("last", type="Warning"),
        said("last", related=OTHER_POD),
        said("last", OTHER_POD),
    ],
)
def test_what_is_similar_differs_in_its_message_only(
    correlator: Correlator, clock: VirtualClock, other: Occurrence
) -> None:
    series = feed(correlator, clock, similar(9), 1, other)
    assert series is not None
    assert (series.message, series.count) == ("last", 1)


def test_a_new_version_of_the_object_is_the_same_object(correlator: Correlator) -> None:
    first = correlator.add(said())
    assert correlator.add(said(regarding=msgspec.structs.replace(POD, resource_version="8"))) is first


def test_a_combined_message_is_clipped_behind_its_prefix(correlator: Correlator, clock: VirtualClock) -> None:
    series = feed(correlator, clock, similar(9), 1, said("x" * 2000))
    assert series is not None
    assert series.message.startswith(f"{COMBINED}xxx")
    assert len(series.message.encode()) <= 1024


def test_names_differ_even_within_one_moment(correlator: Correlator) -> None:
    names = [series.name for number in range(5) if (series := correlator.add(said(f"m{number}"))) is not None]
    assert len(set(names)) == 5
    assert all(name.startswith("web-0.1849") for name in names)


@pytest.mark.parametrize("finite", [True, False])
def test_a_series_of_the_new_api_ends_after_six_minutes_of_quiet(clock: VirtualClock, finite: bool) -> None:
    correlator = Correlator(clock, finite=finite)
    first = correlator.add(said())
    clock.advance(360)
    assert correlator.add(said()) is first
    clock.advance(361)
    assert (correlator.add(said()) is first) is not finite


def tell(series: Series | None) -> None:
    assert series is not None
    series.told = series.count


def lags(correlator: Correlator) -> bool:
    return correlator.lagging


@pytest.mark.scenario("V11d")
@pytest.mark.parametrize("finite", [True, False])
def test_counts_that_were_held_back_are_found_when_it_is_quiet(clock: VirtualClock, finite: bool) -> None:
    correlator = Correlator(clock, finite=finite)
    for _ in range(25):
        series = correlator.add(said())
        tell(series)
    assert not lags(correlator)
    assert correlator.add(said()) is None
    clock.advance(100)
    tell(correlator.add(said(regarding=OTHER_POD)))
    assert lags(correlator)
    clock.advance(200)
    assert correlator.behind(quiet=360) == []
    assert lags(correlator)
    clock.advance(60)
    assert correlator.behind(quiet=360) == [series]
    assert not lags(correlator), "nothing is found twice"
    tell(series)
    clock.advance(400)
    assert correlator.behind(quiet=0) == []
    assert (correlator.add(said()) is series) is not finite


def test_a_series_that_begins_anew_leaves_its_count_to_be_told(clock: VirtualClock) -> None:
    correlator = Correlator(clock, finite=True)
    for _ in range(25):
        series = correlator.add(said())
        tell(series)
    correlator.add(said())
    clock.advance(400)
    assert correlator.add(said()) is not series
    assert correlator.behind(quiet=360) == [series]


def test_what_the_server_never_got_is_not_behind(correlator: Correlator, clock: VirtualClock) -> None:
    correlator.add(said())
    correlator.add(said())
    assert correlator.behind(quiet=0) == []


def test_the_longest_unused_goes_first() -> None:
    recent: Recent[str, int] = Recent(2)
    assert [recent.get(key, iter([number]).__next__) for number, key in enumerate("abacb")] == [0, 1, 0, 3, 4]
    assert recent.items() == [("c", 3), ("b", 4)]
    recent.drop("c")
    recent.drop("c")
    assert recent.items() == [("b", 4)]


def test_what_is_remembered_is_bounded(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinform.events.correlator._MAX_KEYS", 3)
    correlator = Correlator(clock, finite=False)
    for number in range(10):
        correlator.add(said(regarding=msgspec.structs.replace(POD, uid=str(number))))
    for cache in (correlator._similar, correlator._series, correlator._buckets):
        assert len(list(cache.items())) == 3
