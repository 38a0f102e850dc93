"""What a controller tells of each reconcile, for who measures: the rest is read from its statistics."""

from __future__ import annotations

from typing import Protocol

__all__ = ["ReconcileObserver"]


class ReconcileObserver(Protocol):
    """Takes the durations of ``reconcile`` calls. Called by the workers; must be thread-safe, quick, and not raise."""

    def reconciled(self, seconds: float, /) -> None:
        """A call has returned or raised after so long."""
        ...
