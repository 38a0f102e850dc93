"""What generated models are made of: the base class, and the types that JSON and Python see differently."""

from __future__ import annotations

from kinform.model.base import Model
from kinform.model.scalars import Duration, IntOrString, Json, Number, Quantity, RawExtension
from kinform.model.times import MicroTime, Time

__all__ = [
    "Duration",
    "IntOrString",
    "Json",
    "MicroTime",
    "Model",
    "Number",
    "Quantity",
    "RawExtension",
    "Time",
]
