"""Writes events to the API server beside the caller, who never waits for it."""

from __future__ import annotations

import logging
import random
import socket
import threading
from collections import deque
from contextvars import Context
from typing import TYPE_CHECKING, Final, Self

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import (
    AbortedError,
    ApiStatusError,
    EventsDroppedError,
    ForkedError,
    KinformError,
    TransportError,
)
from kinform.events.correlator import QUIET, Correlator
from kinform.events.occurrence import occurrence
from kinform.events.sink import EVENTS, EventSink, Reporter
from kinform.events.statistics import EventStatistics
from kinform.informer import ErrorReport
from kinform.informer.forks import ProcessMark
from kinform.meta import ObjectKey
from kinform.reflector import reason_of
from kinform.selectors.names import label_key_problem
from kinform.transport import Abort, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from kinform.clock import Clock
    from kinform.events.occurrence import EventSeverity, Occurrence, Series
    from kinform.events.reference import EventSubject, ObjectReference
    from kinform.events.sink import EventsApi
    from kinform.transport import ApiSource

__all__ = ["EventRecorder"]

logger: Final = logging.getLogger("kinform.events")

_NAME: Final = "events"  # in reports
_MAX_TRIES: Final = 12  # client-go: maxTriesPerEvent
_RETRY_DELAY: Final = 10.0  # seconds; the first is a random part of it, as many may have lost the same server
_RETRY_AFTER_CAP: Final = 60.0
_SWEEP: Final = 60.0  # seconds between two looks for series that have ended
_MAX_INSTANCE: Final = 128
_LAST_WORDS: Final = 2.0  # seconds that an aborted request has to end
_TOO_MANY_REQUESTS: Final = 429


