"""What is measured without a server: imports, work queues, the generator, and mypy on its package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.generated import write_package
from benchmarks.programs import ROOT, python_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure_single"]

IMPORTS: Final = {
    "kinform": ("import kinform", False),
    "kinform_k8s: the factory, and pods": (
        "from kinform_k8s import SharedInformerFactory; from kinform_k8s.models.core.v1 import Pod",
        False,
    ),
    "the official client": ("import kubernetes.client", True),
    "lightkube, and pods": ("from lightkube.resources.core_v1 import Pod; import lightkube", True),
    "cloudcoil, and pods": ("from cloudcoil.models.kubernetes.core.v1 import Pod", True),
}
"""What is imported, and whether in the environment of the other libraries."""

_IMPORT: Final = """
import json, time
from benchmarks.contenders.process import memory
before, begin = memory().rss, time.perf_counter()
{statement}
print(json.dumps([time.perf_counter() - begin, memory().rss - before]))
"""

_QUEUE: Final = """
import time
from kinform import ObjectKey, RateLimitingQueue
keys = [ObjectKey("shop", f"web-{number}") for number in range(20_000)]
queue = RateLimitingQueue(name="benchmark")
begin = time.perf_counter()
for key in keys:
    queue.add(key)
for _ in keys:
    queue.done(queue.get())
print((time.perf_counter() - begin) / len(keys))
"""

_PROGRAM: Final = """
from kinform import ObjectKey, RateLimitingQueue, connect
from kinform_k8s import SharedInformerFactory

factory = SharedInformerFactory(connect)
pods = factory.core().v1().pods()
queue: RateLimitingQueue[ObjectKey] = RateLimitingQueue(name="pods")
pods.informer().add_key_handler(queue.add)
with factory:
    factory.wait_for_cache_sync()
    print(pods.lister().pods("default").get("web-0").spec.node_name)
"""


def measure_single(rounds: int) -> Iterator[tuple[str, str, list[float]]]:
    """Table, line and what the rounds found, in the unit that the table's name tells."""
    for name, (statement, peer) in IMPORTS.items():
        python = python_of("peers" if peer else "kinform")
        found = [json.loads(_output(python, _IMPORT.format(statement=statement))) for _ in range(rounds)]
        yield "Imports, ms", name, [seconds * 1e3 for seconds, _ in found]
        yield "Memory of imports, MiB", name, [size / 2**20 for _, size in found]
    yield "The physical limit, µs for 10,000 bytes", "one scan at the speed of memory", [_scan() for _ in range(rounds)]
    yield (
        "Work queue, µs for add, get and done",
        "RateLimitingQueue",
        [float(_output(Path(sys.executable), _QUEUE)) * 1e6 for _ in range(rounds)],
    )
    with tempfile.TemporaryDirectory() as folder:
        yield "Generator, s for Kubernetes v1.30", "pydantic models", [write_package(Path(folder), "pydantic")]
        yield "Generator, s for Kubernetes v1.30", "msgspec models", [write_package(Path(folder), "msgspec")]
    yield "mypy --strict without a cache, s", "a program that imports kinform_k8s", [_mypy("program")]
    yield "mypy --strict without a cache, s", "all of kinform_k8s", [_mypy("package")]


def _scan() -> float:
    """Microseconds that memchr takes for 10,000 bytes out of more than caches hold."""
    data = b"a" * (256 << 20)
    begin = time.perf_counter()
    data.find(b"x")
    return (time.perf_counter() - begin) / len(data) * 10_000 * 1e6


def _output(python: Path, program: str) -> str:
    done = subprocess.run([str(python), "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def _mypy(what: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.py"
        program.write_text(_PROGRAM, encoding="utf-8")
        target = str(program) if what == "program" else str(ROOT / "generated" / "kinform_k8s")
        command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull]
        command += ["--cache-dir", f"{folder}/cache", target]
        begin = time.perf_counter()
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
        return time.perf_counter() - begin
