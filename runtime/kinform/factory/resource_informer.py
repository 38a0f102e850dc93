"""What ``factory.core().v1().pods()`` is: one kind's way to its informer, the base of generated accessors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from kinform.meta import WireObject

if TYPE_CHECKING:
    from kinform.factory.factory import InformerFactory
    from kinform.factory.options import InformerOptions, InformerSpec
    from kinform.informer import SharedInformer
    from kinform.meta import Resource

__all__ = ["ResourceInformer"]

T = TypeVar("T", bound=WireObject)


class ResourceInformer(Generic[T]):
    """One kind as a factory watches it; generated classes add ``lister()``. Thread-safe.

    Making one watches nothing: ``informer()`` does, which generated listers call. (client-go: ``PodInformer``.)

    Args:
        factory: Shares the informers.
        resource: What to watch.
        model: The class of its objects.
        options: What is wanted otherwise than the factory does.

    Raises:
        SelectorError: A selector does not parse.
        ConflictingInformerError: The same objects were asked for before, with another transform, resync or model.
        TypeError: There is no such option.
        ValueError: A namespace cannot be one, or is given for a kind without.
    """

    def __init__(self, factory: InformerFactory, resource: Resource, model: type[T], options: InformerOptions) -> None:
        self._factory = factory
        self._resource = resource
        self._model = model
        self._spec = factory.reserve(resource, model, options)
        self._informer: SharedInformer[T] | None = None

    @property
    def spec(self) -> InformerSpec:
        """What its options came to, together with the factory's."""
        return self._spec

    @property
    def resource(self) -> Resource:
        """What is watched."""
        return self._resource

    def informer(self) -> SharedInformer[T]:
        """The shared informer, the same at each call; it is made, and in a started factory started, by the first.

        Raises:
            InformerStoppedError: The factory has been stopped and never had this informer.
            ForkedError: The factory runs in the parent process.
        """
        if self._informer is None:
            self._informer = self._factory.informer_of(self._spec, self._model)
        return self._informer

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._resource}>"
