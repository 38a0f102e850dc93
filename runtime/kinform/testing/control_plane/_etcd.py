"""etcd, as one run of a control plane has it: a single member, without TLS, that does not wait for the disk."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Final, cast

from kinform.testing.control_plane._errors import ControlPlaneError
from kinform.testing.control_plane._ports import free_port
from kinform.testing.control_plane._restartable import Restartable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kinform.testing.control_plane._processes import Watchdog

__all__ = ["Etcd"]

_LOOPBACK: Final = "127.0.0.1"


class Etcd(Restartable):
    """One etcd.

    Args:
        program: Its path.
        folder: For data and log.
        flags: Further flags, without dashes; they replace ours.
        watchdog: Told of its start and end.
        attach: Whether its log goes to standard error, too.
    """

    def __init__(
        self, program: Path, folder: Path, flags: Mapping[str, str], watchdog: Watchdog, *, attach: bool
    ) -> None:
        self._port = free_port()
        ours = {
            "name": "kinform-testing",
            "data-dir": str(folder / "etcd"),
            "unsafe-no-fsync": "true",
            "listen-client-urls": self.url,
            "advertise-client-urls": self.url,
            "listen-peer-urls": f"http://{_LOOPBACK}:0",  # a single member: nobody calls it
            "log-level": "warn",
        }
        super().__init__(program, ours, flags, log=folder / "etcd.log", watchdog=watchdog, attach=attach)
        self._data = folder / "etcd" / "member"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{_LOOPBACK}:{self._port}"

    def ready(self) -> bool:
        """Whether it serves."""
        # It makes its data once it has its ports: then it is ours that answers, not another that has just taken them.
        return self._data.is_dir() and b'"true"' in self._read_health()

    def compact(self) -> int:
        """Compact its history up to now; returns the revision.

        Raises:
            ControlPlaneError: It refused.
        """
        everything = base64.b64encode(b"\0").decode()
        answer = self._ask("/v3/kv/range", {"key": everything, "range_end": everything, "count_only": True})
        revision = int(cast("dict[str, str]", answer["header"])["revision"])
        self._ask("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def _read_health(self) -> bytes:
        connection = http.client.HTTPConnection(_LOOPBACK, self._port, timeout=5.0)
        try:
            with contextlib.closing(connection):
                connection.request("GET", "/health")
                return connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return b""

    def _ask(self, path: str, message: Mapping[str, object]) -> dict[str, object]:
        """Call it by its HTTP/JSON gateway."""
        connection = http.client.HTTPConnection(_LOOPBACK, self._port, timeout=60.0)
        try:
            with contextlib.closing(connection):
                connection.request("POST", path, body=json.dumps(message))
                response = connection.getresponse()
                body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControlPlaneError(f"POST {self.url}{path}: {error}") from error
        if response.status != http.client.OK:
            raise ControlPlaneError(f"POST {self.url}{path}: {response.status} {body.decode(errors='replace')}")
        return cast("dict[str, object]", json.loads(body))
