"""Results as Markdown: a table of every corpus, ratios to kinform, goals, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from benchmarks import goals
from benchmarks.rows import MODES
from benchmarks.summary import ratio, summarize

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.results import Corpus, Results
    from benchmarks.summary import Summary

__all__ = ["markdown", "table"]

Unit = Literal["rate", "s", "µs", "ms", "KiB", "times"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a corpus's table."""

    title: str
    metric: str
    unit: Unit


COLUMNS: Final = (
    Column("first sync, objects/s", "sync_rate", "rate"),
    Column("wall, s", "sync_wall", "s"),
    Column("CPU per object, µs", "sync_cpu", "µs"),
    Column("resident per object, KiB", "rss", "KiB"),
    Column("peak over resident", "sync_peak", "times"),
    Column("watch, events/s", "event_rate", "rate"),
    Column("CPU per event, µs", "event_cpu", "µs"),
    Column("latency p50, ms", "latency_p50", "ms"),
    Column("p99, ms", "latency_p99", "ms"),
    Column("relist: peak over resident", "relist_peak", "times"),
    Column("KiB per object after it", "relist_rss", "KiB"),
)
READS: Final = (
    Column("`lister.get` again, µs", "get_hot", "µs"),
    Column("`lister.get`, first touch, µs", "get_cold", "µs"),
    Column("one orjson decode, µs", "decode", "µs"),
    Column("`list(selector)`, ms", "list_selector", "ms"),
    Column("the same by an index, µs", "list_index", "µs"),
    Column("every object once, µs each", "touch", "µs"),
)
_NONE: Final = "\N{EN DASH}"
_SCALES: Final[dict[Unit, float]] = {"rate": 1, "s": 1, "µs": 1e6, "ms": 1e3, "KiB": 1 / 1024, "times": 1}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown: the first column is text, the others are figures."""
    lines = [f"| {' | '.join(header)} |", f"|---|{'---:|' * (len(header) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def shown(value: float, unit: Unit) -> str:
    """A figure in its unit, with three digits that count."""
    scaled = value * _SCALES[unit]
    if abs(scaled) >= 1000:
        return f"{round(scaled, 2 - len(str(int(abs(scaled)))) + 1):,.0f}"
    return f"{scaled:.0f}" if abs(scaled) >= 100 else f"{scaled:.1f}" if abs(scaled) >= 10 else f"{scaled:.2f}"


def spread(summary: Summary | None, unit: Unit) -> str:
    """A median, and in how many percent the rounds lie apart."""
    if summary is None:
        return _NONE
    apart = f" ±{summary.spread / 2:.0%}" if summary.rounds > 1 else ""
    return shown(summary.median, unit) + apart


def markdown(results: Results) -> str:
    """The whole report."""
    parts = [_about(results)]
    for corpus in results.corpora:
        parts += [_corpus(results, corpus), _goals(results, corpus)]
    parts += [_growth(results), _single(results), _skipped(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(results: Results) -> str:
    about = results.about
    versions = ", ".join(f"{name} {version}" for name, version in sorted(about.get("versions", {}).items()))
    lines = [
        f"- machine: {about.get('machine', '?')}",
        f"- when: {about.get('time', '?')}, in {about.get('seconds', 0) / 60:.0f} minutes",
        f"- command: `{about.get('command', '?')}`",
        f"- revision: {about.get('revision', '?')}",
        f"- versions: {versions}",
        "- figures are medians of the rounds; ± is half of what lies between the lowest and the highest of them",
    ]
    return "\n".join(lines)


def _corpus(results: Results, corpus: Corpus) -> str:
    parts = [
        f"## {corpus.title}\n\n{corpus.bytes:,} bytes of JSON each"
        + (f", {corpus.bytes_protobuf:,} of protobuf" if corpus.bytes_protobuf else "")
        + (f"; {corpus.workloads} workloads" if corpus.workloads else "")
        + (f"; zlib makes all of them together {corpus.compression:.1f} times smaller" if corpus.compression else "")
        + "."
    ]
    for mode in MODES:
        lines = []
        for row in results.rows(corpus.name, corpus.count):
            if results.values(corpus.name, corpus.count, row, "sync_rate", mode):
                found = (results.summary(corpus.name, corpus.count, row, each.metric, mode) for each in COLUMNS)
                lines.append([row, *(spread(each, column.unit) for each, column in zip(found, COLUMNS, strict=True))])
        if lines:
            parts.append(f"### {mode}\n\n" + table([corpus.title, *(column.title for column in COLUMNS)], lines))
    return "\n\n".join(part for part in (*parts, _compared(results, corpus), _reads(results, corpus)) if part)


def _reads(results: Results, corpus: Corpus) -> str:
    """What reading a full cache costs; both modes of the first sync together."""
    lines = []
    for row in results.rows(corpus.name, corpus.count):
        found = [results.summary(corpus.name, corpus.count, row, each.metric) for each in READS]
        if any(found):
            lines.append([row, *(spread(each, column.unit) for each, column in zip(found, READS, strict=True))])
    return "### Reads\n\n" + table([corpus.title, *(each.title for each in READS)], lines) if lines else ""


def _compared(results: Results, corpus: Corpus) -> str:
    """How many times as much the others take."""
    lines = []
    for row in results.rows(corpus.name, corpus.count):
        if row == goals.KINFORM:
            continue
        figures = []
        for metric, mode, inverse in (
            ("sync_rate", "streamed", True),
            ("sync_rate", "paged", True),
            ("event_rate", None, True),
            ("sync_cpu", None, False),
            ("rss", None, False),
        ):
            ours = results.summary(corpus.name, corpus.count, goals.KINFORM, metric, mode)
            theirs = results.summary(corpus.name, corpus.count, row, metric, mode)
            found = ratio(ours.median, theirs.median) if ours and theirs else None
            if found and not inverse:
                found = 1 / found
            figures.append(_NONE if found is None else shown(found, "times"))
        lines.append([row, *figures])
    if not lines or goals.KINFORM not in results.rows(corpus.name, corpus.count):
        return ""
    header = ["times kinform's", "time, streamed", "time, paged", "time per event", "CPU per object", "resident"]
    return table(header, lines)


def _goals(results: Results, corpus: Corpus) -> str:
    return _judged(f"### Goals, {corpus.title}", goals.judge(results, corpus.name, corpus.count))


def _growth(results: Results) -> str:
    counts = sorted(corpus.count for corpus in results.corpora if corpus.name == "pods")
    if len(counts) < 2:
        return ""
    small, large = next((count for count in counts if count >= 10_000), counts[0]), counts[-1]
    if small == large:
        return ""
    return _judged("## Growth", goals.growth(results, "pods", small, large))


def _judged(heading: str, judged: list[goals.Goal]) -> str:
    lines = []
    for goal in judged:
        if goal.found is None:
            continue
        bound = f"{'≥' if goal.at_least else '≤'} {goal.wanted:g}"
        lines.append([goal.name, bound, shown(goal.found, "times"), "reached" if goal.reached else "**missed**"])
    if not lines:
        return ""
    unknown = [goal.name for goal in judged if goal.found is None]
    note = f"\n\nNot measured in this run: {'; '.join(unknown)}." if unknown else ""
    return f"{heading}\n\n" + table(["goal", "bound", "found", ""], lines) + note


def _single(results: Results) -> str:
    parts = []
    for title, lines in results.single.items():
        rows = [[line, spread(summarize(values), "times")] for line, values in lines.items()]
        parts.append(f"### {title}\n\n" + table([title.partition(",")[0], title.partition(", ")[2]], rows))
    return "\n\n".join(["## Without a server", *parts]) if parts else ""


def _skipped(results: Results) -> str:
    if not results.skipped:
        return ""
    lines = [f"- {each.row}, {each.where}: {each.reason}" for each in results.skipped]
    return "## Skipped\n\n" + "\n".join(lines)
