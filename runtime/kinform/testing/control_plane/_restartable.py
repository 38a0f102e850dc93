"""A server of the control plane that ends, crashes, freezes, and comes back to the same port and data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinform.testing.control_plane._binaries import known_flags
from kinform.testing.control_plane._errors import ControlPlaneError
from kinform.testing.control_plane._processes import Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kinform.testing.control_plane._processes import Watchdog

__all__ = ["Restartable"]


class Restartable:
    """One server, whose process comes and goes. For one thread at a time.

    Args:
        program: Its path.
        ours: The flags that it needs, without dashes: those of them that it knows.
        given: Further flags, known or not, which replace ours.
        log: The file of its log.
        watchdog: Told of its starts and ends.
        attach: Whether its log goes to standard error, too.
    """

    def __init__(
        self,
        program: Path,
        ours: Mapping[str, str],
        given: Mapping[str, str],
        *,
        log: Path,
        watchdog: Watchdog,
        attach: bool,
    ) -> None:
        known = known_flags(program)
        flags = {name: value for name, value in ours.items() if known is None or name in known} | dict(given)
        self._name = log.stem
        self._command = [str(program), *(f"--{name}={value}" for name, value in flags.items())]
        self._log = log
        self._watchdog = watchdog
        self._attach = attach
        self._server: Server | None = None

    def ready(self) -> bool:
        """Whether it serves; asked again and again while it starts."""
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self._server is not None and self._server.running()

    def start(self, timeout: float) -> None:
        """Start it, unless it runs, and wait until it serves.

        Raises:
            ControlPlaneStartError: It ended, or was not ready within ``timeout`` seconds.
        """
        if self.running:
            return
        self._server = Server(self._name, self._command, self._log, self._watchdog, attach=self._attach)
        self.await_ready(timeout)

    def await_ready(self, timeout: float) -> None:
        """Wait until it serves.

        Raises:
            ControlPlaneStartError: It ended, or was not ready within ``timeout`` seconds.
            ControlPlaneError: It does not run.
        """
        if self._server is None:
            raise ControlPlaneError(f"{self._name} does not run")
        self._server.await_ready(self.ready, timeout)

    def stop(self, timeout: float, *, graceful: bool = True) -> None:
        """End it if it runs: SIGTERM, and SIGKILL after ``timeout`` seconds or if not graceful."""
        server, self._server = self._server, None
        if server is not None:
            server.stop(timeout, graceful=graceful)

    def freeze(self) -> None:
        """Freeze it (SIGSTOP).

        Raises:
            ControlPlaneError: It does not run.
        """
        self._process().freeze()

    def thaw(self) -> None:
        """Let it go on (SIGCONT).

        Raises:
            ControlPlaneError: It does not run.
        """
        self._process().thaw()

    def _process(self) -> Server:
        if self._server is None or not self._server.running():
            raise ControlPlaneError(f"{self._name} does not run")
        return self._server
