"""The door: what is measured, and the page that Prometheus reads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.exposition import choose_encoder

from kinform.metrics import families
from kinform.metrics.collector import ElectorSource, QueueSource, RecorderSource, StatisticsCollector

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from kinform.controller import Controller
    from kinform.factory import InformerFactory
    from kinform.metrics.families import Family
    from kinform.transport import Transport
    from kinform.workqueue import WorkQueueObserver

__all__ = ["Metrics", "ObservableQueue"]

S = TypeVar("S")

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ObservableQueue(QueueSource, Protocol):
    """A work queue of any items: ``WorkQueue`` and all its kin."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def observe(self, observer: WorkQueueObserver) -> None:
        """Has the observer told of durations."""
        ...


class _QueueDurations:
    def __init__(self, waits: Histogram, works: Histogram, name: str) -> None:
        self.waited = waits.labels(name, name).observe
        self.worked = works.labels(name, name).observe


class _ReconcileDurations:
    def __init__(self, times: Histogram, name: str) -> None:
        self.reconciled = times.labels(name).observe


class _Requests:
    def __init__(self, requests: Counter, durations: Histogram, waits: Histogram, host: str) -> None:
        self._requests = requests
        self._durations = durations
        self._waits = waits
        self._host = host

    def throttled(self, method: str, seconds: float) -> None:
        self._waits.labels(_bounded(method), self._host).observe(seconds)

    def answered(self, method: str, code: str) -> None:
        # What the server says is data: it must not be able to make ever new series.
        known = code if code == "<error>" or (len(code) == 3 and code.isascii() and code.isdigit()) else "other"
        self._requests.labels(known, _bounded(method), self._host).inc()

    def finished(self, method: str, seconds: float) -> None:
        self._durations.labels(_bounded(method), self._host).observe(seconds)


def _bounded(method: str) -> str:
    return method if method in _METHODS else "other"


class Metrics:
    """Exports what kinform does to Prometheus; ``docs/metrics.md`` lists it. Thread-safe.

    Counts and states are read from ``statistics()`` when the page is asked for; only durations are noted as they come.
    What is added stays until the process ends, stopped or not, so that counters never go back. The number of series is
    bounded: by the controllers, queues, informers and handlers that there are, and by fixed lists of everything else.

    Args:
        registry: Where the metrics are registered; None: ``prometheus_client``'s own, with those of the process.

    Raises:
        ValueError: The registry has metrics of these names: it takes one ``Metrics``.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry: Final = REGISTRY if registry is None else registry
        self._lock = threading.Lock()
        self._collector = StatisticsCollector()
        self._transports: list[Transport] = []
        try:
            self.registry.register(self._collector)
        except ValueError:
            raise ValueError(
                "the registry has metrics of kinform's names already: share the Metrics that put them there, or give"
                " this one another registry"
            ) from None
        self._waits = self._histogram(families.QUEUE_DURATION)
        self._works = self._histogram(families.WORK_DURATION)
        self._reconciles = self._histogram(families.RECONCILE_TIME)
        self._durations = self._histogram(families.REQUEST_DURATION)
        self._throttles = self._histogram(families.LIMITER_DURATION)
        requests = families.REQUESTS
        self._requests = Counter(requests.name, requests.text, requests.labels, registry=self.registry)

    def _histogram(self, family: Family) -> Histogram:
        return Histogram(family.name, family.text, family.labels, buckets=family.buckets, registry=self.registry)

    # ---- what is measured

    def add_queue(self, queue: ObservableQueue) -> None:
        """Measures a work queue, as the label ``name``. One that was added already is passed over.

        Raises:
            ValueError: It has no name, or another queue of its name was added.
        """
        if not queue.name:
            raise ValueError("a queue needs a name to be measured: RateLimitingQueue(name=…)")
        if self._take(self._collector.queues, queue.name, queue, "queue"):
            queue.observe(_QueueDurations(self._waits, self._works, queue.name))

    def add_controller(self, controller: Controller) -> None:
        """Measures a controller and its queue. One that was added already is passed over.

        Raises:
            ValueError: Another controller or queue of its name was added.
        """
        if self._take(self._collector.controllers, controller.name, controller, "controller"):
            controller.observe(_ReconcileDurations(self._reconciles, controller.name))
            self.add_queue(controller.queue)

    def add_factory(self, factory: InformerFactory, *, name: str = "") -> None:
        """Measures all informers of a factory, present and future, and its transport.

        Args:
            factory: One that was added already is passed over.
            name: Put before the informers' names; needed where there are several factories.

        Raises:
            ValueError: Another factory was added with this name, or both without.
        """
        if self._take(self._collector.factories, name, factory, "factory"):
            self.add_transport(factory.transport)

    def add_transport(self, transport: Transport) -> None:
        """Measures the requests of a transport, by its host. One that was added already is passed over."""
        with self._lock:
            if any(known is transport for known in self._transports):
                return
            self._transports.append(transport)
        host = urlsplit(transport.host).netloc or transport.host
        transport.observe(_Requests(self._requests, self._durations, self._throttles, host.rpartition("@")[2]))

    def add_elector(self, elector: ElectorSource) -> None:
        """Tells whether this process leads, by the lease's name. One that was added already is passed over.

        Raises:
            ValueError: Another elector for its lease was added.
        """
        self._take(self._collector.electors, str(elector.statistics().lease), elector, "elector")

    def add_recorder(self, recorder: RecorderSource) -> None:
        """Measures a recorder of events, by its component. One that was added already is passed over.

        Raises:
            ValueError: Another recorder of its component was added.
        """
        self._take(self._collector.recorders, recorder.component, recorder, "recorder")

    def _take(self, known: dict[str, S], name: str, source: S, what: str) -> bool:
        """Whether the source is new."""
        with self._lock:
            if any(each is source for each in known.values()):
                return False
            if name in known:
                raise ValueError(
                    f"another {what} named {name!r} is measured already: give each a name, or their series would be one"
                )
            known[name] = source
            return True

    # ---- the page

    def render(self, accept: str = "") -> tuple[str, bytes]:
        """The page that Prometheus reads, with everything else in the registry.

        Args:
            accept: The request's ``Accept``; ``""``: Prometheus's text format.

        Returns:
            Its content type, and the page.
        """
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self.registry)
