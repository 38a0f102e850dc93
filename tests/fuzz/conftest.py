"""Counts the inputs that were tried, for the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fuzz.support import TRIED

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def tried(request: pytest.FixtureRequest, figures: Counter[str]) -> Iterator[None]:
    yield
    if count := TRIED.pop(request.function.__name__, 0):
        figures[
            f"fuzz: {request.path.stem.removeprefix('test_')}: {request.function.__name__.removeprefix('test_')}"
        ] += count
