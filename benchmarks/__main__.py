"""kinform beside its peers, in one run: ``python -m benchmarks``, or ``make bench`` and ``make bench-quick``.

Each round takes one contender after the other through a session of its own process, so that a busy machine slows all
alike. Everything stays on the loopback interface. Prints tables in Markdown; with --output they are kept, with the
samples as JSON.
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

from benchmarks.processes import BenchmarkError, Replayer
from benchmarks.programs import ROOT, ProgramError
from benchmarks.report import markdown
from benchmarks.results import Corpus, Results, Sample, Skipped
from benchmarks.rows import MODES, rows_named
from benchmarks.session import Plan, run_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rows import Mode, Row

FULL: Final = ("pods:20000",)
QUICK: Final = ("pods:10000",)


def main() -> None:
    """Measures and prints."""
    options = _options()
    options.rounds = options.rounds or (1 if options.quick else 3)
    begin = time.monotonic()
    results = Results()
    try:
        rows = rows_named(options.contenders)
        if options.quick and not options.contenders:
            rows = [row for row in rows if row.core]
        for text in options.corpora or (QUICK if options.quick else FULL):
            name, _, count = text.partition(":")
            measure(results, name, int(count), rows, options)
    except (BenchmarkError, ProgramError, ValueError) as error:
        sys.exit(f"benchmarks: {error}")
    except KeyboardInterrupt:
        print("interrupted: what follows is what was measured so far", file=sys.stderr)
    results.about |= about(time.monotonic() - begin)
    report = markdown(results)
    print(report)
    if options.output:
        results.write(options.output / "results.json")
        (options.output / "results.md").write_text(report, encoding="utf-8")


def measure(results: Results, name: str, count: int, rows: Sequence[Row], options: argparse.Namespace) -> None:
    """All rounds on one corpus."""
    protobuf = any("protobuf" in row.variant for row in rows)
    plan = Plan(seconds=options.seconds, latency_rate=options.rate)
    with Replayer(name, count, options.seed, protobuf=protobuf) as replayer:
        stats = replayer.stats
        corpus = Corpus(name, count, stats["bytes"], stats["bytes_protobuf"], stats["workloads"], stats["compression"])
        results.corpora.append(corpus)
        given_up: set[tuple[str, Mode]] = set()
        for number in range(1, options.rounds + 1):
            for row, mode in [(each, mode) for each in rows for mode in each.modes]:
                if mode not in options.modes or (row.name, mode) in given_up or not fits(row, corpus):
                    continue
                begin = time.monotonic()
                where = f"{corpus.title}, {mode}"
                try:
                    metrics, versions = run_session(row, replayer, mode, plan)
                except (BenchmarkError, ProgramError) as error:
                    given_up.add((row.name, mode))
                    results.skipped.append(Skipped(row.name, where, str(error)))
                    say(f"{where}, round {number}: {row.name}: {error}")
                    continue
                results.samples.append(Sample(name, count, row.name, mode, number, metrics))
                results.about.setdefault("versions", {}).update(versions)
                say(
                    f"{where}, round {number}: {row.name}: {metrics['sync_rate']:,.0f} objects/s,"
                    f" {metrics['event_rate']:,.0f} events/s, {metrics.get('rss', 0) / 1024:.2f} KiB"
                    f" ({time.monotonic() - begin:.0f} s)"
                )


def fits(row: Row, corpus: Corpus) -> bool:
    """Whether a row has something to say of a corpus."""
    return (row.custom or corpus.name.startswith("pods")) and corpus.count <= row.most


def say(line: str) -> None:
    """Tells how far it is."""
    print(line, file=sys.stderr, flush=True)


def about(seconds: float) -> dict[str, object]:
    """Machine, time, command, revision."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "machine": f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, Linux {platform.release()},"
        f" Python {platform.python_version()}",
        "time": datetime.now(UTC).isoformat(timespec="minutes"),
        "seconds": seconds,
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        "revision": revision.stdout.strip() or "unknown",
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer contenders and objects: two to three minutes")
    parser.add_argument(
        "--contenders", nargs="+", default=[], metavar="NAME", help="only these: kinform, client-go, orjson"
    )
    parser.add_argument(
        "--corpora", nargs="+", metavar="NAME:COUNT", help="what is served: pods, pods-small or releases, and how many"
    )
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES, help="how the first sync goes")
    parser.add_argument("--rounds", type=int, help="how often everything is measured (default: 3; quick: 1)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long a burst of events lasts, about")
    parser.add_argument("--rate", type=float, default=500.0, help="events/s while latency is measured; 0: it is not")
    parser.add_argument("--seed", type=int, default=1, help="of the corpus (default: 1)")
    parser.add_argument("--output", type=Path, help="folder for results.json and results.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
