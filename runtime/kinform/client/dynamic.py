"""Clients of resources that the program's text does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from kinform.client.clientset import ClientsetBase
from kinform.client.deleting import CollectionDeletable, Deletable
from kinform.client.options import PatchType
from kinform.client.reading import Gettable, Listable, StatusReadable
from kinform.client.watching import Watchable
from kinform.client.writing import Creatable, Patchable, StatusPatchable, StatusUpdatable, Updatable
from kinform.discovery import RestMapper
from kinform.objects import DynamicObject

if TYPE_CHECKING:
    from kinform.client.options import PatchBody
    from kinform.flowcontrol import RateLimiter
    from kinform.meta import Resource
    from kinform.transport import ApiSource, Transport

__all__ = ["DynamicClient", "DynamicResourceClient"]


class DynamicResourceClient(
    Creatable[DynamicObject],
    Gettable[DynamicObject],
    Listable[DynamicObject],
    Watchable[DynamicObject],
    Updatable[DynamicObject],
    Patchable[DynamicObject],
    Deletable[DynamicObject],
    CollectionDeletable[DynamicObject],
    StatusReadable[DynamicObject],
    StatusUpdatable[DynamicObject],
    StatusPatchable[DynamicObject],
):
    """Reads and writes the objects of any resource (client-go: ``dynamic.ResourceInterface``).

    It has every verb, whatever the server has: what it has not raises ``MethodNotAllowedError`` or ``NotFoundError``.

    Args:
        transport: The way to the API server.
        resource: The resource.
        namespace: Where the objects are; ``""`` lists and watches all namespaces.
    """

    def __init__(self, transport: Transport, resource: Resource, namespace: str = "") -> None:
        super().__init__(transport, resource, DynamicObject, namespace)

    def get_subresource(self, name: str, subresource: str) -> DynamicObject:
        """Reads an object's subresource, such as ``scale``. Blocks.

        Raises:
            NotFoundError: There is no such object or subresource.
            ValueError: The client is for all namespaces, or a name is none.
            ApiStatusError, TransportError: As for every request.
        """
        return self._get_subresource(name, subresource, DynamicObject)

    def create_subresource(
        self,
        name: str,
        subresource: str,
        obj: DynamicObject,
        *,
        dry_run: bool = False,
        field_manager: str | None = None,
    ) -> DynamicObject:
        """Posts to an object's subresource, such as ``token`` or ``eviction``, and returns what the server answers.

        Blocks. Raises as ``get_subresource`` does.
        """
        return self._create_subresource(
            name, subresource, obj, DynamicObject, dry_run=dry_run, field_manager=field_manager
        )

    def update_subresource(
        self,
        name: str,
        subresource: str,
        obj: DynamicObject,
        *,
        dry_run: bool = False,
        field_manager: str | None = None,
    ) -> DynamicObject:
        """Replaces an object's subresource, such as ``scale``. Blocks. Raises as ``get_subresource`` does."""
        return self._update_subresource(name, subresource, obj, dry_run=dry_run, field_manager=field_manager)

    def patch_subresource(
        self,
        name: str,
        subresource: str,
        patch: PatchBody,
        *,
        type: PatchType = PatchType.MERGE,  # noqa: A002  (the name that users know)
        dry_run: bool = False,
        field_manager: str | None = None,
        force: bool = False,
    ) -> DynamicObject:
        """Patches an object's subresource, such as ``scale``; arguments and errors are those of ``patch``. Blocks."""
        return self._patch_subresource(
            name,
            subresource,
            patch,
            DynamicObject,
            type=type,
            dry_run=dry_run,
            field_manager=field_manager,
            force=force,
        )


class DynamicClient(ClientsetBase):
    """Clients of any resource over one transport (client-go: ``dynamic.Interface``). Thread-safe.

    ``client.for_resource("example.com/v1", "widgets", namespace="shop").get("w")``. Resources are looked up in what the
    server says that it has; one that is given as a ``Resource`` is not looked up.
    """

    def __init__(
        self,
        source: ApiSource | Transport,
        *,
        mapper: RestMapper | None = None,
        rate_limiter: RateLimiter | None = None,
    ) -> None:
        """Makes a transport, or shares one; asks nothing yet.

        Args:
            source: As ``ClientsetBase``.
            mapper: What knows the resources, such as a factory's ``rest_mapper``; None: one of its own.
            rate_limiter: As ``ClientsetBase``.

        Raises:
            ConfigurationError: As ``Transport``.
            ValueError: A rate limiter for a transport that is made already.
        """
        super().__init__(source, rate_limiter=rate_limiter)
        self._mapper = RestMapper(self.transport) if mapper is None else mapper

    @property
    def rest_mapper(self) -> RestMapper:
        """What knows the resources."""
        return self._mapper

    @overload
    def for_resource(self, resource: Resource, /, *, namespace: str = "") -> DynamicResourceClient: ...
    @overload
    def for_resource(self, api_version: str, name: str, /, *, namespace: str = "") -> DynamicResourceClient: ...
    def for_resource(
        self, resource: Resource | str, name: str = "", /, *, namespace: str = ""
    ) -> DynamicResourceClient:
        """The client of a resource (client-go: ``Resource(gvr)``). Blocks where the server must be asked for it.

        Args:
            resource: The resource, or its group and version as in objects: ``"example.com/v1"``.
            name: Its plural, singular or short name.
            namespace: Where its objects are; ``""``: in all namespaces, or in none.

        Raises:
            NoMatchError: The server has none; the message says what looks alike.
            AmbiguousMatchError: Several have that name.
            ValueError: A namespace for a resource that has none, or the apiVersion is none.
            ApiStatusError, TransportError, DiscoveryError: The server cannot be asked.
        """
        found = self._mapper.for_resource(resource, name).resource if isinstance(resource, str) else resource
        return DynamicResourceClient(self.transport, found, namespace)

    def for_kind(self, api_version: str, kind: str, *, namespace: str = "") -> DynamicResourceClient:
        """The client of the resource whose objects are of that kind; otherwise as ``for_resource``.

        ``client.for_kind(obj.api_version, obj.kind).apply(obj, field_manager="me")`` writes any object to where it
        belongs.
        """
        return DynamicResourceClient(self.transport, self._mapper.for_kind(api_version, kind).resource, namespace)
