"""What a process costs, as Linux counts it: resident memory, its high-water mark, and CPU time."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Memory", "cpu_seconds", "memory", "reset_peak"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of this process.

    Attributes:
        rss: Resident, from ``smaps_rollup``, which counts pages; ``status`` may lag behind by some.
        pss: The same, with pages that are shared with others counted in part.
        peak: The high-water mark of ``rss`` since the process began or ``reset_peak`` was called.
    """

    rss: int
    pss: int
    peak: int

    def as_dict(self) -> dict[str, int]:
        """For a report in JSON."""
        return {"rss": self.rss, "pss": self.pss, "peak": self.peak}


def memory() -> Memory:
    """Reads the memory of this process; does not collect garbage."""
    rollup = _fields("smaps_rollup")
    rss = rollup["Rss"]
    # The kernel updates the mark when pages go, and so it may stand below what is resident now.
    return Memory(rss, rollup["Pss"], max(rss, _fields("status")["VmHWM"]))


def reset_peak() -> bool:
    """Sets the high-water mark to what is resident now; False where the kernel does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def cpu_seconds() -> float:
    """User and system time of all threads of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _fields(name: str) -> dict[str, int]:
    """The sizes in a file below ``/proc/self``, in bytes."""
    found: dict[str, int] = {}
    for line in Path(f"/proc/{os.getpid()}/{name}").read_text(encoding="ascii", errors="replace").splitlines():
        field, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB":
            found[field] = int(words[0]) * 1024
    return found
