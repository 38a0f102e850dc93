"""What faults do to a request: refusals, and answers that come late, in part, slowly, twice, garbled or never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from kinform.testing.server.refusals import Refusal

__all__ = [
    "Close",
    "Cut",
    "Delay",
    "Drip",
    "Duplicate",
    "Effect",
    "EndEarly",
    "Expire",
    "Garbage",
    "Insert",
    "Refuse",
    "Reply",
    "Stall",
]


@dataclass(frozen=True, slots=True)
class Refuse:
    """A ``Status`` in place of what was asked; nothing of that is done.

    Attributes:
        code: The HTTP status: 401, 403, 429, 500, 503, 504 and the like.
        message: For people.
        reason: None takes the usual one of the code; ``""`` none.
        retry_after: Seconds, for the ``Retry-After`` header and the ``Status``.
        close: Whether the connection ends with the answer, as from a server that shuts down.
    """

    code: int
    message: str = "the test asked for this"
    reason: str | None = None
    retry_after: int | None = None
    close: bool = False

    def refusal(self) -> Refusal:
        """The answer."""
        return Refusal(self.code, self.message, reason=self.reason, retry_after=self.retry_after)


@dataclass(frozen=True, slots=True)
class Reply:
    """Something else in place of what was asked, such as the HTML page of a proxy; nothing of that is done.

    Attributes:
        code: The HTTP status.
        body: As it goes out.
        content_type: Of the body.
    """

    code: int
    body: bytes
    content_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class Expire:
    """410: as the only event of a watch, after HTTP 200; as the HTTP status of anything else."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The request is answered late.

    Attributes:
        seconds: Of real time, whatever the server's clock.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks.

    Attributes:
        after_bytes: Bytes of the answer's body that still go out; None: before the answer, with nothing done.
    """

    after_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class EndEarly:
    """A watch ends cleanly, be it in the middle of an event. Other answers are cut.

    Attributes:
        after_bytes: Bytes of the answer's body that still go out.
    """

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing more comes, and the connection stays open until the client or the server goes.

    Attributes:
        after_bytes: Bytes of the answer's body that still go out; None: nothing, not even a status, and nothing done.
    """

    after_bytes: int | None = 0


@dataclass(frozen=True, slots=True)
class Drip:
    """The answer's body comes in small pieces.

    Attributes:
        size: Bytes of a piece.
        pause: Seconds of real time between two.
    """

    size: int = 1
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Garbage:
    """Other bytes stand in the answer's body, once.

    Attributes:
        after_bytes: Where they begin.
        data: What stands there in place of as many bytes.
    """

    after_bytes: int = 0
    data: bytes = b"\x00\xff<garbage>"


@dataclass(frozen=True, slots=True)
class Insert:
    """Further bytes stand in the answer's body, such as an event that nothing has led to.

    Attributes:
        data: What stands there.
        after_bytes: Where, in bytes of the body as it would be otherwise, before any compression.
    """

    data: bytes
    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A watch tells of each event twice. Other answers are as ever."""


@dataclass(frozen=True, slots=True)
class Close:
    """The answer comes whole, and the connection ends with it (``Connection: close``; GOAWAY, in HTTP/2)."""


Effect: TypeAlias = (
    "Refuse | Reply | Expire | Delay | Cut | EndEarly | Stall | Drip | Garbage | Insert | Duplicate | Close"
)
"""What a fault does to a request."""
