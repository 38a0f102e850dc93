"""The factory: shares informers between all who want the same objects, starts them, awaits them and stops them."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar, cast

from kinform.clock import SYSTEM_CLOCK
from kinform.discovery import RestMapper
from kinform.errors import (
    CacheSyncError,
    ConflictingInformerError,
    ForkedError,
    InformerNotStartedError,
    InformerStoppedError,
)
from kinform.factory.generic import GenericInformers
from kinform.factory.options import InformerOptions, InformerSpec, namespace_tuple, resolve
from kinform.informer import ErrorReport, InformerReason, SharedInformer, StopResult
from kinform.informer.forks import ProcessMark
from kinform.informer.options import informer_name, resync_seconds
from kinform.informer.source import reflector_source
from kinform.informer.waits import wait_unless_cancelled
from kinform.meta import WireObject
from kinform.objects import DynamicObject, PartialObjectMetadata
from kinform.selectors import FieldSelector, LabelSelector
from kinform.store import checked_mode
from kinform.transport import Transport, transport_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta
    from types import TracebackType
    from typing import Unpack

    from kinform.clock import Clock
    from kinform.factory.options import InformerKey, Namespaces, TweakListOptions
    from kinform.flowcontrol import RateLimiter
    from kinform.informer import InformerStatistics
    from kinform.informer.source import SourceFactory
    from kinform.meta import Resource
    from kinform.selectors import LabelSelectorLike
    from kinform.store import StoreMode
    from kinform.transport import ApiSource
    from kinform.wire import Transform

__all__ = ["FactoryStatistics", "InformerFactory"]

T = TypeVar("T", bound=WireObject)
R = TypeVar("R", bound="_HasSpec")
R_co = TypeVar("R_co", covariant=True)

logger: Final = logging.getLogger("kinform")


class _HasSpec(Protocol):
    @property
    def spec(self) -> InformerSpec: ...


class AccessorClass(Protocol[R_co]):
    """A generated subclass of ``ResourceInformer``, as something to call."""

    def __call__(self, factory: InformerFactory, /, **options: Unpack[InformerOptions]) -> R_co:
        """Makes the accessor."""
        ...


@dataclass(frozen=True, slots=True)
class FactoryStatistics:
    """All informers of a factory.

    Attributes:
        started: Whether the factory is started and not stopped.
        synced: Whether every informer has synced.
        connected: Whether every watch is open.
        last_event: For how many seconds the server has sent nothing on any watch; None: it never sent anything.
        restarts: How often a watch had to begin anew, by reason.
        errors: How many errors were swallowed and reported.
        objects: How many objects the caches hold.
        bytes: How many bytes of JSON they are together.
        informers: Each informer, by name.
    """

    started: bool
    synced: bool
    connected: bool
    last_event: float | None
    restarts: Mapping[str, int]
    errors: int
    objects: int
    bytes: int
    informers: Mapping[str, InformerStatistics]


class InformerFactory:
    """Shares informers: one for each resource, scope and selection, whoever asks.

    (client-go: ``SharedInformerFactory``.) The base of the generated ``SharedInformerFactory``. Its options are those
    of every informer that is asked for without others. As a context manager it starts on entry and stops on exit; what
    is asked for in between starts at once. A stopped factory does not start again. Everything here is thread-safe; only
    ``stop`` and ``wait_for_cache_sync`` block.

    Args:
        source: How to reach the API server: ``kinform.connect`` uncalled (called again when credentials rotate), an API
            client, or a ``Transport``, which the factory then shares and does not close.
        namespace: One, several, or all (None). Kinds without namespaces pass it over.
        label_selector: Text, a selector built in code, or a model's; None: all.
        field_selector: Text or a selector built in code; None: all.
        tweak: Changes the list options of each informer; called once when it is asked for.
        transform: What to cut from objects before they are cached.
        store: How objects are kept; see ``StoreMode``.
        resync: How often handlers are told of everything again, unless they say otherwise; None: never.
        rate_limiter: Limits the rate of requests, as that of ``Transport``; None: nothing does, or what a given
            transport has.
        clock: For resync and waits.
        source_factory: Makes what feeds the caches.

    Raises:
        SelectorError: A selector does not parse.
        ValueError: A namespace cannot be one, ``resync`` is negative, there is no such ``store``, or there is a rate
            limiter for a transport that is made already.
        ConfigurationError: ``source`` found no usable configuration.
    """

    def __init__(
        self,
        source: ApiSource | Transport,
        *,
        namespace: Namespaces = None,
        label_selector: LabelSelectorLike | None = None,
        field_selector: str | FieldSelector | None = None,
        tweak: TweakListOptions | None = None,
        transform: Transform | None = None,
        store: StoreMode = "auto",
        resync: timedelta | None = None,
        rate_limiter: RateLimiter | None = None,
        clock: Clock = SYSTEM_CLOCK,
        source_factory: SourceFactory = reflector_source,
    ) -> None:
        resync_seconds(resync)
        namespaces = namespace_tuple(namespace)
        self._defaults = InformerOptions(
            namespace=namespaces if any(namespaces) else None,
            label_selector=None if label_selector is None else LabelSelector.of(label_selector),
            field_selector=None if field_selector is None else FieldSelector.of(field_selector),
            tweak=tweak,
            transform=transform,
            store=checked_mode(store),
            resync=resync,
        )
        self._owns_transport = not isinstance(source, Transport)
        self._transport = transport_of(source, rate_limiter)
        self._rest_mapper = RestMapper(self._transport, on_failure=self._discovery_failed)
        self._clock = clock
        self._source_factory = source_factory
        self._lock = threading.RLock()
        self._specs: dict[InformerKey, InformerSpec] = {}
        # The keys tell which kind of object an informer has; a dictionary's type cannot.
        self._informers: dict[InformerKey, SharedInformer[Any]] = {}
        self._accessors: dict[object, object] = {}
        self._listeners: tuple[Callable[[ErrorReport], object], ...] = ()
        self._process: ProcessMark | None = None
        self._stopped = False

    @classmethod
    def sharing(cls, factory: InformerFactory) -> Self:
        """The same factory with the accessors of this class: two generated packages, one life.

        ``acme_widgets.SharedInformerFactory.sharing(factory)`` has ``.acme()``, and shares everything else with the
        factory of ``kinform_k8s``: options, informers, start, waits and stop. Either may be handed to ``run``.
        (client-go has no such thing: there each clientset needs a factory of its own.)

        Args:
            factory: Of any package, started or not.
        """
        shared = object.__new__(cls)
        # One state, not two that are kept alike: whatever is started, stopped or asked for by one is so by the other.
        shared.__dict__ = factory.__dict__
        return shared

    @property
    def transport(self) -> Transport:
        """The way to the server, which clients may share; ``stop()`` closes it, unless the factory was given it."""
        return self._transport

    # ---- informers

    def resource_informer(self, cls: AccessorClass[R], **options: Unpack[InformerOptions]) -> R:
        """The accessor of a class, the same object for the same informer: what ``factory.core().v1().pods()`` returns.

        Raises as ``ResourceInformer``.
        """
        with self._lock:
            found = None if options else self._accessors.get(cls)
            if found is None:
                found = self.shared_accessor(cls(self, **options))
                if not options:
                    self._accessors[cls] = found
            return cast("R", found)

    def shared_accessor(self, made: R) -> R:
        """The accessor of this class for the same informer that was made first; this one, if it is the first."""
        with self._lock:
            return cast("R", self._accessors.setdefault((type(made), made.spec.key), made))

    def metadata(self) -> GenericInformers[PartialObjectMetadata]:
        """Informers that fetch and cache objects' metadata alone: ``factory.metadata().for_resource(PODS)``.

        For garbage collectors, for owned objects of which only the owner counts, for kinds with large objects. The
        server leaves the rest out; where one does not know how, it is dropped here, before it is cached. They share
        nothing with informers of whole objects.
        """
        return GenericInformers(self, PartialObjectMetadata)

    def dynamic(self) -> GenericInformers[DynamicObject]:
        """Informers of whole objects of any kind: ``factory.dynamic().for_resource("example.com/v1", "widgets")``.

        For kinds that are known only when the program runs. They share nothing with informers of generated classes.
        """
        return GenericInformers(self, DynamicObject)

    @property
    def rest_mapper(self) -> RestMapper:
        """What knows which resources the server has; it asks when it is first asked."""
        return self._rest_mapper

    def informer_for(self, resource: Resource, model: type[T], **options: Unpack[InformerOptions]) -> SharedInformer[T]:
        """The shared informer of a resource; made by the first call, and started where the factory is.

        It is shared by resource, namespaces and selection: selectors that mean the same, however spelt, share it.

        Raises:
            SelectorError: A selector does not parse.
            ConflictingInformerError: The same objects were asked for before, with another transform, store,
                resync or model.
            InformerStoppedError: The factory has been stopped and never had this informer.
            ForkedError: The factory runs in the parent process.
            TypeError: There is no such option.
            ValueError: A namespace cannot be one, or is given for a kind without.
        """
        return self.informer_of(self.reserve(resource, model, options), model)

    def reserve(self, resource: Resource, model: type[WireObject], options: InformerOptions) -> InformerSpec:
        """What the options come to together with the factory's; an informer of that key will have these and no others.

        For ``ResourceInformer``. Raises as ``informer_for``.
        """
        spec = resolve(resource, model, self._defaults, options)
        with self._lock:
            known = self._specs.setdefault(spec.key, spec)
        if differences := known.differences(spec):
            name = informer_name(*spec.key)
            raise ConflictingInformerError(
                f"{name} was asked for before with another {' and another '.join(differences)}:"
                " one watch cannot have two; ask for it alike, or from a factory of its own"
            )
        return known

    def informer_of(self, spec: InformerSpec, model: type[T]) -> SharedInformer[T]:
        """The informer of a reserved specification, whose model is ``model``. For ``ResourceInformer``."""
        self._check_fork()
        with self._lock:
            informer = self._informers.get(spec.key)
            if informer is None:
                name = informer_name(*spec.key)
                if self._stopped:
                    raise InformerStoppedError(f"the factory has been stopped: it makes no informer of {name}")
                informer = SharedInformer(
                    spec.resource,
                    model,
                    self._transport,
                    namespaces=spec.namespaces,
                    options=spec.options,
                    transform=spec.transform,
                    store=spec.store,
                    resync=spec.resync,
                    name=name,
                    on_error=self.tell,
                    clock=self._clock,
                    source_factory=self._source_factory,
                )
                self._informers[spec.key] = informer
                if self._process is not None:
                    informer.start()
            return informer

    # ---- life

    def start(self) -> None:
        """Starts every informer that has been asked for; later ones start when they are asked for. Does not block.

        Again: harmless.

        Raises:
            InformerStoppedError: The factory has been stopped.
            ForkedError: The factory runs in the parent process.
        """
        self._check_fork()
        with self._lock:
            if self._stopped:
                raise InformerStoppedError("the factory has been stopped: it does not start again")
            if self._process is None:
                self._process = ProcessMark()
            for informer in self._informers.values():
                informer.start()

    def wait_for_cache_sync(self, timeout: float | None = None, *, cancel: threading.Event | None = None) -> None:
        """Blocks until every informer that has been asked for has synced; their handlers may lag behind.

        Args:
            timeout: In seconds, for all of them together; None: for ever.
            cancel: Set it from another thread to end the wait early; then nothing is raised.

        Raises:
            CacheSyncError: Not in time, or the factory was stopped meanwhile; it names each informer that is missing,
                and the last error that it met.
            InformerNotStartedError: The factory has not been started.
            ForkedError: The factory runs in the parent process.
        """
        self._check_fork()
        if self._process is None and not self._stopped:
            raise InformerNotStartedError("the factory has not been started: nothing can sync")
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        with self._lock:
            informers = list(self._informers.values())
        missing: dict[str, Exception | None] = {}
        for informer in informers:
            try:
                if not wait_unless_cancelled(informer.wait_for_sync, deadline, cancel, self._clock):
                    return
            except CacheSyncError:
                missing[informer.name] = informer.last_error
            except InformerStoppedError as stopped:
                missing[informer.name] = informer.last_error or stopped
        if missing:
            within = "before the factory was stopped" if self._stopped else f"within {timeout} s"
            each = "; ".join(f"{name}: {error or 'no answer yet'}" for name, error in sorted(missing.items()))
            raise CacheSyncError(
                f"{len(missing)} of {len(informers)} informers have not synced {within}: {each}", missing
            )

    def stop(self, timeout: float = 2.0) -> StopResult:
        """Ends all watches and handlers, and blocks until their threads are gone. Again: harmless.

        Caches stay readable as they were. In a fork it does nothing: the parent's connections are not the child's to
        close.

        Args:
            timeout: How many seconds to wait for all of them together.

        Returns:
            What was still running then; it is logged, too.
        """
        if self._is_forked():
            return StopResult()
        deadline = time.monotonic() + timeout
        with self._lock:
            self._stopped = True
            informers = list(self._informers.values())
        for informer in informers:
            informer.begin_stop()
        left = [name for informer in informers for name in informer.finish_stop(deadline).unfinished]
        if self._owns_transport:
            self._transport.close()
        if left:
            logger.warning("still running %s s after stop(): %s", timeout, "; ".join(left))
        return StopResult(tuple(left))

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _is_forked(self) -> bool:
        return self._process is not None and self._process.forked

    def _check_fork(self) -> None:
        if self._is_forked():
            raise ForkedError("the factory runs in the parent process; make one in each process, after the fork")

    # ---- what it tells

    def on_error(self, callback: Callable[[ErrorReport], object]) -> None:
        """Has every error told that kinform swallows to keep running: of watches, handlers and index functions.

        They are logged by the logger ``kinform`` as well. The callback runs on the thread that met the error, which may
        be the one that fills a cache: be quick. What it raises is logged.
        """
        with self._lock:
            self._listeners = (*self._listeners, callback)

    def tell(self, error: ErrorReport) -> None:
        """Has the ``on_error`` callbacks told of an error, also of one from elsewhere. Logs nothing; never raises."""
        for listener in self._listeners:
            try:
                listener(error)
            except (Exception, SystemExit):
                logger.exception("an on_error callback raised while it was told of: %s", error)

    def _discovery_failed(self, api_version: str, error: Exception) -> None:
        self.tell(ErrorReport("discovery", InformerReason.DISCOVERY, error, key=api_version))

    def statistics(self) -> FactoryStatistics:
        """How all informers are doing. Takes only locks that are held for moments."""
        informers = [informer.statistics() for informer in tuple(self._informers.values())]
        restarts: Counter[str] = Counter()
        for informer in informers:
            restarts.update(informer.restarts)
        return FactoryStatistics(
            started=self._process is not None and not self._stopped and not self._is_forked(),
            synced=all(each.synced for each in informers),
            connected=all(each.connected for each in informers),
            last_event=min((each.last_event for each in informers if each.last_event is not None), default=None),
            restarts=dict(restarts),
            errors=sum(each.errors for each in informers),
            objects=sum(each.objects for each in informers),
            bytes=sum(each.bytes for each in informers),
            informers={each.name: each for each in informers},
        )
