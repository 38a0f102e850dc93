"""Faults on demand: the next requests of a kind suffer an effect."""

from __future__ import annotations

import threading
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.testing.server.effects import Effect
    from kinform.testing.server.fault_plan import FaultPlan
    from kinform.testing.server.requests import RecordedRequest

__all__ = ["Fault", "FaultBoard", "RequestMatcher", "matcher"]

RequestMatcher: TypeAlias = "str | Callable[[RecordedRequest], bool]"
"""Which requests: a pattern for their path as in ``fnmatch`` (``"*/pods"``), or a predicate."""


def matcher(which: RequestMatcher) -> Callable[[RecordedRequest], bool]:
    """A matcher as a predicate."""
    if not isinstance(which, str):
        return which
    pattern = which
    return lambda request: fnmatchcase(request.path, pattern)


class Fault:
    """A fault that waits for its requests. Thread-safe."""

    def __init__(self, matches: Callable[[RecordedRequest], bool], effect: Effect, times: int) -> None:
        self.matches = matches
        self.effect = effect
        self._times = times
        self._lock = threading.Lock()

    @property
    def remaining(self) -> int:
        """How many requests it will still hit."""
        return self._times

    def cancel(self) -> None:
        """Hits no more."""
        with self._lock:
            self._times = 0

    def take(self) -> bool:
        """Uses it up by one; False where it is used up."""
        with self._lock:
            if self._times <= 0:
                return False
            self._times -= 1
            return True


class FaultBoard:
    """The faults that wait, oldest first, and then the plans. Thread-safe."""

    def __init__(self) -> None:
        self._plans: list[FaultPlan] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Hangs up a fault."""
        with self._lock:
            self._faults.append(fault)

    def follow(self, plan: FaultPlan) -> None:
        """Goes by a plan, too."""
        with self._lock:
            self._plans.append(plan)

    def take(self, request: RecordedRequest) -> Effect | None:
        """What the first fault that fits does to this request, if any."""
        with self._lock:
            waiting = self._faults = [fault for fault in self._faults if fault.remaining > 0]
        for fault in waiting:
            if fault.matches(request) and fault.take():
                return fault.effect
        return next((effect for plan in self._plans if (effect := plan.take(request)) is not None), None)
