"""Plots of a run's results, as SVG. Drawn by matplotlib in the environment of the other libraries."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.programs import ROOT, python_of
from benchmarks.results import Results
from benchmarks.rows import MODES

__all__ = ["draw"]

PLOTS: Final = (
    ("sync-streamed", "First sync by a streaming list, objects per second", "sync_rate", "streamed", 1.0),
    ("sync-paged", "First sync by pages, objects per second", "sync_rate", "paged", 1.0),
    ("events", "Watch, events per second", "event_rate", None, 1.0),
    ("resident", "Resident memory per object, KiB", "rss", None, 1 / 1024),
)
"""File, title, metric, mode, scale."""

_COLOURS: Final = {"kinform": "#2f6f9f", "client-go": "#7a7a7a"}


def draw(folder: Path) -> None:
    """Draws the plots of ``results.json`` in a folder.

    Raises:
        ProgramError: matplotlib cannot be installed.
        CalledProcessError: It cannot draw them.
    """
    subprocess.run([str(python_of("peers")), "-m", "benchmarks.plots", str(folder.resolve())], cwd=ROOT, check=True)


def _draw(folder: Path) -> None:
    results = Results.read(folder / "results.json")
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    # The same results make the same files: no date, no random ids, text as text.
    matplotlib.rcParams.update({"svg.hashsalt": "kinform", "svg.fonttype": "none", "font.size": 9})
    pyplot = importlib.import_module("matplotlib.pyplot")
    for plot in PLOTS:
        _bars(pyplot, results, plot, folder)
    _growth(pyplot, results, folder / "growth.svg")


def _save(pyplot: Any, figure: Any, file: Path) -> None:
    figure.savefig(file, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)


def _bars(pyplot: Any, results: Results, plot: tuple[str, str, str, str | None, float], folder: Path) -> None:
    """One bar for each row, with a line from the lowest round to the highest."""
    corpus = results.corpora[0]
    name, title, metric, mode, scale = plot
    found = {
        row: summary
        for row in results.rows(corpus.name, corpus.count)
        if (summary := results.summary(corpus.name, corpus.count, row, metric, mode)) and not row.startswith("the ")
    }
    if not found:
        return
    figure, axes = pyplot.subplots(figsize=(8, 0.6 + 0.28 * len(found)))
    for place, (row, summary) in enumerate(found.items()):
        colour = _COLOURS.get(row.partition(",")[0], "#b9a36b")
        axes.barh(place, summary.median * scale, color=colour, height=0.7)
        axes.plot([summary.lowest * scale, summary.highest * scale], [place, place], color="#222222", linewidth=1)
        value = summary.median * scale
        axes.text(summary.highest * scale, place, f" {value:,.0f}" if value >= 100 else f" {value:.3g}", va="center")
    axes.set_yticks(range(len(found)), list(found))
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{title}: {corpus.title} of {corpus.bytes:,} bytes", loc="left")
    _save(pyplot, figure, folder / f"{name}.svg")


def _growth(pyplot: Any, results: Results, file: Path) -> None:
    """Kinform's rate and size against how many pods there are."""
    counts = sorted(corpus.count for corpus in results.corpora if corpus.name == "pods")
    if len(counts) < 2:
        return
    figure, (rates, sizes) = pyplot.subplots(1, 2, figsize=(8, 2.6))
    for mode in MODES:
        for axes, metric, scale in ((rates, "sync_rate", 1.0), (sizes, "rss", 1 / 1024)):
            points = [(count, results.summary("pods", count, "kinform", metric, mode)) for count in counts]
            found = [(count, summary.median * scale) for count, summary in points if summary]
            axes.plot([count for count, _ in found], [value for _, value in found], marker="o", label=mode)
    for axes, title in ((rates, "objects per second"), (sizes, "KiB for each object")):
        axes.set_xscale("log")
        axes.set_xticks(counts, [f"{count:,}" for count in counts])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("pods")
        axes.set_title(f"kinform, {title}", loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    _save(pyplot, figure, file)


if __name__ == "__main__":
    _draw(Path(sys.argv[1]))
