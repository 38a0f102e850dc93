"""The types of fields that are more than their annotation says, and the marks that fields carry."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from kinform.scalars import WireMicroTime, WireTime

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "AbsentObject",
    "Default",
    "Duration",
    "Hidden",
    "IntOrString",
    "Json",
    "Mark",
    "MicroTime",
    "Number",
    "OmitZero",
    "Quantity",
    "RawExtension",
    "Time",
]


class Mark(Enum):
    """What stands in an ``Annotated`` type for kinform to find."""

    HIDDEN = "hidden"
    OMIT_ZERO = "omitzero"
    QUANTITY = "quantity"
    INT_OR_STRING = "int-or-string"
    NUMBER = "number"
    RAW = "raw"


Hidden: Final = Mark.HIDDEN
"""Marks a field whose value must not be seen in a ``repr``."""

OmitZero: Final = Mark.OMIT_ZERO
"""Marks a struct that is left out while it is its zero (Go's ``omitzero``)."""

if TYPE_CHECKING:
    Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
    """Any JSON value, as Python reads it."""

    RawExtension: TypeAlias = dict[str, Json]
    """A free-form object (``runtime.RawExtension``, ``FieldsV1``, preserve-unknown-fields): kept whole."""

    Quantity: TypeAlias = str
    """An amount such as ``"500m"`` or ``"2Gi"`` (``resource.Quantity``); a bare number reads as its text and is written
    back as the number."""

    IntOrString: TypeAlias = int | str
    """A port number or name, a count or percentage (``intstr.IntOrString``)."""

    Number: TypeAlias = float
    """A JSON number; one without a fraction stays an int."""

    Time: TypeAlias = datetime
    """A datetime with a time zone, ``meta/v1.Time``. Any aware datetime may be given; the server keeps its seconds."""

    MicroTime: TypeAlias = datetime
    """A datetime with a time zone and microseconds, ``meta/v1.MicroTime``. Any aware datetime may be given."""
else:
    # What msgspec decodes at its best speed; where a server sends something else, the marks tell how to read it.
    Json = Any
    RawExtension = Annotated[dict[str, Any], Mark.RAW]
    Quantity = Annotated[str, Mark.QUANTITY]
    IntOrString = Annotated[int | str, Mark.INT_OR_STRING]
    Number = Annotated[int | float, Mark.NUMBER]
    Time = WireTime
    MicroTime = WireMicroTime


class AbsentObject(dict[str, Json]):
    """A free-form object that is not there: empty, and left out until something is put into it.

    An empty object that is there, ``recreate: {}``, may mean something, and is written back.
    """

    __slots__ = ()


class Default(int):
    """An integer that is a field's default and that nobody gave.

    What was given is told from it by identity, and Python has only one 3.
    """

    __slots__ = ()


Duration: TypeAlias = str
"""A duration in Go's notation, such as ``"1h30m"`` (``meta/v1.Duration``)."""
