"""Drives a reflector from a thread of its own, over blocking I/O."""

from __future__ import annotations

import logging
import random
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import ApiStatusError
from kinform.reflector.actions import ListPage, Wait
from kinform.reflector.machine import Reflector
from kinform.reflector.statistics import ReflectorState
from kinform.reflector.support import STREAMING_SUPPORT
from kinform.transport import Abort
from kinform.wire import Decoder, EventType, FrameSplitter, ObjectEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kinform.clock import Clock
    from kinform.meta import ObjectKey, Resource
    from kinform.reflector.actions import Watch
    from kinform.reflector.queries import ReflectorOptions
    from kinform.reflector.reports import Report
    from kinform.reflector.statistics import ReflectorStatistics
    from kinform.reflector.support import StreamingSupport
    from kinform.transport import Stream, Transport
    from kinform.wire import Change, Entry, Transform, WatchEvent

__all__ = ["Pack", "ReflectorThread"]

A = TypeVar("A")


class Pack(Protocol):
    """Takes new objects, to make them smaller in its own time."""

    def __call__(self, entries: Sequence[Entry], *, stored: bool) -> object:
        """Takes objects; may block to keep pace.

        Args:
            entries: The objects.
            stored: Whether they have been handed on, rather than being of a fetch that goes on.
        """
        ...


logger: Final = logging.getLogger("kinform.reflector")

_JSON: Final = "application/json"
# A server that knows of no such thing answers with what comes behind the comma.
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_NOT_ACCEPTABLE: Final = 406
_REFUSAL_MEMORY: Final = 3600.0  # seconds after which a server that refused to send metadata alone is asked again


