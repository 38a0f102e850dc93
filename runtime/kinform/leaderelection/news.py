"""Tells callbacks beside the thread that decides: none of them may cost a leader its lease, or delay its end."""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["News"]

logger: Final = logging.getLogger("kinform.leaderelection")


class News:
    """Calls functions one after another, in a daemon thread that the first call starts. For one thread.

    Args:
        name: The thread's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def tell(self, call: Callable[[], object]) -> None:
        """Has a function called, after those before. What it raises is logged."""
        self._waiting.put(call)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def close(self, timeout: float) -> list[str]:
        """Blocks until everything has been told, or for so many seconds.

        Returns:
            The name of the thread where a function still runs.
        """
        if self._thread is None:
            return []
        self._waiting.put(None)
        self._thread.join(timeout)
        return [self._name] if self._thread.is_alive() else []

    def _run(self) -> None:
        while (call := self._waiting.get()) is not None:
            try:
                call()
            except Exception:
                logger.exception("%s: a callback raised", self._name)
