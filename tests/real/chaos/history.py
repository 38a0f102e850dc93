"""A handler that checks what it is told: each object is added, updated any number of times, and deleted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinform import Event, ObjectKey, SharedInformer

_MOST_PROBLEMS = 20


class History:
    """Everything that one handler was told of, as far as it must be known to judge the next thing.

    Args:
        name: For messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._present: dict[ObjectKey, tuple[str, int]] = {}
        self.problems: list[str] = []
        self.added = self.updated = self.deleted = self.resynced = self.tombstones = 0

    def __call__(self, event: Event[Any]) -> None:
        with self._lock:
            if event.type == "ADDED":
                self._add(event)
            elif event.type == "MODIFIED":
                self._update(event)
            else:
                self._delete(event)

    @property
    def events(self) -> int:
        """How many there were, without resyncs."""
        return self.added + self.updated + self.deleted

    def unlike(self, informer: SharedInformer[Any]) -> list[str]:
        """In what the sum of what was told is not the cache; empty when everything was told."""
        cache = {entry.key: (entry.uid, int(entry.resource_version)) for entry in informer.read_entries()}
        with self._lock:
            told = dict(self._present)
        return [
            f"{self.name}: {key} told {told.get(key)}, cached {cache.get(key)}"
            for key in sorted(told.keys() | cache.keys())
            if told.get(key) != cache.get(key)
        ]

    def _add(self, event: Event[Any]) -> None:
        self.added += 1
        if known := self._present.get(event.key):
            self._blame(event, f"added while it was there as {known}")
        self._present[event.key] = _identity(event.new)

    def _update(self, event: Event[Any]) -> None:
        known = self._present.get(event.key)
        old, new = _identity(event.old), _identity(event.new)
        if known is None:
            self._blame(event, "updated before it was added")
        elif old != known:
            self._blame(event, f"its old state is {old}, but {known} was told before")
        if event.resync:
            self.resynced += 1
        else:
            self.updated += 1
            if new[0] != old[0]:
                self._blame(event, f"an update from {old} to another object, {new}")
            elif new[1] <= old[1]:
                self._blame(event, f"an update from {old} back to {new}")
        self._present[event.key] = new

    def _delete(self, event: Event[Any]) -> None:
        self.deleted += 1
        self.tombstones += event.final_state_unknown
        known = self._present.pop(event.key, None)
        last = _identity(event.old)
        if known is None:
            self._blame(event, "deleted without having been there")
        elif last[0] != known[0] or last[1] < known[1]:
            self._blame(event, f"deleted as {last}, but {known} was there")

    def _blame(self, event: Event[Any], what: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"{self.name}: {event!r}: {what}")


def _identity(obj: Any) -> tuple[str, int]:
    return obj.metadata.uid, int(obj.metadata.resource_version)
