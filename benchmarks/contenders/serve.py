"""The conversation of a contender's process with the benchmark: commands as lines of JSON, one answer for each."""

from __future__ import annotations

import gc
import json
import sys
import time
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.contenders.process import cpu_seconds, memory, reset_peak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from benchmarks.contenders.bell import Bell

__all__ = ["Contender", "Settings", "per_call", "serve"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a contender is started with.

    Attributes:
        url: Of the replayer.
        path: Of the collection.
        last_key: ``namespace/name`` of the object that ends bursts.
        mode: ``"streamed"`` or ``"paged"``: what the replayer is set to.
        handler: ``"key"``, ``"read"`` (the whole object) or ``"none"``.
        handlers: How many of them.
        variant: What else tells rows of one contender apart.
    """

    url: str
    path: str
    last_key: str
    mode: str
    handler: str = "key"
    handlers: int = 1
    variant: str = ""


def per_call(function: Callable[..., object], calls: int | Iterable[Any]) -> float:
    """Seconds for one call: of so many without arguments, or of one for each item. What it returns is not kept."""
    count = 0
    if isinstance(calls, int):
        begin = time.perf_counter()
        for count in range(1, calls + 1):  # noqa: B007
            function()
    else:
        begin = time.perf_counter()
        for count, item in enumerate(calls, 1):  # noqa: B007
            function(item)
    return (time.perf_counter() - begin) / count


class Contender(ABC):
    """One library's cache of a collection, kept up to date by its watch. Made, but not started.

    Args:
        settings: What to follow, and with which handlers.
        bell: Handlers call its ``seen`` for each change.
    """

    def __init__(self, settings: Settings, bell: Bell) -> None:
        self.settings = settings
        self.bell = bell

    @abstractmethod
    def start(self) -> None:
        """Begins to follow; returns at once, or when it is synced."""

    @abstractmethod
    def wait_synced(self, timeout: float) -> None:
        """Returns when the cache is complete and handlers have been told of all that was there."""

    @abstractmethod
    def count(self) -> int:
        """How many objects the cache holds."""

    @abstractmethod
    def version(self, namespace: str, name: str) -> str:
        """The resourceVersion of a cached object; ``""`` if there is none."""

    def measure(self, what: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Measures what only this contender has.

        Raises:
            LookupError: It has nothing of this name.
        """
        raise LookupError(f"{type(self).__name__} measures no {what} ({dict(arguments)})")


def serve(contender: Contender) -> None:
    """Answers commands until standard input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer
    commands = _Commands(contender)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = commands.run(command.pop("do"), command)
        except Exception as error:  # noqa: BLE001  (told to the benchmark, which ends this process)
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


class _Commands:
    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._bell = contender.bell
        self._cpu = 0.0

    def run(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        command = getattr(self, f"do_{name}", None)
        if command is None:
            return self._contender.measure(name, arguments)
        done: dict[str, Any] = command(**arguments)
        return done

    def do_sync(self, timeout: float) -> dict[str, Any]:
        """From nothing to synced."""
        gc.collect()
        exact = reset_peak()
        before = memory()
        cpu, begin = cpu_seconds(), time.perf_counter()
        self._contender.start()
        self._contender.wait_synced(timeout)
        wall, cpu = time.perf_counter() - begin, cpu_seconds() - cpu
        count = self._contender.count()
        return {"wall": wall, "cpu": cpu, "before": before.as_dict(), "exact_peak": exact, "objects": count}

    def do_memory(self, settle: float, *, reset: bool = False) -> dict[str, Any]:
        """What is resident once things have calmed down; garbage is collected, as client-go's is for its row."""
        time.sleep(settle)
        peak = memory().peak
        gc.collect()
        found = memory()
        if reset:
            reset_peak()
        return {**found.as_dict(), "peak": peak}

    def do_arm(self, *, record: bool = False) -> dict[str, Any]:
        """Before a burst."""
        self._bell.arm(record=record)
        self._cpu = cpu_seconds()
        return {}

    def do_wait(self, timeout: float, version: str = "") -> dict[str, Any]:
        """After it: until the last change has reached the handlers, or, without any, the cache."""
        if self._contender.settings.handlers and not version:
            at = self._bell.wait(timeout)
        else:
            at = self._poll(timeout, version)
        return {"at": at, "cpu": cpu_seconds() - self._cpu, "calls": self._bell.calls}

    def _poll(self, timeout: float, version: str) -> int:
        deadline = time.monotonic() + timeout
        while self._contender.version(*self._bell.last) != version:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the cache did not reach {version} within {timeout:.0f} s")
            time.sleep(0.002)
        return time.time_ns()

    def do_received(self) -> dict[str, Any]:
        """When each key's change was handled, in nanoseconds since 1970."""
        return {f"{namespace}/{name}": at for (namespace, name), at in self._bell.received or ()}

    def do_check(self, versions: Mapping[str, str]) -> dict[str, Any]:
        """Compares resourceVersions with the replayer's."""
        wrong = [key for key, version in versions.items() if self._contender.version(*key.split("/")) != version]
        return {"checked": len(versions), "wrong": wrong[:10], "objects": self._contender.count()}
