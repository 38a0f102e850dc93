"""kinform beside its peers, in one run: ``python -m benchmarks``, or ``make bench`` and ``make bench-quick``.

Each round takes one contender after the other through a session of its own process, so that a busy machine slows all
alike. Everything stays on the loopback interface. Prints tables in Markdown; with --output they are kept, with the
samples as JSON and with plots.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.plots import draw
from benchmarks.processes import BenchmarkError
from benchmarks.programs import ROOT, ProgramError
from benchmarks.report import markdown
from benchmarks.results import Results
from benchmarks.rows import MODES, rows_named
from benchmarks.run import Run, parse_corpus, say
from benchmarks.session import Plan
from benchmarks.single import measure_single

if TYPE_CHECKING:
    from collections.abc import Sequence

QUICK: Final = ("pods:10000",)
FULL: Final = ("pods:20000", "pods:100000", "pods:10000", "pods:1000", "pods-small:20000", "releases:20000")
"""What is served: the first in all rounds and to all rows, the others once, to those rows that are for it."""


def main() -> None:
    """Measures and prints."""
    options = _options()
    if options.again:
        results = Results.read(options.again / "results.json")
        _keep(results, options.again)
        return
    begin = time.monotonic()
    try:
        rows = rows_named(options.contenders)
        corpora = [parse_corpus(text) for text in options.corpora or (QUICK if options.quick else FULL)]
    except ValueError as error:
        sys.exit(f"benchmarks: {error}")
    if options.quick and not options.contenders:
        rows = [row for row in rows if row.core]
    rounds = options.rounds or (1 if options.quick else 3)
    plan = Plan(seconds=options.seconds, latency_rate=options.rate)
    run = Run(rows, options.modes, rounds, plan, options.seed, options.minutes)
    try:
        for number, (name, count) in enumerate(corpora):
            run.measure(name, count, main=number == 0)
        if not (options.quick or options.contenders):
            say("imports, queue, generator, mypy")
            for title, line, values in measure_single(rounds):
                run.results.single.setdefault(title, {})[line] = values
    except (BenchmarkError, ProgramError) as error:
        sys.exit(f"benchmarks: {error}")
    except KeyboardInterrupt:
        say("interrupted: what follows is what was measured so far")
    run.results.about |= about(time.monotonic() - begin, sys.argv[1:])
    if options.output:
        _keep(run.results, options.output)
    print(markdown(run.results))


def _keep(results: Results, folder: Path) -> None:
    results.write(folder / "results.json")
    (folder / "results.md").write_text(markdown(results), encoding="utf-8")
    draw(folder)


def about(seconds: float, arguments: Sequence[str]) -> dict[str, object]:
    """Machine, time, command, revision."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    describe = ["git", "describe", "--always", "--dirty"]
    revision = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "machine": f"{os.cpu_count()} cores of {models[0] if models else platform.machine()}, {memory:.0f} GiB,"
        f" Linux {platform.release()}, Python {platform.python_version()}",
        "time": datetime.now(UTC).isoformat(timespec="minutes"),
        "seconds": seconds,
        "command": shlex.join(["python", "-m", "benchmarks", *arguments]),
        "revision": revision or "unknown",
        "load": os.getloadavg()[2],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer contenders and objects: two to three minutes")
    add("--contenders", nargs="+", default=[], metavar="NAME", help="only these, such as: kinform client-go orjson")
    add("--corpora", nargs="+", metavar="NAME:COUNT", help="what is served, such as: pods:20000 releases:5000")
    add("--modes", nargs="+", choices=MODES, default=MODES, help="how the first sync goes")
    add("--rounds", type=int, help="how often the first corpus is measured (default: 3; quick: 1)")
    add("--seconds", type=float, default=2.0, help="how long a burst of events lasts, about (default: 2)")
    add("--rate", type=float, default=500.0, help="events/s while latency is measured; 0: it is not (default: 500)")
    add("--seed", type=int, default=1, help="of the corpora (default: 1)")
    add("--minutes", type=float, default=36.0, help="no session begins later than this (default: 36)")
    add("--output", type=Path, help="folder for results.json, results.md and plots")
    add("--again", type=Path, metavar="FOLDER", help="measure nothing: write tables and plots of results.json anew")
    return parser.parse_args()


if __name__ == "__main__":
    main()
