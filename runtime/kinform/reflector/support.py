"""Which servers cannot stream the initial state of which resources: how they say so, and the memory of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from kinform.errors import InvalidError

if TYPE_CHECKING:
    from kinform.meta import Resource

__all__ = ["STREAMING_SUPPORT", "StreamingSupport", "refuses_streaming"]


def refuses_streaming(error: Exception) -> bool:
    """Whether a refusal is about the parameters that make a watch a streaming list."""
    if not isinstance(error, InvalidError):
        return False
    said = [error.status.message, *(text for c in error.status.details.causes for text in (c.field, c.message))]
    return any(name in text for text in said for name in ("sendInitialEvents", "resourceVersionMatch"))


class StreamingSupport:
    """What has been learned about ``sendInitialEvents``, by host and resource; thread-safe.

    An API server is upgraded, and a resource may be served by another one behind it, so nothing is remembered for
    longer than ``memory`` seconds. Times are ``Clock.monotonic()`` readings of the caller's clock.

    Args:
        memory: For how many seconds a refusal counts.
    """

    def __init__(self, memory: float = 3600.0) -> None:
        self._memory = memory
        self._refused: dict[tuple[str, Resource], float] = {}
        self._lock = threading.Lock()

    def refused(self, host: str, resource: Resource, now: float) -> bool:
        """Whether this server has lately shown that it cannot stream this resource's initial state."""
        with self._lock:
            since = self._refused.get((host, resource))
            if since is None:
                return False
            if since <= now < since + self._memory:
                return True
            del self._refused[host, resource]
            return False

    def refuse(self, host: str, resource: Resource, now: float) -> None:
        """Remembers that it cannot."""
        with self._lock:
            self._refused[host, resource] = now


STREAMING_SUPPORT: Final = StreamingSupport()
"""Shared by all reflectors of the process that are not given another memory."""
