"""A session of kinform from its first sync to the comparison of its cache, as the benchmark runs it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from benchmarks.processes import Replayer
from benchmarks.rows import ROWS, rows_named
from benchmarks.session import Plan, run_session

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.rows import Mode

PLAN = Plan(seconds=0.1, latency_rate=500.0, latency_seconds=0.05, settle=0.0)


@pytest.mark.parametrize(("corpus", "mode"), [("pods", "streamed"), ("releases", "paged")])
def test_kinform_goes_through_a_whole_session(replayer_program: Path, corpus: str, mode: Mode) -> None:
    assert replayer_program.exists()
    row = replace(next(row for row in ROWS if row.name == "kinform"), speed=2_000)
    with Replayer(corpus, 600, 1, protobuf=False) as replayer:
        found, versions = run_session(row, replayer, mode, PLAN)
    assert found["sync_rate"] > 0
    assert found["event_rate"] > 0
    assert 0 < found["latency_p50"] <= found["latency_p99"]
    assert found["relist_wall"] > 0
    assert ("get_hot" in found) == (corpus == "pods")
    assert "kinform" in versions


def test_rows_are_chosen_by_contender_and_an_unknown_one_is_told() -> None:
    assert {row.contender for row in rows_named(["kinform", "orjson"])} == {"kinform", "orjson"}
    assert rows_named([]) == list(ROWS)
    with pytest.raises(ValueError, match=r"no contender jackson; there are .*kinform"):
        rows_named(["jackson"])


def test_each_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
