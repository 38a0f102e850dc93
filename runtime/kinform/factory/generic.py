"""Informers of resources that the program's text does not know: what ``factory.metadata()`` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from kinform.factory.resource_informer import ResourceInformer
from kinform.lister import GenericLister
from kinform.meta import WireObject

if TYPE_CHECKING:
    from typing import Unpack

    from kinform.factory.factory import InformerFactory
    from kinform.factory.options import InformerOptions
    from kinform.meta import Resource

__all__ = ["GenericInformer", "GenericInformers"]

T = TypeVar("T", bound=WireObject)


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

    (client-go: ``metadatainformer.SharedInformerFactory``.)

    Args:
        factory: Shares the informers.
        model: The class of their objects.
    """

    def __init__(self, factory: InformerFactory, model: type[T]) -> None:
        self._factory = factory
        self._model = model

    def for_resource(self, resource: Resource, /, **options: Unpack[InformerOptions]) -> GenericInformer[T]:
        """The informer of a resource, the same one for the same options (client-go: ``ForResource``).

        Args:
            resource: Such as ``kinform_k8s.resources.core.v1.PODS``.
            **options: What is wanted otherwise than the factory does.

        Raises:
            SelectorError: A selector does not parse.
            ConflictingInformerError: The same objects were asked for before, with another transform or resync.
            TypeError: There is no such option.
            ValueError: A namespace cannot be one, or is given for a kind without.
        """
        return self._factory.shared_accessor(GenericInformer(self._factory, resource, self._model, options))
