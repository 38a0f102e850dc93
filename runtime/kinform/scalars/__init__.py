"""Values that JSON and Python see differently, as every kind of model holds them: times, and numbers kept as text."""

from __future__ import annotations

from kinform.scalars.numbers import NumberText, int_or_string
from kinform.scalars.times import MICRO_TIME, TIME, MicroTimeFormat, TimeFormat, WireMicroTime, WireTime, zero_time

__all__ = [
    "MICRO_TIME",
    "TIME",
    "MicroTimeFormat",
    "NumberText",
    "TimeFormat",
    "WireMicroTime",
    "WireTime",
    "int_or_string",
    "zero_time",
]
