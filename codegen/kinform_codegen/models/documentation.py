"""Docstrings: what a schema says in words, and what it says in keywords that a reader of the class should know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from kinform_codegen.emit.docstrings import docstring_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["documentation", "member_documentation"]

_MOST_VALUES: Final = 12
_LONGEST_VALUE: Final = 60


def documentation(schema: Mapping[str, object]) -> str:
    """The text of a docstring from a schema's description, or empty."""
    return docstring_text(_description(schema), closed=True)


def member_documentation(schema: Mapping[str, object]) -> str:
    """The text of the docstring of a custom resource's property: its description, its values, its keys.

    Values are documented, not enforced: a newer server may know more. Those of the built-in kinds the server writes
    into their descriptions itself.
    """
    return docstring_text("\n\n".join(filter(None, (_description(schema), " ".join(_facts(schema))))), closed=True)


def _description(schema: Mapping[str, object]) -> str:
    text = schema.get("description")
    return text.strip() if isinstance(text, str) else ""


def _facts(schema: Mapping[str, object]) -> Iterator[str]:
    yield from _values(schema, "One")
    for key in ("items", "additionalProperties"):
        inner = schema.get(key)
        if isinstance(inner, dict):
            yield from _values(inner, "Each is one")
    match schema:
        case {"x-kubernetes-list-type": "set"}:
            yield "A set: no two are alike."
        case {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [str(), *_] as keys}:
            yield f"Keyed by {', '.join(map(str, keys))}."


def _values(schema: Mapping[str, object], one: str) -> Iterator[str]:
    listed = schema.get("enum")
    values = [_shown(value) for value in listed if value is not None] if isinstance(listed, list) else []
    if not values:
        return
    shown = ", ".join(values[:_MOST_VALUES])
    more = f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
    yield f"{one} of {shown}{more}; a newer server may know more."


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
