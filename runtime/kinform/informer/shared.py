"""The shared informer: one cache of one kind, kept up to date by its watches, that tells any number of handlers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar, final

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import (
    CacheNotSyncedError,
    CacheSyncError,
    ForkedError,
    InformerNotStartedError,
    InformerStoppedError,
    NotCachedError,
)
from kinform.informer.backlog import EventBacklog, KeyBacklog, Work
from kinform.informer.distribution import Distribution
from kinform.informer.forks import ProcessMark
from kinform.informer.handlers import CallbackHandler, EventHandler, KeyHandler
from kinform.informer.options import ListOptions, informer_name, resync_seconds
from kinform.informer.predicates import as_predicate, function_name
from kinform.informer.reports import Reporter
from kinform.informer.source import SourceRequest, reflector_options, reflector_source
from kinform.informer.statistics import InformerState, InformerStatistics, StopResult
from kinform.informer.waits import Awaited, Progress, Scope
from kinform.meta import WireObject
from kinform.objects import View, view_of
from kinform.packing import Packer
from kinform.store import Inflater, Store, checked_mode, indexed_field
from kinform.versions import is_older
from kinform.wire import Replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from kinform.clock import Clock
    from kinform.informer.backlog import Backlog
    from kinform.informer.events import Event
    from kinform.informer.predicates import Predicate
    from kinform.informer.registration import HandlerThread, Registration
    from kinform.informer.reports import ErrorReport
    from kinform.informer.source import Source, SourceFactory
    from kinform.meta import ObjectKey, Resource
    from kinform.selectors import LabelSelector
    from kinform.store import Index, Indexer, StoreMode
    from kinform.transport import Transport
    from kinform.wire import Change, Entry, Transform

__all__ = ["MAX_PENDING", "SharedInformer"]

T = TypeVar("T", bound=WireObject)
W = TypeVar("W", bound=Work)

MAX_PENDING: Final = 10_000
"""Notifications that wait for a handler before they are merged by object."""

_KNOWN_OF_METADATA: Final = frozenset({"apiVersion", "kind", "metadata"})


@final
class SharedInformer(Generic[T]):
    """A cache of one resource, filled and kept up to date by list and watch, that many handlers and listers share.

    (client-go: ``SharedIndexInformer``.) The cache is written by one daemon thread for each watched namespace and never
    waits for a handler: each handler has a thread and a bounded queue of its own. Everything here is thread-safe. After
    a fork the child's copy is dead: it raises ``ForkedError``.

    Usually got from a factory; made by hand it works alike.

    Args:
        resource: What to watch.
        model: The class of its objects; ``PartialObjectMetadata``: nothing but metadata is asked for.
        transport: The way to the server; the informer does not close it.
        namespaces: Where to watch, one watch each; ``("",)`` means everywhere.
        options: Which objects; None: all.
        transform: What to cut from objects before they are cached.
        store: How objects are kept.
        resync: How often each handler is told of everything again, unless it says otherwise; None: never.
        name: For logs, reports and threads; made from what is watched if empty.
        on_error: Told of every error that is swallowed to keep running, on the thread that met it: be quick.
        clock: For resync and waits.
        source_factory: Makes what feeds the cache, one for each namespace.

    Raises:
        SelectorError: A selector in ``options`` does not parse.
        ValueError: A namespace cannot be one, is named twice, or is given for a cluster-scoped resource; a query
            parameter is kinform's own to set; ``resync`` is negative; or there is no such ``store``.
    """

    def __init__(
        self,
        resource: Resource,
        model: type[T],
        transport: Transport,
        *,
        namespaces: Sequence[str] = ("",),
        options: ListOptions | None = None,
        transform: Transform | None = None,
        store: StoreMode = "auto",
        resync: timedelta | None = None,
        name: str = "",
        on_error: Callable[[ErrorReport], object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        source_factory: SourceFactory = reflector_source,
    ) -> None:
        for namespace in namespaces:
            resource.path(namespace)
        self._resource = resource
        self._transport = transport
        self._options = options or ListOptions()
        self._scope = Scope(self._options)
        reflector_options(self._options)
        self._transform = transform
        self._resync = resync
        resync_seconds(resync)
        self._view = view_of(model)
        self._name = name or informer_name(resource, namespaces, self._options, self._view)
        self._reporter = Reporter(self._name, on_error)
        self._clock = clock
        self._source_factory = source_factory
        self._store = Store(resource, namespaces, report=self._reporter.note_index_error)
        self._inflater: Inflater[T] = Inflater(
            model, resource, keep=checked_mode(store) == "inflated", report=self._reporter.object_changed
        )
        self._packer = (
            None
            if store == "raw"
            else Packer(
                self._store.entries,
                self._store.__len__,
                always=store == "packed",
                clock=clock,
                name=f"kinform {self._name}: packing",
            )
        )
        self._progress = Progress(self._store, clock)
        self._handlers = Distribution(self._name, self._store, clock, self._reporter.handler_failed)
        # Guards the life of the informer and its counters; held for moments only.
        self._life = threading.Lock()
        self._sources: Mapping[str, Source] = {}
        self._process: ProcessMark | None = None
        self._stopped = False

    # ---- what it is

    @property
    def resource(self) -> Resource:
        """What is watched."""
        return self._resource

    @property
    def name(self) -> str:
        """The informer's name, such as ``"pods/v1 in shop (app=web)"``."""
        return self._name

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces watched one by one; ``("",)``: everywhere."""
        return self._store.partitions

    @property
    def options(self) -> ListOptions:
        """Which objects are watched."""
        return self._options

    @property
    def state(self) -> InformerState:
        """Where the informer is in its life."""
        if self._is_forked():
            return InformerState.FORKED
        if self._stopped:
            return InformerState.STOPPED
        if self._process is None:
            return InformerState.NEW
        return InformerState.SYNCED if self._handlers.synced else InformerState.SYNCING

    @property
    def last_error(self) -> Exception | None:
        """The last error met in filling the cache, or None. It stays after the trouble is over."""
        return self._reporter.last_error

    def __repr__(self) -> str:
        return f"<SharedInformer {self._name}: {self.state}>"

    # ---- handlers

    def add_event_handler(
        self,
        *,
        on_add: Callable[[T], object] | None = None,
        on_update: Callable[[T, T], object] | None = None,
        on_delete: Callable[[T], object] | None = None,
        where: Predicate[T] | Callable[[T], bool] | None = None,
        resync: timedelta | None = None,
        max_pending: int = MAX_PENDING,
        name: str = "",
    ) -> Registration:
        """Registers functions to be told of objects, on a thread of their own (client-go: ``AddEventHandler``).

        May be called at any time: a late handler is first told of everything that is there, as additions, without gap
        or repetition. Objects are shared with the cache and read-only. What a function raises is reported and counted,
        and delivery goes on. Does not block.

        Args:
            on_add: Called with an object that has appeared.
            on_update: Called with an object's state before and after; in a resync with the same state twice.
            on_delete: Called with the last known state of an object that is gone, or has ceased to pass ``where``.
            where: Which objects and changes to tell of; as client-go's filtering handler, an update that moves an
                object in or out is told as addition or deletion. A function inflates every object it is asked of.
            resync: How often to tell of everything again; None: as the informer says; zero: never. At least a second.
                A resync passes ``where`` like any update.
            max_pending: How many notifications may wait before further ones are merged by object, from the oldest
                waiting state to the newest.
            name: For reports, statistics and the thread; the functions' names if empty.

        Raises:
            InformerStoppedError: The informer has been stopped.
            ForkedError: The informer runs in the parent process.
            ValueError: No function is given, ``max_pending`` is less than 1, or ``resync`` is negative.
        """
        given = [function for function in (on_add, on_update, on_delete) if function is not None]
        if not given:
            raise ValueError("give at least one of on_add, on_update and on_delete")
        call = CallbackHandler(on_add, on_update, on_delete, as_predicate(where), self._inflater.inflate)
        backlog = EventBacklog(self._handlers.is_current, max_pending)
        return self._register(name or _joined_names(given), backlog, call, resync)

    def add_handler(
        self,
        function: Callable[[Event[T]], object],
        *,
        where: Predicate[T] | Callable[[T], bool] | None = None,
        resync: timedelta | None = None,
        max_pending: int = MAX_PENDING,
        name: str = "",
    ) -> Registration:
        """Registers one function to be told of events, which inflate objects only when they are read.

        All else as for ``add_event_handler``.
        """
        call = EventHandler(function, as_predicate(where), self._inflater.inflate)
        backlog = EventBacklog(self._handlers.is_current, max_pending)
        return self._register(name or function_name(function), backlog, call, resync)

    def add_key_handler(
        self,
        function: Callable[[ObjectKey], object],
        *,
        background: Callable[[ObjectKey], object] | None = None,
        where: Predicate[T] | Callable[[T], bool] | None = None,
        resync: timedelta | None = None,
        name: str = "",
    ) -> Registration:
        """Registers one function to be told of keys, such as a work queue's ``add``; no object is inflated for it.

        Equal keys that wait are one. With ``where``, what happened to a key while it waited is judged as one change.
        ``background``, where given, is called instead of ``function`` with keys of which there is no news: their
        objects were there when the handler began to listen, or a resync tells of them again. All else as for
        ``add_event_handler``.
        """
        predicate = as_predicate(where)
        call = KeyHandler(function, background or function, predicate, self._inflater.inflate)
        backlog = KeyBacklog(self._handlers.is_current, keep_changes=predicate is not None)
        return self._register(name or function_name(function), backlog, call, resync)

    def _register(
        self, name: str, backlog: Backlog[W], call: Callable[[W], None], resync: timedelta | None
    ) -> HandlerThread[W]:
        self._check_fork()
        period = self._resync if resync is None else resync
        return self._handlers.register(name, backlog, call, resync=resync_seconds(period))

    # ---- indexes

    def add_index(self, indexer: Indexer[T]) -> Index[T]:
        """Adds an index, or gives the one that there is from an equal indexer; before or after the start.

        Blocks until what is cached has been indexed; the cache goes on meanwhile (client-go: ``AddIndexers``).

        Raises:
            ForkedError: The informer runs in the parent process.
            ValueError: There is another index of that name, or it would read what a metadata-only informer never has.
            RuntimeError: Called from an index function.
        """
        self._check_fork()
        field = indexed_field(indexer)
        if self._view is View.METADATA and field and field[0] not in _KNOWN_OF_METADATA:
            raise ValueError(f"{self._name} has nothing but metadata: an index of {indexer.name} would stay empty")
        try:
            return self._store.add_index(indexer, self._inflater.inflate, guard=self._check_readable)
        finally:
            self._reporter.tell_index_errors()

    # ---- life

    def start(self) -> None:
        """Starts the watches and the handlers' threads; does not block. Again: nothing (client-go: ``Run``).

        Raises:
            InformerStoppedError: It has been stopped, and does not start again.
            ForkedError: It runs in the parent process.
        """
        self._check_fork()
        with self._life:
            if self._stopped:
                raise InformerStoppedError(f"{self._name} has been stopped: it does not start again")
            if self._process is not None:
                return
            self._sources = {each: self._source_factory(self._request(each)) for each in self.namespaces}
            self._process = ProcessMark()
            self._handlers.start()
            for source in self._sources.values():
                source.start()

    def _request(self, namespace: str) -> SourceRequest:
        return SourceRequest(
            resource=self._resource,
            namespace=namespace,
            options=self._options,
            transform=self._transform,
            transport=self._transport,
            sink=partial(self._take, namespace),
            report=self._reporter.watch_failed,
            known=self._store.get,
            pack=None if self._packer is None else self._packer.add,
            clock=self._clock,
            name=f"kinform {self._name}: watch{f' of {namespace}' if len(self.namespaces) > 1 else ''}",
            metadata_only=self._view is View.METADATA,
        )

    def stop(self, timeout: float = 2.0) -> StopResult:
        """Ends the watches, drops what waits for handlers, and blocks until all threads are gone.

        The cache stays readable as it was. Again, or on an informer never started: harmless. In a fork: nothing, since
        the parent's connections are not the child's to close.

        Args:
            timeout: How many seconds to wait in all.

        Returns:
            What was still running then, such as a handler in a long call.
        """
        deadline = time.monotonic() + timeout
        self.begin_stop()
        return self.finish_stop(deadline)

    def begin_stop(self) -> None:
        """The first half of ``stop()``: tells everything to end and does not block."""
        if self._is_forked():
            return
        with self._life:
            self._stopped = True
            sources = self._sources
        for source in sources.values():
            source.stop()
        self._handlers.close()
        if self._packer is not None:
            self._packer.close()
        self._progress.made()

    def finish_stop(self, deadline: float) -> StopResult:
        """The second half of ``stop()``: blocks until all threads are gone, or ``time.monotonic()`` is ``deadline``."""
        if self._is_forked():
            return StopResult()
        left = [each.name for each in self._sources.values() if not each.join(max(0.0, deadline - time.monotonic()))]
        left += self._handlers.join(deadline)
        if self._packer is not None and not self._packer.join(max(0.0, deadline - time.monotonic())):
            left.append(self._packer.thread_name)
        self._inflater.verify()
        return StopResult(tuple(left))

    # ---- what it is told by what it is made of

    def _take(self, partition: str, changes: list[Change]) -> None:
        before = self._store.resource_version(partition)
        fetched = [change.resource_version for change in changes if isinstance(change, Replace)]
        went_back = [version for version in fetched if is_older(version, before)]
        try:
            self._handlers.take(partition, changes)
            if fetched and self._packer is not None:
                self._packer.fetched()
        finally:
            if went_back:
                self._progress.reset(partition, went_back[-1])
            else:
                self._progress.made()
            self._reporter.tell_index_errors()

    # ---- waits

    def has_synced(self) -> bool:
        """Whether the first list or stream of every namespace has been taken into the cache; once true, it stays so."""
        return self._handlers.synced

    def wait_for_sync(self, timeout: float | None = None) -> None:
        """Blocks until ``has_synced()``, for at most ``timeout`` seconds (None: for ever). Handlers may lag behind.

        Raises:
            CacheSyncError: The time ran out; it tells the last error met.
            InformerNotStartedError: It has not been started.
            InformerStoppedError: It was stopped before it had synced.
            ForkedError: It runs in the parent process.
        """
        self._check_started()

        def reached() -> bool:
            if not self._handlers.synced and self._stopped:
                raise InformerStoppedError(f"{self._name} was stopped before it had synced")
            return self._handlers.synced

        if not self._progress.wait_until(reached, timeout):
            reason = f"last error: {self._reporter.last_error}" if self._reporter.last_error else "no answer yet"
            raise CacheSyncError(
                f"{self._name} has not synced within {timeout} s ({reason})", {self._name: self._reporter.last_error}
            )

    def wait_for(self, obj: T, timeout: float | None = None) -> None:
        """Blocks until the cache has what a client call returned, so that one reads one's own writes.

        It is over when the cache holds the object at its resourceVersion or later, or has got past that resourceVersion
        without it. Plain numbers are compared, other resourceVersions must be equal. An object outside the watched
        namespaces and selectors is not waited for, only for the cache to drop an older state of it.

        Args:
            obj: As a client call returned it.
            timeout: In seconds; None: for ever.

        Raises:
            CacheWaitTimeoutError: The time ran out (a ``TimeoutError`` as well).
            CacheResetError: A relist brought the cache back to before the object's resourceVersion.
            InformerNotStartedError: The informer has not been started.
            InformerStoppedError: It has been stopped.
            ForkedError: It runs in the parent process.
            ValueError: The object has no uid or resourceVersion.
        """
        self._wait_for(obj, timeout, deleted=False)

    def wait_for_deleted(self, obj: T, timeout: float | None = None) -> None:
        """Blocks until the cache has got past ``obj`` and no longer holds it; another of its name is another object.

        Where its resourceVersion is not a plain number, it is over once the cache does not hold the object. Arguments
        and errors as for ``wait_for``.
        """
        self._wait_for(obj, timeout, deleted=True)

    def _wait_for(self, obj: T, timeout: float | None, *, deleted: bool) -> None:
        self._check_started()

        def check() -> None:
            if self._stopped:
                raise InformerStoppedError(f"{self._name} has been stopped: its cache does not change any more")

        self._progress.wait_for(Awaited(obj, self._resource), self._scope, timeout, deleted=deleted, check=check)

    # ---- reads, for listers

    def read_entry(self, key: ObjectKey, *, allow_unsynced: bool = False) -> Entry | None:
        """The entry at a key, or None where there is no such object. Takes no lock.

        Raises:
            InformerNotStartedError: The informer has not been started.
            CacheNotSyncedError: The first sync is not complete, and ``allow_unsynced`` is False.
            NotCachedError: The key's namespace is not watched.
            ForkedError: The informer runs in the parent process.
        """
        self._check_readable(key.namespace, allow_unsynced=allow_unsynced)
        return self._store.get(key)

    def read_entries(
        self, namespace: str | None = None, selector: LabelSelector | None = None, *, allow_unsynced: bool = False
    ) -> list[Entry]:
        """A list of the entries of a namespace (None: all) that the selector matches (None: all); raises as above."""
        self._check_readable(namespace, allow_unsynced=allow_unsynced)
        return self._store.entries(namespace, selector)

    def inflate(self, entry: Entry) -> T:
        """The object of an entry, shared and read-only.

        Raises:
            UndecodableObjectError: The entry's bytes are nothing that the model can hold.
        """
        return self._inflater.inflate(entry)

    def copy(self, entry: Entry) -> T:
        """The object of an entry, made for the caller alone; raises as ``inflate`` does."""
        return self._inflater.copy(entry)

    def _check_readable(self, namespace: str | None = None, *, allow_unsynced: bool = False) -> None:
        self._check_fork()
        partition = None
        if namespace is not None:
            partition = self._store.partition_of(namespace)
            if partition is None:
                raise NotCachedError(f"{self._name} does not watch namespace {namespace!r}")
        if self._handlers.synced or allow_unsynced or (partition is not None and self._store.synced(partition)):
            return
        if self._process is None:
            raise InformerNotStartedError(f"{self._name} has not been started, so its cache is empty")
        reason = f"; last error: {self._reporter.last_error}" if self._reporter.last_error else ""
        raise CacheNotSyncedError(
            f"{self._name} has not synced yet{reason}: wait for the sync, or ask for a lister with allow_unsynced=True"
        )

    def _check_started(self) -> None:
        self._check_fork()
        if self._process is None and not self._stopped:
            raise InformerNotStartedError(f"{self._name} has not been started")

    def _check_fork(self) -> None:
        if self._is_forked():
            raise ForkedError(
                f"{self._name} runs in the parent process; make a factory in each process, after the fork"
            )

    def _is_forked(self) -> bool:
        return self._process is not None and self._process.forked

    # ---- statistics

    def statistics(self) -> InformerStatistics:
        """What happened so far, and how things stand. Takes only locks that are held for moments."""
        forked = self._is_forked()
        watches = {} if forked else {name: source.statistics() for name, source in self._sources.items()}
        restarts: Counter[str] = Counter()
        for watch in watches.values():
            restarts.update(watch.restarts)
        heard = [watch.last_activity for watch in watches.values() if watch.last_activity is not None]
        return InformerStatistics(
            name=self._name,
            resource=self._resource,
            state=self.state,
            connected=bool(watches) and all(watch.connected for watch in watches.values()),
            synced=self._handlers.synced,
            objects=0 if forked else len(self._store),
            bytes=0 if forked else self._store.body_bytes + (self._packer.overhead if self._packer else 0),
            last_event=self._clock.monotonic() - max(heard) if heard else None,
            restarts=dict(restarts),
            errors=self._reporter.errors,
            last_error=self._reporter.last_error,
            watches=watches,
            handlers=() if forked else tuple(handler.statistics() for handler in self._handlers.handlers),
        )


def _joined_names(functions: Sequence[Callable[..., object]]) -> str:
    return "+".join(dict.fromkeys(map(function_name, functions)))
