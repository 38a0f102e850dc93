"""From changes of objects to calls of one function with one key: sources, queue and workers."""

from __future__ import annotations

import inspect
import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

from kinform.clock import SYSTEM_CLOCK
from kinform.controller.calls import Calls
from kinform.controller.reconciliation import ReconcileTimeoutError
from kinform.controller.result import Result, TerminalError
from kinform.errors import ShutDown
from kinform.meta import ObjectKey, WireObject
from kinform.workqueue import LOW_PRIORITY, PriorityQueue, WorkQueueStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kinform.clock import Clock
    from kinform.controller.observer import ReconcileObserver
    from kinform.controller.reconciliation import Reconciliation
    from kinform.factory import ResourceInformer
    from kinform.informer import Event, Predicate, Registration
    from kinform.meta import Resource
    from kinform.workqueue import RateLimiter

__all__ = ["Controller", "ControllerStatistics"]

T = TypeVar("T", bound=WireObject)

_NO_TIME: Final = timedelta()
_UNLIMITED: Final = timedelta(seconds=10)  # how long a key waits whose limiter raised

logger: Final = logging.getLogger("kinform.controller")


@dataclass(frozen=True, slots=True)
class ControllerStatistics:
    """What a controller has done, at one moment.

    Attributes:
        name: The controller's name.
        workers: Workers that run now.
        max_concurrent: How many workers it has when it is started.
        reconciled: Calls that returned.
        requeued: Those of them that asked to come again after a time.
        failed: Calls that raised and are tried again.
        terminal: Calls that raised ``TerminalError``.
        timed_out: Calls that took longer than ``reconcile_timeout``, however they ended.
        queue: What its queue holds.
    """

    name: str
    workers: int
    max_concurrent: int
    reconciled: int
    requeued: int
    failed: int
    terminal: int
    timed_out: int
    queue: WorkQueueStatistics


