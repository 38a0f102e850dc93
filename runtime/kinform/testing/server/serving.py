"""Whether and where a server listens: its port stays the same over outages and restarts."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Final

from kinform.testing.server.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kinform.testing.server.access import Access
    from kinform.testing.server.connection import Exchange

__all__ = ["Serving"]

_STOP_TIMEOUT: Final = 10.0


class Serving:
    """A listener that comes and goes on one port. For one thread at a time, but for ``url`` and ``connections``.

    Args:
        address: Host and port; port 0 takes a free one at the first start.
        access: What connections speak.
        handle: Answers an exchange, in the connection's thread.
        wake: Called when connections have been abandoned, so that whoever waits for them looks up.
    """

    def __init__(
        self, address: tuple[str, int], access: Access, handle: Callable[[Exchange], None], wake: Callable[[], None]
    ) -> None:
        self._host, self._port = address
        self._access = access
        self._handle = handle
        self._wake = wake
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where it listens.

        Raises:
            RuntimeError: It has never been started, so that the port is not known.
        """
        if not self._port:
            raise RuntimeError("the server has no port before it is started")
        return f"{self._access.scheme}://{self._host}:{self._port}"

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._listener.connections if self._listener else 0

    def start(self) -> None:
        """Begins to listen.

        Raises:
            RuntimeError: It listens already.
            OSError: The port is taken.
        """
        if self._listener is not None:
            raise RuntimeError("the server is serving already")
        listener = Listener((self._host, self._port), self._handle, self._wake, self._access.open())
        self._port = listener.port
        self._listener = listener
        listener.start()

    def pause(self) -> None:
        """Listens no more, breaks all connections and waits for their threads.

        Raises:
            RuntimeError: A thread is stuck; the message names it.
        """
        listener, self._listener = self._listener, None
        if listener is not None and (stuck := listener.stop(_STOP_TIMEOUT)):
            raise RuntimeError(f"still running after {_STOP_TIMEOUT} s: {', '.join(stuck)}")

    @contextlib.contextmanager
    def outage(self) -> Generator[None]:
        """Breaks all connections and refuses new ones for the duration of the block."""
        self.pause()
        try:
            with self._reserved_port():
                yield
        finally:
            self.start()

    @contextlib.contextmanager
    def _reserved_port(self) -> Generator[None]:
        """Keeps the port from being taken as the near end of somebody's connection; without listening it refuses."""
        with socket.socket() as placeholder:
            placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            placeholder.bind((self._host, self._port))
            yield
