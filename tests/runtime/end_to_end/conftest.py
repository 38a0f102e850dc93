"""What every end-to-end test must leave behind: nothing."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kinform.reflector import STREAMING_SUPPORT

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_sockets() -> int:
    links = []
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one by which the listing itself is read
            links.append(str(each.readlink()))
    return sum(link.startswith("socket:") for link in links)


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither threads nor sockets; and no test learns from another that a server cannot stream."""
    monkeypatch.setattr(STREAMING_SUPPORT, "_refused", {})
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == []
    assert open_sockets() == sockets
