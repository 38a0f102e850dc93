"""What a reconciler answers: done, done for now, or never again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kinform.errors import KinformError

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["Result", "TerminalError"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a reconciler returns when the key is to come again (controller-runtime: ``reconcile.Result``).

    Attributes:
        requeue_after: Come again after this time, even if nothing changes. The key's failures are forgotten.
        priority: With which priority then; None: with the one that it had this time.
    """

    requeue_after: timedelta | None = None
    priority: int | None = None


class TerminalError(KinformError):
    """Raised by a reconciler when trying again cannot help: the error is reported, the key is not retried.

    The key comes again when one of its objects changes (controller-runtime: ``reconcile.TerminalError``).
    """
