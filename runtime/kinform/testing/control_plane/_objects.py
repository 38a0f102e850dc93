"""Objects that a control plane is given from outside of the test: applied, deleted, awaited."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from kinform.errors import ApiStatusError, NotFoundError
from kinform.testing.control_plane._errors import ControlPlaneError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kinform.transport import Transport

__all__ = ["Objects"]

M = TypeVar("M")

_APPLY: Final = "application/apply-patch+yaml"
_MANAGER: Final = "kinform-testing"
_CREATED: Final = 201
_POLL_SECONDS: Final = 0.05


class Objects:
    """Reads and writes objects by their paths, as whoever the transport is. Thread-safe; everything blocks.

    Args:
        transport: To the API server.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def apply(self, path: str, obj: Mapping[str, object]) -> bool:
        """Makes an object as it should be, whatever it was; whether it is new.

        Raises:
            ControlPlaneError: It is refused.
        """
        query = [("fieldManager", _MANAGER), ("force", "true")]
        try:
            done = self._transport.request(
                "PATCH", path, query=query, body=json.dumps(obj).encode(), content_type=_APPLY
            )
        except ApiStatusError as error:
            raise ControlPlaneError(f"{obj.get('kind')} cannot be applied: {error}") from error
        return done.status == _CREATED

    def create(self, path: str, obj: Mapping[str, object], model: type[M]) -> M:
        """Creates an object, or asks a question that has the form of one; returns what came of it."""
        return msgspec.json.decode(
            self._transport.request("POST", path, body=json.dumps(obj).encode()).body, type=model
        )

    def find(self, path: str, model: type[M]) -> M | None:
        """An object, a list or a document; None where there is nothing."""
        try:
            return msgspec.json.decode(self._transport.request("GET", path).body, type=model)
        except NotFoundError:
            return None

    def read(self, path: str, timeout: float) -> bytes:
        """The body of whatever is at a path.

        Raises:
            ApiStatusError: Nothing is.
            TransportError: The server does not answer.
        """
        return self._transport.request("GET", path, timeout=timeout).body

    def delete(self, path: str) -> None:
        """Asks for an object's deletion, if it is there."""
        try:
            self._transport.request("DELETE", path)
        except NotFoundError:
            return

    @staticmethod
    def wait(missing: Callable[[], str], timeout: float) -> None:
        """Waits until nothing is missing any more.

        Raises:
            ControlPlaneError: Something is, after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while what := missing():
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"{what} after {timeout:g} s")
            time.sleep(_POLL_SECONDS)
