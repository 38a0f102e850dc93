"""kube-apiserver, as one run of a control plane has it."""

from __future__ import annotations

import contextlib
import http.client
from typing import TYPE_CHECKING, Final

from kinform.testing.control_plane._errors import ControlPlaneError
from kinform.testing.control_plane._restartable import Restartable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kinform.testing.control_plane._credentials import Credentials
    from kinform.testing.control_plane._processes import Watchdog

__all__ = ["ApiServer"]

_LOOPBACK: Final = "127.0.0.1"
_SERVICE_RANGE: Final = "10.0.0.0/24"


class ApiServer(Restartable):
    """A kube-apiserver that can be started and stopped; its port and its data stay the same.

    Args:
        program: Its path.
        folder: For certificates and log.
        port: Where it listens.
        etcd: The URL of its store.
        credentials: The certificates that it goes by.
        flags: Further flags, without dashes; they replace ours.
        watchdog: Told of its starts and ends.
        attach: Whether its log goes to standard error, too.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        *,
        port: int,
        etcd: str,
        credentials: Credentials,
        flags: Mapping[str, str],
        watchdog: Watchdog,
        attach: bool,
    ) -> None:
        self.url = f"https://{_LOOPBACK}:{port}"
        self.port = port
        self._credentials = credentials
        ours = {
            "etcd-servers": etcd,
            "cert-dir": str(folder / "apiserver"),
            **credentials.apiserver_flags(),
            "bind-address": _LOOPBACK,
            # Without an address to advertise it looks for a default route, which a sandbox may not have; and no
            # endpoints can be written of a loopback address.
            "advertise-address": _LOOPBACK,
            "endpoint-reconciler-type": "none",
            "secure-port": str(port),
            "service-cluster-ip-range": _SERVICE_RANGE,
            "allow-privileged": "true",
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "ServiceAccount",
            "service-account-issuer": self.url,
        }
        super().__init__(program, ours, flags, log=folder / "kube-apiserver.log", watchdog=watchdog, attach=attach)

    def ready(self) -> bool:
        """Whether it serves and has made its ``default`` namespace."""
        return self._answers("/readyz") and self._answers("/api/v1/namespaces/default")

    def ask(self, path: str, timeout: float) -> tuple[int, bytes]:
        """GET a path as an administrator, past any proxy of the environment: status and body.

        Raises:
            ControlPlaneError: It does not answer.
        """
        connection = http.client.HTTPSConnection(_LOOPBACK, self.port, timeout=timeout, context=self._credentials.tls)
        try:
            with contextlib.closing(connection):
                connection.request("GET", path, headers={"Accept": "application/json"})
                response = connection.getresponse()
                return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControlPlaneError(f"GET {self.url}{path}: {error}") from error

    def _answers(self, path: str) -> bool:
        try:
            return self.ask(path, timeout=5.0)[0] == http.client.OK
        except ControlPlaneError:
            return False
