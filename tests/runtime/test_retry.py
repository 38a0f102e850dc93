"""Trying again what lost a race."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest

from kinform import DEFAULT_BACKOFF, DEFAULT_RETRY, ConflictError, RetryBackoff, retry_on_conflict, retry_on_error
from kinform.errors import AlreadyExistsError, Status
from kinform.testing import VirtualClock

CONFLICT = ConflictError(Status(code=409, reason="Conflict"))


class Clock(VirtualClock):
    """Remembers what it was to wait, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        self.waits.append(timeout or 0.0)
        return event.is_set()


class Work:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_what_succeeds_is_called_once() -> None:
    clock = Clock()
    assert retry_on_conflict(Work(), clock=clock) == "done"
    assert clock.waits == []


@pytest.mark.scenario("B07a")
def test_the_last_conflict_is_raised() -> None:
    clock, work = Clock(), Work(*[CONFLICT] * 9)
    with pytest.raises(ConflictError):
        retry_on_conflict(work, backoff=RetryBackoff(3, timedelta(milliseconds=10)), clock=clock)
    assert work.calls == 3
    assert clock.waits == [0.01, 0.01]


@pytest.mark.parametrize(("backoff", "steps", "factor"), [(DEFAULT_RETRY, 5, 1), (DEFAULT_BACKOFF, 4, 5)])
def test_the_waits_are_client_gos(backoff: RetryBackoff, steps: int, factor: int) -> None:
    clock, work = Clock(), Work(*[CONFLICT] * (steps - 1))
    assert retry_on_conflict(work, backoff=backoff, clock=clock) == "done"
    assert work.calls == steps
    for number, waited in enumerate(clock.waits):
        assert 0.01 * factor**number <= waited <= 0.011 * factor**number
    assert len(set(backoff.waits(random.Random(1)))) == steps - 1, "there is jitter"


@pytest.mark.scenario("B07b")
@pytest.mark.parametrize("error", [AlreadyExistsError(Status(code=409)), ValueError("mine")])
def test_other_errors_are_raised_at_once(error: Exception) -> None:
    work = Work(error)
    with pytest.raises(type(error)):
        retry_on_conflict(work)
    assert work.calls == 1


def test_what_is_retriable_is_the_callers_choice() -> None:
    work = Work(ValueError("once"), ValueError("twice"))
    assert retry_on_error(work, lambda error: "once" in str(error) or "twice" in str(error), clock=Clock()) == "done"


def test_a_wait_can_be_ended() -> None:
    cancel = threading.Event()
    cancel.set()
    work = Work(CONFLICT)
    with pytest.raises(ConflictError):
        retry_on_error(work, lambda error: True, cancel=cancel)
    assert work.calls == 1


@pytest.mark.parametrize("bad", [{"steps": 0}, {"factor": -1.0}, {"jitter": -0.1}, {"duration": timedelta(seconds=-1)}])
def test_impossible_ones_are_refused(bad: dict[str, float | timedelta]) -> None:
    whole: dict[str, object] = {"steps": 3, "duration": timedelta(seconds=1), **bad}
    with pytest.raises(ValueError, match="at least one step"):
        RetryBackoff(**whole)  # type: ignore[arg-type]
