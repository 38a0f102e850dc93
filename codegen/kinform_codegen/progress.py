"""Tells a person at a terminal what is going on; says nothing into a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Progress"]


class Progress:
    """One line that changes as the work goes on, and a summary at its end.

    Args:
        stream: Where to; nothing is written unless it is a terminal.
        clock: Seconds, for the summary.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._shown = self._stream.isatty()
        self._clock = clock
        self._begin = clock()

    def step(self, text: str) -> None:
        """What is being done now."""
        self._write(f"\r\x1b[K{text} …")

    def done(self, text: str) -> None:
        """What has been done, and how long it took in all."""
        self._write(f"\r\x1b[K{text} ({self._clock() - self._begin:.1f} s)\n")

    def clear(self) -> None:
        """Takes the line away, to make room for something else."""
        self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        if self._shown:
            self._stream.write(text)
            self._stream.flush()
