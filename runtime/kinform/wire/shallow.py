"""Takes JSON apart one level deep, without judging the values: for what no decoder will read.

Objects that are nested a thousand deep, or hold half a surrogate pair, are valid to some servers. They must not take
the rest of a list with them, so their names at least have to be found.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

__all__ = ["items", "members", "text"]

# A whole string, or a bracket, or what separates.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]:,]', re.DOTALL)
_decode_text = msgspec.json.Decoder(str).decode


def members(data: bytes) -> dict[str, bytes]:
    """The fields of a JSON object by name, each as its bytes.

    Raises:
        ValueError: This is no object, or its brackets do not match.
    """
    found: dict[str, bytes] = {}
    for part, colon in _parts(data, b"{", b"}"):
        if colon < 0:
            raise ValueError("a field without a value")
        found[text(part[:colon].strip())] = part[colon + 1 :].strip()
    return found


def items(data: bytes) -> list[bytes]:
    """The items of a JSON array, each as its bytes.

    Raises:
        ValueError: This is no array, or its brackets do not match.
    """
    return [part.strip() for part, _ in _parts(data, b"[", b"]")]


def text(data: bytes | None) -> str:
    """The JSON string in these bytes, ``""`` where they hold anything else."""
    try:
        return _decode_text(data) if data is not None else ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _parts(data: bytes, opening: bytes, closing: bytes) -> list[tuple[bytes, int]]:
    """What stands between the commas, and where in it the first colon outside strings and inner values is (or -1)."""
    data = data.strip()
    if not data.startswith(opening) or not data.endswith(closing):
        raise ValueError(f"it is not in {opening.decode()}{closing.decode()}")
    parts: list[tuple[bytes, int]] = []
    open_brackets = bytearray()
    start, colon = 1, -1
    for token in _TOKEN.finditer(data):
        char = data[token.start() : token.start() + 1]
        if char in b"{[":
            open_brackets += b"}" if char == b"{" else b"]"
        elif char in b"}]":
            if not open_brackets or open_brackets.pop() != char[0]:
                raise ValueError("its brackets do not match")
            if not open_brackets and token.end() != len(data):
                raise ValueError("more follows behind its end")
        elif len(open_brackets) == 1 and char == b":" and colon < 0:
            colon = token.start() - start
        elif len(open_brackets) == 1 and char == b",":
            parts.append((data[start : token.start()], colon))
            start, colon = token.end(), -1
    if open_brackets:
        raise ValueError("it is not complete")
    last = data[start:-1]
    return [*parts, (last, colon)] if parts or last.strip() else []
