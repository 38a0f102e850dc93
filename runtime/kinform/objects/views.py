"""What is wanted of a resource's objects: the class that they are read as decides."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from kinform.objects.dynamic import DynamicObject
from kinform.objects.metadata import PartialObjectMetadata

if TYPE_CHECKING:
    from kinform.meta import WireObject

__all__ = ["View", "view_of"]


class View(StrEnum):
    """How an informer looks at a resource; two views of one resource are two watches."""

    TYPED = ""
    """As objects of a generated class."""
    METADATA = "metadata"
    """As metadata: the server is asked for nothing else."""
    DYNAMIC = "dynamic"
    """As whole objects of no particular class."""


def view_of(model: type[WireObject]) -> View:
    """The view that a class of objects stands for (kube-rs: ``Api<PartialObjectMeta<K>>``)."""
    if issubclass(model, PartialObjectMetadata):
        return View.METADATA
    return View.DYNAMIC if issubclass(model, DynamicObject) else View.TYPED
