"""A package whose models are msgspec structs against real servers: every kind read, and many written, without a loss.

What a struct writes otherwise than it was read, zeros, the server takes for no change: that is what is shown here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kinform.testing.control_plane import minor_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.testing import ControlPlane

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def structs(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with such a ``kinform_k8s`` for the version of the server."""
    spec = ROOT / "openapi" / f"{minor_version(control_plane.version)}.json"
    if not spec.exists():
        pytest.skip("there is no bundled spec of this version")
    output = tmp_path_factory.mktemp("structs")
    command = [sys.executable, "-m", "codegen", "--openapi", str(spec), "--models", "msgspec", "--output", str(output)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    return output


def test_every_kind_is_listed_and_watched(
    control_plane: ControlPlane, structs: Path, run_program: Callable[..., Any]
) -> None:
    report = run_program("every_kind", structs, str(control_plane.kubeconfig))
    assert report["failures"] == []
    assert len(report["kinds"]) >= 70


def test_objects_come_back_and_the_server_sees_no_change_in_them(
    control_plane: ControlPlane, structs: Path, run_program: Callable[..., Any]
) -> None:
    report = run_program("round_trip", structs, str(control_plane.kubeconfig), "round-trip-of-structs")
    assert report["failures"] == []
    assert len(report["kinds"]) >= 45
