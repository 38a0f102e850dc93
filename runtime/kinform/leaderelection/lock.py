"""The lease as something to read and write at the API server."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from kinform.leaderelection.lease import LEASES, Lease

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.meta import ObjectKey
    from kinform.transport import Abort, Transport

__all__ = ["LeaseLock", "Verb"]


class Verb(Enum):
    """What can be asked of a lease."""

    GET = "GET"
    CREATE = "POST"
    UPDATE = "PUT"


class LeaseLock:
    """Gets, creates and updates one lease (client-go: ``resourcelock.LeaseLock``). Thread-safe, and keeps no state.

    Args:
        key: The lease.
        transport: The way to the server.
        labels: Set on the lease by every write; its other labels stay.
    """

    def __init__(self, key: ObjectKey, transport: Transport, labels: Mapping[str, str]) -> None:
        self._key = key
        self._transport = transport
        self._labels = labels

    def perform(self, verb: Verb, lease: Lease | None, timeout: float, abort: Abort) -> Lease:
        """Does one of the three and returns the lease as the server has it then. Blocks.

        Args:
            verb: Which.
            lease: What to write: a new one, or one that came from here, changed by ``replaced()``; None to get.
            timeout: Seconds that the server may be silent.
            abort: A switch by which another thread may end this.

        Raises:
            NotFoundError: To get or update: there is no such lease. To create: there is no such namespace.
            AlreadyExistsError: To create: there is one.
            ConflictError: To update: it has changed since it was read.
            UndecodableObjectError: The answer is no lease.
            ApiStatusError: The server refuses otherwise.
            TransportError: The server cannot be reached.
            AbortedError: The switch was thrown.
        """
        path = LEASES.path(self._key.namespace, "" if verb is Verb.CREATE else self._key.name)
        body = None if lease is None else lease.encode(self._labels)
        answer = self._transport.request(verb.value, path, body=body, timeout=timeout, abort=abort)
        return Lease.decode(answer.body, self._key)

    def __str__(self) -> str:
        return str(self._key)
