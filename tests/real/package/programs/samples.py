"""What the round trip needs to know of an object: how to make it, and how to change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from kinform.client import ApiObject
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UNICODE", "Sample", "metadata"]

T = TypeVar("T", bound=ApiObject)

UNICODE = 'Käse, 漢字, 🧀, \u2028, "quoted", \\back\\, <b>&amp;</b>, tab\t, line\n'
"""Text that JSON writers escape in different ways."""


@dataclass(frozen=True)
class Sample(Generic[T]):
    """One object for the server.

    Attributes:
        obj: What to create.
        change: What to alter in it afterwards; None: nothing but the annotation that every sample gets.
        change_status: What to write to its status, where somebody must: no controller runs.
    """

    obj: T
    change: Callable[[T], object] | None = None
    change_status: Callable[[T], object] | None = None


def metadata(name: str, namespace: str = "") -> ObjectMeta:
    """Metadata with labels, and an annotation that is hard on JSON writers."""
    labels = {"app.kubernetes.io/part-of": "samples", "empty": ""}
    return ObjectMeta(name=name, namespace=namespace, labels=labels, annotations={"example.com/note": UNICODE})
