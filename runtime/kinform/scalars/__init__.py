"""Values that JSON and Python see differently, as every kind of model holds them: times, numbers kept as text, text."""

from __future__ import annotations

from kinform.scalars.numbers import NumberText, int_or_string
from kinform.scalars.text import escape_as_go
from kinform.scalars.times import MICRO_TIME, TIME, MicroTimeFormat, TimeFormat, WireMicroTime, WireTime, zero_time

__all__ = [
    "MICRO_TIME",
    "TIME",
    "MicroTimeFormat",
    "NumberText",
    "TimeFormat",
    "WireMicroTime",
    "WireTime",
    "escape_as_go",
    "int_or_string",
    "zero_time",
]
