"""One call of a reconciler: which it is, how long it may take, and how log records can say so."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from kinform.errors import KinformError
from kinform.transport import Abort

if TYPE_CHECKING:
    from kinform.clock import Clock
    from kinform.meta import ObjectKey

__all__ = ["CURRENT", "ReconcileLogFilter", "ReconcileTimeoutError", "Reconciliation", "current_reconciliation"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reconciliation:
    """A call of ``reconcile`` while it runs (controller-runtime: the context of ``Reconcile``, and its log values).

    Attributes:
        controller: The controller's name.
        kind: The kind that it reconciles, such as ``"Deployment"``; ``""`` where it watches none.
        key: The key that it was called with.
        id: A random text, another for each call.
        timeout: Seconds that it may take; None: as long as it wants.
        abort: A switch that is thrown when that time is over, or when the controller has stopped and waits no longer.
            All requests that the reconciler makes, through whatever client of kinform's, are under it: they end within
            milliseconds, with an ``AbortedError``, and so do later ones. Requests in threads of its own are not.
    """

    controller: str
    kind: str
    key: ObjectKey
    id: str
    timeout: float | None
    _began: float
    _clock: Clock = field(repr=False)
    abort: Abort = field(default_factory=Abort)

    def remaining(self) -> float | None:
        """Seconds until the time is over, at least 0; None: there is no such time. For timeouts of what is called."""
        if self.timeout is None:
            return None
        return max(0.0, self._began + self.timeout - self._clock.monotonic())

    def raise_if_overdue(self) -> None:
        """Does nothing while there is time. To be called between two steps of long work.

        Raises:
            ReconcileTimeoutError: The time is over.
        """
        if self.timeout is not None and not self.remaining():
            raise ReconcileTimeoutError(self.controller, self.key, self.timeout)

    def __str__(self) -> str:
        return " ".join(part for part in (self.controller, self.kind, str(self.key), self.id) if part)


class ReconcileTimeoutError(KinformError):
    """A call of ``reconcile`` takes, or took, longer than ``reconcile_timeout``.

    Attributes:
        key: The key that it was called with.
        timeout: Seconds that it might take.
    """

    def __init__(self, controller: str, key: ObjectKey, timeout: float) -> None:
        super().__init__(f"controller {controller}: the reconcile of {key} takes longer than {timeout:g} s")
        self.key = key
        self.timeout = timeout


CURRENT: Final[ContextVar[Reconciliation | None]] = ContextVar("kinform_reconciliation", default=None)
"""The call that runs in this thread (or task, or context)."""


def current_reconciliation() -> Reconciliation | None:
    """The call of ``reconcile`` that this code runs in; None outside of any.

    Threads that a reconciler starts do not belong to it, unless they run in its context:
    ``Thread(target=contextvars.copy_context().run, args=(work,))``; ``asyncio.run`` and ``asyncio.to_thread`` take it
    along.
    """
    return CURRENT.get()


class ReconcileLogFilter(logging.Filter):
    """Gives every log record the names of the reconcile that it was made in; it drops none.

    Add it to *handlers* (a filter of a logger does not see the records of loggers below it), and to a ``QueueHandler``
    rather than to what its listener calls, which is in another thread. Then plain ``logging.info(…)`` in a reconciler,
    and in libraries that it calls, can be formatted with

    - ``%(controller)s``, ``%(kind)s``, ``%(namespace)s``, ``%(object)s``, ``%(reconcile_id)s``;
    - ``%(reconcile)s``, all of them in one, with a space behind, or nothing.

    Outside of a reconcile they are ``""``. Formatters of JSON find the same attributes on the record.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Adds the attributes; True."""
        current = CURRENT.get()
        record.controller = "" if current is None else current.controller
        record.kind = "" if current is None else current.kind
        record.namespace = "" if current is None else current.key.namespace
        record.object = "" if current is None else current.key.name
        record.reconcile_id = "" if current is None else current.id
        record.reconcile = "" if current is None else f"[{current}] "
        return True
