"""What can be asked of a running informer at any time, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.meta import Resource
    from kinform.reflector import ReflectorStatistics

__all__ = ["HandlerStatistics", "InformerState", "InformerStatistics", "StopResult"]


class InformerState(StrEnum):
    """Where an informer is in its life; it never goes back."""

    NEW = "new"
    """Not started yet."""
    SYNCING = "syncing"
    """Started; the first sync is not complete."""
    SYNCED = "synced"
    """The cache is filled and kept up to date as far as the connection allows."""
    STOPPED = "stopped"
    """Stopped; the cache stays readable as it was, and it does not start again."""
    FORKED = "forked"
    """This process is a fork of the one in which the informer runs: nothing fills the cache here."""


@dataclass(frozen=True, slots=True)
class HandlerStatistics:
    """One handler.

    Attributes:
        name: Its name, as in reports and thread names.
        synced: Whether it has been told of all that was there at first.
        pending: How many notifications wait for it.
        delivered: How many calls have returned or raised.
        failed: How many of these raised.
        coalesced: How many notifications were merged into one that was waiting.
        running_for: For how many seconds its function has been running; None: it is not.
    """

    name: str
    synced: bool
    pending: int
    delivered: int
    failed: int
    coalesced: int
    running_for: float | None


@dataclass(frozen=True, slots=True)
class InformerStatistics:
    """One informer (none of the fields costs more than reading counters).

    Attributes:
        name: Its name.
        resource: What it watches.
        state: Where it is in its life.
        connected: Whether the watches of all its namespaces are open.
        synced: Whether all of them have synced.
        objects: How many objects the cache holds.
        bytes: How many bytes they are together, in the form in which they are kept, with what it takes to read them.
        last_event: For how many seconds the server has sent nothing on any watch; None: it never sent anything.
        restarts: How often a watch had to begin anew, by reason.
        errors: How many errors were swallowed and reported.
        last_error: The last of them that concerned filling the cache, or None.
        watches: The watch of each namespace on its own; that of all namespaces, or of a cluster-scoped kind, under
            ``""``. Empty before the start.
        handlers: Each handler on its own.
    """

    name: str
    resource: Resource
    state: InformerState
    connected: bool
    synced: bool
    objects: int
    bytes: int
    last_event: float | None
    restarts: Mapping[str, int]
    errors: int
    last_error: Exception | None
    watches: Mapping[str, ReflectorStatistics]
    handlers: tuple[HandlerStatistics, ...]


@dataclass(frozen=True, slots=True)
class StopResult:
    """How a stop ended.

    Attributes:
        unfinished: Names of the threads that were still busy at the deadline: in a handler of the user's, in name
            resolution, or in a credentials plugin, none of which can be interrupted. They are daemon threads, end by
            themselves when what they are in returns, and touch neither cache nor handlers afterwards.
    """

    unfinished: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Nothing was left running."""
        return not self.unfinished
