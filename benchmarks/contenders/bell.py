"""What handlers of all contenders call: it counts, and rings when the last event of a burst has come."""

from __future__ import annotations

import threading
import time

__all__ = ["Bell"]


class Bell:
    """Counts the calls of handlers, and knows when the replayer's last object has changed.

    The last object is changed by the last event of a burst only, so its change means that all others have come.

    Args:
        last_key: ``namespace/name`` of that object.
        handlers: How many handlers call: it rings when all of them have seen the change.
    """

    def __init__(self, last_key: str, handlers: int = 1) -> None:
        namespace, _, name = last_key.rpartition("/")
        self.last = (namespace, name)
        self.calls = 0
        self.received: list[tuple[tuple[str, str], int]] | None = None
        self._handlers = handlers
        self._missing = 0
        self._rung = threading.Event()
        self._at = 0

    def arm(self, *, record: bool = False) -> None:
        """Forgets what was seen; ``record`` notes when each call came."""
        self._rung.clear()
        self._missing = max(1, self._handlers)
        self.calls = 0
        self.received = [] if record else None

    def seen(self, namespace: str, name: str) -> None:
        """To be called by handlers for each change."""
        self.calls += 1
        if self.received is not None:
            self.received.append(((namespace, name), time.time_ns()))
        if name == self.last[1] and namespace == self.last[0]:
            self._missing -= 1
            if self._missing <= 0:
                self._at = time.time_ns()
                self._rung.set()

    def wait(self, timeout: float) -> int:
        """Waits for the last change; nanoseconds since 1970 at which it came.

        Raises:
            TimeoutError: It did not come.
        """
        if not self._rung.wait(timeout):
            raise TimeoutError(
                f"the last change did not reach the handler within {timeout:.0f} s, after {self.calls} calls"
            )
        return self._at
