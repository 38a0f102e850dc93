"""A cluster that is there already, used in place of servers of our own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kinform.errors import ConfigurationError, KinformError
from kinform.testing.control_plane._errors import ControlPlaneError
from kinform.transport import Transport, connect

if TYPE_CHECKING:
    from kinform.transport import ApiClient

__all__ = ["ExistingCluster"]


class ExistingCluster:
    """The cluster of the kubeconfig's current context, or of the service account.

    Attributes:
        url: Where its API server is.
        version: What it says of itself.

    Raises:
        ControlPlaneError: There is none, or it does not answer.
    """

    def __init__(self) -> None:
        try:
            with Transport(connect) as transport:
                self.url = transport.host
                told = cast("dict[str, str]", json.loads(transport.request("GET", "/version", timeout=10.0).body))
        except KinformError as error:
            raise ControlPlaneError(f"USE_EXISTING_CLUSTER asks for a cluster that is there, but: {error}") from error
        self.version = told["gitVersion"]

    @property
    def kubeconfig(self) -> Path:
        """The file that says which cluster.

        Raises:
            ControlPlaneError: There is none: this is a pod.
        """
        files = os.environ.get("KUBECONFIG") or "~/.kube/config"
        for file in filter(None, files.split(os.pathsep)):
            if (path := Path(file).expanduser()).exists():
                return path
        raise ControlPlaneError(f"there is no kubeconfig at {files}")

    @staticmethod
    def client(kubeconfig: Path | None) -> ApiClient:
        """A client of its own for each call.

        Raises:
            ControlPlaneError: The kubeconfig cannot be used.
        """
        try:
            return connect(config_file=None if kubeconfig is None else str(kubeconfig))
        except ConfigurationError as error:
            raise ControlPlaneError(str(error)) from error
