"""The log of requests, for tests that ask what a client really sent."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kinform.testing.server.effects import Effect

__all__ = ["RecordedRequest", "RequestLog"]


@dataclass(slots=True, eq=False)
class RecordedRequest:
    """One request that reached the server.

    Attributes:
        method: ``GET``, ``POST``…
        path: Without the query.
        query: The parameters; of one given twice, the last.
        headers: By lower-case name, without ``Authorization``.
        body: What was sent; empty where it was too long to be read.
        verb: As Kubernetes calls it (``list``, ``watch``, ``get``, ``create``, ``update``, ``patch``, ``delete``,
            ``deletecollection``); ``""`` for what is no resource.
        status: The HTTP status of the answer; None as long as none has begun, or if the connection was cut instead.
        fault: What a fault did to it.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    verb: str = ""
    status: int | None = None
    fault: Effect | None = None


class RequestLog:
    """The latest requests, in order of arrival. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=limit)
        self._changed = threading.Condition()

    def add(self, request: RecordedRequest) -> None:
        """Notes a request that has arrived."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def answer(self, request: RecordedRequest, status: int) -> None:
        """Notes that the answer to it begins."""
        with self._changed:
            request.status = status
            self._changed.notify_all()

    def clear(self) -> None:
        """Forgets all."""
        with self._changed:
            self._requests.clear()

    def list(self) -> list[RecordedRequest]:
        """All that are remembered."""
        with self._changed:
            return [*self._requests]

    def await_count(self, count: int, matches: Callable[[RecordedRequest], bool], timeout: float) -> None:
        """Blocks until so many of a kind have come.

        Raises:
            TimeoutError: They had not within ``timeout`` seconds.
        """

        def found() -> int:
            return sum(map(matches, self._requests))

        with self._changed:
            if not self._changed.wait_for(lambda: found() >= count, timeout):
                raise TimeoutError(f"{found()} such requests, not {count}, after {timeout} s")
