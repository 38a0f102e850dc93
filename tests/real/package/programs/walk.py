"""Finds what a generated factory or clientset offers, by its methods and not by a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["calls"]


def calls(generated: object) -> list[Callable[..., Any]]:
    """The public methods that the generated class of an object adds to the runtime's: groups, versions or resources."""
    own = vars(type(generated))
    return [getattr(generated, name) for name in own if not name.startswith("_") and callable(own[name])]
