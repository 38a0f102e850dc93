"""What a transport tells of each request, for who measures."""

from __future__ import annotations

from typing import Protocol

__all__ = ["TransportObserver"]


class TransportObserver(Protocol):
    """Takes what became of requests (client-go: the adapters of ``tools/metrics``).

    Called by the threads that make the requests; must be thread-safe, quick, and not raise.
    """

    def throttled(self, method: str, seconds: float) -> None:
        """The client's own rate limit held a request back for so long; told of every request where there is one."""
        ...

    def answered(self, method: str, code: str) -> None:
        """An attempt was answered with this HTTP status, such as ``"200"``; ``"<error>"``: it was not answered."""
        ...

    def finished(self, method: str, seconds: float) -> None:
        """A plain request is over, with whatever outcome, so long after it was made; not told of streams."""
        ...
