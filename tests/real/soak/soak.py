"""An hour of informers, controllers and an elector under writes and trouble: does anything grow, or get lost?

``python -m tests.real.soak --seconds 3600 --output DIR`` writes ``samples.jsonl`` as it goes and ``summary.json`` at the
end; its exit status tells whether all was well.
"""

from __future__ import annotations

import gc
import json
import os
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic_core
from tests.real.chaos.fleet import NAMESPACES, Fleet
from tests.real.chaos.resources_of_process import (
    allocated_blocks,
    children,
    held,
    processor_seconds,
    resident_bytes,
)
from tests.real.chaos.writer import Writer
from tests.real.soak.credentials import ShortTokens
from tests.real.soak.samples import Sample, growth, settled
from tests.real.soak.workload import Candidate, Controllers, Trouble, Visitors, wait_until

from kinform.testing import ControlPlane, TcpProxy
from kinform.transport import Transport

if TYPE_CHECKING:
    from kinform import ErrorReport

MAX_GROWTH_OF_MEMORY = 4 << 20
"""Bytes of resident memory that the last three quarters may add, by the slope of ``growth()``."""
MAX_GROWTH_OF_BLOCKS = 0.01
"""Share of the blocks of Python's allocator that they may add."""
_WATCHED_FROM_ETCD = {"watch-cache-sizes": "configmaps#0,secrets#0"}
"""The watches of these expire by a compaction of etcd; all others are served from memory, and outlast it."""
_CALM_INTERVALS = 3
"""One in so many has trouble: after two minutes of health a reflector's back-off starts over."""
_RECOVERY_SECONDS = 120.0
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Soak:
    """One run.

    Args:
        version: Of Kubernetes.
        seconds: How long it is to last.
        folder: For its figures.
        rate: Writes in a second.
        population: Objects of each kind, in each of three namespaces.
        interval: Seconds from one sample to the next.
    """

    def __init__(
        self, version: str, seconds: float, folder: Path, *, rate: float, population: int, interval: float
    ) -> None:
        self._version = version
        self._seconds = seconds
        self._folder = folder
        self._rate = rate
        self._population = population
        self._interval = interval
        self._stopping = threading.Event()
        self._errors: Counter[str] = Counter()
        self._samples: list[Sample] = []
        self._servers: list[int] = []

    def run(self) -> dict[str, Any]:
        """Runs it; the summary, whose ``problems`` are empty if all was well."""
        self._folder.mkdir(parents=True, exist_ok=True)
        fill_string_cache()
        with ControlPlane(self._version, apiserver_flags=_WATCHED_FROM_ETCD) as control_plane:
            self._servers = children()
            before = held()
            with TcpProxy(control_plane.port) as proxy, Transport(control_plane.client()) as straight:
                writer = Writer(straight, NAMESPACES, population=self._population, rate=self._rate, seed=3)
                writer.fill()
                summary = self._run(control_plane, proxy, straight, writer)
            gc.collect()
            left = held().left_since(before)
            summary["left after the end"] = left
            summary["problems"] += [f"left after the end: {left}"] if left else []
        (self._folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        return summary

    def _run(self, control_plane: ControlPlane, proxy: TcpProxy, straight: Transport, writer: Writer) -> dict[str, Any]:
        tokens = ShortTokens(control_plane, straight, NAMESPACES[0], proxy.port)
        fleet = Fleet(tokens, on_error=self._error)
        controllers = Controllers(fleet)
        candidate = Candidate(tokens, f"{NAMESPACES[0]}/soak")
        visitors = Visitors(fleet)
        trouble = Trouble(control_plane, proxy, self._stopping)
        unfinished: list[str] = []
        with ExitStack() as stack:
            stack.callback(lambda: unfinished.extend(fleet.stop()))
            fleet.start(60.0)
            stack.callback(lambda: unfinished.extend(controllers.stop()))
            controllers.start()
            stack.callback(lambda: unfinished.extend(candidate.stop()))
            candidate.start()
            stack.callback(visitors.leave)
            writer.start()
            stack.callback(writer.stop)
            self._spend(fleet, controllers, writer, visitors, trouble)
            writer.pause()
            equal_after = fleet.seconds_until_equal(straight, _RECOVERY_SECONDS)
            fleet.let_handlers_catch_up()
            problems = [*fleet.problems(), *self._growing()]
            requests = {**fleet.requests(), "answers": self._answers(fleet)}
        problems += [f"still running after stop(): {name}" for name in unfinished]
        return {
            "version": self._version,
            "seconds": round(self._samples[-1].seconds, 1),
            "samples": len(self._samples),
            "writes": dict(writer.writes),
            "failed writes": dict(writer.failures),
            "events": fleet.events,
            "resyncs": sum(each.history.resynced for each in fleet.members),
            "whole fetches": fleet.fetches,
            "restarts": fleet.restarts(),
            "requests": requests,
            "errors reported": dict(self._errors),
            "disturbances": dict(sorted(trouble.made.items())),
            "reconciled": controllers.reconciled,
            "led": candidate.led,
            "leadership lost": candidate.lost,
            "tokens": tokens.made,
            "visiting handlers": visitors.visits,
            "told to visitors": visitors.told,
            "objects in caches": fleet.objects,
            "equal after": round(equal_after, 2),
            "processor share": round(self._samples[-1].processor_seconds / self._samples[-1].seconds, 4),
            "server processor share": round(
                (self._samples[-1].server_processor_seconds - self._samples[0].server_processor_seconds)
                / self._samples[-1].seconds,
                4,
            ),
            "in the last three quarters": self._ranges(),
            "problems": problems,
        }

    def _spend(
        self, fleet: Fleet, controllers: Controllers, writer: Writer, visitors: Visitors, trouble: Trouble
    ) -> None:
        """Lets the time pass: a sample each minute; in between handlers come and go, and now and then there is trouble."""
        began = time.monotonic()
        processor = processor_seconds()
        end = began + self._seconds
        number = 0
        while True:
            now = time.monotonic()
            gc.collect()
            statistics = held()
            sample = Sample(
                seconds=round(now - began, 1),
                resident_bytes=resident_bytes(),
                allocated_blocks=allocated_blocks(),
                threads=len(statistics.threads),
                descriptors=statistics.descriptors,
                sockets=statistics.sockets,
                objects=fleet.objects,
                events=fleet.events,
                fetches=fleet.fetches,
                reconciled=controllers.reconciled,
                writes=writer.writes.total(),
                processor_seconds=round(processor_seconds() - processor, 2),
                server_processor_seconds=self._server_processor_seconds(),
            )
            self._samples.append(sample)
            with (self._folder / "samples.jsonl").open("a") as file:
                file.write(json.dumps(asdict(sample)) + "\n")
            if now >= end - 1.0:
                return
            number += 1
            for _ in range(3):
                visitors.next()
            if number % _CALM_INTERVALS == 1:
                trouble.next()
            wait_until(min(end, began + number * self._interval), self._stopping)

    def _growing(self) -> list[str]:
        samples = settled(self._samples)
        found = []
        memory = growth([(each.seconds, each.resident_bytes) for each in samples])
        if memory > MAX_GROWTH_OF_MEMORY:
            found.append(f"resident memory grew by {memory / (1 << 20):.1f} MiB")
        blocks = growth([(each.seconds, each.allocated_blocks) for each in samples])
        if blocks > MAX_GROWTH_OF_BLOCKS * samples[0].allocated_blocks:
            found.append(f"Python's blocks grew by {blocks:.0f} from {samples[0].allocated_blocks}")
        for what in ("threads", "descriptors", "sockets"):
            added = growth([(each.seconds, getattr(each, what)) for each in samples])
            if added >= 1.0:
                found.append(f"{what} grew by {added:.1f}")
        return found

    def _ranges(self) -> dict[str, dict[str, float]]:
        samples = settled(self._samples)
        found: dict[str, dict[str, float]] = {}
        for what in ("resident_bytes", "allocated_blocks", "threads", "descriptors", "sockets", "objects"):
            values = [getattr(each, what) for each in samples]
            grown = growth([(each.seconds, value) for each, value in zip(samples, values, strict=True)])
            found[what] = {"least": min(values), "most": max(values), "growth": round(grown, 1)}
        return found

    def _answers(self, fleet: Fleet) -> dict[str, int]:
        answers: Counter[str] = Counter()
        for factory in fleet.factories:
            answers.update(factory.transport.statistics().answers)
        return dict(answers)

    def _server_processor_seconds(self) -> float:
        ticks = 0
        for pid in self._servers:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / _CLOCK_TICKS

    def _error(self, report: ErrorReport) -> None:
        self._errors[str(report.reason)] += 1


def fill_string_cache() -> None:
    """Fills the cache of short strings that pydantic's JSON parser keeps, which would take half an hour by itself.

    It has 16,384 places and stays as it is once they are taken; until then each new uid, time and resourceVersion adds
    to it, and would look like a leak.
    """
    for first in range(0, 100_000, 500):
        pydantic_core.from_json(json.dumps([f"{number:036}" for number in range(first, first + 500)]))