class ReflectorThread:
    """Lists and watches one collection in one namespace (or all), in one daemon thread, until stopped.

    Whatever fails is reported, waited for and tried again; the thread ends by ``stop()`` only. All methods may be
    called from any thread; none but ``join()`` blocks.

    Args:
        resource: What to watch.
        namespace: Where; ``""`` for all namespaces and for cluster-scoped resources.
        options: Which objects, and how to fetch them.
        transport: The way to the server.
        sink: Takes the changes, in order, in this thread: those of one piece of the network's in one call. What it
            raises is reported, and everything is fetched anew, since changes were lost.
        report: Takes what went wrong, in this thread. What it raises is logged.
        clock: Time.
        name: The thread's name, and the reports' ``informer``.
        transform: What to cut from objects before they are cached.
        known: Looks up what the cache holds, so that a full fetch does not copy what has not changed.
        pack: Takes each new object, so that it takes less memory. May block.
        metadata_only: Ask for objects' metadata alone. Of what a server sends besides, nothing is kept.
        support: The memory of servers that cannot stream.
        rng: The source of chance.
    """

    def __init__(
        self,
        resource: Resource,
        namespace: str,
        options: ReflectorOptions,
        transport: Transport,
        *,
        sink: Callable[[list[Change]], object],
        report: Callable[[Report], object],
        clock: Clock = SYSTEM_CLOCK,
        name: str = "",
        transform: Transform | None = None,
        known: Callable[[ObjectKey], Entry | None] | None = None,
        pack: Pack | None = None,
        metadata_only: bool = False,
        support: StreamingSupport = STREAMING_SUPPORT,
        rng: random.Random | None = None,
    ) -> None:
        self._path = resource.path(namespace)
        self._transport = transport
        self._sink = sink
        self._report = report
        self._clock = clock
        self._pack = pack
        self._name = name or f"kinform-{resource.plural}"
        self._metadata_only = metadata_only
        self._refused_metadata = float("-inf")
        self._decoder = Decoder(resource, transform, known=known, metadata_only=metadata_only)
        self._machine = Reflector(
            resource,
            options,
            rng or random.Random(),  # noqa: S311  (spreads load, guards no secret)
            name=self._name,
            host=transport.host,
            support=support,
        )
        self._stopping = threading.Event()
        self._abort = Abort()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)

    @property
    def name(self) -> str:
        """The thread's name."""
        return self._name

    def start(self) -> None:
        """Starts the thread; after ``stop()``, does nothing.

        Raises:
            RuntimeError: It has been started before.
        """
        if not self._stopping.is_set():
            self._thread.start()

    def stop(self) -> None:
        """Ends the request or wait in progress and then the thread; returns at once. Again: nothing."""
        self._stopping.set()
        self._abort.abort()

    def join(self, timeout: float | None = None) -> bool:
        """Blocks until the thread has ended, for at most ``timeout`` seconds; True if it has, or never ran.

        From the thread itself (in the sink), returns False at once.
        """
        if threading.current_thread() is self._thread:
            return False
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def statistics(self) -> ReflectorStatistics:
        """What it is doing, and how it went so far."""
        found = self._machine.statistics()
        if self._stopping.is_set() and not self._thread.is_alive():
            return replace(found, state=ReflectorState.STOPPED, connected=False)
        return found

    # ---- the thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._act()
            except BaseException as error:  # noqa: BLE001  (what ends a request must end no reflector, be it a SystemExit)
                if not self._stopping.is_set():
                    self._machine.failed(self._clock.monotonic(), _as_exception(error))
            self._tell()

    def _act(self) -> None:
        action = self._machine.next(self._clock.monotonic())
        if isinstance(action, Wait):
            self._clock.wait(self._stopping, action.seconds)
        elif isinstance(action, ListPage):
            self._list(action)
        else:
            self._watch(action)

    def _list(self, action: ListPage) -> None:
        reader = self._decoder.page_reader()
        taken = 0

        def take(piece: bytes) -> None:
            nonlocal taken
            entries = reader.feed(piece)
            taken += len(entries)
            if self._pack is not None:
                self._pack(entries, stored=False)

        def ask(accept: str) -> None:
            self._transport.fetch(
                self._path,
                take,
                query=action.query,
                accept=accept,
                timeout=action.read_timeout,
                abort=self._abort,
            )

        self._ask(ask, _METADATA_LIST)
        page = reader.finish()
        changes = self._machine.page(self._clock.monotonic(), page)
        self._deliver(changes)
        if self._pack is not None:
            self._pack(page.entries[taken:], stored=bool(changes))

    def _watch(self, action: Watch) -> None:
        def ask(accept: str) -> Stream:
            return self._transport.open(
                self._path,
                query=action.query,
                accept=accept,
                abort=self._abort,
                read_timeout=action.read_timeout,
                on_send=self._on_send,
            )

        stream = self._ask(ask, _METADATA)
        try:
            self._machine.stream_opened(self._clock.monotonic())
            self._read(stream, action.read_timeout)
        finally:
            stream.close()

    def _on_send(self) -> None:
        self._machine.sent(self._clock.monotonic())

    def _ask(self, ask: Callable[[str], A], metadata: str) -> A:
        """Sends a request for what is wanted, in the form that the server has it."""
        now = self._clock.monotonic()
        if self._metadata_only and now - self._refused_metadata >= _REFUSAL_MEMORY:
            try:
                return ask(metadata)
            except ApiStatusError as error:
                if error.code != _NOT_ACCEPTABLE:
                    raise
                logger.info("%s: whole objects come, since the server sends no metadata alone: %s", self._name, error)
                self._refused_metadata = now
        return ask(_JSON)

    def _read(self, stream: Stream, read_timeout: float) -> None:
        splitter = FrameSplitter()
        while self._machine.streaming and not self._stopping.is_set():
            if self._machine.read_timeout != read_timeout:
                read_timeout = self._machine.read_timeout
                stream.set_read_timeout(read_timeout)
            chunk = stream.read()
            if not chunk:
                self._take(splitter.finish())
                self._machine.stream_ended(self._clock.monotonic())
                return
            self._take(splitter.feed(chunk))
            self._tell()

    def _take(self, frames: Sequence[bytes]) -> None:
        """Decodes the frames and delivers what comes of them, also of those before an unreadable one."""
        events: list[WatchEvent] = []
        try:
            for frame in frames:
                events.append(self._decoder.event(frame))  # noqa: PERF401  (what came before an error must be kept)
        finally:
            if events:
                changes = self._machine.events(self._clock.monotonic(), events)
                self._deliver(changes)
                if self._pack is not None:
                    fresh = [e.entry for e in events if isinstance(e, ObjectEvent) and e.type is not EventType.DELETED]
                    self._pack(fresh, stored=bool(changes))

    def _deliver(self, changes: list[Change]) -> None:
        if not changes or self._stopping.is_set():
            return
        try:
            self._sink(changes)
        except BaseException as error:  # noqa: BLE001  (it is reported by the machine, which makes up for the loss)
            self._machine.changes_lost(self._clock.monotonic(), _as_exception(error))

    def _tell(self) -> None:
        for report in self._machine.take_reports():
            if self._stopping.is_set():
                return
            try:
                self._report(report)
            except BaseException:
                logger.exception("the report of %s could not be delivered", report)


def _as_exception(error: BaseException) -> Exception:
    """The error as what callers may catch: a ``SystemExit`` that they raised anew would end more than was meant."""
    if isinstance(error, Exception):
        return error
    wrapped = RuntimeError(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
