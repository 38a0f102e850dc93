"""Feeds informers by hand: no server, no threads, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from kinform.reflector import Reason, ReflectorState, ReflectorStatistics, Report, reason_of
from kinform.wire import Bookmark, Decoder, ObjectEvent, PoisonEvent, Remove, Replace, Upsert

if TYPE_CHECKING:
    from kinform.informer.source import SourceRequest
    from kinform.meta import Resource, WireObject
    from kinform.wire import Change, Entry

__all__ = ["FakeFeed", "FakeSource"]


@final
class FakeSource:
    """Stands in for list and watch: ``SharedInformerFactory(…, source_factory=FakeSource())``.

    Each informer that is started gets a ``FakeFeed`` for each of its namespaces, by which a test tells it what the
    server would. (client-go: ``FakeControllerSource``.)
    """

    def __init__(self) -> None:
        self.feeds: list[FakeFeed] = []
        """All feeds, in the order in which informers were started."""

    def __call__(self, request: SourceRequest) -> FakeFeed:
        """Makes the feed that an informer asks for."""
        feed = FakeFeed(request)
        self.feeds.append(feed)
        return feed

    def feed(self, resource: Resource | None = None, namespace: str | None = None) -> FakeFeed:
        """The feed of a resource and namespace (None: any); the newest of several.

        Raises:
            LookupError: No started informer has asked for it.
        """
        for feed in reversed(self.feeds):
            asked = feed.request
            if resource in {None, asked.resource} and namespace in {None, asked.namespace}:
                return feed
        raise LookupError(f"no informer of {resource or 'anything'} in {namespace!r} has been started")


@final
class FakeFeed:
    """One namespace of one informer, fed by hand: every call has written the cache when it returns.

    Objects are taken as a server would send them: with uid and resourceVersion. Transforms are applied.
    """

    def __init__(self, request: SourceRequest) -> None:
        self.request = request
        """What the informer asked for."""
        self.started: bool = False
        self.stopped: bool = False
        self._decoder = Decoder(
            request.resource, request.transform, known=request.known, metadata_only=request.metadata_only
        )
        self._synced = False
        self._resource_version = ""

    # ---- for tests

    def replace(self, *objects: WireObject, resource_version: str | int) -> None:
        """A list, or a streaming list, has completed: this is everything."""
        entries = [self._entry("ADDED", obj) for obj in objects]
        self._synced = True
        self._send(Replace({entry.key: entry for entry in entries}, str(resource_version)), str(resource_version))

    def upsert(self, *objects: WireObject) -> None:
        """Watch events: the objects were added or modified. All go to the cache in one batch."""
        entries = [self._entry("MODIFIED", obj) for obj in objects]
        self.send(*map(Upsert, entries))
        self._resource_version = entries[-1].resource_version

    def remove(self, *objects: WireObject) -> None:
        """Watch events: the objects were deleted; each with its last state and the deletion's resourceVersion."""
        entries = [self._entry("DELETED", obj) for obj in objects]
        self.send(*map(Remove, entries))
        self._resource_version = entries[-1].resource_version

    def bookmark(self, resource_version: str | int) -> None:
        """A bookmark: nothing else happened up to this resourceVersion."""
        self._send(Bookmark(str(resource_version)), str(resource_version))

    def fail(self, error: Exception) -> None:
        """The watch met an error, and goes on."""
        self._tell(reason_of(error), error)

    def send(self, *changes: Change) -> None:
        """Hands over changes as they are, in one batch."""
        self.request.sink(list(changes))

    def _send(self, change: Change, resource_version: str) -> None:
        self.send(change)
        self._resource_version = resource_version

    def _entry(self, kind: str, obj: WireObject) -> Entry:
        event = self._decoder.event(b'{"type":"%b","object":%b}' % (kind.encode(), obj.to_wire()))
        if isinstance(event, PoisonEvent):
            self._tell(Reason.POISON, event.error, event.key_hint)
        if isinstance(event, ObjectEvent | PoisonEvent) and event.entry is not None:
            return event.entry
        raise ValueError(f"no server would send this: {obj!r}")

    def _tell(self, reason: Reason, error: Exception, key: str = "") -> None:
        self.request.report(Report(self.request.name, reason, error, key))

    # ---- for the informer

    @property
    def name(self) -> str:
        """The name that a thread would have."""
        return self.request.name

    def start(self) -> None:
        """Notes it; there is no thread."""
        self.started = True

    def stop(self) -> None:
        """Notes it."""
        self.stopped = True

    def join(self, timeout: float | None = None) -> bool:  # noqa: ARG002
        """True: there is no thread."""
        return True

    def statistics(self) -> ReflectorStatistics:
        """What a reflector in this position would say."""
        connected = self.started and self._synced and not self.stopped
        return ReflectorStatistics(
            state=ReflectorState.WATCHING if connected else ReflectorState.NEW,
            connected=connected,
            synced=self._synced,
            last_resource_version=self._resource_version,
            last_activity=None,
            restarts={},
            lists=int(self._synced),
            watches=int(connected),
            events=0,
            poison=0,
            initial_fetch=ReflectorState.LISTING if self._synced else None,
        )
