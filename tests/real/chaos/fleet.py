"""Ten informers of every sort, each with a handler that checks what it is told."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.real.chaos.history import History
from tests.real.chaos.quorum import seconds_until_equal

from kinform.clock import SYSTEM_CLOCK
from kinform.informer.source import reflector_options, reflector_source
from kinform.reflector import ReflectorThread
from kinform.wire import Replace
from kinform_k8s import SharedInformerFactory
from kinform_k8s.resources.core.v1 import CONFIG_MAPS, PODS, SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kinform import ErrorReport, SharedInformer
    from kinform.clock import Clock
    from kinform.informer.source import Source, SourceRequest
    from kinform.reflector import ReflectorStatistics
    from kinform.transport import ApiSource, Transport
    from kinform.wire import Change

logger = logging.getLogger("kinform.chaos")

NAMESPACES = ("north", "south", "west")


@dataclass(frozen=True, slots=True)
class Member:
    """One informer of the fleet, and what its handler was told."""

    informer: SharedInformer[Any]
    history: History
    metadata_only: bool = False


class Fleet:
    """Two factories: one fetches by streaming lists where it can, the other in small pages by short watches.

    Args:
        source: The way to the server.
        clock: Of everything in it.
        on_error: Told of every error.
        resync: How often half of the handlers are told of everything again.
        short_watches: Seconds that the watches of the second factory last: from, to.
    """

    def __init__(
        self,
        source: ApiSource,
        *,
        clock: Clock = SYSTEM_CLOCK,
        on_error: Callable[[ErrorReport], object],
        resync: timedelta = timedelta(seconds=30),
        short_watches: tuple[int, int] = (20, 40),
    ) -> None:
        self._short_watches = short_watches
        self._counting = threading.Lock()
        self.fetches = 0
        """How often a whole list or stream was taken over, the first ones among them."""
        # Packed, few as the objects are, so that packing goes through all of it as well.
        self.streaming = SharedInformerFactory(source, clock=clock, source_factory=self._source, store="packed")
        self.paging = SharedInformerFactory(source, clock=clock, source_factory=self._paging_source, resync=resync)
        for factory in self.factories:
            factory.on_error(on_error)
        self.members = list(self._make())

    @property
    def factories(self) -> tuple[SharedInformerFactory, ...]:
        """Both."""
        return self.streaming, self.paging

    def _make(self) -> Iterator[Member]:
        first, second = self.factories
        yield _member(first.core().v1().config_maps())
        yield _member(first.core().v1().pods(namespace=NAMESPACES, field_selector="status.phase=Running"))
        yield _member(first.core().v1().nodes(label_selector="tier=front"))
        yield _member(first.dynamic().for_resource(SECRETS, namespace=NAMESPACES[:2]))
        yield _member(first.metadata().for_resource(PODS), metadata_only=True)
        yield _member(second.core().v1().config_maps(namespace=NAMESPACES[:2], label_selector="tier=front"))
        yield _member(second.core().v1().secrets(namespace=NAMESPACES[0]))
        yield _member(second.apps().v1().deployments(namespace=NAMESPACES))
        yield _member(second.dynamic().for_resource(PODS, label_selector="tier in (back)"))
        yield _member(second.metadata().for_resource(CONFIG_MAPS), metadata_only=True)

    def _counted(self, request: SourceRequest) -> SourceRequest:
        def sink(changes: list[Change]) -> None:
            with self._counting:
                self.fetches += sum(isinstance(each, Replace) for each in changes)
            request.sink(changes)

        return replace(request, sink=sink)

    def _source(self, request: SourceRequest) -> Source:
        return reflector_source(self._counted(request))

    def _paging_source(self, request: SourceRequest) -> Source:
        request = self._counted(request)
        options = replace(
            reflector_options(request.options), streaming=False, page_size=7, watch_timeout=self._short_watches
        )
        return ReflectorThread(
            request.resource,
            request.namespace,
            options,
            request.transport,
            sink=request.sink,
            report=request.report,
            pack=request.pack,
            clock=request.clock,
            name=request.name,
            transform=request.transform,
            known=request.known,
            metadata_only=request.metadata_only,
        )

    # ---- life

    def start(self, timeout: float) -> None:
        """Starts all and waits for the first sync."""
        for factory in self.factories:
            factory.start()
        for factory in self.factories:
            factory.wait_for_cache_sync(timeout)

    def stop(self, timeout: float = 2.0) -> list[str]:
        """Stops all; what was still running at the deadline."""
        return [name for factory in self.factories for name in factory.stop(timeout).unfinished]

    # ---- judgement

    def seconds_until_equal(self, transport: Transport, timeout: float) -> float:
        """Blocks until every cache is what the server has, while nobody writes; for how long it did.

        Raises:
            AssertionError: One is not in time.
        """
        began = time.monotonic()
        for each in self.members:
            left = timeout - (time.monotonic() - began)
            lasted = seconds_until_equal(transport, each.informer, left, metadata_only=each.metadata_only)
            logger.warning("%s was equal after %.1f s more", each.informer.name, lasted)
        return time.monotonic() - began

    def problems(self) -> list[str]:
        """What the handlers were told that cannot be, or were not told; once they have caught up."""
        return [
            problem
            for each in self.members
            for problem in (*each.history.problems, *each.history.unlike(each.informer))
        ]

    def let_handlers_catch_up(self, timeout: float = 20.0) -> None:
        """Blocks until every handler has been told of all that its cache holds, or the time is over."""
        deadline = time.monotonic() + timeout
        while any(each.history.unlike(each.informer) for each in self.members) and time.monotonic() < deadline:
            time.sleep(0.05)

    @property
    def events(self) -> int:
        """How many events the handlers were told of, without resyncs."""
        return sum(each.history.events for each in self.members)

    @property
    def objects(self) -> int:
        """How many objects the caches hold."""
        return sum(factory.statistics().objects for factory in self.factories)

    def restarts(self) -> dict[str, int]:
        """Why watches began anew, and how often."""
        found: dict[str, int] = {}
        for factory in self.factories:
            for reason, count in factory.statistics().restarts.items():
                found[reason] = found.get(reason, 0) + count
        return found

    @property
    def connected(self) -> bool:
        """Whether all watches are open."""
        return all(factory.statistics().connected for factory in self.factories)

    def requests(self) -> dict[str, int]:
        """How many pages and watches were asked for."""
        watches = self._watches()
        return {"lists": sum(each.lists for each in watches), "watches": sum(each.watches for each in watches)}

    @property
    def watch_count(self) -> int:
        """How many watches there are when all are open."""
        return len(self._watches())

    @property
    def attempts(self) -> int:
        """How many requests were made, whatever became of them."""
        return sum(sum(factory.transport.statistics().answers.values()) for factory in self.factories)

    def _watches(self) -> list[ReflectorStatistics]:
        return [
            watch
            for factory in self.factories
            for informer in factory.statistics().informers.values()
            for watch in informer.watches.values()
        ]


def _member(accessor: Any, *, metadata_only: bool = False) -> Member:
    informer: SharedInformer[Any] = accessor.informer()
    history = History(informer.name)
    informer.add_handler(history)
    return Member(informer, history, metadata_only)
