"""How effects change the body of an answer on its way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kinform.testing.server.effects import Cut, Drip, Duplicate, EndEarly, Garbage, Insert, Stall

if TYPE_CHECKING:
    from kinform.testing.server.effects import Effect

__all__ = ["CutError", "Shaper", "Wire"]


class CutError(ConnectionError):
    """The server itself breaks this connection, on behalf of a test."""


class Wire(Protocol):
    """Where the pieces of a body go."""

    @property
    def streaming(self) -> bool:
        """Whether the body is a stream, in chunks, rather than of a length told before."""
        ...

    def transmit(self, data: bytes) -> None:
        """Sends a piece."""
        ...

    def terminate(self) -> None:
        """Ends a stream cleanly."""
        ...

    def wait(self, seconds: float | None) -> None:
        """Lets time go by (None: for ever).

        Raises:
            CutError: The client or the server went away meanwhile.
        """
        ...


class Shaper:
    """Applies one effect to one answer's body."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect
        self._written = 0
        self._sent = 0

    def content(self, data: bytes, *, streaming: bool) -> bytes:
        """A piece of the body, before any compression, as the effect has it."""
        start, self._written = self._written, self._written + len(data)
        match self._effect:
            case Insert(data=more, after_bytes=place) if start <= place < self._written:
                return data[: place - start] + more + data[place - start :]
            case Duplicate() if streaming:
                return b"".join(line * 2 for line in data.splitlines(keepends=True))
            case _:
                return data

    def send(self, data: bytes, wire: Wire) -> None:
        """Sends a piece of the body, as it goes over the wire, as the effect has it.

        Raises:
            OSError: The client went away.
            CutError: The effect ends the answer here.
        """
        match self._effect:
            case Cut(after_bytes=int(limit)) | EndEarly(after_bytes=limit) | Stall(after_bytes=int(limit)):
                self._send_until(limit, data, wire)
            case Drip(size=size, pause=pause):
                for start in range(0, len(data), max(1, size)):
                    wire.transmit(data[start : start + max(1, size)])
                    if pause:
                        wire.wait(pause)
            case Garbage(after_bytes=start, data=garbage):
                wire.transmit(self._overwritten(data, start, garbage))
            case _:
                wire.transmit(data)
        self._sent += len(data)

    def _send_until(self, limit: int, data: bytes, wire: Wire) -> None:
        left = limit - self._sent
        wire.transmit(data[:left])
        if len(data) < left:
            return
        if isinstance(self._effect, Stall):
            wire.wait(None)
        elif isinstance(self._effect, EndEarly) and wire.streaming:
            wire.terminate()
        raise CutError

    def _overwritten(self, data: bytes, start: int, garbage: bytes) -> bytes:
        """The piece with as much of the garbage as belongs into it."""
        first = start - self._sent
        low, high = max(0, first), min(len(data), first + len(garbage))
        return data if low >= high else data[:low] + garbage[low - first : high - first] + data[high:]
