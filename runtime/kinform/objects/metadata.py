"""The metadata that objects of all kinds have, and objects of which nothing else is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from kinform.structs import Field, OmitZero, Struct, Time

if TYPE_CHECKING:
    from kinform.meta import WireObject

__all__ = ["ObjectMeta", "OwnerReference", "PartialObjectMetadata"]


class OwnerReference(Struct, kw_only=True, rename="camel"):
    """An object on which another depends (``meta/v1.OwnerReference``)."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(Struct, kw_only=True, rename="camel"):
    """An object's metadata (``meta/v1.ObjectMeta``), less ``managedFields``, which no cache of kinform's holds."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] = {}  # noqa: RUF012  (each object gets one of its own)
    annotations: dict[str, str] = {}  # noqa: RUF012
    owner_references: list[OwnerReference] = []  # noqa: RUF012
    finalizers: list[str] = []  # noqa: RUF012


class PartialObjectMetadata(Struct, kw_only=True, rename="camel", gc=True, weakref=True):
    """The metadata of an object of any kind, and nothing else of it (``meta/v1.PartialObjectMetadata``).

    An informer of this class, ``factory.metadata().for_resource(PODS)``, asks the server for no more than that. From
    its cache, ``api_version`` and ``kind`` are those of the object itself. Reads and writes as any struct; fields of
    metadata that are newer than this class are dropped.
    """

    api_version: str = "meta.k8s.io/v1"
    kind: str = "PartialObjectMetadata"
    metadata: Annotated[ObjectMeta, OmitZero] = Field(default_factory=ObjectMeta)

    @classmethod
    def of(cls, obj: WireObject) -> Self:
        """What there is of another object: to wait, in a metadata informer, for what a client call returned.

        Raises:
            ValueError: Its metadata is none.
        """
        return cls.from_wire(obj.to_wire())
