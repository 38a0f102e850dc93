"""What kinform knows of a class's fields: worked out from the class once, when first wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeGuard, get_args, get_origin

import msgspec

from kinform.structs.scalars import Mark

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FieldLayout", "is_struct", "layout_of", "unmarked"]

# Two threads may work out the same one; either will do.
_LAYOUTS: Final[dict[type, tuple[FieldLayout, ...]]] = {}


class FieldLayout(NamedTuple):
    """One field of a class.

    Attributes:
        name: The attribute.
        wire: The JSON key.
        type: Its annotation, resolved, without marks of the field itself.
        zero: What absence reads as; for lists, maps and structs one to compare with, never to hand out.
        make: Makes the zero to hand out; None where it is the one above.
        omit_zero: Whether it is a struct that is left out while it is its zero.
        hidden: Whether its value must not be seen.
    """

    name: str
    wire: str
    type: Any
    zero: object
    make: Callable[[], object] | None
    omit_zero: bool
    hidden: bool


def layout_of(cls: type[msgspec.Struct]) -> tuple[FieldLayout, ...]:
    """The fields of a class, in order. Thread-safe."""
    layout = _LAYOUTS.get(cls)
    if layout is None:
        layout = _LAYOUTS[cls] = tuple(map(_layout, msgspec.structs.fields(cls)))
    return layout


def _layout(info: msgspec.structs.FieldInfo) -> FieldLayout:
    _, marks = unmarked(info.type)
    make = None if info.default_factory is msgspec.NODEFAULT else info.default_factory
    return FieldLayout(
        name=info.name,
        wire=info.encode_name,
        type=info.type,
        zero=info.default if make is None else make(),
        make=make,
        omit_zero=Mark.OMIT_ZERO in marks,
        hidden=Mark.HIDDEN in marks,
    )


def unmarked(tp: Any) -> tuple[Any, frozenset[Mark]]:
    """A type without its ``Annotated``, and the marks that stood there."""
    marks: frozenset[Mark] = frozenset()
    while get_origin(tp) is Annotated:
        tp, *extras = get_args(tp)
        marks |= {extra for extra in extras if isinstance(extra, Mark)}
    return tp, marks


def is_struct(tp: object) -> TypeGuard[type[msgspec.Struct]]:
    """Whether a type is a class of structs."""
    return isinstance(tp, type) and issubclass(tp, msgspec.Struct)
