"""Faults on demand: the next requests of a kind are refused, or their connection is cut."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

from kinform.testing.server.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.testing.server.requests import RecordedRequest

__all__ = ["Cut", "Fault", "FaultBoard", "Refuse", "RequestMatcher", "matcher"]

RequestMatcher: TypeAlias = "str | Callable[[RecordedRequest], bool]"
"""Which requests: a pattern for their path as in ``fnmatch`` (``"*/pods"``), or a predicate."""


def matcher(which: RequestMatcher) -> Callable[[RecordedRequest], bool]:
    """A matcher as a predicate."""
    if not isinstance(which, str):
        return which
    pattern = which
    return lambda request: fnmatchcase(request.path, pattern)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answers with a ``Status`` in place of what was asked."""

    code: int
    message: str
    reason: str | None
    retry_after: int | None

    def refusal(self) -> Refusal:
        """The answer."""
        return Refusal(self.code, self.message, reason=self.reason, retry_after=self.retry_after)


@dataclass(frozen=True, slots=True)
class Cut:
    """Breaks the connection: before the answer (None), or after so many bytes of its body."""

    after_bytes: int | None


Effect: TypeAlias = "Refuse | Cut"


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
    """The faults that wait, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Hangs up a fault."""
        with self._lock:
            self._faults.append(fault)

    def take(self, request: RecordedRequest) -> Effect | None:
        """What the first fault that fits does to this request, if any."""
        with self._lock:
            waiting = self._faults = [fault for fault in self._faults if fault.remaining > 0]
        for fault in waiting:
            if fault.matches(request) and fault.take():
                return fault.effect
        return None
