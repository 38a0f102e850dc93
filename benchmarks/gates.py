"""Gates against regressions: what kinform costs per object, as ratios to plain orjson dicts of the same run.

    make bench-gates                                     # fails if a ratio is 15 % above that in gates.toml
    .venv/bin/python -m benchmarks.gates --renew         # writes the ratios of this run into gates.toml

CPU time and memory are compared, not wall time: a busy machine slows both sides, and neither has more to do for it.
What is committed is the median of the rounds. What is judged is each side's best round, and while a gate does not hold,
more rounds are tried: a gate that fails has failed in all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from benchmarks.processes import BenchmarkError, Replayer
from benchmarks.programs import BENCHMARKS, ProgramError
from benchmarks.report import table
from benchmarks.rows import BURST, MODES, ROWS
from benchmarks.session import Plan, run_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


__all__ = ["Gate", "judge", "ratios"]

FILE: Final = BENCHMARKS / "gates.toml"
LEEWAY: Final = 1.15
CORPUS: Final = "pods"
COUNT: Final = 8_000
ROUNDS: Final = 3
MORE_ROUNDS: Final = 3
PLAN: Final = Plan(seconds=2.0, latency_rate=0.0, settle=1.0)
METRICS: Final = {
    "sync_cpu": "CPU per object of a first sync",
    "event_cpu": "CPU per watch event",
    "rss": "resident per object",
}
CONTENDERS: Final = ("kinform", "orjson dicts")

Found = dict[str, dict[str, list[float]]]
"""What the rounds found, by contender and by ``mode.metric``."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One ratio and its bound.

    Attributes:
        name: ``mode.metric``.
        ratio: kinform's best round over that of the dicts.
        committed: What it was when the gates were last renewed; None: it was not.
    """

    name: str
    ratio: float
    committed: float | None

    @property
    def holds(self) -> bool:
        """Whether it is no more than 15 % above. One that was never measured does not hold."""
        return self.committed is not None and self.ratio <= self.committed * LEEWAY


def ratios(found: Found) -> dict[str, float]:
    """Kinform's best round over the dicts', by ``mode.metric``."""
    ours, theirs = (found[name] for name in CONTENDERS)
    return {name: min(values) / min(theirs[name]) for name, values in ours.items()}


def judge(found: Found, committed: Mapping[str, float]) -> list[Gate]:
    """All gates."""
    return [Gate(name, ratio, committed.get(name)) for name, ratio in ratios(found).items()]


def measure(committed: Mapping[str, float] | None) -> Iterator[Found]:
    """Rounds, each time with all found so far; a few more while gates do not hold, or with nothing to judge by."""
    rows = [replace(row, parts=BURST) for row in ROWS if row.name in CONTENDERS]
    found: Found = {row.name: {} for row in rows}
    with Replayer(CORPUS, COUNT, 1, protobuf=False) as replayer:
        for number in range(1, ROUNDS + MORE_ROUNDS + 1):
            for mode in MODES:
                for row in rows:
                    metrics, _ = run_session(row, replayer, mode, PLAN)
                    for metric in METRICS:
                        found[row.name].setdefault(f"{mode}.{metric}", []).append(metrics[metric])
            yield found
            if number >= ROUNDS and committed is not None and all(gate.holds for gate in judge(found, committed)):
                return


def shown(gates: list[Gate]) -> str:
    """As a table."""
    lines = []
    for gate in gates:
        mode, _, metric = gate.name.partition(".")
        bound = "-" if gate.committed is None else f"{gate.committed:.3f} + {LEEWAY - 1:.0%}"
        lines.append([f"{METRICS[metric]}, {mode}", f"{gate.ratio:.3f}", bound, "holds" if gate.holds else "**fails**"])
    return table(["over orjson dicts", "found", "bound", ""], lines)


def written(found: Found, file: Path) -> None:
    """Writes the median ratio of the rounds as what is committed."""
    lines = [f"# kinform over plain orjson dicts, {COUNT} pods: written by `python -m benchmarks.gates --renew`."]
    ours, theirs = (found[name] for name in CONTENDERS)
    for name, values in ours.items():
        each = [value / other for value, other in zip(values, theirs[name], strict=True)]
        lines.append(f'"{name}" = {statistics.median(each):.3f}')
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Measures and judges."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gates", description=__doc__.partition("\n")[0])
    parser.add_argument("--renew", action="store_true", help="write what is found into gates.toml, and judge nothing")
    options = parser.parse_args()
    committed = {} if options.renew else tomllib.loads(FILE.read_text(encoding="utf-8"))
    found: Found = {}
    try:
        for found in measure(committed or None):  # noqa: B007  (the last one counts)
            pass
    except (BenchmarkError, ProgramError) as error:
        sys.exit(f"gates: {error}")
    if options.renew:
        written(found, FILE)
        print(f"written: {FILE}")
        return
    gates = judge(found, committed)
    print(shown(gates))
    if failed := [gate.name for gate in gates if not gate.holds]:
        sys.exit(
            f"gates: {', '.join(failed)}: more than {LEEWAY - 1:.0%} above what is committed in benchmarks/{FILE.name}."
            " If that is meant, renew it: .venv/bin/python -m benchmarks.gates --renew"
        )


if __name__ == "__main__":
    main()
