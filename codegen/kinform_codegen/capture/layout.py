"""Writes JSON so that it is small enough to keep and fine enough to diff: what fits on a line stays on one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Json", "layout"]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_WIDTH = 120


def layout(value: Json) -> str:
    """Lay out a JSON value with sorted keys: a container that fits into 120 columns takes one line, others are opened.

    In an OpenAPI document that gives most properties of a schema, and most parameters of an operation, a line of their
    own. The same value always gives the same text.

    Args:
        value: What to write; it is not changed.

    Returns:
        The text, ending with a newline.
    """
    return "".join(_lines(value, 0, "", "")) + "\n"


def _lines(value: Json, depth: int, before: str, after: str) -> Iterator[str]:
    """The lines of ``value``, the first led by ``before`` (its key), the last followed by ``after`` (its comma)."""
    indent = " " * depth
    flat = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if not isinstance(value, (dict, list)) or len(indent) + len(before) + len(flat) + len(after) <= _WIDTH:
        yield f"{indent}{before}{flat}{after}"
        return
    members: list[tuple[str, Json]]
    if isinstance(value, dict):
        members, opening, closing = [(f"{json.dumps(key)}:", value[key]) for key in sorted(value)], "{", "}"
    else:
        members, opening, closing = [("", item) for item in value], "[", "]"
    yield f"{indent}{before}{opening}\n"
    for number, (key, member) in enumerate(members, start=1):
        yield from _lines(member, depth + 1, key, "," if number < len(members) else "")
        yield "\n"
    yield f"{indent}{closing}{after}"
