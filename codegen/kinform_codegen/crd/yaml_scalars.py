"""What unquoted YAML scalars mean, by the rules of kubectl: YAML 1.1 as sigs.k8s.io/yaml reads it, on its way to JSON.

They are not PyYAML's rules: no times, no sexagesimal numbers (``12:30``), but ``y`` and ``n``, and octal numbers with
and without an ``o``.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Scalar", "json_number", "plain_scalar", "tagged_scalar"]

Scalar: TypeAlias = "str | int | float | bool | None"

_WORDS: Final[Mapping[str, Scalar]] = {
    spelling: value
    for word, value in {
        "y": True, "yes": True, "true": True, "on": True,
        "n": False, "no": False, "false": False, "off": False,
        "null": None,
        ".nan": math.nan, ".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf,
    }.items()
    for spelling in (word, word.capitalize(), word.upper())
} | {"": None, "~": None, ".NaN": math.nan, ".Inf": math.inf, "+.Inf": math.inf, "-.Inf": -math.inf}  # fmt: skip
"""``True``, ``true`` and ``TRUE``, but not ``tRUE``."""

_FIRST: Final = frozenset("0123456789+-.")
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))"
)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASES: Final = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_LONGEST_INTEGER: Final = 66
"""Characters: more than 64 bits are no integer, and Python's own conversion takes quadratic time."""
_LEAST: Final = -(2**63)
_GREATEST: Final = 2**63 - 1
_GREATEST_UNSIGNED: Final = 2**64 - 1

_TAGS: Final[dict[str, tuple[type, ...]]] = {
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (int, float),
    "tag:yaml.org,2002:null": (type(None),),
}
_TEXT_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp"})


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar without a tag. It may be a number that JSON has not (``.nan``)."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    digits = text.replace("_", "")
    number: int | float | None = _integer(digits)
    if number is None and _FLOAT.fullmatch(digits):
        number = json_number(digits)
    return text if number is None or math.isinf(number) else number


def tagged_scalar(tag: str, text: str) -> Scalar:
    """The value of a scalar with a tag, quoted or not.

    Raises:
        ValueError: The tag is none of JSON's types, or the text does not fit it.
    """
    if tag in _TEXT_TAGS:
        return text
    value = plain_scalar(text)
    kinds = _TAGS.get(tag)
    if kinds is None or not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(tag)
    return value


def json_number(text: str) -> int | float:
    """A number with a fraction or an exponent, as Go writes it to JSON: ``1.0`` and ``1e0`` are ``1``."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def _integer(text: str) -> int | None:
    """An integer of 64 bits, with or without a sign bit; None where the text is none."""
    match = _INTEGER.fullmatch(text) if len(text) <= _LONGEST_INTEGER else None
    if match is None:
        return None
    base = match.lastgroup or "dec"
    number = int(match[base], _BASES[base])
    if match["sign"] == "-":
        number = -number
    highest = _GREATEST if match["sign"] else _GREATEST_UNSIGNED
    return number if _LEAST <= number <= highest else None
