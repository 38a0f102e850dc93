"""A recorder that only remembers: for tests of what a controller says."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kinform.clock import SYSTEM_CLOCK
from kinform.events.occurrence import occurrence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.clock import Clock
    from kinform.events import EventSeverity, EventSubject, ObjectReference
    from kinform.events.occurrence import Occurrence

__all__ = ["FakeRecorder"]


class FakeRecorder:
    """Stands in for an ``EventRecorder`` (client-go: ``record.FakeRecorder``, ``events.FakeRecorder``).

    It refuses what the real one refuses, and combines, counts and filters nothing. Thread-safe; only ``wait_for``
    blocks, where client-go's blocks its callers once its channel is full.

    Args:
        clock: Says when an event was.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._occurrences: list[Occurrence] = []

    def event(
        self,
        regarding: EventSubject | ObjectReference,
        type: EventSeverity,  # noqa: A002  (the name that users know)
        reason: str,
        message: str,
        *,
        action: str = "",
        related: EventSubject | ObjectReference | None = None,
        annotations: Mapping[str, str] | None = None,
        field_path: str = "",
    ) -> None:
        """Remembers it; arguments and errors are those of ``EventRecorder.event``.

        Raises:
            ValueError: A type, reason, action or object that no API server takes.
        """
        said = occurrence(
            regarding,
            type,
            reason,
            message,
            action=action,
            related=related,
            annotations=annotations,
            field_path=field_path,
            at=self._clock.wall(),
        )
        with self._changed:
            self._occurrences.append(said)
            self._changed.notify_all()

    @property
    def occurrences(self) -> list[Occurrence]:
        """All that was said so far, in order, with every detail."""
        with self._changed:
            return list(self._occurrences)

    @property
    def events(self) -> list[str]:
        """All that was said so far, in order, as ``"Warning FailedScheduling 0/3 nodes are available"``."""
        return [f"{said.type} {said.reason} {said.message}" for said in self.occurrences]

    def wait_for(self, count: int, timeout: float = 10.0) -> list[str]:
        """Blocks until so many events were recorded, and returns ``events``.

        Raises:
            TimeoutError: They were not, within so many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._occurrences) >= count, timeout):
                raise TimeoutError(f"{len(self._occurrences)} events within {timeout} s, not {count}: {self.events}")
        return self.events
