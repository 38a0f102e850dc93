"""What an informer watches, and how often it tells its handlers of everything again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kinform.objects import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinform.meta import Resource

__all__ = ["MINIMUM_RESYNC", "ListOptions", "informer_name", "resync_seconds"]

MINIMUM_RESYNC: Final = timedelta(seconds=1)
"""Shorter periods are raised to this (client-go: ``minimumResyncPeriod``)."""


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The options of every list and watch of an informer (``meta/v1.ListOptions``, as far as they select objects).

    Attributes:
        label_selector: Label selector as text; ``""`` selects everything.
        field_selector: Field selector as text; ``""`` selects everything.
        query: Further query parameters, such as ``("shardSelector", "…")``.
    """

    label_selector: str = ""
    field_selector: str = ""
    query: tuple[tuple[str, str], ...] = ()


def resync_seconds(period: timedelta | None) -> float | None:
    """A resync period in seconds; None: never, which zero means as well.

    Raises:
        ValueError: The period is negative.
    """
    if period is None or not period:
        return None
    if period < timedelta(0):
        raise ValueError(f"a resync period cannot be negative: {period}")
    return max(period, MINIMUM_RESYNC).total_seconds()


def informer_name(resource: Resource, namespaces: Sequence[str], options: ListOptions, view: View = View.TYPED) -> str:
    """What an informer is called in logs and reports: ``"pods/v1 metadata in shop, test (app=web)"``."""
    where = f" in {', '.join(namespaces)}" if any(namespaces) else ""
    query = ("&".join(f"{name}={value}" for name, value in options.query),)
    which = "; ".join(text for text in (options.label_selector, options.field_selector, *query) if text)
    return f"{resource}{view and f' {view}'}{where}{f' ({which})' if which else ''}"
