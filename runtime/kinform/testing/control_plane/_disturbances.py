"""What a control plane can be made to suffer: servers that end, crash or freeze, and come back to the same data."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
from typing import TYPE_CHECKING, Final, cast

from kinform.testing.control_plane._errors import ControlPlaneError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.testing.control_plane._processes import Server

__all__ = ["Disturbances"]

_LOOPBACK: Final = "127.0.0.1"


class Disturbances:
    """The part of a ``ControlPlane`` that disturbs its etcd, and freezes either server.

    Ends and starts of the API server are the control plane's own. A frozen server keeps its sockets:
    connections to it are made, by the system, and never answered. ``ControlPlane.stop()`` ends frozen servers, too.
    """

    _etcd: Server | None
    _etcd_port: int
    _apiserver: Server | None
    _stop_timeout: float

    @property
    def etcd_url(self) -> str:
        """Where etcd listens, without TLS."""
        return f"http://{_LOOPBACK}:{self._etcd_port}"

    def stop_etcd(self, *, graceful: bool = True) -> None:
        """End etcd and wait until it is gone; the API server goes on without it, and refuses almost everything.

        Args:
            graceful: End it by SIGTERM; else by SIGKILL, as in a crash.

        Raises:
            ControlPlaneError: The control plane is not started.
        """
        self._check_started()
        if self._etcd is not None:
            self._etcd.stop(self._stop_timeout, graceful=graceful)
            self._etcd = None

    def start_etcd(self) -> None:
        """Start etcd again, on the same port and data, and wait until it serves; nothing if it runs.

        The API server finds it by itself, within seconds: ``wait_until_ready()``.

        Raises:
            ControlPlaneStartError: It ended, or was not ready in time.
            ControlPlaneError: The control plane is not started.
        """
        self._check_started()
        if self._etcd is not None and self._etcd.running():
            return
        self._run_etcd()

    def freeze_apiserver(self) -> None:
        """Freeze the API server (SIGSTOP) until ``thaw_apiserver()``: it keeps its connections, and says nothing.

        Raises:
            ControlPlaneError: It does not run.
        """
        _running(self._apiserver, "API server").freeze()

    def thaw_apiserver(self) -> None:
        """Let the API server go on (SIGCONT); nothing if it is not frozen.

        Raises:
            ControlPlaneError: It does not run.
        """
        _running(self._apiserver, "API server").thaw()

    def freeze_etcd(self) -> None:
        """Freeze etcd (SIGSTOP) until ``thaw_etcd()``: requests to the API server wait for it.

        Raises:
            ControlPlaneError: It does not run.
        """
        _running(self._etcd, "etcd").freeze()

    def thaw_etcd(self) -> None:
        """Let etcd go on (SIGCONT); nothing if it is not frozen.

        Raises:
            ControlPlaneError: It does not run.
        """
        _running(self._etcd, "etcd").thaw()

    def compact(self) -> int:
        """Compact etcd's history up to now, as the API server does every five minutes; what is older is gone from etcd.

        What the API server keeps in memory it still serves: watches from its window of events, and since v1.34 lists
        from its snapshots, too. With ``apiserver_flags={"watch-cache": "false"}`` it keeps nothing, and every older
        resourceVersion gives 410: watches, exact lists, and the rest of a paged list begun before. (A watch cache
        forgets by ``restart_apiserver()``, compaction or not: a watch from before the restart gives 410.)

        Returns:
            The revision up to which history is gone.

        Raises:
            ControlPlaneError: etcd refused.
        """
        everything = base64.b64encode(b"\0").decode()
        answer = self._ask_etcd("/v3/kv/range", {"key": everything, "range_end": everything, "count_only": True})
        revision = int(cast("dict[str, str]", answer["header"])["revision"])
        self._ask_etcd("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def _check_started(self) -> None:
        raise NotImplementedError

    def _run_etcd(self) -> None:
        raise NotImplementedError

    def _ask_etcd(self, path: str, message: Mapping[str, object]) -> dict[str, object]:
        """Call etcd by its HTTP/JSON gateway."""
        connection = http.client.HTTPConnection(_LOOPBACK, self._etcd_port, timeout=60.0)
        try:
            with contextlib.closing(connection):
                connection.request("POST", path, body=json.dumps(message))
                response = connection.getresponse()
                body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControlPlaneError(f"POST {self.etcd_url}{path}: {error}") from error
        if response.status != http.client.OK:
            raise ControlPlaneError(f"POST {self.etcd_url}{path}: {response.status} {body.decode(errors='replace')}")
        return cast("dict[str, object]", json.loads(body))


def _running(server: Server | None, name: str) -> Server:
    if server is None or not server.running():
        raise ControlPlaneError(f"{name} does not run")
    return server
