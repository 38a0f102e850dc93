"""What a run shows to the outside: readiness, and metrics."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from kinform.errors import CacheNotSyncedError, InformerStoppedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Sequence

    from kinform.controller.controller import Controller
    from kinform.factory import InformerFactory
    from kinform.health import HealthServer
    from kinform.leaderelection import LeaderElector

__all__ = ["MetricsSink", "serving"]


class MetricsSink(Protocol):
    """Measures what it is given, once, however often; ``kinform.metrics.Metrics`` is one."""

    def add_factory(self, factory: InformerFactory, /) -> None:
        """Measures a factory."""
        ...

    def add_controller(self, controller: Controller, /) -> None:
        """Measures a controller."""
        ...

    def add_elector(self, elector: LeaderElector, /) -> None:
        """Measures an election; not called without one."""
        ...

    def render(self, accept: str, /) -> tuple[str, bytes]:
        """The content type of the page with all that was measured, and the page."""
        ...


@contextmanager
def serving(
    factory: InformerFactory,
    controllers: Sequence[Controller],
    elector: LeaderElector | None,
    ended: threading.Event,
    *,
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
        if elector is not None:
            metrics.add_elector(elector)
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
    with ExitStack() as stack:
        checks = [(health.readyz, "informer-sync", informers_synced), (health.readyz, "shutdown", not_ending)]
        if elector is not None:
            checks.append((health.healthz, "leader-election", elector.check))
        for path, name, check in checks:
            path.add(name, check)
            stack.callback(path.remove, name)
        if not running_already:
            stack.callback(health.stop)
        health.start()
        yield
