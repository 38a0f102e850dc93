"""What one contender goes through in one round: sync, memory, bursts, latency, relist, and a look at what it cached."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.generated import generated_packages
from benchmarks.processes import BenchmarkError, ContenderProcess
from benchmarks.summary import percentile

if TYPE_CHECKING:
    from benchmarks.processes import Replayer
    from benchmarks.rows import Mode, Row

__all__ = ["Plan", "run_session"]

CHANGED: Final = 0.1
"""The share of the objects that are others after a relist."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it.

    Attributes:
        seconds: About how long a burst lasts, by the row's own speed.
        latency_rate: Events a second while latency is measured; 0: not at all.
        latency_seconds: For how long.
        settle: Seconds between the end of a sync and the look at its memory: what is done in the background is done by
            then, and belongs to what a user finds.
    """

    seconds: float = 3.0
    latency_rate: float = 500.0
    latency_seconds: float = 2.0
    settle: float = 1.5


@dataclass(slots=True)
class _Session:
    contender: ContenderProcess
    replayer: Replayer
    row: Row
    plan: Plan
    objects: int
    found: dict[str, float] = field(default_factory=dict)

    @property
    def patience(self) -> float:
        """Seconds that anything about all objects may take."""
        return 60 + 10 * self.objects / self.row.speed

    def sync(self) -> None:
        told = self.contender.ask("sync", within=self.patience + 10, timeout=self.patience)
        if "check" in self.row.parts and told["objects"] != self.objects:
            raise BenchmarkError(f"{self.row.name} has {told['objects']} of {self.objects} objects after its sync")
        self.found |= {
            "sync_wall": told["wall"],
            "sync_rate": self.objects / told["wall"],
            "sync_cpu": told["cpu"] / self.objects,
        }
        if "check" not in self.row.parts:
            return  # keeps nothing
        memory = self.contender.ask("memory", settle=self.plan.settle)
        before = told["before"]["rss"]
        resident = memory["rss"] - before
        self.found |= {
            "rss_before": before,
            "rss": resident / self.objects,
            "pss": (memory["pss"] - told["before"]["pss"]) / self.objects,
            "sync_peak": (memory["peak"] - before) / resident,
            "sync_peak_gross": memory["peak"] / memory["rss"],
        }
        self._before = before

    _before: int = 0

    def burst(self) -> None:
        events = max(1_000, min(200_000, int(self.plan.seconds * self.row.speed)))
        self.contender.ask("arm")
        begun = self.replayer.control("burst", count=events)
        version = {} if self.row.handlers else {"version": str(begun["version"])}
        told = self.contender.ask("wait", within=self.patience + 10, timeout=self.patience, **version)
        self.found |= {
            "event_rate": events / ((told["at"] - begun["first"]) / 1e9),
            "event_cpu": told["cpu"] / events,
            "event_calls": told["calls"] / events,
        }

    def latency(self) -> None:
        rate = self.plan.latency_rate
        events = min(self.objects - 1, int(rate * self.plan.latency_seconds))
        self.contender.ask("arm", record=True)
        self.replayer.control("burst", count=events, rate=rate)
        self.contender.ask("wait", within=self.patience + 10, timeout=self.patience)
        received, sent = self.contender.ask("received"), self.replayer.control("sent")
        waits = [(received[key] - at) / 1e9 for key, at in sent.items() if key in received]
        if len(waits) < len(sent):
            raise BenchmarkError(f"{self.row.name} told its handler of {len(waits)} of {len(sent)} changes")
        self.found |= {"latency_p50": percentile(waits, 0.5), "latency_p99": percentile(waits, 0.99)}

    def relist(self) -> None:
        memory = self.contender.ask("memory", settle=0.5, reset=True)
        resident = memory["rss"] - self._before
        self.contender.ask("arm")
        begun = self.replayer.control("expire", changed=CHANGED)
        version = {} if self.row.handlers else {"version": str(begun["version"])}
        told = self.contender.ask("wait", within=self.patience + 10, timeout=self.patience, **version)
        memory = self.contender.ask("memory", settle=self.plan.settle)
        self.found |= {
            "relist_wall": (told["at"] - begun["first"]) / 1e9,
            "relist_peak": (memory["peak"] - self._before) / resident,
            "relist_rss": (memory["rss"] - self._before) / self.objects,
        }

    def check(self) -> None:
        versions = self.replayer.control("versions")
        sample = dict(list(versions.items())[:: max(1, len(versions) // 200)])
        told = self.contender.ask("check", versions=sample)
        if told["wrong"] or told["objects"] != self.objects:
            raise BenchmarkError(
                f"{self.row.name} ended with {told['objects']} of {self.objects} objects, and has other versions of"
                f" {len(told['wrong'])} in {told['checked']}: {told['wrong']}"
            )


def run_session(row: Row, replayer: Replayer, mode: Mode, plan: Plan) -> tuple[dict[str, float], dict[str, str]]:
    """Takes a contender through all of it, in a process of its own.

    Returns:
        What was found: seconds, bytes, rates per second, shares; and the versions of what was measured.

    Raises:
        BenchmarkError: The contender failed, or its cache is wrong.
    """
    replayer.control("streaming", on=str(mode == "streamed").lower())
    with ContenderProcess(row, replayer, mode, _environment(row)) as contender:
        session = _Session(contender, replayer, row, plan, replayer.stats["objects"])
        session.sync()
        for part in row.parts:
            if part == "reads":
                if replayer.stats["corpus"].startswith("pods"):
                    session.found |= contender.ask("reads", within=session.patience)
            elif part != "latency" or plan.latency_rate:
                getattr(session, part)()
        return session.found, contender.versions


def _environment(row: Row) -> dict[str, str]:
    """This process's, without proxies (all stays on this machine), and with the package of structs where it is used."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "PYTHONPATH": str(generated_packages())} if row.variant == "msgspec" else kept
