"""The base class of generated structs: reads as Go does, and writes as Go does."""

from __future__ import annotations

import copy
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Self, cast

import msgspec

from kinform.structs.layout import layout_of
from kinform.structs.reading import decode
from kinform.structs.scalars import Default
from kinform.structs.writing import encode

if TYPE_CHECKING:
    from kinform.structs.layout import FieldLayout

__all__ = ["Struct"]

# What a deep copy shares; a default among it must stay the same object, since msgspec tells it by that.
_ATOMS: Final = frozenset({str, int, bool, float, NoneType, Default})
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class Struct(msgspec.Struct, omit_defaults=True, gc=False):
    """An object of the API, or a part of one.

    *Reading.* An attribute is never missing: what the wire does not have, or has as null, reads as Go's zero (``""``,
    ``0``, ``False``, an empty list, an empty struct), or as None where Go has a pointer. No value is refused for its
    range, pattern or enumeration. Fields that the class does not know are dropped, as in client-go.

    *Making.* Constructors take the attributes' names, ``PodSpec(node_name="n1")``, and refuse others with a TypeError.
    They check no types: a type checker does. Setting an attribute that is none raises AttributeError.

    *Writing.* ``to_wire`` leaves out what is optional and still its zero or its default, at any depth, and what is
    None; what the API requires is always written. It does not tell a zero that was given from one that was not.
    Deleting an attribute (``del pod.spec.node_name``) makes it zero again.

    Equal where all values are equal. Copies, deep copies and pickles are whole. ``repr`` shows what is not zero,
    without the values of secrets. An object that no thread changes may be read by any number of them. The cyclic
    garbage collector does not look into structs: never make one hold itself through a free-form value.
    """

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        """Decodes one JSON object by its wire names.

        Raises:
            ValueError: The bytes are no JSON object, or a field has a type that the class cannot hold. The message has
                the paths of the fields, and never their values.
        """
        return decode(cls, data)

    def to_wire(self) -> bytes:
        """The object as compact JSON; that of a kind starts with ``apiVersion`` and ``kind``, given or not.

        Text is escaped as Go's, whose bytes the API server compares in places.

        Raises:
            ValueError: A datetime has no time zone.
            TypeError: A field was assigned what JSON cannot hold.
        """
        return encode(self)

    def __delattr__(self, name: str) -> None:
        field = next((each for each in layout_of(type(self)) if each.name == name), None)
        if field is None:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")
        setattr(self, name, field.zero if field.make is None else field.make())

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        same = copy.copy(self)
        memo[id(self)] = same
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value.__class__ not in _ATOMS:
                setattr(same, name, copy.deepcopy(value, memo))
        return same

    def __reduce__(self) -> tuple[object, ...]:
        # Without defaults, which msgspec tells by identity when it writes: a pickle would make others of them.
        values = ((each, getattr(self, each.name)) for each in layout_of(type(self)))
        return _make, (type(self), {each.name: value for each, value in values if value is not each.zero})

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """What is not zero, as ``rich`` shows it, without the values of secrets."""
        shown = ((field, getattr(self, field.name)) for field in layout_of(type(self)))
        return [(field.name, _visible(field, value)) for field, value in shown if value != field.zero]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


def _make(cls: type[Struct], values: dict[str, Any]) -> Struct:
    return cls(**values)


def _visible(field: FieldLayout, value: object) -> object:
    if field.hidden and value:
        return _Hidden()
    if isinstance(value, dict):
        shown = cast("dict[str, object]", value)
        return shown | {_LAST_APPLIED: _Hidden()} if _LAST_APPLIED in shown else shown
    return value


class _Hidden:
    """Stands in a repr for a value that must not be seen."""

    def __repr__(self) -> str:
        return "<hidden>"
