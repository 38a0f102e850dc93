"""From the cache to the handlers: writes changes, and hands what they came to to every handler's queue."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar, final

from kinform.errors import InformerStoppedError
from kinform.informer.backlog import Work
from kinform.informer.registration import HandlerThread
from kinform.wire import Replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kinform.clock import Clock
    from kinform.informer.backlog import Backlog
    from kinform.meta import ObjectKey
    from kinform.store import Store
    from kinform.wire import Change, Entry

__all__ = ["Distribution"]

W = TypeVar("W", bound=Work)


@final
class Distribution:
    """The handlers of one informer, and the one way in which the cache is written (client-go: ``sharedProcessor``).

    Thread-safe. Writing never waits for a handler: it only fills queues.

    Args:
        informer: The informer's name.
        store: The cache.
        clock: For resync.
        report_error: Told of what a handler raised: the handler's name, the object's key, and the error.
    """

    def __init__(
        self,
        informer: str,
        store: Store,
        clock: Clock,
        report_error: Callable[[str, ObjectKey, BaseException], None],
    ) -> None:
        self._informer = informer
        self._store = store
        self._clock = clock
        self._report_error = report_error
        # Held while the cache is written and the handlers' queues are filled from it, so that a late handler's snapshot
        # and what follows it fit together. Re-entrant, as index functions run under it. Taken before all other locks.
        self._delivery = threading.RLock()
        # Guards the fields below, for moments only: close() must never wait for a writer of the cache.
        self._life = threading.Lock()
        self._handlers: tuple[HandlerThread[Work], ...] = ()
        self._removed: tuple[HandlerThread[Work], ...] = ()
        self._started = False
        self._closed = False
        self._synced = False

    @property
    def handlers(self) -> tuple[HandlerThread[Work], ...]:
        """The handlers, as they were registered."""
        return self._handlers

    @property
    def synced(self) -> bool:
        """Whether every partition has been complete."""
        return self._synced

    def take(self, partition: str, changes: Sequence[Change]) -> None:
        """Writes changes, at least one, and hands on what they came to; after ``close()`` it does nothing."""
        with self._delivery:
            if self._closed:
                return
            if isinstance(changes[0], Replace) and (found := self._store.fill(partition, changes[0])) is not None:
                # What the first fetch brings is told as it is told to late handlers: from one list for all of them,
                # where a notification for each object and handler would take more memory than the objects.
                for handler in self._handlers:
                    handler.replay(found)
                changes = changes[1:]
            notifications = self._store.apply(partition, changes)
            handlers = self._handlers
            if notifications:
                for handler in handlers:
                    handler.put(notifications)
            if not self._synced and all(map(self._store.synced, self._store.partitions)):
                self._synced = True
                for handler in handlers:
                    handler.put_synced()

    def register(
        self, name: str, backlog: Backlog[W], call: Callable[[W], None], *, resync: float | None
    ) -> HandlerThread[W]:
        """Adds a handler that first hears of everything there is; its thread starts now, or with ``start()``.

        Raises:
            InformerStoppedError: After ``close()``.
        """
        with self._delivery, self._life:
            if self._closed:
                raise InformerStoppedError(f"{self._informer} has been stopped: it takes no more handlers")
            name = self._unique(name)
            handler = HandlerThread(
                name,
                f"kinform {self._informer}: {name}",
                backlog,
                call,
                resync=resync,
                begin_resync=self._begin_resync,
                report_error=self._report_error,
                on_end=self._forget,
                clock=self._clock,
            )
            handler.replay(self._store.entries())
            if self._synced:
                handler.put_synced()
            if self._started:
                handler.start()
            self._handlers = (*self._handlers, handler)
        return handler

    def _unique(self, name: str) -> str:
        taken = {handler.name for handler in self._handlers}
        number, unique = 1, name
        while unique in taken:
            number += 1
            unique = f"{name} #{number}"
        return unique

    def _forget(self, ended: HandlerThread[Work]) -> None:
        with self._life:
            if ended in self._handlers:
                self._handlers = tuple(handler for handler in self._handlers if handler is not ended)
                # It may still be in a call, which stop() would have to name.
                self._removed = (*(handler for handler in self._removed if handler.is_alive()), ended)

    def _begin_resync(self, handler: HandlerThread[Work]) -> None:
        with self._delivery:
            handler.resync(self._store.entries())

    def is_current(self, entry: Entry) -> bool:
        """Whether the cache still holds this state of the object."""
        now = self._store.get(entry.key)
        return now is not None and now.uid == entry.uid and now.resource_version == entry.resource_version

    def start(self) -> None:
        """Starts the handlers' threads."""
        with self._life:
            if self._closed:
                return
            self._started = True
            for handler in self._handlers:
                handler.start()

    def close(self) -> None:
        """Ends all handlers, without blocking: what waits is dropped, running calls are the last."""
        with self._life:
            self._closed = True
            handlers = self._handlers
        for handler in handlers:
            handler.close()

    def join(self, deadline: float) -> tuple[str, ...]:
        """Blocks until all threads are gone or ``time.monotonic()`` is past ``deadline``; the names of those left."""
        ended = (*self._handlers, *self._removed)
        return tuple(each.thread_name for each in ended if not each.join(max(0.0, deadline - time.monotonic())))
