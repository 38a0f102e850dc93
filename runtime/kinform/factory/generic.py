"""Informers of resources that the program's text does not know: what ``factory.dynamic()`` and ``metadata()`` give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar, overload

from kinform.errors import VerbNotSupportedError
from kinform.factory.resource_informer import ResourceInformer
from kinform.lister import GenericLister
from kinform.meta import WireObject

if TYPE_CHECKING:
    from typing import Unpack

    from kinform.discovery import ApiResource
    from kinform.factory.factory import InformerFactory
    from kinform.factory.options import InformerOptions
    from kinform.meta import Resource

__all__ = ["GenericInformer", "GenericInformers"]

T = TypeVar("T", bound=WireObject)

_NEEDED: Final = ("list", "watch")


class GenericInformer(ResourceInformer[T]):
    """Follows any resource: its shared informer and its lister (client-go: ``informers.GenericInformer``)."""

    def lister(self, *, allow_unsynced: bool = False) -> GenericLister[T]:
        """Reads the informer's cache.

        Args:
            allow_unsynced: Answer from what is there before the first sync, instead of raising CacheNotSyncedError.
        """
        return GenericLister(self.informer(), allow_unsynced=allow_unsynced)


class GenericInformers(Generic[T]):
    """A factory's informers of one class of objects, for any resource. Thread-safe.

    Resources are looked up in what the server says that it has; one that is given as a ``Resource`` is not looked up.
    (client-go: ``dynamicinformer.DynamicSharedInformerFactory``, ``metadatainformer.SharedInformerFactory``.)

    Args:
        factory: Shares the informers, and knows the resources.
        model: The class of their objects.
    """

    def __init__(self, factory: InformerFactory, model: type[T]) -> None:
        self._factory = factory
        self._model = model

    @overload
    def for_resource(self, resource: Resource, /, **options: Unpack[InformerOptions]) -> GenericInformer[T]: ...
    @overload
    def for_resource(
        self, api_version: str, name: str, /, **options: Unpack[InformerOptions]
    ) -> GenericInformer[T]: ...
    def for_resource(
        self, resource: Resource | str, name: str = "", /, **options: Unpack[InformerOptions]
    ) -> GenericInformer[T]:
        """The informer of a resource, the same one for the same options (client-go: ``ForResource``).

        Blocks where the server must be asked for the resource.

        Args:
            resource: The resource, such as ``kinform_k8s.resources.core.v1.PODS``; or its group and version as in
                objects: ``"example.com/v1"``.
            name: Its plural, singular or short name.
            **options: What is wanted otherwise than the factory does.

        Raises:
            NoMatchError: The server has none; the message says what looks alike.
            AmbiguousMatchError: Several have that name.
            VerbNotSupportedError: It cannot be listed and watched.
            SelectorError: A selector does not parse.
            ConflictingInformerError: The same objects were asked for before, with another transform or resync.
            TypeError: There is no such option.
            ValueError: A namespace cannot be one, or is given for a kind without; or the apiVersion is none.
            ApiStatusError, TransportError, DiscoveryError: The server cannot be asked.
        """
        if isinstance(resource, str):
            resource = _followable(self._factory.rest_mapper.for_resource(resource, name))
        return self._informer(resource, options)

    def for_kind(self, api_version: str, kind: str, /, **options: Unpack[InformerOptions]) -> GenericInformer[T]:
        """The informer of the resource whose objects are of that kind; otherwise as ``for_resource``."""
        return self._informer(_followable(self._factory.rest_mapper.for_kind(api_version, kind)), options)

    def _informer(self, resource: Resource, options: InformerOptions) -> GenericInformer[T]:
        return self._factory.shared_accessor(GenericInformer(self._factory, resource, self._model, options))


def _followable(found: ApiResource) -> Resource:
    if not found.supports(*_NEEDED):
        verbs = ", ".join(found.verbs) or "no verb at all"
        raise VerbNotSupportedError(
            f"{found.resource} cannot be followed: an informer needs {' and '.join(_NEEDED)}, the server has {verbs}"
        )
    return found.resource
