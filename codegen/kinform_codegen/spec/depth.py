"""Refuses what is nested beyond reason, so that all who walk the document later may do so by recursion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform_codegen.errors import SpecError

if TYPE_CHECKING:
    from kinform_codegen.spec.node import Node

__all__ = ["TOO_DEEP", "check_depth"]

_DEEPEST: Final = 140
"""Levels of JSON: 65 objects inside each other, as many as pydantic can build. The deepest APIs in use have 20."""

TOO_DEEP: Final = "is nested more deeply than any API"


def check_depth(document: Node) -> None:
    """Looks at every value of the document.

    Raises:
        SpecError: One is nested too deeply.
    """
    stack: list[tuple[tuple[str, ...], object]] = [((), document.value)]
    while stack:
        path, value = stack.pop()
        if len(path) > _DEEPEST:
            raise SpecError(document.source, TOO_DEEP, mend="take the schema apart, or out of the document", at=path)
        if isinstance(value, dict):
            stack.extend(((*path, key), child) for key, child in value.items() if isinstance(child, (dict, list)))
        elif isinstance(value, list):
            stack.extend(
                ((*path, str(index)), child) for index, child in enumerate(value) if isinstance(child, (dict, list))
            )
