"""Ends a control plane's servers when the process that started them is gone, however it went.

Run as a program: its standard input is a pipe from that process, which writes ``+PID`` for each server that it starts
and ``-PID`` for each that it has seen end. When the pipe closes, whatever is left is ended and the folder removed.
Standard library only, and no import of kinform: it must start at once and work in any environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

GRACE_SECONDS = 5.0


def main(folder: str, *, remove: bool) -> None:
    """Keep the list of servers until the pipe closes, then end them and remove ``folder`` if that is asked for."""
    servers: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line.startswith("+"):
            servers.add(pid)
        else:
            servers.discard(pid)
    left = {pid for pid in servers if is_ours(pid, folder)}
    send(left, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := {pid for pid in left if is_ours(pid, folder)}) and time.monotonic() < deadline:
        time.sleep(0.05)
    send(left, signal.SIGKILL)
    if remove:
        shutil.rmtree(folder, ignore_errors=True)


def is_ours(pid: int, folder: str) -> bool:
    """Whether that process still is the server: its command line names the folder, a stranger's would not."""
    try:
        return folder.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        if Path("/proc/self").exists():
            return False
    try:  # no /proc on this system: that the process is there must do
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def send(pids: set[int], number: signal.Signals) -> None:
    """Send a signal to those of the processes that are still there."""
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


if __name__ == "__main__":
    main(sys.argv[1], remove=sys.argv[2] == "remove")
