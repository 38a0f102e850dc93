"""What can be asked of a recorder at any time."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EventStatistics"]


@dataclass(frozen=True, slots=True)
class EventStatistics:
    """A recorder at one moment.

    Attributes:
        recorded: Calls of ``event()`` so far.
        waiting: How many of them wait for their turn.
        created: Events made.
        patched: Counts raised.
        combined: Occurrences that went into combined events.
        filtered: Occurrences that were counted, but not told at once: too many of one object.
        dropped: Occurrences that are lost because the queue was full or the recorder stopped.
        failed: Occurrences that are lost because the server refused them, or could not be reached in 12 tries.
        retries: Tries after the first.
        last_error: Why the last request failed, or None.
    """

    recorded: int
    waiting: int
    created: int
    patched: int
    combined: int
    filtered: int
    dropped: int
    failed: int
    retries: int
    last_error: Exception | None
