"""Tables and goals, from results that are made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks import goals
from benchmarks.report import markdown, shown, table
from benchmarks.results import Corpus, Results, Sample, Skipped
from benchmarks.run import parse_corpus

if TYPE_CHECKING:
    from pathlib import Path


def results_of(*samples: tuple[str, str, dict[str, float]]) -> Results:
    """One corpus; each sample is of a round of its own."""
    corpus = Corpus("pods", 100, 9000, 6000, 64, 10.5)
    made = [Sample("pods", 100, row, mode, number, metrics) for number, (row, mode, metrics) in enumerate(samples, 1)]
    return Results(corpora=[corpus], samples=made)


def goal(found: list[goals.Goal], name: str) -> goals.Goal:
    (one,) = [each for each in found if each.name == name]
    return one


def test_kinform_is_judged_by_its_worse_mode_and_peers_by_their_best_set_up() -> None:
    results = results_of(
        ("kinform", "streamed", {"event_rate": 30.0, "rss": 2.0}),
        ("kinform", "paged", {"event_rate": 24.0, "rss": 3.0}),
        ("client-go, JSON", "streamed", {"event_rate": 1.0, "rss": 50.0}),
        ("client-go, JSON", "paged", {"event_rate": 2.0, "rss": 60.0}),
        ("client-go, JSON, managedFields dropped", "paged", {"event_rate": 1.5, "rss": 45.0}),
        ("client-go, protobuf", "paged", {"event_rate": 20.0, "rss": 42.0}),
    )
    found = goals.judge(results, "pods", 100)
    json = goal(found, "events/s, key handler: kinform over client-go JSON")
    assert (json.found, json.reached) == (12.0, True)
    protobuf = goal(found, "events/s, key handler: kinform over client-go protobuf")
    assert (protobuf.found, protobuf.reached) == (1.2, False)
    resident = goal(found, "resident per object: client-go over kinform")
    assert (resident.found, resident.reached) == (14.0, True)
    assert goal(found, "resident per object: official over kinform").reached is None


def test_a_median_is_of_the_rounds_of_one_mode() -> None:
    results = results_of(
        *(("kinform", "paged", {"sync_rate": rate}) for rate in (60.0, 600.0, 6.0)),
        ("client-go, JSON", "paged", {"sync_rate": 10.0}),
    )
    found = goal(goals.judge(results, "pods", 100), "first sync, paged: kinform over client-go JSON")
    assert (found.found, found.reached) == (6.0, True)


def test_peaks_and_reads_have_upper_bounds() -> None:
    results = results_of(
        ("kinform", "paged", {"sync_peak": 1.31, "relist_peak": 1.3, "get_hot": 2e-6, "get_cold": 250e-6}),
        ("orjson dicts", "paged", {"decode": 40e-6}),
    )
    found = goals.judge(results, "pods", 100)
    assert goal(found, "peak during first sync, over resident").reached is False
    assert goal(found, "peak during a relist, over resident").reached is True
    assert goal(found, "lister.get, touched lately, in µs").reached is True
    assert goal(found, "lister.get, touched lately, over one orjson decode").found == pytest.approx(0.05)
    assert goal(found, "lister.get, packed, in µs").reached is False
    assert goal(found, "lister.get, packed, over one orjson decode").found == pytest.approx(6.25)


def test_the_report_has_every_row_that_was_measured_and_names_what_was_not() -> None:
    results = results_of(
        ("kinform", "streamed", {"sync_rate": 20_000.0, "sync_wall": 5.0, "sync_cpu": 50e-6, "rss": 2048.0}),
        ("kinform", "streamed", {"sync_rate": 22_000.0, "sync_wall": 4.0, "sync_cpu": 40e-6, "rss": 2048.0}),
        ("client-go, JSON", "streamed", {"sync_rate": 2_000.0, "sync_cpu": 500e-6, "rss": 20_480.0}),
    )
    results.skipped.append(Skipped("cloudcoil, informer", "100 pods, paged", "it does not fit"))
    report = markdown(results)
    assert "| kinform | 21,000 ±5% | 4.50 ±11% | 45.0 ±11% | 2.00 ±0% |" in report
    assert "| client-go, JSON | 2,000 | \N{EN DASH} | 500 | 20.0 |" in report
    assert "| client-go, JSON | 10.5 |" in report  # times kinform's
    assert "first sync, streamed: kinform over client-go JSON | ≥ 10 | 10.5 | reached |" in report
    assert "64 workloads; zlib makes all of them together 10.5 times smaller." in report
    assert "- cloudcoil, informer, 100 pods, paged: it does not fit" in report
    assert "### paged" not in report


def test_figures_have_three_digits_that_count() -> None:
    assert [shown(value, "rate") for value in (0.123, 1.234, 12.34, 123.4, 1234.0, 123_456.0)] == [
        "0.12", "1.23", "12.3", "123", "1,230", "123,000",
    ]  # fmt: skip
    assert shown(0.0000123, "µs") == "12.3"


def test_a_table_is_markdown() -> None:
    assert table(["a", "b"], [["x", "1"], ["y", "2"]]) == "| a | b |\n|---|---:|\n| x | 1 |\n| y | 2 |"


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = results_of(("kinform", "paged", {"rss": 1.5}))
    results.about["machine"] = "two cores"
    results.single["Imports, ms"] = {"kinform": [1.0, 2.0]}
    results.write(tmp_path / "kept" / "results.json")
    assert Results.read(tmp_path / "kept" / "results.json") == results


def test_results_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"format": 0}', encoding="utf-8")
    with pytest.raises(ValueError, match="measure again"):
        Results.read(tmp_path / "results.json")


@pytest.mark.parametrize("text", ["pods", "pods:", "pods:many", "pods:1", "dogs:10"])
def test_a_corpus_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as pods:20000"):
        parse_corpus(text)
