"""Names of things: keys, resources, owners, and what kinform needs to know of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "HasMetadata",
    "ObjectKey",
    "ObjectMetaLike",
    "OwnerReferenceLike",
    "Resource",
    "WireObject",
    "controller_of",
    "object_key",
    "owner_key",
]


class ObjectKey(NamedTuple):
    """Where an object lives: its namespace (``""`` for cluster-scoped kinds) and name.

    What queues, reconcilers and key handlers carry. Equal and hashable by value; ``str(key)`` is ``"shop/web-0"``
    (client-go's ``cache.ObjectName`` and ``MetaNamespaceKeyFunc``).
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @classmethod
    def parse(cls, text: str) -> ObjectKey:
        """Reads ``"namespace/name"`` or ``"name"``.

        Raises:
            ValueError: The text has more than one slash.
        """
        namespace, slash, name = text.rpartition("/")
        if "/" in namespace:
            raise ValueError(f"{text!r} is not an object key: expected 'name' or 'namespace/name'")
        return cls(namespace if slash else "", name)


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the API: group, version and plural, its kind, and whether its objects live in namespaces.

    Generated packages hold one constant per resource. The core group's name is ``""``.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """``"apps/v1"``, or ``"v1"`` for the core group: what objects carry in ``apiVersion``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection (no name), of an object, or of its subresource.

        Raises:
            ValueError: A namespace was given for a cluster-scoped resource, or a segment could leave its place.
        """
        if namespace and not self.namespaced:
            raise ValueError(f"{self} is cluster-scoped: it has no namespace {namespace!r}")
        for segment in (namespace, name, subresource):
            if segment in {".", ".."} or "/" in segment or "%" in segment:
                raise ValueError(f"{segment!r} cannot be part of a path")
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=":"))
        if subresource:
            parts.append(quote(subresource, safe=""))
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}/{self.version}" if self.group else f"{self.plural}/{self.version}"


class WireObject(Protocol):
    """A model as kinform needs it: made from JSON bytes, and back. Generated models satisfy it."""

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        """Decodes one JSON object.

        Raises:
            ValueError: The bytes are no JSON object, or a field has a type that the model cannot hold.
        """
        ...

    def to_wire(self) -> bytes:
        """The object as JSON: every field that was given, or that now differs from its zero."""
        ...


class OwnerReferenceLike(Protocol):
    """What kinform reads of an owner reference (``meta/v1.OwnerReference``)."""

    @property
    def api_version(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def uid(self) -> str: ...  # noqa: D102
    @property
    def controller(self) -> bool | None: ...  # noqa: D102


class ObjectMetaLike(Protocol):
    """What kinform reads of an object's metadata (``meta/v1.ObjectMeta``)."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def namespace(self) -> str: ...  # noqa: D102
    @property
    def uid(self) -> str: ...  # noqa: D102
    @property
    def resource_version(self) -> str: ...  # noqa: D102
    @property
    def owner_references(self) -> Sequence[OwnerReferenceLike]: ...  # noqa: D102


class HasMetadata(Protocol):
    """Any Kubernetes object: it has metadata."""

    @property
    def metadata(self) -> ObjectMetaLike: ...  # noqa: D102


def object_key(obj: HasMetadata) -> ObjectKey:
    """The key of an object (client-go: ``MetaObjectToName``)."""
    return ObjectKey(obj.metadata.namespace, obj.metadata.name)


def controller_of(obj: HasMetadata) -> OwnerReferenceLike | None:
    """The owner that controls the object, or None (``metav1.GetControllerOf``)."""
    return next((ref for ref in obj.metadata.owner_references if ref.controller), None)


def owner_key(obj: HasMetadata, kind: str) -> ObjectKey | None:
    """The key of the controlling owner if it is of that kind, else None.

    The owner is taken to live in the object's namespace, as owners of namespaced objects do. An owner of a
    cluster-scoped kind shares the object's namespace in the key only where the object has none.
    """
    ref = controller_of(obj)
    return ObjectKey(obj.metadata.namespace, ref.name) if ref is not None and ref.kind == kind else None
