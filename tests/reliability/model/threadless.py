"""Handlers without threads: what waits for one is delivered when a test says so, on the test's own thread."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

from kinform.informer import registration
from kinform.informer.registration import HandlerThread
from kinform.testing import VirtualClock

if TYPE_CHECKING:
    import pytest

    from kinform.informer import Registration

__all__ = ["HandClock", "IdleError", "deliver", "without_threads"]


class IdleError(Exception):
    """Here a thread would wait."""


class HandClock(VirtualClock):
    """A clock by which nothing waits: where a thread would, ``IdleError`` comes out."""

    def wait_condition(self, condition: threading.Condition, timeout: float | None) -> bool:
        raise IdleError


class _Unstarted(threading.Thread):
    """A thread that is never run: its work is done by ``deliver``."""

    def start(self) -> None:
        pass

    def join(self, timeout: float | None = None) -> None:
        pass


def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handlers that are made from now on have no threads of their own; for informers with a ``HandClock``."""
    locks = {name: getattr(threading, name) for name in ("Lock", "Condition", "current_thread")}
    monkeypatch.setattr(registration, "threading", SimpleNamespace(Thread=_Unstarted, **locks))


def deliver(handler: Registration, limit: int | None = None) -> int:
    """Does what the handler's thread would do, until it would wait or has ended, or ``limit`` calls were made."""
    assert isinstance(handler, HandlerThread)
    calls = 0
    try:
        while calls != limit and handler._turn():
            calls += 1
    except IdleError:
        pass
    return calls
