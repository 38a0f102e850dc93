"""A fake clientset with a few pods; and no test leaves a thread or socket."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import open_sockets, pod

from kinform_k8s.testing import FakeClientset

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == []
    assert open_sockets() == sockets


@pytest.fixture
def fake() -> Iterator[FakeClientset]:
    """Two pods in ``shop``, one in ``other``."""
    with FakeClientset(pod("a"), pod("b", app="db", node="n1"), pod("c", "other")) as fake:
        yield fake
