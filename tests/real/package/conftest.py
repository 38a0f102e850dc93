"""The generated package of each server's own version, and programs that are run with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from kinform.testing.control_plane import minor_version

if TYPE_CHECKING:
    from kinform.testing import ControlPlane

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "generated"

RunProgram: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="session")
def committed_package() -> Path:
    """The folder of the package that is in the repository, that of v1.30."""
    return COMMITTED


@pytest.fixture(scope="session")
def package(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``kinform_k8s`` for the version of the server: the committed one, or else generated here."""
    minor = minor_version(control_plane.version)
    if f'"{minor.removeprefix("v")}.' in (COMMITTED / "kinform_k8s" / "_version.py").read_text():
        return COMMITTED
    spec = ROOT / "openapi" / f"{minor}.json"
    source = ["--openapi", str(spec)] if spec.exists() else ["--cluster"]
    output = tmp_path_factory.mktemp("package")
    subprocess.run(
        [sys.executable, "-m", "codegen", *source, "--output", str(output)],
        cwd=ROOT,
        env={**os.environ, "KUBECONFIG": str(control_plane.kubeconfig)},
        check=True,
        timeout=60,
    )
    return output


@pytest.fixture(scope="session")
def run_program() -> RunProgram:
    """Runs a program of ``programs/`` with the package in a folder, and returns what it reports."""

    def run(program: str, package: Path, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", f"tests.real.package.programs.{program}", *arguments],
            cwd=ROOT,  # where `tests` is found
            env={**os.environ, "PYTHONPATH": str(package), "KINFORM_CACHE_MUTATION_DETECTOR": "1"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert Path(report["package"]).is_relative_to(package)
        return report

    return run
