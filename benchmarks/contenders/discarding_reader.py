"""The replayer's own ceiling: what it sends is read into one buffer and forgotten, but for where it ends."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from benchmarks.contenders.serve import Contender, Settings

if TYPE_CHECKING:
    from benchmarks.contenders.bell import Bell

__all__ = ["DiscardingReader", "make", "versions"]

_BUFFER: Final = 1 << 20
_END: Final = b"k8s.io/initial-events-end"


def versions() -> dict[str, str]:
    """Nothing is measured but the replayer."""
    return {}


def make(settings: Settings, bell: Bell) -> DiscardingReader:
    """For the benchmark."""
    return DiscardingReader(settings, bell)


class DiscardingReader(Contender):
    """Looks at the end of what it reads only: for the bookmark, and for the object that ends bursts."""

    def __init__(self, settings: Settings, bell: Bell) -> None:
        super().__init__(settings, bell)
        parts = urlsplit(settings.url)
        self._address = parts.hostname or "", parts.port or 0
        self._synced = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        streamed = self.settings.mode == "streamed"
        if not streamed:
            # One list of everything: pages would be the requests' price, not that of the bytes.
            with self._ask("limit=0") as reader:
                self._read(reader, b"\r\n0\r\n\r\n")
            self._synced.set()
        query = "watch=true" + ("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan" if streamed else "")
        with self._ask(query) as reader:
            if streamed:
                self._read(reader, _END)
                self._synced.set()
            while self._read(reader, f'"name":"{self.bell.last[1]}"'.encode()):
                self.bell.seen(*self.bell.last)

    def _ask(self, query: str) -> socket.socket:
        connection = socket.create_connection(self._address)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        host = f"{self._address[0]}:{self._address[1]}"
        connection.sendall(f"GET {self.settings.path}?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return connection

    @staticmethod
    def _read(reader: socket.socket, end: bytes) -> bool:
        """Reads until what has come at last holds the end; False if the server hangs up."""
        buffer = bytearray(_BUFFER)
        view, kept = memoryview(buffer), 0
        while count := reader.recv_into(view[kept:]):
            # What is looked for stands in the last object: a little more than the last one's size is searched.
            if buffer.rfind(end, max(0, kept + count - 16_384), kept + count) >= 0:
                return True
            tail = bytes(view[max(0, kept + count - 16_384) : kept + count])
            kept = len(tail)
            buffer[:kept] = tail
        return False

    def wait_synced(self, timeout: float) -> None:
        if not self._synced.wait(timeout):
            raise TimeoutError(f"not all was read within {timeout:.0f} s")

    def count(self) -> int:
        return -1

    def version(self, namespace: str, name: str) -> str:
        raise NotImplementedError
