"""A bench for recorders: occurrences made in a line, a server that fails as the test says, clocks that the test moves."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from urllib3 import PoolManager

from kinform import ApiClient
from kinform.events import EventSeverity, ObjectReference
from kinform.events.correlator import Correlator
from kinform.events.occurrence import Occurrence, occurrence
from kinform.testing import VirtualClock

POD = ObjectReference(api_version="v1", kind="Pod", namespace="shop", name="web-0", uid="u1", resource_version="7")
NO_CLIENT = cast(
    "ApiClient",
    SimpleNamespace(
        configuration=SimpleNamespace(host="http://127.0.0.1:1"),
        rest_client=SimpleNamespace(pool_manager=PoolManager()),
        default_headers={},
    ),
)


def said(
    message: str = "it happened",
    regarding: ObjectReference = POD,
    *,
    type: EventSeverity = "Normal",  # noqa: A002
    reason: str = "Started",
    action: str = "",
    field_path: str = "",
    at: float = 1_750_000_000.0,
    **more: Any,
) -> Occurrence:
    defaults: dict[str, Any] = {"related": None, "annotations": None}
    return occurrence(
        regarding, type, reason, message, action=action, field_path=field_path, at=at, **{**defaults, **more}
    )


class HastyClock(VirtualClock):
    """Whoever waits with a deadline gets it at once: retries take no time, and are counted by it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait_condition(self, condition: threading.Condition, timeout: float | None) -> bool:
        if timeout is None or threading.current_thread() is threading.main_thread():
            return condition.wait(timeout)
        self.waits.append(timeout)
        self._now += timeout
        return False


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def correlator(clock: VirtualClock) -> Correlator:
    return Correlator(clock, finite=False)
