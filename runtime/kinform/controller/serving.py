"""What a run shows to the outside: readiness, and metrics."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from kinform.errors import CacheNotSyncedError, InformerStoppedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Sequence

    from kinform.controller.controller import Controller
    from kinform.factory import InformerFactory
    from kinform.health import HealthServer

__all__ = ["MetricsSink", "serving"]


class MetricsSink(Protocol):
    """Measures what it is given, once, however often; ``kinform.metrics.Metrics`` is one."""

    def add_factory(self, factory: InformerFactory, /) -> None:
        """Measures a factory."""
        ...

    def add_controller(self, controller: Controller, /) -> None:
        """Measures a controller."""
        ...

    def render(self, accept: str, /) -> tuple[str, bytes]:
        """The content type of the page with all that was measured, and the page."""
        ...


@contextmanager
def serving(
    factory: InformerFactory,
    controllers: Sequence[Controller],
    ended: threading.Event,
    health: HealthServer | None,
    metrics: MetricsSink | None,
) -> Generator[None]:
    """Answers for a run while the block runs: from before its caches are filled until after it has drained.

    Raises:
        OSError: The health server cannot listen.
        ValueError: Something of the same name is measured, or checked for, already.
    """
    if metrics is not None:
        metrics.add_factory(factory)
        for controller in controllers:
            metrics.add_controller(controller)
    if health is None:
        yield
        return
    if health.metrics is None and metrics is not None:
        health.metrics = metrics.render

    def informers_synced() -> None:
        missing = [name for name, informer in factory.statistics().informers.items() if not informer.synced]
        if missing:
            raise CacheNotSyncedError(f"{len(missing)} informers have not synced: {'; '.join(missing)}")

    def not_ending() -> None:
        if ended.is_set():
            raise InformerStoppedError("the process is shutting down")

    running_already = health.started
    health.readyz.add("informer-sync", informers_synced)
    try:
        health.readyz.add("shutdown", not_ending)
        try:
            health.start()
            yield
        finally:
            health.readyz.remove("shutdown")
    finally:
        health.readyz.remove("informer-sync")
        if not running_already:
            health.stop()
