"""The base of generated clientsets: one transport for the clients of all groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from kinform.transport import Transport, transport_of

if TYPE_CHECKING:
    from types import TracebackType

    from kinform.flowcontrol import RateLimiter
    from kinform.transport import ApiSource

__all__ = ["ClientsetBase"]


class ClientsetBase:
    """Clients for every group and version over one transport (client-go: ``kubernetes.Clientset``).

    Thread-safe.
    """

    def __init__(self, source: ApiSource | Transport, *, rate_limiter: RateLimiter | None = None) -> None:
        """Makes a transport, or shares one.

        Args:
            source: An API client or a function that makes one, such as ``connect``; or a transport to share, which
                this clientset then does not close.
            rate_limiter: Limits the rate of requests, as ``Transport``'s; None: nothing does, or what the shared
                transport has.

        Raises:
            ConfigurationError: As ``Transport``.
            ValueError: A rate limiter for a transport that is made already.
        """
        self._owned = not isinstance(source, Transport)
        self._transport = transport_of(source, rate_limiter)

    @property
    def transport(self) -> Transport:
        """The transport of all its clients."""
        return self._transport

    def close(self) -> None:
        """Ends all requests in progress and closes the transport, unless that is shared.

        From any thread; never blocks.
        """
        if self._owned:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._transport!r}>"
