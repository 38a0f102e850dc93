"""The server without a way in: everything that requests are answered from, wired up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar, cast, overload

from kinform.meta import Resource
from kinform.testing.server.admission import Admission
from kinform.testing.server.asking import Asking
from kinform.testing.server.definitions import CUSTOM_RESOURCE_DEFINITIONS, Definitions
from kinform.testing.server.discovery import Discovery
from kinform.testing.server.dispatch import Dispatcher
from kinform.testing.server.documents import decode, wire_of
from kinform.testing.server.eviction import Evictions
from kinform.testing.server.garbage import Garbage
from kinform.testing.server.openapi import OpenApi
from kinform.testing.server.options import WatchListMode
from kinform.testing.server.removal import Removal
from kinform.testing.server.rendering import Renderer
from kinform.testing.server.requests import RequestLog
from kinform.testing.server.resources import NAMESPACES, Registry, ServedResource
from kinform.testing.server.schemas import Schemas, read_document
from kinform.testing.server.shelf import Shelf
from kinform.testing.server.storage import Storage
from kinform.testing.server.verbs import Verbs
from kinform.testing.server.watching import WatchSettings, WatchTable
from kinform.testing.server.writes import Writes

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kinform.clock import Clock
    from kinform.meta import WireObject
    from kinform.testing.server.address import Address
    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.requests import RecordedRequest

    W = TypeVar("W", bound=WireObject)

__all__ = ["Core"]

A = TypeVar("A", bound=Asking)

_REQUESTS_KEPT: Final = 10_000
_FIRST_NAMESPACES: Final = ("default", "kube-node-lease", "kube-public", "kube-system")


class Core(Generic[A]):
    """What ``Server`` and fake clientsets share: registry, storage and dispatch.

    Takes what ``Server`` takes, and how requests are met on their way in.

    Args:
        intercept: As ``Dispatcher``'s, made when storage and log are there.
        rng: What names and uids are made from.
    """

    def __init__(
        self,
        intercept: Callable[[Core[A]], Callable[[A, RecordedRequest, Address | None], bool]],
        *,
        openapi: Path | str | Mapping[str, object] | None,
        strict: bool,
        garbage_collection: bool,
        watch_list: Literal["on", "off", "ignored"],
        history: int,
        expired_watches: Literal["event", "http"],
        bookmark_interval: float,
        freshness_timeout: float,
        gzip: bool,
        version: str,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.registry: Registry = Registry()
        self.storage: Storage = Storage(history, clock)
        self.watches: WatchTable = WatchTable()
        self.log: RequestLog = RequestLog(_REQUESTS_KEPT)
        self._strict = strict
        removal = Removal(self.storage, clock, collects=garbage_collection)
        if garbage_collection:
            Garbage(self.storage, removal)
        definitions = Definitions(self.registry, self.storage, self.watches)
        schemas = Schemas(read_document(openapi))
        admission = Admission(self.storage, schemas, definitions, strict=strict)
        self.shelf: Shelf = Shelf(self.registry, self.storage, definitions, clock, rng)
        settings = WatchSettings(
            clock=clock,
            watch_list=WatchListMode(watch_list),
            bookmark_interval=bookmark_interval,
            expired_as_event=expired_watches == "event",
            freshness_timeout=freshness_timeout,
            gzip=gzip,
        )
        verbs = Verbs(self.storage, removal, freshness_timeout=freshness_timeout)
        self.dispatch: Dispatcher[A] = Dispatcher(
            registry=self.registry,
            storage=self.storage,
            verbs=verbs,
            writes=Writes(self.storage, admission, clock, rng),
            evictions=Evictions(self.storage, verbs, clock),
            discovery=Discovery(self.registry, OpenApi(self.registry, schemas, version), version),
            watches=self.watches,
            log=self.log,
            settings=settings,
            intercept=intercept(self),
        )

    def make_namespaces(self) -> None:
        """Makes the namespaces that every cluster has, where objects need them."""
        if not self._strict:
            return
        if self.registry.get(NAMESPACES.group, NAMESPACES.version, NAMESPACES.plural) is None:
            self.register(NAMESPACES)
        for name in _FIRST_NAMESPACES:
            self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def register(self, resource: Resource | ServedResource) -> None:
        """Serves a resource from now on.

        Raises:
            ValueError: Another version of it has another kind or scope.
        """
        served = ServedResource.of(resource) if isinstance(resource, Resource) else resource
        self.registry.add(served)
        self.storage.collection(served.group_plural, sort=served.custom)

    def serve_definitions(self) -> None:
        """Serves CustomResourceDefinitions, if it does not yet."""
        where = CUSTOM_RESOURCE_DEFINITIONS
        if self.registry.get(where.group, where.version, where.plural) is None:
            self.register(where)

    def put(self, obj: WireObject | Mapping[str, object]) -> JsonObject:
        """Creates an object or replaces it whole; see ``Server.put``.

        Raises:
            LookupError, ValueError: As there.
        """
        return self.shelf.put(wire_of(obj))

    def get(self, resource: Resource, name: str, namespace: str = "") -> JsonObject | None:
        """An object as JSON, or None.

        Raises:
            LookupError: The resource is not served.
        """
        obj = self.shelf.find(resource, name, namespace)
        return cast("JsonObject", decode(self._renderer(resource).object(obj))) if obj else None

    @overload
    def objects(self, resource: Resource, model: None = None, *, namespace: str = "") -> list[JsonObject]: ...
    @overload
    def objects(self, resource: Resource, model: type[W], *, namespace: str = "") -> list[W]: ...
    def objects(
        self, resource: Resource, model: type[W] | None = None, *, namespace: str = ""
    ) -> list[JsonObject] | list[W]:
        """All objects of a resource, or those in one namespace, by namespace and name; as JSON or as models.

        Raises:
            LookupError: The resource is not served.
        """
        renderer = self._renderer(resource)
        wires = [renderer.object(obj) for obj in self.shelf.list(resource, namespace)]
        if model is not None:
            return [model.from_wire(wire) for wire in wires]
        return [cast("JsonObject", decode(wire)) for wire in wires]

    def _renderer(self, resource: Resource) -> Renderer:
        return Renderer(self.registry.find(resource))
