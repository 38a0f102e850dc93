"""What a reconciler answers: done, done for now, or never again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from kinform.errors import KinformError
from kinform.workqueue.priority import check_priority

__all__ = ["Result", "TerminalError"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a reconciler returns when the key is to come again (controller-runtime: ``reconcile.Result``).

    Attributes:
        requeue_after: Come again after this time, even if nothing changes. The key's failures are forgotten. Zero or
            less (a deadline that has passed meanwhile): come again as soon as the limiter allows, as after a failure,
            so that it never spins (controller-runtime would forget the key).
        priority: With which priority then; None: with the one that it had this time.

    Raises:
        TypeError: ``requeue_after`` is no timedelta, or ``priority`` no integer.
    """

    requeue_after: timedelta | None = None
    priority: int | None = None

    def __post_init__(self) -> None:
        # For those who do not run a type checker: a queue would find out too late.
        if self.requeue_after is not None and not isinstance(self.requeue_after, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"requeue_after is {self.requeue_after!r}: give a timedelta, such as timedelta(minutes=5)")
        if self.priority is not None:
            check_priority(self.priority)


class TerminalError(KinformError):
    """Raised by a reconciler when trying again cannot help: the error is reported, the key is not retried.

    The key comes again when one of its objects changes (controller-runtime: ``reconcile.TerminalError``).
    """
