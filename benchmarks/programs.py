"""What the benchmark needs that is no part of kinform: the programs in Go, and an environment of the other libraries.

Both are kept in the user's cache folder, by the content of what they are made from, and made when they are missing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final, Literal

__all__ = ["BENCHMARKS", "ROOT", "Environment", "ProgramError", "go_program", "python_of"]

BENCHMARKS: Final = Path(__file__).resolve().parent
ROOT: Final = BENCHMARKS.parent

Environment = Literal["kinform", "floor", "peers"]
"""Which Python a contender runs in: kinform's own, one with orjson alone, or one with all other libraries."""


class ProgramError(Exception):
    """Something cannot be built or installed; says what, and what was tried."""


def cache_folder() -> Path:
    """Where it is kept: ``KINFORM_CACHE``, or ``kinform`` in the user's cache folder."""
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("KINFORM_CACHE") or Path(user) / "kinform") / "benchmarks"


def go_program(name: str) -> Path:
    """Path of a program in a folder of that name, built if need be.

    Raises:
        ProgramError: There is no Go, or the build fails.
    """
    sources = sorted([*BENCHMARKS.glob("*/*.go"), BENCHMARKS / "go.mod", BENCHMARKS / "go.sum"])
    program = cache_folder() / f"programs-{_digest(sources)}" / name
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise ProgramError(f"{name} is written in Go, and there is no go on PATH (https://go.dev/doc/install)")
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        made = Path(folder) / name
        _run(["go", "build", "-mod=readonly", "-trimpath", "-o", str(made), f"./{name}"], BENCHMARKS, CGO_ENABLED="0")
        made.replace(program)
    return program


def python_of(environment: Environment) -> Path:
    """The Python of an environment, which is made if need be from ``requirements-NAME.txt``.

    Raises:
        ProgramError: What it needs cannot be installed.
    """
    if environment == "kinform":
        return Path(sys.executable)
    requirements = BENCHMARKS / f"requirements-{environment}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache_folder() / f"{environment}-{version}-{_digest([requirements])}"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)], ROOT)
    (folder / "complete").touch()
    return python


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(BENCHMARKS)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _run(command: list[str], folder: Path, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramError(f"`{' '.join(command)}` in {folder} failed:\n{done.stderr.strip() or done.stdout.strip()}")
