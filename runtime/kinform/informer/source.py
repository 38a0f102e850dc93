"""Where an informer's changes come from: the seam between it and the thread that lists and watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from kinform.reflector import Pack, ReflectorOptions, ReflectorThread

if TYPE_CHECKING:
    from kinform.clock import Clock
    from kinform.informer.options import ListOptions
    from kinform.meta import ObjectKey, Resource
    from kinform.reflector import ReflectorStatistics, Report
    from kinform.transport import Transport
    from kinform.wire import Change, Entry, Transform

__all__ = ["Source", "SourceFactory", "SourceRequest", "reflector_options", "reflector_source"]


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """What an informer asks of a source: one namespace's changes, and where to put them.

    Attributes:
        resource: What to watch.
        namespace: Where; ``""`` for all namespaces, and for cluster-scoped resources.
        options: Which objects.
        transform: What to cut from them, or None.
        transport: The way to the server.
        sink: Takes changes in order, on the source's thread.
        report: Takes errors that were met and dealt with, on the source's thread.
        known: What the cache holds at a key, so that unchanged objects need not be copied.
        pack: Takes each new object once it has been handed to ``sink``, or while a fetch goes on, and whether it is in
            the cache; it may block to keep pace. None: objects are kept as they come.
        clock: The informer's clock.
        name: For the thread.
        metadata_only: Whether nothing but the objects' metadata is wanted.
    """

    resource: Resource
    namespace: str
    options: ListOptions
    transform: Transform | None
    transport: Transport
    sink: Callable[[list[Change]], object]
    report: Callable[[Report], object]
    known: Callable[[ObjectKey], Entry | None]
    pack: Pack | None
    clock: Clock
    name: str
    metadata_only: bool = False


class Source(Protocol):
    """Feeds one partition of an informer from a thread of its own; ``ReflectorThread`` is one."""

    @property
    def name(self) -> str:
        """The thread's name."""
        ...

    def start(self) -> None:
        """Begins. Called at most once."""
        ...

    def stop(self) -> None:
        """Ends as soon as possible; does not block. Harmless before ``start()`` and when called again."""
        ...

    def join(self, timeout: float | None) -> bool:
        """Blocks until the thread has ended, at most ``timeout`` seconds; whether it has. At once from inside it."""
        ...

    def statistics(self) -> ReflectorStatistics:
        """What happened so far."""
        ...


SourceFactory: TypeAlias = Callable[[SourceRequest], Source]
"""Makes the source of one partition; tests give their own."""


def reflector_options(options: ListOptions) -> ReflectorOptions:
    """The same selection, in the reflector's terms.

    Raises:
        ValueError: ``options.query`` sets a parameter that is kinform's own to set.
    """
    return ReflectorOptions(
        label_selector=options.label_selector, field_selector=options.field_selector, query=options.query
    )


def reflector_source(request: SourceRequest) -> Source:
    """The source of every informer that is given no other: list and watch over the transport."""
    return ReflectorThread(
        request.resource,
        request.namespace,
        reflector_options(request.options),
        request.transport,
        sink=request.sink,
        report=request.report,
        clock=request.clock,
        name=request.name,
        transform=request.transform,
        known=request.known,
        pack=request.pack,
        metadata_only=request.metadata_only,
    )
