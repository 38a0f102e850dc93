"""What can be asked of a reflector at any time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ReflectorState", "ReflectorStatistics"]


class ReflectorState(StrEnum):
    """What a reflector is doing."""

    NEW = "new"
    """Not started."""
    STREAMING = "streaming"
    """Fetching everything by a streaming list."""
    LISTING = "listing"
    """Fetching everything in pages."""
    WATCHING = "watching"
    """Following changes, or connecting to do so."""
    WAITING = "waiting"
    """Waiting before the next request."""
    STOPPED = "stopped"
    """Stopped for good."""


@dataclass(frozen=True, slots=True)
class ReflectorStatistics:
    """A reflector at one moment.

    Attributes:
        state: What it is doing.
        connected: Whether a watch is open.
        synced: Whether a full fetch has completed since the start; it stays so during a relist.
        last_resource_version: Where a watch would resume; ``""`` before the first sync.
        last_activity: ``Clock.monotonic()`` when the server last sent something of use; None: never.
        restarts: How often it had to begin a request anew, by reason (the values of ``Reason``).
        lists: Pages asked for.
        watches: Watches asked for, streaming lists among them.
        events: Watch events taken.
        poison: Objects that could not be taken as they are.
        initial_fetch: How the last full fetch was made: ``STREAMING`` or ``LISTING``; None before the first.
    """

    state: ReflectorState
    connected: bool
    synced: bool
    last_resource_version: str
    last_activity: float | None
    restarts: Mapping[str, int]
    lists: int
    watches: int
    events: int
    poison: int
    initial_fetch: ReflectorState | None
