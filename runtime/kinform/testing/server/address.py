"""Where a request leads, and what it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kinform.testing.server.resources import ServedResource

__all__ = ["Address", "Answer"]


class Answer(NamedTuple):
    """What a verb answers, as long as it does not refuse.

    Attributes:
        code: The HTTP status.
        body: JSON.
        warnings: What the client is told besides, in ``Warning`` headers.
    """

    code: int
    body: bytes
    warnings: tuple[str, ...] = ()


class Address(NamedTuple):
    """Which resource a request is about, where in it, and whether metadata or a table is to be read there."""

    served: ServedResource
    namespace: str
    name: str
    subresource: str
    partial: bool = False
    table: bool = False
