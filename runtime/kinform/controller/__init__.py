"""The controller pattern, complete: sources, a queue of keys, workers, retries with back-off, graceful drain."""

from kinform.controller.controller import Controller, ControllerStatistics
from kinform.controller.observer import ReconcileObserver
from kinform.controller.reconciliation import (
    ReconcileLogFilter,
    ReconcileTimeoutError,
    Reconciliation,
    current_reconciliation,
)
from kinform.controller.result import Result, TerminalError
from kinform.controller.run import run

__all__ = [
    "Controller",
    "ControllerStatistics",
    "ReconcileLogFilter",
    "ReconcileObserver",
    "ReconcileTimeoutError",
    "Reconciliation",
    "Result",
    "TerminalError",
    "current_reconciliation",
    "run",
]
