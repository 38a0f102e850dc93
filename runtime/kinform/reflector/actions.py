"""What the reflector wants its driver to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from kinform.reflector.queries import Query
    from kinform.reflector.reports import Reason

__all__ = ["Action", "ListPage", "Wait", "Watch"]


@dataclass(frozen=True, slots=True)
class ListPage:
    """Fetch one page of the list; the answer goes to ``page()``, an error to ``failed()``.

    Attributes:
        query: The request's parameters.
        read_timeout: Seconds that the server may be silent.
    """

    query: Query
    read_timeout: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Open a watch: ``stream_opened()``, ``events()`` while ``streaming``, at last ``stream_ended()`` or ``failed()``.

    Attributes:
        query: The request's parameters.
        initial: Whether it begins with all that exists.
        read_timeout: Seconds that the server may be silent, now; ``Reflector.read_timeout`` may change later.
    """

    query: Query
    initial: bool
    read_timeout: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for that many seconds, or until stopped.

    Attributes:
        seconds: More than 0.
        reason: What made it necessary.
    """

    seconds: float
    reason: Reason


Action: TypeAlias = ListPage | Watch | Wait
