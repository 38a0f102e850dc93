"""The query parameters of a reflector's three requests, and the options they are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["Query", "ReflectorOptions", "initial_query", "page_query", "watch_query"]

Query: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values, not yet quoted."""

_OWN: Final = frozenset(
    {
        "allowWatchBookmarks",
        "continue",
        "fieldSelector",
        "labelSelector",
        "limit",
        "resourceVersion",
        "resourceVersionMatch",
        "sendInitialEvents",
        "timeoutSeconds",
        "watch",
    }
)


@dataclass(frozen=True, slots=True)
class ReflectorOptions:
    """What a reflector fetches, and how.

    Attributes:
        label_selector: As text, ``""`` for all.
        field_selector: As text, ``""`` for all.
        query: Further parameters for every request.
        page_size: Objects in one page of a list.
        streaming: Whether to try a streaming list first; else always pages.
        watch_timeout: Seconds; each watch asks for a time-out drawn from [first, second), so that the watches of many
            clients do not end together.
    """

    label_selector: str = ""
    field_selector: str = ""
    query: Query = ()
    page_size: int = 500
    streaming: bool = True
    watch_timeout: tuple[int, int] = (300, 600)

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            ValueError: A parameter in ``query`` is the reflector's own to set, or a number makes no sense.
        """
        own = sorted(name for name, _ in self.query if name in _OWN)
        if own:
            raise ValueError(f"these query parameters are set by kinform itself: {', '.join(own)}")
        if self.page_size < 1:
            raise ValueError(f"page_size must be at least 1, not {self.page_size}")
        if not 0 < self.watch_timeout[0] < self.watch_timeout[1]:
            raise ValueError(f"watch_timeout must be a range of positive seconds, not {self.watch_timeout}")


def page_query(options: ReflectorOptions, token: str, *, paged: bool) -> Query:
    """One page of a consistent list.

    The resourceVersion stays unset: with ``0`` the limit is ignored, with another a continued list is refused.
    """
    limit = (("limit", str(options.page_size)),) if paged else ()
    following = (("continue", token),) if token else ()
    return (*_selection(options), *limit, *following)


def initial_query(options: ReflectorOptions, version: str, timeout: int) -> Query:
    """A watch that begins with all that exists, not older than ``version`` (``""``: the latest)."""
    return (
        *_selection(options),
        ("watch", "true"),
        ("allowWatchBookmarks", "true"),
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        *_version(version),
        ("timeoutSeconds", str(timeout)),
    )


def watch_query(options: ReflectorOptions, version: str, timeout: int) -> Query:
    """A watch of what comes after ``version``."""
    return (
        *_selection(options),
        ("watch", "true"),
        ("allowWatchBookmarks", "true"),
        *_version(version),
        ("timeoutSeconds", str(timeout)),
    )


def _selection(options: ReflectorOptions) -> Query:
    selectors = (("labelSelector", options.label_selector), ("fieldSelector", options.field_selector))
    return (*options.query, *((name, text) for name, text in selectors if text))


def _version(version: str) -> Query:
    return (("resourceVersion", version),) if version else ()
