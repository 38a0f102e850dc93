"""A request that is a call: asked and answered in one thread, without a wire."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kinform.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from kinform.testing.server.connection import Request
    from kinform.transport import Abort

__all__ = ["Call", "CallAnswer"]


class Call:
    """One request, as the dispatcher sees it. For the thread that asks; ``abandoned`` and ``shutdown`` for any.

    Args:
        request: What is asked.
        aborts: The switches that end it.

    Attributes:
        answer: What has been answered; None as long as nothing has.
    """

    def __init__(self, request: Request, aborts: Sequence[Abort]) -> None:
        self.request: Request = request
        self.answer: CallAnswer | None = None
        self._aborts = aborts
        self._abandoned = False
        self._wakers: tuple[Callable[[], object], ...] = ()

    # ---- for those who wait for the answer

    @contextlib.contextmanager
    def attached(self) -> Generator[None]:
        """Lets the switches end this call, within the block and until the answer is closed.

        Raises:
            AbortedError: One has been thrown.
        """
        try:
            for abort in self._aborts:
                abort.attach(self)
            yield
        except BaseException:
            self.detach()
            raise

    def detach(self) -> None:
        """The switches end this call no longer."""
        for abort in self._aborts:
            abort.detach(self)

    def raise_if_aborted(self) -> None:
        """Does nothing until a switch is thrown.

        Raises:
            AbortedError: One was.
        """
        for abort in self._aborts:
            abort.raise_if_aborted()

    # ---- for switches

    def shutdown(self) -> None:
        """Nobody waits for the answer any more: wakes the thread that works on it."""
        self._abandoned = True
        for wake in self._wakers:
            wake()

    # ---- for those who answer

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._abandoned

    def wake_with(self, wake: Callable[[], object]) -> None:
        """Has this called, from any thread, when nobody waits any more."""
        self._wakers = (*self._wakers, wake)

    def compress(self) -> None:
        """Nothing: there is no wire."""

    def respond(
        self, code: int, body: bytes, *, content_type: str = "application/json", headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Answers as a whole."""
        named = {"content-type": content_type}
        for name, value in headers:
            lower = name.lower()
            named[lower] = f"{named[lower]}, {value}" if lower in named else value
        self.answer = CallAnswer(self, code, named, _whole(body))

    def stream(self, pieces: Generator[bytes]) -> None:
        """Answers with lines that the asking thread makes as it reads them."""
        self.answer = CallAnswer(self, 200, {"content-type": "application/json"}, pieces)


def _whole(body: bytes) -> Generator[bytes]:
    yield body


class CallAnswer:
    """The answer to a call (see ``kinform.transport.Answer``). For one thread."""

    def __init__(self, call: Call, status: int, headers: Mapping[str, str], pieces: Generator[bytes]) -> None:
        self.status: int = status
        self.headers: Mapping[str, str] = headers
        self._call = call
        self._pieces = pieces

    def read(self) -> bytes:
        """The next piece of the body; ``b""`` at its end. Blocks while a watch has nothing to tell.

        Raises:
            TransportError: The watch was cut.
            AbortedError: A switch was thrown.
        """
        data = b""
        try:
            data = next(self._pieces, b"")
        except ConnectionError:
            self._call.raise_if_aborted()
            raise TransportError(f"{self._call.request.method} {self._call.request.path}: the watch was cut") from None
        self._call.raise_if_aborted()
        return data

    def read_all(self, limit: int | None = None) -> bytes:
        """The rest of the body, or the part read when ``limit`` is passed; raises as :meth:`read`."""
        body = bytearray()
        while (limit is None or len(body) < limit) and (data := self.read()):
            body += data
        return bytes(body)

    def set_silence(self, seconds: float) -> None:
        """Nothing: what is in memory does not fall silent."""

    def close(self) -> None:
        """Ends the watch. Again: nothing."""
        self._pieces.close()
        self._call.detach()
