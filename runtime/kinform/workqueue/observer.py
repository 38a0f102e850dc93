"""What a queue tells of each item, for who measures: the rest is read from its statistics."""

from __future__ import annotations

from typing import Protocol

__all__ = ["WorkQueueObserver"]


class WorkQueueObserver(Protocol):
    """Takes the durations of a queue's items (client-go: ``workqueue.MetricsProvider``'s histograms).

    Called by the workers' threads, after the queue has given its lock back; must be thread-safe, quick, and not raise.
    """

    def waited(self, seconds: float, /) -> None:
        """An item was handed out so long after it had been added."""
        ...

    def worked(self, seconds: float, /) -> None:
        """An item was done so long after it had been handed out."""
        ...
