"""The objects of a fake clientset, past every rule of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, final, overload

from kinform.errors import status_error
from kinform.meta import WireObject
from kinform.status import read_status
from kinform.testing.server import lifecycle, refusals
from kinform.testing.server.documents import child, decode, encode, wire_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.errors import ApiStatusError
    from kinform.meta import Resource
    from kinform.testing.fake_clientset.call import Call
    from kinform.testing.server.core import Core
    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.refusals import Refusal

__all__ = ["ObjectTracker"]

W = TypeVar("W", bound=WireObject)


@final
class ObjectTracker:
    """Where the objects are (client-go: ``testing.ObjectTracker``).

    What is done here is no action and meets no reactor, but watches tell of it. Objects go in and come out as copies.
    Thread-safe; nothing blocks.
    """

    def __init__(self, core: Core[Call]) -> None:
        self._core = core

    @property
    def resource_version(self) -> str:
        """The resourceVersion of the latest change of any object."""
        return str(self._core.storage.revision)

    def add(self, *objects: WireObject | Mapping[str, object]) -> None:
        """Puts in objects as they are: status, finalizers, deletionTimestamp and all.

        uid, creationTimestamp and generation are made where an object has none; its resourceVersion counts for nothing.

        Args:
            objects: Models, or JSON as mappings; with apiVersion, kind, ``metadata.name`` and, for namespaced kinds,
                ``metadata.namespace``. Of lists, as ``kubectl get -o json`` prints them, the items.

        Raises:
            AlreadyExistsError: There is one of that kind and name. Those before it are in.
            LookupError: There is no such kind.
            ValueError: One has no name, or its namespace does not go with its kind.
        """
        for obj in objects:
            for each in self._items(_tree(obj)):
                self._put(each, exists=False)

    def update(self, *objects: WireObject | Mapping[str, object]) -> None:
        """Replaces objects whole; the rest is as for :meth:`add`.

        Raises:
            NotFoundError: There is none of that kind and name. Those before it are replaced.
            LookupError, ValueError: As ``add``.
        """
        for obj in objects:
            self._put(_tree(obj), exists=True)

    def _items(self, tree: JsonObject) -> list[JsonObject]:
        """The objects that a list holds; or the object itself, if it is none."""
        version, kind = (lifecycle.text_of(tree, name) for name in ("apiVersion", "kind"))
        items = tree.get("items")
        if not kind.endswith("List") or not isinstance(items, list) or self._core.registry.has_kind(version, kind):
            return [tree]
        # The items of typed lists come without their types.
        types: JsonObject = {} if kind == "List" else {"apiVersion": version, "kind": kind.removesuffix("List")}
        return [{**types, **item} for item in items if isinstance(item, dict)]

    def _put(self, tree: JsonObject, *, exists: bool) -> None:
        resource = self._resource_of(lifecycle.text_of(tree, "apiVersion"), lifecycle.text_of(tree, "kind"))
        metadata = child(tree, "metadata")
        name, namespace = (lifecycle.text_of(metadata, each) for each in ("name", "namespace"))
        with self._core.storage.lock:
            found = self._core.shelf.find(resource, name, namespace) is not None
            if found and not exists:
                raise _error(refusals.already_exists(resource, name))
            if exists and not found:
                raise _error(refusals.not_found(resource, name))
            self._core.put(tree)

    def _resource_of(self, api_version: str, kind: str) -> Resource:
        try:
            return self._core.registry.of_kind(api_version, kind).resource
        except LookupError:
            raise LookupError(
                f"no {kind!r} of {api_version!r} is known here: add its CustomResourceDefinition first, or use the"
                " FakeClientset of its package, which can share this one's cluster: FakeClientset.sharing(fake, obj)"
            ) from None

    def delete(self, resource: Resource, name: str, namespace: str = "") -> None:
        """Takes an object out at once, finalizers or not.

        Raises:
            NotFoundError: There is none.
            LookupError: There is no such resource.
        """
        with self._core.storage.lock:
            if self._core.shelf.find(resource, name, namespace) is None:
                raise _error(refusals.not_found(resource, name))
            self._core.shelf.delete(resource, name, namespace)

    @overload
    def get(self, resource: Resource, name: str, namespace: str = "", *, model: None = None) -> JsonObject: ...
    @overload
    def get(self, resource: Resource, name: str, namespace: str = "", *, model: type[W]) -> W: ...
    def get(
        self, resource: Resource, name: str, namespace: str = "", *, model: type[W] | None = None
    ) -> JsonObject | W:
        """An object, as JSON or as a model: ``tracker.get(PODS, "web-0", "shop", model=Pod)``.

        Raises:
            NotFoundError: There is none.
            LookupError: There is no such resource.
            ValueError: It is not of that model.
        """
        found = self._core.get(resource, name, namespace)
        if found is None:
            raise _error(refusals.not_found(resource, name))
        return found if model is None else model.from_wire(encode(found))

    @overload
    def list(self, resource: Resource, namespace: str = "", *, model: None = None) -> list[JsonObject]: ...
    @overload
    def list(self, resource: Resource, namespace: str = "", *, model: type[W]) -> list[W]: ...
    def list(
        self, resource: Resource, namespace: str = "", *, model: type[W] | None = None
    ) -> list[JsonObject] | list[W]:
        """All objects of a resource, or those in one namespace, by namespace and name; as JSON or as models.

        Raises:
            LookupError: There is no such resource.
        """
        if model is None:
            return self._core.objects(resource, namespace=namespace)
        return self._core.objects(resource, model, namespace=namespace)


def _tree(obj: WireObject | Mapping[str, object]) -> JsonObject:
    tree = decode(wire_of(obj))
    if not isinstance(tree, dict):
        raise ValueError(f"{obj!r} is no object of Kubernetes")  # noqa: TRY004  (its content, not its type)
    return tree


def _error(refusal: Refusal) -> ApiStatusError:
    status = read_status(refusal.body)
    assert status is not None
    return status_error(status)
