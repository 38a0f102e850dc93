"""Reads statistics when Prometheus asks, so that between two scrapes nothing is counted twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from kinform.metrics import families

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client.metrics_core import Metric

    from kinform.controller import ControllerStatistics
    from kinform.events import EventStatistics
    from kinform.factory import FactoryStatistics
    from kinform.informer import InformerStatistics
    from kinform.meta import ObjectKey
    from kinform.metrics.families import Family
    from kinform.workqueue import WorkQueueStatistics

__all__ = [
    "ControllerSource",
    "ElectorSource",
    "ElectorStatistics",
    "FactorySource",
    "QueueSource",
    "RecorderSource",
    "StatisticsCollector",
]

_MAX_PRIORITIES: Final = 16
_VERSION_DIGITS: Final = 15  # so many fit a float exactly (client-go does the same)


class QueueSource(Protocol):
    """A work queue."""

    def statistics(self) -> WorkQueueStatistics:
        """What it holds and has done."""
        ...


class ControllerSource(Protocol):
    """A controller."""

    def statistics(self) -> ControllerStatistics:
        """What it has done."""
        ...


class FactorySource(Protocol):
    """A factory."""

    def statistics(self) -> FactoryStatistics:
        """How its informers are doing."""
        ...


class ElectorStatistics(Protocol):
    """How an election stands."""

    @property
    def lease(self) -> ObjectKey:
        """What is competed for."""
        ...

    @property
    def is_leader(self) -> bool:
        """Whether this process leads."""
        ...

    @property
    def slow_renewals(self) -> int:
        """Renewals that had to read the lease first."""
        ...


class ElectorSource(Protocol):
    """A leader elector."""

    def statistics(self) -> ElectorStatistics:
        """How it is doing."""
        ...


class RecorderSource(Protocol):
    """A recorder of events."""

    @property
    def component(self) -> str:
        """Who records."""
        ...

    def statistics(self) -> EventStatistics:
        """What it has done."""
        ...


class _Page:
    """One answer in the making: families that have series, each once."""

    def __init__(self) -> None:
        self._found: dict[str, Metric] = {}

    def add(self, family: Family, labels: Sequence[str], value: float) -> None:
        metric = self._found.get(family.name)
        if metric is None:
            metric = self._found[family.name] = empty(family)
        assert isinstance(metric, CounterMetricFamily | GaugeMetricFamily)
        metric.add_metric(labels, value)

    def metrics(self) -> list[Metric]:
        return [self._found[family.name] for family in families.READ if family.name in self._found]


def empty(family: Family) -> Metric:
    """A counter or gauge without series yet."""
    made = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    return made(family.name, family.text, labels=family.labels)


class _Priorities:
    """The priorities of one queue that have a series of their own; there are never many, whatever a program does."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def depths(self, statistics: WorkQueueStatistics) -> dict[str, int]:
        """How many items wait, by label value; a priority that was seen once stays, with 0."""
        for priority in sorted(statistics.priorities, key=abs):
            if len(self._seen) < _MAX_PRIORITIES:
                self._seen.add(priority)
        if not self._seen:
            return {"": statistics.depth + statistics.added_again}
        depths = {str(priority): statistics.priorities.get(priority, 0) for priority in sorted(self._seen)}
        if others := sum(count for priority, count in statistics.priorities.items() if priority not in self._seen):
            depths["other"] = others
        return depths


