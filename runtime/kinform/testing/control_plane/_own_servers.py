"""One run of a control plane's own servers: folder, certificates, etcd, API server, and who ends them if we cannot."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kinform.testing.control_plane._apiserver import ApiServer
from kinform.testing.control_plane._errors import ControlPlaneError
from kinform.testing.control_plane._etcd import Etcd
from kinform.testing.control_plane._ports import free_port
from kinform.testing.control_plane._processes import Watchdog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.testing.control_plane._binaries import Binaries
    from kinform.testing.control_plane._credentials import Credentials

__all__ = ["OwnServers", "ServerSettings"]

_LOOPBACK: Final = "127.0.0.1"
_FIRST_SERVICE: Final = "10.0.0.1"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the servers are to run; ``ControlPlane`` tells what each means."""

    apiserver_flags: Mapping[str, str] = field(default_factory=dict[str, str])
    etcd_flags: Mapping[str, str] = field(default_factory=dict[str, str])
    directory: Path | None = None
    start_timeout: float = 60.0
    stop_timeout: float = 20.0
    attach_output: bool = False


class OwnServers:
    """etcd and kube-apiserver, running from construction to ``stop``.

    Args:
        binaries: Their programs.
        settings: How they run.

    Attributes:
        directory: The folder of this run.
        credentials: Its certificates.
        etcd: The store.
        apiserver: The API server.

    Raises:
        ControlPlaneStartError: One ended or was not ready in time; nothing is left of either.
        ControlPlaneError: A package is missing.
    """

    def __init__(self, binaries: Binaries, settings: ServerSettings) -> None:
        self._settings = settings
        make_credentials = _credentials()
        if settings.directory is None:
            self.directory = Path(tempfile.mkdtemp(prefix="kinform-control-plane-"))
        else:
            self.directory = settings.directory
            self.directory.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.directory / "etcd", ignore_errors=True)
        self._watchdog = Watchdog(self.directory, remove=settings.directory is None)
        self._etcd: Etcd | None = None
        self._apiserver: ApiServer | None = None
        try:
            self.credentials = make_credentials(self.directory / "pki", [_LOOPBACK, _FIRST_SERVICE])
            self._start(binaries)
        except BaseException:
            self.stop()
            raise

    def _start(self, binaries: Binaries) -> None:
        settings, attach = self._settings, self._settings.attach_output
        self._etcd = Etcd(binaries.etcd, self.directory, settings.etcd_flags, self._watchdog, attach=attach)
        self._etcd.start(settings.start_timeout)
        self._apiserver = ApiServer(
            binaries.kube_apiserver,
            self.directory,
            port=free_port(),
            etcd=self._etcd.url,
            credentials=self.credentials,
            flags=settings.apiserver_flags,
            watchdog=self._watchdog,
            attach=attach,
        )
        self.credentials.write_admin_kubeconfig(self.kubeconfig, self._apiserver.url)
        self._apiserver.start(settings.start_timeout)

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return self.apiserver.url

    @property
    def kubeconfig(self) -> Path:
        """An administrator's."""
        return self.directory / "kubeconfig"

    @property
    def etcd(self) -> Etcd:
        """The store."""
        if self._etcd is None:
            raise ControlPlaneError("the control plane is not started")
        return self._etcd

    @property
    def apiserver(self) -> ApiServer:
        """The API server."""
        if self._apiserver is None:
            raise ControlPlaneError("the control plane is not started")
        return self._apiserver

    def start_apiserver(self) -> None:
        """Start the API server if it does not run.

        Raises:
            ControlPlaneStartError: It ended, or was not ready in time.
        """
        try:
            self.apiserver.start(self._settings.start_timeout)
        except BaseException:
            self.stop_apiserver(graceful=False)
            raise

    def stop_apiserver(self, *, graceful: bool = True) -> None:
        """End the API server if it runs."""
        self.apiserver.stop(self._settings.stop_timeout, graceful=graceful)

    def wait_until_ready(self) -> None:
        """Wait until the API server serves.

        Raises:
            ControlPlaneStartError: It ended, or was not ready in time.
            ControlPlaneError: It does not run.
        """
        self.apiserver.await_ready(self._settings.start_timeout)

    def start_etcd(self) -> None:
        """Start etcd if it does not run.

        Raises:
            ControlPlaneStartError: It ended, or was not ready in time.
        """
        self.etcd.start(self._settings.start_timeout)

    def stop_etcd(self, *, graceful: bool = True) -> None:
        """End etcd if it runs."""
        self.etcd.stop(self._settings.stop_timeout, graceful=graceful)

    def stop(self) -> None:
        """End both, the API server first, and remove the folder if it is a temporary one."""
        etcd, timeout = self._etcd, self._settings.stop_timeout
        if etcd is not None and etcd.running:
            etcd.thaw()
        if self._apiserver is not None:
            # Without etcd the API server does not drain, but waits for it until it is killed.
            self._apiserver.stop(timeout, graceful=etcd is not None and etcd.running)
        if etcd is not None:
            etcd.stop(timeout)
        self._watchdog.close()
        if self._settings.directory is None:
            shutil.rmtree(self.directory, ignore_errors=True)


def _credentials() -> type[Credentials]:
    try:
        from kinform.testing.control_plane._credentials import Credentials  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ControlPlaneError(
            f"the certificates need {error.name}, which comes with kinform's extra: pip install 'kinform[testing]'"
        ) from error
    return Credentials
