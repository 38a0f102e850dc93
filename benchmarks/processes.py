"""The processes of a run: the replayer, and one contender at a time."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, TYPE_CHECKING, Any, Final, Self

from benchmarks.programs import ROOT, go_program, python_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from benchmarks.rows import Mode, Row

__all__ = ["BenchmarkError", "ContenderProcess", "Replayer"]

_ENDING: Final = 10.0
"""Seconds that a process has to end by itself."""


class BenchmarkError(Exception):
    """A process of the benchmark failed; says which, and what it wrote."""


class _Process:
    """A program whose standard input keeps it alive, and whose answers are lines on its standard output."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by stop)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it: closes its input, and kills it if that is not enough."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def line(self, timeout: float) -> str:
        """The next line that it writes.

        Raises:
            BenchmarkError: It ended, or wrote nothing in time; it is killed then.
        """
        if self._process.stdout is None:
            raise BenchmarkError(f"{self.name} has no output")
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(timeout, give_up)
        timer.start()
        try:
            found = self._process.stdout.readline()
        finally:
            timer.cancel()
        if found:
            return found
        self._process.wait()
        what = f"gave no answer within {timeout:.0f} s" if late.is_set() else "ended"
        raise BenchmarkError(f"{self.name} {what}: {self.said() or 'it wrote nothing'}")

    def write(self, line: str) -> None:
        """Writes a line to it."""
        if self._process.stdin is None:
            raise BenchmarkError(f"{self.name} has no input")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def said(self) -> str:
        """The last line that it wrote to its standard error: of a traceback the error."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:500] if lines else ""


class Replayer(_Process):
    """The server of a run, on a free port of the loopback interface.

    Args:
        corpus: What it serves.
        count: How many objects.
        seed: The same seed makes the same bytes.
        protobuf: Whether it serves protobuf, too.
    """

    def __init__(self, corpus: str, count: int, seed: int, *, protobuf: bool) -> None:
        command = [str(go_program("replayer")), "-corpus", corpus, "-count", str(count), "-seed", str(seed)]
        super().__init__(f"the replayer of {count} {corpus}", [*command, f"-protobuf={str(protobuf).lower()}"])
        try:
            self.url = f"http://{self.line(300).strip()}"
            self.stats = self.control("stats")
        except BaseException:
            self.stop()
            raise

    def control(self, name: str, **arguments: object) -> dict[str, Any]:
        """Commands it; see ``replayer/control.go``.

        Raises:
            BenchmarkError: It refuses, or does not answer.
        """
        query = urllib.parse.urlencode(arguments)
        try:
            with urllib.request.urlopen(f"{self.url}/control/{name}?{query}", timeout=600) as response:
                told: dict[str, Any] = json.load(response)
                return told
        except urllib.error.HTTPError as error:
            raise BenchmarkError(f"{self.name}, asked to {name}: {error.read().decode(errors='replace')}") from None
        except OSError as error:
            raise BenchmarkError(f"{self.name}, asked to {name}: {error}; {self.said()}") from None


class ContenderProcess(_Process):
    """A contender, started and waiting for commands.

    Args:
        row: Which one, and how.
        replayer: What it follows.
        mode: What the replayer is set to.
        environment: Of its process; None: as this one's.
    """

    def __init__(self, row: Row, replayer: Replayer, mode: Mode, environment: Mapping[str, str] | None = None) -> None:
        settings = {
            "url": replayer.url,
            "path": replayer.stats["path"],
            "last_key": replayer.stats["last_key"],
            "mode": mode,
            "handler": row.handler,
            "handlers": row.handlers,
            "variant": row.variant,
        }
        super().__init__(row.name, [*_command(row), json.dumps(settings)], environment)
        try:
            self.versions: dict[str, str] = json.loads(self.line(120))["versions"]
        except BaseException:
            self.stop()
            raise

    def ask(self, command: str, *, within: float = 60, **arguments: object) -> dict[str, Any]:
        """Gives a command, and returns the answer.

        Raises:
            BenchmarkError: It failed, ended, or took longer than ``within`` seconds.
        """
        self.write(json.dumps({"do": command, **arguments}))
        answer: dict[str, Any] = json.loads(self.line(within))
        if "error" in answer:
            raise BenchmarkError(
                f"{self.name}, asked to {command}: {answer['error']}\n{answer.get('traceback', '')}{self.said()}"
            )
        return answer


def _command(row: Row) -> list[str]:
    if row.program == "clientgo":
        return [str(go_program("clientgo"))]
    return [str(python_of(row.environment)), "-m", "benchmarks.contenders", row.program]
