"""The harness's assertions tell what they compared, as those of test modules do; and nothing is left running."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

pytest.register_assert_rewrite(
    "tests.reliability.faults.history", "tests.reliability.faults.scene", "tests.reliability.faults.trace"
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    threads = set(threading.enumerate())
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == []
