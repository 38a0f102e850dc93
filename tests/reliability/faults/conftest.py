"""The harness's assertions tell what they compared, as those of test modules do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    "tests.reliability.faults.history", "tests.reliability.faults.scene", "tests.reliability.faults.trace"
)
