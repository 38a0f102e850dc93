"""The benchmark's Go programs, for tests of what they serve."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from benchmarks.processes import Replayer
from benchmarks.programs import go_program
from tests.conftest import skip_for_want_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 40


@pytest.fixture(scope="session")
def replayer_program() -> Path:
    """The replayer, built; without Go a skip, in CI a failure."""
    if shutil.which("go") is None:
        skip_for_want_of("the replayer is written in Go, and there is no go on PATH")
    return go_program("replayer")


@pytest.fixture(params=["pods", "pods-small", "releases"])
def replayer(request: pytest.FixtureRequest, replayer_program: Path) -> Iterator[Replayer]:
    """One that serves a few objects of each kind in turn, and protobuf where there is any."""
    with Replayer(request.param, COUNT, 1, protobuf=True) as running:
        yield running
