"""What models made of msgspec structs are made of: the base class, and the types that JSON and Python see differently.

The other kind of models is in `kinform.model`; this room does without pydantic.
"""

from __future__ import annotations

from msgspec import field as Field  # noqa: N812 - no attribute of a generated class can hide this name

from kinform.structs.base import Struct
from kinform.structs.scalars import (
    AbsentObject,
    Default,
    Duration,
    Hidden,
    IntOrString,
    Json,
    MicroTime,
    Number,
    OmitZero,
    Quantity,
    RawExtension,
    Time,
)

__all__ = [
    "AbsentObject",
    "Default",
    "Duration",
    "Field",
    "Hidden",
    "IntOrString",
    "Json",
    "MicroTime",
    "Number",
    "OmitZero",
    "Quantity",
    "RawExtension",
    "Struct",
    "Time",
]
