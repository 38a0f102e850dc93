"""A fake clientset with a few pods; and no test leaves a thread or socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import pod

from kinform_k8s.testing import FakeClientset

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def clean(nothing_is_left: None) -> None:
    pass


@pytest.fixture
def fake() -> Iterator[FakeClientset]:
    """Two pods in ``shop``, one in ``other``."""
    with FakeClientset(pod("a"), pod("b", app="db", node="n1"), pod("c", "other")) as fake:
        yield fake
