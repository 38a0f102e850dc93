"""The soak in the long profile: an hour, or as long as ``KINFORM_SOAK_SECONDS`` says; a process of its own is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.real.soak.samples import growth

if TYPE_CHECKING:
    from collections import Counter

    from kinform.testing import ControlPlane

ROOT = Path(__file__).parents[3]
SECONDS = float(os.environ.get("KINFORM_SOAK_SECONDS") or 3600.0)


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 600)
def test_nothing_grows_and_nothing_is_lost(
    control_plane_v1_37: ControlPlane, figures: Counter[str], tmp_path: Path
) -> None:
    interval = min(60.0, SECONDS / 20)
    command = [sys.executable, "-m", "tests.real.soak", "--seconds", str(SECONDS), "--interval", str(interval)]
    # The shared control plane is only asked for since that skips the test where there is none.
    command += ["--version", control_plane_v1_37.version, "--output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)  # noqa: T201  (shown where it fails)
    assert done.returncode in {0, 1}, done.stderr
    summary = json.loads(done.stdout)
    for name in ("events", "reconciled", "whole fetches"):
        figures[f"soak: {name}"] += summary[name]
    assert not summary["problems"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, 5, 5, 5, 5], 0),
        ([0, 1, 2, 3, 4], 4),
        ([5, 5, 90, 5, 5], 0),  # one sample in a relist says nothing
        ([0, 10, 20, 500, 40], 40),
        ([7], 0),
    ],
)
def test_growth(values: list[int], expected: float) -> None:
    assert growth(list(enumerate(map(float, values)))) == expected
