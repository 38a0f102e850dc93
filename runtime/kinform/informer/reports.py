"""No silence: what an informer swallows to keep running is logged and told to whoever asked."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

from kinform.errors import UndecodableObjectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.meta import ObjectKey
    from kinform.reflector import Report

__all__ = ["ErrorReport", "InformerReason", "Reporter"]

logger: Final = logging.getLogger("kinform")


class InformerReason(StrEnum):
    """Why an informer reports an error, beside the reasons of its watches (``kinform.reflector.Reason``)."""

    HANDLER = "handler"
    """A handler, or its ``where``, raised; delivery goes on with the next event."""
    UNDECODABLE = "undecodable"
    """An object cannot be read as its model; a handler missed one event of it."""
    INDEX_FUNCTION = "index-function"
    """An index function raised; the object is in no bucket of that index."""
    CACHE_MUTATION = "cache-mutation"
    """The mutation detector found a cached object changed."""
    DISCOVERY = "discovery"
    """Nothing certain could be found out of a group and version that the server has; reported by factories."""


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """One error that kinform swallowed to keep running.

    Those of informers are logged as well, by the logger ``kinform`` at level WARNING; the log record has ``informer``,
    ``reason``, ``handler`` and ``key`` as attributes, for formatters of JSON.

    Attributes:
        informer: The informer's name; ``"leader election"`` where it was about a lease, ``"events"`` about an event,
            ``"discovery"`` about what the server has.
        reason: What kind of thing it was: an ``InformerReason`` or a reason of a watch, such as ``"expired"``.
        exception: What was raised.
        handler: The handler's name, where one was running; else ``""``.
        key: Namespace and name of the object, as text, where it was about one object and they are known; of discovery
            the group and version.
    """

    informer: str
    reason: str
    exception: BaseException
    handler: str = ""
    key: str = ""

    def __str__(self) -> str:
        where = " ".join(text for text in (self.informer, self.handler, self.key) if text)
        return f"{where}: {self.reason}: {type(self.exception).__name__}: {self.exception}"


@final
class Reporter:
    """Where the parts of one informer report what they swallow. Thread-safe, and never raises.

    Args:
        informer: The informer's name.
        listener: Told of every error, on the thread that met it.
    """

    def __init__(self, informer: str, listener: Callable[[ErrorReport], object] | None) -> None:
        self._informer = informer
        self._listener = listener
        self._lock = threading.Lock()
        self._index_errors: list[Exception] = []
        self.errors: int = 0
        """How many errors were reported."""
        self.last_error: Exception | None = None
        """The last error of a watch."""

    def watch_failed(self, met: Report) -> None:
        """A watch met an error, and goes on."""
        self.last_error = met.exception
        self._tell(ErrorReport(self._informer, met.reason, met.exception, key=met.key))

    def handler_failed(self, handler: str, key: ObjectKey, error: BaseException) -> None:
        """A handler raised."""
        undecodable = isinstance(error, UndecodableObjectError)
        reason = InformerReason.UNDECODABLE if undecodable else InformerReason.HANDLER
        self._tell(ErrorReport(self._informer, reason, error, handler, str(key)))

    def object_changed(self, error: Exception) -> None:
        """The mutation detector found something."""
        self._tell(ErrorReport(self._informer, InformerReason.CACHE_MUTATION, error))

    def note_index_error(self, error: Exception) -> None:
        """An index function raised. The store says so with its locks held, so it waits for ``tell_index_errors()``."""
        with self._lock:
            self._index_errors.append(error)

    def tell_index_errors(self) -> None:
        """Reports what index functions raised, if any did."""
        if not self._index_errors:
            return
        with self._lock:
            errors, self._index_errors = self._index_errors, []
        for error in errors:
            self._tell(ErrorReport(self._informer, InformerReason.INDEX_FUNCTION, error))

    def _tell(self, error: ErrorReport) -> None:
        with self._lock:
            self.errors += 1
        # The traceback helps where code of the user's raised; with a refused connection it is noise.
        users_code = error.reason in {InformerReason.HANDLER, InformerReason.INDEX_FUNCTION}
        said = {"informer": error.informer, "reason": str(error.reason), "handler": error.handler, "key": error.key}
        logger.warning("%s", error, exc_info=error.exception if users_code else None, extra=said)
        if self._listener is None:
            return
        try:
            self._listener(error)
        except (Exception, SystemExit):
            logger.exception("the error callback raised while it was told of: %s", error)
