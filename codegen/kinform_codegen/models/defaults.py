"""Defaults of scalars: what absence reads as in custom resources, whose server fills them in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kinform_codegen.models.shapes import Shape

__all__ = ["default_source"]

_INT64: Final = range(-(2**63), 2**63)


def default_source(shape: Shape, default: object) -> str | None:
    """The source of what absence reads as, by a property's default.

    A scalar's default is itself. Of lists, maps and classes no default is told: absence reads as empty, or as a class
    whose own defaults apply.

    Args:
        shape: The property's shape.
        default: What its schema says, which may be anything.

    Returns:
        Python of a literal, or `STRUCT` for a class. None where the default is none that a server could fill in (text
        for an integer, infinity, more than 64 bits): then the property has no default.
    """
    if isinstance(default, float) and float not in shape.default_types and default.is_integer():
        default = int(default)  # 3.0 is an integer in JSON
    if type(default) not in shape.default_types:
        return None
    match default:
        case list() | dict():
            return shape.zero
        case float() if not math.isfinite(default):
            return None
        case int() if default not in _INT64:
            return None
        case _:
            # A quantity is text, also where its default is a number.
            return repr(str(default) if shape.zero == '""' else default)
