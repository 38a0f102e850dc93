from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from benchmarks import gates
from benchmarks.rows import MODES

if TYPE_CHECKING:
    from pathlib import Path


def found(ours: list[float], theirs: list[float]) -> gates.Found:
    return {"kinform": {"paged.rss": ours}, "orjson dicts": {"paged.rss": theirs}}


def test_the_best_rounds_are_compared_and_fifteen_percent_more_are_let_through() -> None:
    (gate,) = gates.judge(found([9.0, 2.3, 8.0], [30.0, 20.0, 25.0]), {"paged.rss": 0.1})
    assert gate.ratio == 2.3 / 20
    assert gate.holds
    (gate,) = gates.judge(found([2.4], [20.0]), {"paged.rss": 0.1})
    assert not gate.holds


def test_a_ratio_that_was_never_committed_does_not_hold() -> None:
    (gate,) = gates.judge(found([1.0], [20.0]), {})
    assert not gate.holds
    assert "**fails**" in gates.shown([gate])


def test_what_is_renewed_is_the_median_of_the_rounds(tmp_path: Path) -> None:
    file = tmp_path / "gates.toml"
    gates.written(found([2.0, 3.0, 40.0], [20.0, 20.0, 20.0]), file)
    assert tomllib.loads(file.read_text(encoding="utf-8")) == {"paged.rss": 0.15}


def test_every_gate_has_a_committed_ratio() -> None:
    committed = tomllib.loads(gates.FILE.read_text(encoding="utf-8"))
    assert committed.keys() == {f"{mode}.{metric}" for mode in MODES for metric in gates.METRICS}
