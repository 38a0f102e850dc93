"""Servers as child processes: logs, orderly ends, and no orphan when this process dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from kinform.testing.control_plane._errors import ControlPlaneStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["PortTakenError", "Server", "Watchdog"]

_LOG_LINES: Final = 15
_POLL_SECONDS: Final = 0.05
_STANDARD_ERROR: Final = 2


class PortTakenError(ControlPlaneStartError):
    """Another process took the port between our looking and the server's binding it."""


class Watchdog:
    """A companion process that ends our servers when we are gone without having done so (killed, crashed).

    Args:
        folder: The control plane's folder, which each server's command line names.
        remove: Whether the companion removes the folder, too.
    """

    def __init__(self, folder: Path, *, remove: bool) -> None:
        program = Path(__file__).with_name("_watchdog.py")
        command = [sys.executable, "-I", "-S", str(program), str(folder), "remove" if remove else "keep"]
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # a Ctrl-C of the terminal must not reach it
        )

    def tell(self, sign: str, pid: int) -> None:
        """Say that a server has been started (``"+"``) or has ended (``"-"``)."""
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        with contextlib.suppress(OSError):  # someone ended the companion; we still end the servers in the orderly way
            pipe.write(f"{sign}{pid}\n")
            pipe.flush()

    def close(self) -> None:
        """Let it go, all servers having ended."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()


class Server:
    """One server of the control plane: its process and its log.

    Args:
        name: What messages call it.
        command: The program and its flags.
        log: File that takes what it writes; added to, so that a restart keeps what was there.
        watchdog: Told of its start and end.
        attach: Whether what it writes goes to this process's standard error, too.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, watchdog: Watchdog, *, attach: bool = False
    ) -> None:
        self.name = name
        self.log = log
        self._watchdog = watchdog
        self._log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if attach else output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for us: we end the servers in order
            )
        self._copier: threading.Thread | None = None
        if self._process.stdout is not None:
            name = f"kinform-output-of-{name}"
            self._copier = threading.Thread(target=self._copy, args=(self._process.stdout,), name=name, daemon=True)
            self._copier.start()
        watchdog.tell("+", self._process.pid)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def raise_if_ended(self) -> None:
        """Check that it is still there.

        Raises:
            PortTakenError: It ended since its port is taken.
            ControlPlaneStartError: It ended for another reason.
        """
        status = self._process.poll()
        if status is None:
            return
        self._end_copying()
        self._watchdog.tell("-", self._process.pid)
        text = self._log_text()
        kind = PortTakenError if "address already in use" in text else ControlPlaneStartError
        raise kind(f"{self.name} ended with status {status}\n{self.last_log_lines()}")

    def await_ready(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until it is ready.

        Raises:
            PortTakenError: It ended since its port is taken.
            ControlPlaneStartError: It ended, or ``timeout`` seconds are over.
        """
        deadline = time.monotonic() + timeout
        while True:
            self.raise_if_ended()
            # A server that answers is not enough: if ours has just ended, it is another one on that port.
            if ready() and self.running():
                return
            if time.monotonic() > deadline:
                raise ControlPlaneStartError(
                    f"{self.name} was not ready after {timeout:g} s\n{self.last_log_lines()}",
                )
            time.sleep(_POLL_SECONDS)

    def last_log_lines(self) -> str:
        """The end of its log since it was started, for an error's message."""
        lines = self._log_text().splitlines()[-_LOG_LINES:]
        return "\n".join([f"the end of {self.log}:", *(f"  {line[:500]}" for line in lines)])

    def freeze(self) -> None:
        """Have the system give it no more time."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self, timeout: float, *, graceful: bool = True) -> None:
        """End it and wait until it is gone: SIGTERM, and SIGKILL after ``timeout`` seconds or if not graceful."""
        if graceful and self.running():
            self._process.terminate()
            self.thaw()  # a frozen process would heed the signal only then
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        if self.running():
            self._process.kill()
        self._process.wait()
        self._end_copying()
        self._watchdog.tell("-", self._process.pid)

    def _copy(self, output: IO[bytes]) -> None:
        with output, self.log.open("ab", buffering=0) as log:
            while data := os.read(output.fileno(), 65536):
                log.write(data)
                with contextlib.suppress(OSError):
                    os.write(_STANDARD_ERROR, data)

    def _end_copying(self) -> None:
        """Waits for the last of its output; it has ended."""
        if self._copier is not None:
            self._copier.join()

    def _log_text(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")