class EventRecorder:
    """Records events about objects (client-go: ``EventBroadcaster`` and its ``EventRecorder``, of both APIs).

    ``event()`` never blocks and never fails for want of a server: what is said waits in a bounded queue, from which one
    daemon thread writes, in order. Similar events are combined, equal ones counted, too many of one object filtered,
    all as in client-go's ``EventCorrelator``. A write that fails with the network, with 5xx or with 429 is tried 12
    times, 10 seconds apart; another refusal loses the event. What is lost is counted, logged and told to ``on_error``.

    Events are for people: nothing may depend on them. Servers keep them for an hour.

    ``events.k8s.io/v1`` is the default, as every server since v1.19 has it: it keeps microseconds, the action and the
    related object, and both APIs show the same events. It needs the rights to create and patch ``events`` in the API
    group ``events.k8s.io``; with ``api="v1"`` in the core group.

    Requests go over connections of their own: events neither wait for other requests, nor for their rate limiter, nor
    do they hold them up, and ``stop()`` can end them all. All methods are thread-safe.

    Args:
        source: How to reach the API server, as for a factory; of a ``Transport`` (``factory.transport``) another one is
            made from the same source.
        component: Who records, such as ``"rollup-controller"`` or ``"example.com/rollup"``
            (``reportingController``; in the core API also ``source.component``).
        instance: Which of several (``reportingInstance``); None: ``component-hostname``.
        api: Which API to write to.
        max_pending: How many occurrences may wait; more are dropped.
        on_error: Told of each event that is lost, in the recorder's thread.
        clock: For tests.
        rng: The source of chance, for the first retry.

    Raises:
        ConfigurationError: ``source`` found no usable configuration.
        ValueError: ``component`` or ``instance`` is none that an API server takes, or there is no such API.
    """

    def __init__(
        self,
        source: ApiSource | Transport,
        component: str,
        *,
        instance: str | None = None,
        api: EventsApi = "events.k8s.io/v1",
        max_pending: int = 1000,
        on_error: Callable[[ErrorReport], object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        rng: random.Random | None = None,
    ) -> None:
        if problem := label_key_problem(component):
            raise ValueError(f"component {component!r} {problem}")
        if instance is not None and not 0 < len(instance.encode()) <= _MAX_INSTANCE:
            raise ValueError(f"instance {instance[:40]!r} must have 1 to {_MAX_INSTANCE} bytes")
        if api not in EVENTS:
            raise ValueError(f"events are written to {' or '.join(map(repr, EVENTS))}, not to {api!r}")
        self.component: str = component
        """Who records."""
        host = socket.gethostname()
        who = Reporter(component, instance or f"{component}-{host}"[:_MAX_INSTANCE], host)
        self._transport = source.another() if isinstance(source, Transport) else Transport(source)
        self._sink = EventSink(api, self._transport, who)
        self._correlator = Correlator(clock, finite=api != "v1")
        self._max_pending = max_pending
        self._on_error = on_error
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311  (spreads load, guards no secret)
        self._process = ProcessMark()
        self._abort = Abort()
        self._changed = threading.Condition()
        self._pending: deque[Occurrence] = deque()
        self._thread: threading.Thread | None = None
        self._name = f"kinform-events-{component}"
        self._busy = self._stopping = self._done = False
        self._recorded = self._created = self._patched = self._filtered = 0
        self._dropped = self._dropped_told = self._failed = self._retries = 0
        self._last_error: Exception | None = None

    # ---- what controllers say

    def event(
        self,
        regarding: EventSubject | ObjectReference,
        type: EventSeverity,  # noqa: A002  (the name that users know)
        reason: str,
        message: str,
        *,
        action: str = "",
        related: EventSubject | ObjectReference | None = None,
        annotations: Mapping[str, str] | None = None,
        field_path: str = "",
    ) -> None:
        """Says what happened to an object (client-go: ``Event``, ``Eventf``, ``AnnotatedEventf``). Never blocks.

        The event lives in the object's namespace; of an object without one in ``default``. After ``stop()`` it is
        dropped, and counted.

        Args:
            regarding: The object, as a model or a reference.
            type: ``"Normal"`` or ``"Warning"``.
            reason: Why, as one CamelCase word for machines, such as ``"FailedScheduling"``.
            message: For people. Of more than 1024 bytes of UTF-8 the beginning is kept.
            action: What was done, as one CamelCase word; ``""``: the reason, where the API wants one.
            related: Another object that has to do with it.
            annotations: Of the event itself; those of an equal earlier event stay.
            field_path: The part of the object that is meant, such as ``"spec.containers{web}"``.

        Raises:
            ValueError: A type, reason, action or object that no API server takes.
            ForkedError: The recorder was made before a fork, in the parent process.
        """
        said = occurrence(
            regarding,
            type,
            reason,
            message,
            action=action,
            related=related,
            annotations=annotations,
            field_path=field_path,
            at=self._clock.wall(),
        )
        if self._process.forked:
            raise ForkedError("the recorder belongs to the parent process; make one in each process, after the fork")
        with self._changed:
            self._recorded += 1
            if self._stopping or len(self._pending) >= self._max_pending or not self._running():
                self._dropped += 1
                return
            self._pending.append(said)
            self._changed.notify_all()

    def _running(self) -> bool:
        """Whether there is a thread, which the first event starts."""
        if self._thread is None:
            # In a context of its own: a caller's would bring along what covers its requests, where threads inherit it.
            thread = threading.Thread(target=Context().run, args=(self._run,), name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no threads left, or the interpreter ends
                return False
            self._thread = thread
        return True

    # ---- life

    def flush(self, timeout: float) -> bool:
        """Blocks until everything said so far has been written or given up, or for so many seconds; False: the latter.

        Counts that were held back (see ``EventStatistics.filtered``) are not awaited; ``stop`` writes these, too.
        """
        with self._changed:
            self._await(lambda: not self._pending and not self._busy, self._clock.monotonic() + timeout)
            return not self._pending and not self._busy

    def stop(self, timeout: float = 5.0) -> int:
        """Takes nothing new, writes what waits, with one try each, and ends. Blocks; again: nothing.

        Args:
            timeout: Seconds for all of it; what is not written then is dropped.

        Returns:
            How many occurrences have been lost in the recorder's whole life.
        """
        if self._process.forked:  # the thread and the connections are the parent's
            return self._dropped + self._failed
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            with self._changed:
                self._stopping = True
                self._changed.notify_all()
                self._await(lambda: self._done, self._clock.monotonic() + timeout)
            self._abort.abort()
            thread.join(_LAST_WORDS)
        self._transport.close()
        with self._changed:
            self._stopping = True
            self._dropped += len(self._pending)
            self._pending.clear()
        self._tell_dropped()
        return self._dropped + self._failed

    def _await(self, reached: Callable[[], bool], deadline: float) -> None:
        """Waits for it, or until the deadline; the caller holds the condition."""
        while not reached() and (left := deadline - self._clock.monotonic()) > 0:
            self._clock.wait_condition(self._changed, left)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def statistics(self) -> EventStatistics:
        """What the recorder has done so far."""
        with self._changed:
            return EventStatistics(
                recorded=self._recorded,
                waiting=len(self._pending),
                created=self._created,
                patched=self._patched,
                combined=self._correlator.combined,
                filtered=self._filtered,
                dropped=self._dropped,
                failed=self._failed,
                retries=self._retries,
                last_error=self._last_error,
            )

    # ---- the thread that writes

    def _run(self) -> None:
        swept = self._clock.monotonic()
        ending = False
        while not ending:
            said = self._next(swept)
            ending = said is None and self._stopping
            if said is not None:
                self._record(said)
            if ending or self._clock.monotonic() - swept >= _SWEEP:
                swept = self._clock.monotonic()
                for series in self._correlator.behind(quiet=0.0 if ending else QUIET):
                    self._deliver(series, occurrences=0)
            self._tell_dropped()
        with self._changed:
            self._busy = False
            self._done = True
            self._changed.notify_all()

    def _next(self, swept: float) -> Occurrence | None:
        """The next one; None: it is time to look for series that have ended, or to end."""
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            while not self._pending and not self._stopping:
                left = swept + _SWEEP - self._clock.monotonic() if self._correlator.lagging else None
                if left is not None and left <= 0:
                    break
                self._clock.wait_condition(self._changed, left)
            self._busy = True
            return self._pending.popleft() if self._pending else None

    def _record(self, said: Occurrence) -> None:
        series = self._correlator.add(said)
        if series is None:
            self._filtered += 1
        else:
            self._deliver(series, occurrences=1)

    def _deliver(self, series: Series, *, occurrences: int) -> None:
        """Writes a series, and tries again where that may help (client-go: ``recordToSink``).

        Args:
            series: What to write.
            occurrences: How many are lost if it cannot be written.
        """
        tries = 0
        while True:
            last = self._stopping  # then there is no time for another try
            tries += 1
            try:
                created = self._sink.write(series, self._abort)
            except AbortedError:
                with self._changed:
                    self._dropped += occurrences
                return
            except (Exception, SystemExit) as error:  # noqa: BLE001  (credential plugins may raise anything)
                failure = error if isinstance(error, Exception) else TransportError(f"ended by {error!r}")
                self._last_error = failure
                delay = self._delay(failure, tries)
                if delay is None or last:
                    self._failed += occurrences
                    self._tell(ErrorReport(_NAME, reason_of(failure), failure, key=_where(series)))
                    return
                self._retries += 1
                self._pause(delay)
            else:
                self._created += created
                self._patched += not created
                return

    def _delay(self, error: Exception, tries: int) -> float | None:
        """For how long to wait after a failed try; None: another would not help."""
        refused = isinstance(error, ApiStatusError) and error.code < 500 and error.code != _TOO_MANY_REQUESTS
        if tries >= _MAX_TRIES or refused or not isinstance(error, KinformError):
            return None
        asked = error.retry_after if isinstance(error, ApiStatusError) else None
        usual = _RETRY_DELAY * self._rng.random() if tries == 1 else _RETRY_DELAY
        return max(usual, min(asked or 0.0, _RETRY_AFTER_CAP))

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._await(lambda: self._stopping, self._clock.monotonic() + seconds)

    # ---- what is lost

    def _tell_dropped(self) -> None:
        with self._changed:
            count, self._dropped_told = self._dropped - self._dropped_told, self._dropped
            why = "the recorder has stopped" if self._stopping else f"{self._max_pending} wait already"
        if count:
            self._tell(ErrorReport(_NAME, "dropped", EventsDroppedError(count, why)))

    def _tell(self, report: ErrorReport) -> None:
        logger.warning("%s", report)
        if self._on_error is None:
            return
        try:
            self._on_error(report)
        except (Exception, SystemExit):
            logger.exception("the error callback raised while it was told of: %s", report)


def _where(series: Series) -> str:
    regarding = series.first.regarding
    return f"{regarding.kind} {ObjectKey(regarding.namespace, regarding.name)}"
