"""The generated sources, and which class each schema became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinform_codegen.models.places import ClassRef

__all__ = ["ModelSources"]


@dataclass(frozen=True, slots=True)
class ModelSources:
    """The generated models.

    Attributes:
        files: Source by path under the package, such as ``models/core/v1.py``; not formatted.
        classes: The class of each schema that became one, by the schema's name.
        lossy: The classes whose schemas are open to any field, and which drop those that have no name there.
    """

    files: dict[str, str]
    classes: dict[str, ClassRef]
    lossy: tuple[ClassRef, ...] = ()
