"""A service account whose tokens live for ten minutes: who makes clients with them meets a 401 five times in an hour."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from kinform.meta import Resource
from kinform_k8s.resources.core.v1 import SERVICE_ACCOUNTS

if TYPE_CHECKING:
    from pathlib import Path

    from kinform.testing import ControlPlane
    from kinform.transport import ApiClient, Transport

_BINDINGS = Resource(
    group="rbac.authorization.k8s.io",
    version="v1",
    plural="clusterrolebindings",
    kind="ClusterRoleBinding",
    namespaced=False,
)
_SHORTEST_LIFE = 600  # seconds; the server takes no less


class ShortTokens:
    """Makes clients, each with a token of its own: to be given uncalled to a factory. Thread-safe.

    Args:
        control_plane: Whose clients.
        transport: An administrator's, straight to the server.
        namespace: Of the service account, which may do everything.
        port: Where the clients connect.
    """

    def __init__(self, control_plane: ControlPlane, transport: Transport, namespace: str, port: int) -> None:
        self._control_plane = control_plane
        self._transport = transport
        self._path = SERVICE_ACCOUNTS.path(namespace, "soak")
        self._port = port
        self._numbers = itertools.count(1)
        self._post(SERVICE_ACCOUNTS.path(namespace), {"metadata": {"name": "soak"}})
        self._post(
            _BINDINGS.path(),
            {
                "metadata": {"name": "soak"},
                "roleRef": {"apiGroup": _BINDINGS.group, "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "soak"}],
            },
        )
        self.made = 0
        """How many clients there have been."""

    def __call__(self) -> ApiClient:
        answer = self._post(f"{self._path}/token", {"spec": {"expirationSeconds": _SHORTEST_LIFE}})
        self.made = next(self._numbers)
        path = self._write_kubeconfig(answer["status"]["token"])
        return self._control_plane.client(path, port=self._port)

    def _write_kubeconfig(self, token: str) -> Path:
        config = json.loads(self._control_plane.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        path = self._control_plane.directory / f"kubeconfig-soak-{self.made}"
        path.write_text(json.dumps(config))
        return path

    def _post(self, path: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
        answer = self._transport.request("POST", path, body=json.dumps(body).encode())
        found: dict[str, dict[str, str]] = json.loads(answer.body)
        return found
