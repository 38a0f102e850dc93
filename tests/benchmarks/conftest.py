"""The benchmark's Go programs, for tests of what they serve."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from benchmarks.processes import Replayer
from benchmarks.programs import go_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 40


@pytest.fixture(scope="session")
def replayer_program() -> Path:
    """The replayer, built; without Go a skip, in CI a failure."""
    if shutil.which("go") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must build the replayer, and there is no go on PATH", pytrace=False)
        pytest.skip("the replayer is written in Go, and there is no go on PATH")
    return go_program("replayer")


@pytest.fixture(params=["pods", "pods-small", "releases"])
def replayer(request: pytest.FixtureRequest, replayer_program: Path) -> Iterator[Replayer]:
    """One that serves a few objects of each kind in turn, and protobuf where there is any."""
    with Replayer(request.param, COUNT, 1, protobuf=True) as running:
        yield running
