"""Free ports that no other test process takes, either."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Final

from kinform.testing.control_plane._binaries import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["free_port"]

_TRIES: Final = 100
_RESERVED_SECONDS: Final = 120.0
_handed_out: set[int] = set()
_lock = threading.Lock()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, and that no process of this user has been given of late.

    It is reserved for two minutes by a file in the user's cache, as long as that can be written. A stranger may still
    take it before it is used: then the server ends with "address already in use".
    """
    with _lock:
        port = 0
        for _ in range(_TRIES):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in _handed_out and _reserve(port):
                break
        _handed_out.add(port)
        return port


def _reserve(port: int) -> bool:
    """Whether the port is ours now: no other process has it."""
    folder = cache_folder().parent / "ports"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _forget_old(folder)
        os.close(os.open(folder / str(port), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    except OSError:
        return True  # a cache that cannot be written is no reason not to start
    return True


def _forget_old(folder: Path) -> None:
    now = time.time()
    for file in folder.iterdir():
        with contextlib.suppress(OSError):
            if now - file.stat().st_mtime > _RESERVED_SECONDS:
                file.unlink()
