"""An API server in memory, and a page's program as a process of its own that talks to it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

import pytest

from kinform.meta import Resource
from kinform.testing import Server, ServerOptions
from kinform.testing.server import resources_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Program


_PATIENCE: Final = 30.0
"""Seconds that a program has to say what is expected, or to end."""

_WHOLE_LINES = """
import builtins, runpy, sys

def write(*values, sep=" ", end="\\n", file=None, flush=False):
    (file or sys.stdout).write(sep.join(map(str, values)) + end)

builtins.print = write
sys.argv[:] = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a program whose threads print whole lines: Python's own print writes a line's end by itself."""


class Process:
    """A running program, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def expect(self, *lines: str) -> None:
        """Blocks until it has said these lines, in any order and among others."""
        missing = list(lines)
        deadline = time.monotonic() + _PATIENCE
        while missing:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, "\n".join([f"it did not say {missing}, but:", *self.said])
            self.said.append(line)
            if line in missing:
                missing.remove(line)

    def interrupt(self) -> None:
        """Ctrl-C, and a good end."""
        self._process.send_signal(signal.SIGINT)
        self.end()

    def end(self) -> None:
        """Blocks until it ends by itself, well."""
        status = self._process.wait(timeout=_PATIENCE)
        self._reader.join(timeout=_PATIENCE)
        while (line := self._lines.get(timeout=_PATIENCE)) is not None:
            self.said.append(line)
        assert status == 0, "\n".join(self.said)

    def kill(self) -> None:
        """Whatever happened, nothing is left running."""
        self._process.kill()
        self._process.wait(timeout=_PATIENCE)
        self._reader.join(timeout=_PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Start(Protocol):
    def __call__(self) -> Process: ...


@pytest.fixture
def widgets() -> Resource:
    """What ``examples/widgets.yaml`` defines."""
    return Resource("example.com", "v1", "widgets", "Widget", namespaced=True)


@pytest.fixture
def kinform_server_options(widgets: Resource) -> ServerOptions:
    return {"resources": [*resources_in("kinform_k8s.resources"), widgets]}


@pytest.fixture
def server(kinform_server: Server) -> Server:
    return kinform_server


@pytest.fixture
def start(
    place: tuple[str, str], programs: list[Program], acme_widgets: Path, server: Server, tmp_path: Path
) -> Iterator[Start]:
    """Starts the one program below the heading of a page that the test's ``place`` names."""
    (program,) = [each for each in programs if (each.page, each.heading) == place]
    script = tmp_path / program.file_name
    script.write_text(program.code, encoding="utf-8")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(server.kubeconfig(), encoding="utf-8")
    running: list[Process] = []

    def start() -> Process:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", _WHOLE_LINES, str(script)],
            env={**os.environ, "KUBECONFIG": str(kubeconfig), "PYTHONPATH": str(acme_widgets)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(Process(process))
        return running[-1]

    yield start
    for process in running:
        process.kill()