class Controller:
    """Calls ``reconcile(key)`` whenever something about that key may have changed (controller-runtime: ``Controller``).

    ``reconcile`` is level-triggered: it looks at what is there now. It is never called twice at once for one key; keys
    that come while it runs are one more call afterwards. What it raises is logged, counted, told to ``on_error`` and
    tried again with back-off, except `TerminalError`. That goes for whatever it raises, ``SystemExit`` included: a
    worker never ends by it. ``current_reconciliation()`` tells code below it which call it is in.

    Its queue has priorities: keys of an initial list or a resync come after those of which there is news, yet are not
    starved by them. A key that is tried again keeps its priority.

    Args:
        name: For thread names, statistics and logs.
        reconcile: Takes the key of one object of the kind given to `watches`; returns None or a `Result`.
        workers: How many threads call it.
        limiter: How long failing keys wait; by default ``default_controller_rate_limiter()``.
        on_error: Told of the key and of what ``reconcile`` raised, or of the ``ReconcileTimeoutError``; in the worker's
            thread, or the latter in one of its own. What it raises is logged.
        reconcile_timeout: How long a call may take. Threads cannot be ended from outside, so one that takes longer goes
            on, but the requests that it makes end with an ``AbortedError``, now and later; and the call is logged with
            the place where it is, counted, and told to ``on_error``. Between requests it may look at
            ``current_reconciliation()``. The key stays in work until the call returns. None: as long as it wants.
        clock: For tests.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[ObjectKey], Result | None],
        *,
        workers: int = 1,
        limiter: RateLimiter[ObjectKey] | None = None,
        on_error: Callable[[ObjectKey, BaseException], object] | None = None,
        reconcile_timeout: timedelta | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if workers < 1:
            raise ValueError(f"controller {name}: workers must be at least 1, not {workers}")
        if reconcile_timeout is not None and reconcile_timeout <= timedelta(0):
            raise ValueError(f"controller {name}: reconcile_timeout must be more than 0, not {reconcile_timeout}")
        if inspect.iscoroutinefunction(reconcile):
            raise TypeError(
                f"controller {name}: reconcile is a coroutine function, and workers are threads:"
                " give a function that calls asyncio.run()"
            )
        self.name = name
        self._reconcile = reconcile
        self._worker_count = workers
        self._on_error = on_error
        self._queue: PriorityQueue[ObjectKey] = PriorityQueue(limiter, name=name, clock=clock)
        self._clock = clock
        timeout = None if reconcile_timeout is None else reconcile_timeout.total_seconds()
        self._calls = Calls(name, timeout, self._overdue, clock)
        self._observer: ReconcileObserver | None = None
        self._reconciled_kind: Resource | None = None
        self._registrations: list[Registration] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._results: dict[str, int] = {"reconciled": 0, "requeued": 0, "failed": 0, "terminal": 0, "timed_out": 0}
        self._allowed: Callable[[], bool] | None = None

    # ---- sources

    def watches(self, source: ResourceInformer[T], *, where: Predicate[T] | Callable[[T], bool] | None = None) -> Self:
        """The kind that is reconciled: each change enqueues the object's own key.

        Args:
            source: Its informer, such as ``factory.apps().v1().deployments()``.
            where: Which objects and changes count, such as ``generation_changed | labels_changed``.

        Raises:
            ValueError: The controller reconciles another kind already.
        """
        informer = source.informer()
        if self._reconciled_kind is not None:
            raise ValueError(f"controller {self.name} reconciles {self._reconciled_kind} already: one kind each")
        self._reconciled_kind = informer.resource
        background = partial(self._queue.add, priority=LOW_PRIORITY)
        self._registrations.append(informer.add_key_handler(self._queue.add, background=background, where=where))
        return self

    def owns(self, source: ResourceInformer[T], *, where: Predicate[T] | Callable[[T], bool] | None = None) -> Self:
        """A kind whose objects are controlled by the reconciled kind: each change enqueues the controlling owner.

        Owners are read without inflating objects. Where a change moves an object from one owner to another, both are
        enqueued.

        Raises:
            ValueError: ``watches`` has not been called: there is no kind that could own.
        """
        kind = self._reconciled_kind
        if kind is None:
            raise ValueError(f"controller {self.name}: call watches() before owns(), it says which kind owns")

        def enqueue_owners(event: Event[T]) -> None:
            for owner in event.owners():
                group = owner.api_version.rpartition("/")[0]
                if owner.kind == kind.kind and group == kind.group:
                    key = ObjectKey(event.key.namespace if kind.namespaced else "", owner.name)
                    self._queue.add(key, priority=_priority(event))

        self._registrations.append(source.informer().add_handler(enqueue_owners, where=where))
        return self

    def maps(
        self,
        source: ResourceInformer[T],
        to_keys: Callable[[T], Iterable[ObjectKey]],
        *,
        where: Predicate[T] | Callable[[T], bool] | None = None,
    ) -> Self:
        """Any other kind: ``to_keys`` says which keys an object concerns. Both states of an update are asked.

        Where it raises for one of the two, the keys of the other are enqueued all the same.
        """

        def keys_of(event: Event[T], *, old: bool) -> list[ObjectKey]:
            obj = event.old if old else event.new
            return [] if obj is None else list(to_keys(obj))

        def enqueue_mapped(event: Event[T]) -> None:
            failed: list[Exception] = []
            for old in (True, False):
                try:
                    keys = keys_of(event, old=old)
                except Exception as error:  # noqa: BLE001  (raised below, once the other state has been asked)
                    failed.append(error)
                    continue
                for key in keys:
                    self._queue.add(key, priority=_priority(event))
            if failed:
                raise failed[0] if len(failed) == 1 else ExceptionGroup("to_keys raised for both states", failed)

        self._registrations.append(source.informer().add_handler(enqueue_mapped, where=where))
        return self

    @property
    def queue(self) -> PriorityQueue[ObjectKey]:
        """The controller's queue, for sources of one's own."""
        return self._queue

    # ---- life

    def wait_for_sync(self, timeout: float | None = None) -> None:
        """Blocks until every source has handed over what was there at first, so that workers start from all of it.

        Raises:
            CacheSyncError: Not within ``timeout`` seconds.
            InformerStoppedError: An informer stopped before.
        """
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        for registration in self._registrations:
            registration.wait_for_sync(None if deadline is None else max(0.0, deadline - self._clock.monotonic()))

    def start(self, *, allowed: Callable[[], bool] | None = None) -> None:
        """Starts the workers. Call it after `wait_for_sync`; a second call does nothing.

        Args:
            allowed: Asked right before each call of ``reconcile``, such as ``LeaderElector.is_leader``; a key for which
                it says no is dropped.
        """
        with self._lock:
            if self._threads:
                return
            self._allowed = allowed
            self._threads = [
                threading.Thread(target=self._work, name=f"kinform-{self.name}-worker-{number}", daemon=True)
                for number in range(self._worker_count)
            ]
        self._calls.start()
        for thread in self._threads:
            thread.start()

    def discard(self) -> None:
        """Takes no new keys and drops those that wait: no ``reconcile`` begins any more, and a drain ends soon.

        Does not block; ``stop`` is still to be called.
        """
        self._queue.discard()

    def abort(self) -> None:
        """Ends the requests of the calls that run, now and later: they raise ``AbortedError``. Does not block."""
        self._calls.abort()

    def stop(self, timeout: float = 30.0) -> list[str]:
        """Takes no new keys, lets the workers finish what the queue holds, and ends them. Blocks.

        Args:
            timeout: Seconds to wait for a running ``reconcile``; what the queue still holds then is dropped, and the
                requests of calls that still run are ended.

        Returns:
            The names of workers that are still in a call: it will be their last.
        """
        deadline = self._clock.monotonic() + timeout
        if self._threads:
            self._queue.shut_down_with_drain(timeout)
        self._queue.discard()
        for registration in self._registrations:
            registration.remove(timeout=max(0.0, deadline - self._clock.monotonic()))
        self.abort()
        self._calls.stop(max(0.1, deadline - self._clock.monotonic()))
        for thread in self._threads:
            thread.join(max(0.1, deadline - self._clock.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def statistics(self) -> ControllerStatistics:
        """What the controller has done so far. Thread-safe."""
        with self._lock:
            results = dict(self._results)
        alive = sum(thread.is_alive() for thread in self._threads)
        return ControllerStatistics(self.name, alive, self._worker_count, queue=self._queue.statistics(), **results)

    def observe(self, observer: ReconcileObserver) -> None:
        """Has the observer told how long each reconcile takes, from the next one on. It replaces another."""
        self._observer = observer

    # ---- workers

    def _work(self) -> None:
        while True:
            try:
                with self._queue.processing() as key:
                    self._process(key)
            except ShutDown:
                return
            except BaseException:  # the last resort: a worker that ends unheard takes the controller with it
                logger.exception("controller %s: a worker met what it cannot handle, and goes on", self.name)

    def _process(self, key: ObjectKey) -> None:
        kind = "" if self._reconciled_kind is None else self._reconciled_kind.kind
        with self._calls.call(key, kind):
            try:
                self._reconcile_once(key)
            except TerminalError as error:
                self._count("terminal")
                self._report(key, error, "will not be tried again")
                self._queue.forget(key)
            except BaseException as error:  # noqa: BLE001  (a sys.exit() in a reconciler must not end its worker unheard)
                self._count("failed")
                self._report(key, error, self._retry(key))

    def _reconcile_once(self, key: ObjectKey) -> None:
        if self._allowed is not None and not self._allowed():
            return
        result = self._call(key)
        if result is not None and not isinstance(result, Result):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"reconcile returned {result!r}: return None, or a kinform.Result to come again")
        again = None if result is None else result.requeue_after
        priority = self._queue.priority_of(key) if result is None or result.priority is None else result.priority
        if again is not None and again <= _NO_TIME:
            self._queue.add_rate_limited(key, priority=priority)
        else:
            if again is not None:
                self._queue.add_after(key, again, priority=priority)
            self._queue.forget(key)
        self._count("reconciled")
        if again is not None:
            self._count("requeued")

    def _call(self, key: ObjectKey) -> Result | None:
        observer = self._observer
        if observer is None:
            return self._reconcile(key)
        began = self._clock.monotonic()
        try:
            return self._reconcile(key)
        finally:
            observer.reconciled(self._clock.monotonic() - began)

    def _retry(self, key: ObjectKey) -> str:
        """Has a key come again, and says when."""
        try:
            self._queue.add_rate_limited(key)
            return f"failure {self._queue.num_requeues(key)}, will be tried again"
        except Exception:
            logger.exception("controller %s: the limiter raised", self.name)
            self._queue.add_after(key, _UNLIMITED)
            return f"will be tried again in {_UNLIMITED}"

    def _overdue(self, call: Reconciliation, place: str) -> None:
        """Tells of a call that takes too long, and where it is."""
        self._count("timed_out")
        error = ReconcileTimeoutError(call.controller, call.key, call.timeout or 0.0)
        logger.error("%s; it goes on (%s), at:\n%s", error, call, place)
        self._tell(call.key, error)

    def _count(self, what: str) -> None:
        with self._lock:
            self._results[what] += 1

    def _report(self, key: ObjectKey, error: BaseException, what_next: str) -> None:
        logger.error("controller %s: %s: %s", self.name, key, what_next, exc_info=error)
        self._tell(key, error)

    def _tell(self, key: ObjectKey, error: BaseException) -> None:
        if self._on_error is None:
            return
        try:
            self._on_error(key, error)
        except BaseException:  # of whatever kind: it must end neither a worker nor the watcher of deadlines
            logger.exception("controller %s: on_error raised", self.name)


def _priority(event: Event[T]) -> int:
    return LOW_PRIORITY if event.initial or event.resync else 0
