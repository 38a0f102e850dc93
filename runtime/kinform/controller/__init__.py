"""The controller pattern, complete: sources, a queue of keys, workers, retries with back-off, graceful drain."""

from kinform.controller.controller import Controller, ControllerStatistics
from kinform.controller.observer import ReconcileObserver
from kinform.controller.result import Result, TerminalError
from kinform.controller.run import run

__all__ = ["Controller", "ControllerStatistics", "ReconcileObserver", "Result", "TerminalError", "run"]
