"""What may be a label's key and value, as the API server judges it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["label_key_problem", "label_value_problem", "parse_int64"]

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_MAX_NAME: Final = 63
_MAX_PREFIX: Final = 253
_MAX_DIGITS: Final = 4000
_NAME_RULE: Final = (
    "must be at most 63 letters, digits, '-', '_' and '.', and begin and end with a letter or digit (ASCII)"
)


def label_key_problem(key: str) -> str | None:
    """Why ``key`` cannot be a label's key, or None if it can (apimachinery: ``IsQualifiedName``)."""
    prefix, slash, name = key.rpartition("/")
    if slash:
        if "/" in prefix:
            return "must have at most one '/'"
        if len(prefix) > _MAX_PREFIX or not _SUBDOMAIN.fullmatch(prefix):
            return "must have, before the '/', a DNS name of at most 253 lower-case letters, digits, '-' and '.'"
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        return _NAME_RULE
    return None


def label_value_problem(value: str) -> str | None:
    """Why ``value`` cannot be a label's value, or None if it can; ``""`` can (``IsValidLabelValue``)."""
    if value and (len(value) > _MAX_NAME or not _NAME.fullmatch(value)):
        return f"{_NAME_RULE}, or be empty"
    return None


def parse_int64(text: str) -> int | None:
    """The text as a decimal 64-bit integer, or None (Go: ``strconv.ParseInt(text, 10, 64)``)."""
    if len(text) > _MAX_DIGITS or not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -(1 << 63) <= number < 1 << 63 else None
