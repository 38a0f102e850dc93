"""What this process holds that can leak: threads, file descriptors, sockets, child processes, memory."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Held:
    """One moment; two of them are compared by ``left_since``."""

    threads: frozenset[threading.Thread]
    descriptors: int
    sockets: int
    children: int

    def left_since(self, before: Held) -> dict[str, object]:
        """What there is now that was not there before; empty: nothing has leaked."""
        found: dict[str, object] = {
            "threads": sorted(thread.name for thread in self.threads - before.threads),
            "descriptors": self.descriptors - before.descriptors,
            "sockets": self.sockets - before.sockets,
            "children": self.children - before.children,
        }
        return {name: value for name, value in found.items() if value}


def held() -> Held:
    """What the process holds now."""
    links = []
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that by which the listing itself is read
            links.append(str(each.readlink()))
    return Held(
        threads=frozenset(threading.enumerate()),
        descriptors=len(links),
        sockets=sum(link.startswith("socket:") for link in links),
        children=len(children()),
    )


def children() -> list[int]:
    """The process ids of the children of this process, whichever thread started them."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += map(int, (task / "children").read_text().split())
    return found


def resident_bytes() -> int:
    """The memory of this process that is in RAM."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def allocated_blocks() -> int:
    """How many blocks Python's allocator has given out."""
    return sys.getallocatedblocks()


def processor_seconds() -> float:
    """Of this process, in user and system mode."""
    times = os.times()
    return times.user + times.system
