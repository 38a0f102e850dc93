"""Whatever is done to it here: kinform leaves nothing running and nothing open."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def clean(nothing_is_left: None) -> None:
    pass
