"""What the server answers: one request, however it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from kinform.testing.server.connection import Request

__all__ = ["Asking"]


class Asking(Protocol):
    """One request and the way back: an exchange over HTTP, or a call in memory."""

    @property
    def request(self) -> Request:
        """What is asked."""
        ...

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for the answer any more. From any thread."""
        ...

    def compress(self) -> None:
        """Has the body go out as gzip, if there is a wire and the client takes that."""
        ...

    def respond(
        self, code: int, body: bytes, *, content_type: str = "application/json", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Answers as a whole.

        Raises:
            OSError: The client went away.
        """
        ...

    def stream(self, pieces: Generator[bytes]) -> None:
        """Answers with JSON lines as they come, and closes ``pieces`` behind the last.

        Raises:
            OSError: The client went away, or ``pieces`` broke off.
        """
        ...
