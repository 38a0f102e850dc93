"""What can be asked of a transport at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TransportStatistics"]


@dataclass(frozen=True, slots=True)
class TransportStatistics:
    """A transport at one moment.

    Attributes:
        host: The API server's URL; see ``Transport.host``.
        generation: How many clients there have been; see ``Transport.generation``.
        closed: Whether it has been closed.
        in_progress: Requests and streams that are under way, or wait for the rate limit.
        idle: Connections that are kept for the next request.
        answers: Attempts so far by the HTTP status of their answer, such as ``"200"``; ``"<error>"``: not answered.
            A stream is answered when its headers are here.
    """

    host: str
    generation: int
    closed: bool
    in_progress: int
    idle: int
    answers: Mapping[str, int]