class StatisticsCollector:
    """What ``prometheus_client`` collects from; each source by the name that its series have."""

    def __init__(self) -> None:
        self.queues: dict[str, QueueSource] = {}
        self.controllers: dict[str, ControllerSource] = {}
        self.factories: dict[str, FactorySource] = {}
        self.electors: dict[str, ElectorSource] = {}
        self.recorders: dict[str, RecorderSource] = {}
        self._priorities: dict[str, _Priorities] = {}

    def describe(self) -> Iterable[Metric]:
        """The names that may come, so that a registry can refuse two of a name."""
        return [empty(family) for family in families.READ]

    def collect(self) -> Iterable[Metric]:
        """All series, as they are now."""
        page = _Page()
        for name, queue in list(self.queues.items()):
            self._queue(page, name, queue.statistics())
        for name, controller in list(self.controllers.items()):
            self._controller(page, name, controller.statistics())
        for prefix, factory in list(self.factories.items()):
            for informer in factory.statistics().informers.values():
                self._informer(page, f"{prefix}: {informer.name}" if prefix else informer.name, informer)
        for name, elector in list(self.electors.items()):
            election = elector.statistics()
            page.add(families.LEADER, (name,), election.is_leader)
            page.add(families.SLOW_PATH, (name,), election.slow_renewals)
        for name, recorder in list(self.recorders.items()):
            self._recorder(page, name, recorder.statistics())
        return page.metrics()

    @staticmethod
    def _recorder(page: _Page, name: str, events: EventStatistics) -> None:
        for outcome in ("created", "patched", "filtered", "dropped", "failed"):
            page.add(families.EVENT_OUTCOMES, (name, outcome), getattr(events, outcome))
        page.add(families.EVENTS_WAITING, (name,), events.waiting)
        page.add(families.EVENT_RETRIES, (name,), events.retries)

    def _queue(self, page: _Page, name: str, queue: WorkQueueStatistics) -> None:
        labels = (name, name)
        for priority, depth in self._priorities.setdefault(name, _Priorities()).depths(queue).items():
            page.add(families.DEPTH, (*labels, priority), depth)
        page.add(families.ADDS, labels, queue.adds)
        page.add(families.RETRIES, labels, queue.retries)
        page.add(families.UNFINISHED, labels, queue.unfinished)
        page.add(families.LONGEST, labels, queue.longest_processing)

    @staticmethod
    def _controller(page: _Page, name: str, controller: ControllerStatistics) -> None:
        errors = controller.failed + controller.terminal
        page.add(families.RECONCILES, (name, "success"), controller.reconciled - controller.requeued)
        page.add(families.RECONCILES, (name, "requeue_after"), controller.requeued)
        page.add(families.RECONCILES, (name, "error"), errors)
        page.add(families.RECONCILE_ERRORS, (name,), errors)
        page.add(families.TERMINAL_ERRORS, (name,), controller.terminal)
        page.add(families.RECONCILE_TIMEOUTS, (name,), controller.timed_out)
        page.add(families.MAX_CONCURRENT, (name,), controller.max_concurrent)
        page.add(families.ACTIVE_WORKERS, (name,), controller.queue.processing)

    @staticmethod
    def _informer(page: _Page, name: str, informer: InformerStatistics) -> None:
        resource = informer.resource
        labels = (name, resource.group, resource.version, resource.plural)
        page.add(families.QUEUED_ITEMS, labels, sum(handler.pending for handler in informer.handlers))
        versions = [watch.last_resource_version for watch in informer.watches.values()]
        numbers = [int(version) for version in versions if version.isascii() and version.isdigit()]
        if numbers:
            page.add(families.STORE_VERSION, labels, max(numbers) % 10**_VERSION_DIGITS)
        page.add(families.OBJECTS, labels, informer.objects)
        page.add(families.BYTES, labels, informer.bytes)
        page.add(families.SYNCED, labels, informer.synced)
        page.add(families.CONNECTED, labels, informer.connected)
        page.add(families.INFORMER_ERRORS, labels, informer.errors)
        if informer.last_event is not None:
            page.add(families.SILENCE, labels, informer.last_event)
        watches = informer.watches.values()
        page.add(families.LISTS, (name,), sum(watch.lists for watch in watches))
        page.add(families.WATCHES, (name,), sum(watch.watches for watch in watches))
        page.add(families.EVENTS, (name,), sum(watch.events for watch in watches))
        page.add(families.POISON, (name,), sum(watch.poison for watch in watches))
        for reason, count in informer.restarts.items():
            page.add(families.RESTARTS, (name, reason), count)
        for handler in informer.handlers:
            page.add(families.DELIVERED, (name, handler.name), handler.delivered)
            page.add(families.FAILED, (name, handler.name), handler.failed)
            page.add(families.COALESCED, (name, handler.name), handler.coalesced)
            page.add(families.RUNNING, (name, handler.name), handler.running_for or 0.0)
