"""A real API server for tests: kube-apiserver and etcd on this machine, without Docker and without a cluster."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kinform.testing.control_plane._binaries import find_binaries
from kinform.testing.control_plane._disturbances import Disturbances
from kinform.testing.control_plane._errors import ControlPlaneError, ControlPlaneStartError
from kinform.testing.control_plane._processes import PortTakenError, Server, Watchdog, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType
    from typing import Self

    from kinform.testing.control_plane._credentials import Credentials
    from kinform.transport import ApiClient

__all__ = ["ControlPlane"]

_LOOPBACK = "127.0.0.1"
_START_ATTEMPTS = 5
_POLL_SECONDS = 0.05
_SERVICE_RANGE = "10.0.0.0/24"
_FIRST_SERVICE = "10.0.0.1"
_EVERYTHING_GATES = {"AllAlpha": True, "AllBeta": True}


class ControlPlane(Disturbances):
    """A kube-apiserver with its etcd, started on free ports of the loopback interface for the time of a test.

    There is nothing else: **no controller-manager, no scheduler, no kubelet**. So nothing collects garbage, a deleted
    namespace stays for ever in Terminating, deployments make no replica sets and pods never run. Admission by
    ServiceAccount is off, so that pods can be created.

    Each start has fresh data and a certificate authority of its own. The servers end with ``stop()`` (or the ``with``
    block); if this process dies without it, a companion process ends them and removes their files.

    ``start``, ``stop`` and the methods that stop and start the API server block, and are for one thread at a time; all
    else may be used from any thread. client-go's world knows this as *envtest*.

    Example:
        >>> with ControlPlane("v1.37") as control_plane:  # doctest: +SKIP
        ...     pods = Clientset(control_plane.client()).core_v1().pods("default").list()

    Args:
        version: The version of Kubernetes to run: ``"v1.37.2"``, or ``"v1.37"`` for any patch of it; None for what is
            there.
        kube_apiserver: Path of kube-apiserver; None to find it (``find_binaries`` tells where).
        etcd: Path of etcd; None to find it.
        kubectl: Path of kubectl; None to find it.
        all_apis: Serve every group, version and kind, alpha and beta ones included, with all feature gates on.
        feature_gates: Further feature gates of the API server; they have the last word.
        apiserver_flags: Further flags of kube-apiserver, without dashes: ``{"watch-cache": "false"}``. They replace
            the flags that kinform sets. Underscores are the same as dashes.
        etcd_flags: Further flags of etcd, likewise.
        directory: Folder for data, certificates, logs and kubeconfig, which is made and kept; None for a temporary
            one, removed at the end.
        start_timeout: Seconds that each server has to become ready.
        stop_timeout: Seconds that each server has to end before it is killed. An API server drains for some seconds.
    """

    def __init__(
        self,
        version: str | None = None,
        *,
        kube_apiserver: Path | None = None,
        etcd: Path | None = None,
        kubectl: Path | None = None,
        all_apis: bool = False,
        feature_gates: Mapping[str, bool] | None = None,
        apiserver_flags: Mapping[str, str] | None = None,
        etcd_flags: Mapping[str, str] | None = None,
        directory: Path | None = None,
        start_timeout: float = 60.0,
        stop_timeout: float = 20.0,
    ) -> None:
        self._binaries = find_binaries(version, kube_apiserver=kube_apiserver, etcd=etcd, kubectl=kubectl)
        self._gates = {**(_EVERYTHING_GATES if all_apis else {}), **(feature_gates or {})}
        self._all_apis = all_apis
        self._apiserver_flags = _flag_names(apiserver_flags)
        self._etcd_flags = _flag_names(etcd_flags)
        self._given_directory = directory
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._directory: Path | None = None
        self._credentials: Credentials | None = None
        self._watchdog: Watchdog | None = None
        self._etcd: Server | None = None
        self._apiserver: Server | None = None
        self._etcd_port = 0
        self._port = 0
        self._clients: list[ApiClient] = []
        self._clients_lock = threading.Lock()

    # ---- what it is

    @property
    def version(self) -> str:
        """The API server's version, such as ``"v1.37.2"``."""
        return self._binaries.version

    @property
    def url(self) -> str:
        """Where the API server listens: ``https://127.0.0.1:PORT``. It stays the same over ``restart_apiserver()``."""
        return f"https://{_LOOPBACK}:{self._port}"

    @property
    def port(self) -> int:
        """The API server's port on 127.0.0.1, which stays the same, too."""
        return self._port

    @property
    def directory(self) -> Path:
        """The folder of this run: ``kubeconfig``, ``pki/``, ``kube-apiserver.log``, ``etcd.log``, data.

        Raises:
            ControlPlaneError: It is not started.
        """
        if self._directory is None:
            raise ControlPlaneError("the control plane is not started")
        return self._directory

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig file for an administrator (group ``system:masters``); it holds its certificates itself."""
        return self.directory / "kubeconfig"

    # ---- start and stop

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start etcd and the API server, and wait until it serves and has made its ``default`` namespace.

        Blocks for 3 to 6 seconds. A start that loses a race for a port is made again.

        Raises:
            ControlPlaneStartError: A server ended or was not ready in time; the message has the end of its log.
            ControlPlaneError: It is started already.
        """
        if self._directory is not None:
            raise ControlPlaneError("the control plane is started already")
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                self._start()
            except PortTakenError:
                self.stop()
                if attempt == _START_ATTEMPTS:
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                return

    def stop(self) -> None:
        """End both servers and remove the run's temporary files; does nothing if it is not started.

        Blocks until they are gone: some seconds, at most twice ``stop_timeout``. Clients made by ``client()`` are
        closed.
        """
        with self._clients_lock:
            clients, self._clients = self._clients, []
        for client in clients:
            cast("_Closable", client).close()
        if self._etcd is not None:
            self._etcd.thaw()
        for server in (self._apiserver, self._etcd):
            if server is not None:
                # Without etcd the API server does not drain, but waits for it until it is killed.
                server.stop(self._stop_timeout, graceful=self._etcd is not None)
        self._apiserver = self._etcd = None
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None
        if self._directory is not None and self._given_directory is None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None

    def stop_apiserver(self, *, graceful: bool = True) -> None:
        """End the API server and wait until it is gone; etcd goes on with the data.

        Args:
            graceful: End it by SIGTERM: it closes its watches and drains, which takes some seconds. Else by SIGKILL,
                as in a crash.

        Raises:
            ControlPlaneError: The control plane is not started.
        """
        _ = self.directory
        if self._apiserver is not None:
            self._apiserver.stop(self._stop_timeout, graceful=graceful)
            self._apiserver = None

    def start_apiserver(self) -> None:
        """Start the API server again, on the same port and data, and wait until it serves; nothing if it runs.

        Raises:
            ControlPlaneStartError: It ended, or was not ready in time.
            ControlPlaneError: The control plane is not started.
        """
        _ = self.directory
        if self._apiserver is not None and self._apiserver.running():
            return
        try:
            self._run_apiserver()
        except BaseException:
            self.stop_apiserver(graceful=False)
            raise

    def wait_until_ready(self) -> None:
        """Wait until the API server serves and finds its data, such as after ``start_etcd()`` or a thaw.

        Raises:
            ControlPlaneStartError: It ended, or was not ready within ``start_timeout`` seconds.
            ControlPlaneError: It does not run.
        """
        if self._apiserver is None:
            raise ControlPlaneError("the API server does not run")
        self._await(self._apiserver, self._ready)

    def restart_apiserver(self, *, graceful: bool = True) -> None:
        """Stop the API server and start it again, on the same port and data. Blocks for 4 to 10 seconds.

        Args:
            graceful: As for ``stop_apiserver``.

        Raises:
            ControlPlaneStartError: It did not come up again.
            ControlPlaneError: The control plane is not started.
        """
        self.stop_apiserver(graceful=graceful)
        self.start_apiserver()

    # ---- use

    def client(self, kubeconfig: Path | None = None, *, port: int | None = None) -> ApiClient:
        """Make a client of the official Python package, ready to be given to a clientset or an informer factory.

        Each call makes one of its own; ``stop()`` closes it.

        Args:
            kubeconfig: Whose credentials to use, from ``add_user()``; None for the administrator's.
            port: Where to connect on 127.0.0.1, such as a ``TcpProxy``'s; None: as the kubeconfig says.
        """
        client = importlib.import_module("kubernetes.client")
        configuration = client.Configuration()
        importlib.import_module("kubernetes.config").load_kube_config(
            config_file=str(kubeconfig or self.kubeconfig), client_configuration=configuration, persist_config=False
        )
        if port is not None:
            configuration.host = f"https://{_LOOPBACK}:{port}"
        configuration.proxy = None  # which it takes from the environment; a proxy cannot reach our loopback address
        api_client = cast("ApiClient", client.ApiClient(configuration))
        with self._clients_lock:
            self._clients.append(api_client)
        return api_client

    def add_user(self, name: str, groups: Sequence[str] = (), *, lifetime: timedelta | None = None) -> Path:
        """Make a user, who may do what RBAC gives to the name and the groups: at first nothing much.

        Args:
            name: The user's name.
            groups: The groups that the user is in.
            lifetime: For how long the user's certificate is good; None: for longer than any test.

        Returns:
            A kubeconfig file for the user; that of before, with new credentials, where there was one.

        Raises:
            ControlPlaneError: The control plane is not started.
        """
        path = self.directory / f"kubeconfig-{name.replace('/', '_')}"
        if self._credentials is None:
            raise ControlPlaneError("the control plane is not started")
        self._credentials.write_kubeconfig(path, self.url, name, groups, lifetime)
        return path

    def kubectl(self, *arguments: str, input: str | None = None, timeout: float = 60.0) -> str:  # noqa: A002
        """Run kubectl as the administrator and give back what it prints.

        Args:
            arguments: Such as ``"get", "pods", "--output", "name"``.
            input: What it reads from its standard input (``apply --filename -``).
            timeout: Seconds it may take.

        Raises:
            ControlPlaneError: There is no kubectl, it failed, or it took too long.
        """
        if self._binaries.kubectl is None:
            raise ControlPlaneError("no kubectl on this machine (TEST_ASSET_KUBECTL, KUBEBUILDER_ASSETS)")
        command = [str(self._binaries.kubectl), "--kubeconfig", str(self.kubeconfig), *arguments]
        try:
            done = subprocess.run(  # noqa: S603
                command, input=input, capture_output=True, text=True, timeout=timeout, check=False
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ControlPlaneError(f"kubectl {' '.join(arguments)}: {error}") from error
        if done.returncode:
            raise ControlPlaneError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, path: str, *, timeout: float = 30.0) -> bytes:
        """Read a path of the API server as the administrator: ``/version``, ``/openapi/v3``, ``/metrics``.

        Raises:
            ControlPlaneError: It does not answer, or not with 200.
        """
        status, body = self._ask(path, timeout)
        if status != http.client.OK:
            raise ControlPlaneError(f"GET {path}: {status} {body[:500].decode(errors='replace')}")
        return body

    # ---- within

    def _start(self) -> None:
        try:
            from kinform.testing.control_plane._credentials import Credentials  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ControlPlaneError(
                f"the certificates need {error.name}, which comes with kinform's extra: pip install 'kinform[testing]'"
            ) from error
        if self._given_directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="kinform-control-plane-"))
        else:
            self._directory = self._given_directory
            self._directory.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self._directory / "etcd", ignore_errors=True)
        self._credentials = Credentials(self._directory / "pki", [_LOOPBACK, _FIRST_SERVICE])
        self._watchdog = Watchdog(self._directory, remove=self._given_directory is None)
        self._etcd_port = free_port()
        self._run_etcd()
        self._port = free_port()
        self._credentials.write_admin_kubeconfig(self.kubeconfig, self.url)
        self._run_apiserver()

    def _run_etcd(self) -> None:
        if self._watchdog is None:
            raise ControlPlaneError("the control plane is not started")
        flags = {
            "name": "kinform-testing",
            "data-dir": str(self.directory / "etcd"),
            "unsafe-no-fsync": "true",
            "listen-client-urls": self.etcd_url,
            "advertise-client-urls": self.etcd_url,
            "listen-peer-urls": f"http://{_LOOPBACK}:0",  # a single member: nobody calls it
            "log-level": "warn",
            **self._etcd_flags,
        }
        command = [str(self._binaries.etcd), *_flags(flags)]
        self._etcd = Server("etcd", command, self.directory / "etcd.log", self._watchdog)
        # It makes its data once it has its ports: then it is ours that answers, not another that has just taken them.
        data = self.directory / "etcd" / "member"
        self._await(self._etcd, lambda: data.is_dir() and b'"true"' in self._read_etcd_health())

    def _run_apiserver(self) -> None:
        if self._watchdog is None or self._credentials is None:
            raise ControlPlaneError("the control plane is not started")
        flags = {
            "etcd-servers": self.etcd_url,
            "cert-dir": str(self.directory / "apiserver"),
            **self._credentials.apiserver_flags(),
            "bind-address": _LOOPBACK,
            # Without an address to advertise it looks for a default route, which a sandbox may not have; and no
            # endpoints can be written of a loopback address.
            "advertise-address": _LOOPBACK,
            "endpoint-reconciler-type": "none",
            "secure-port": str(self._port),
            "service-cluster-ip-range": _SERVICE_RANGE,
            "allow-privileged": "true",
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "ServiceAccount",
            "service-account-issuer": self.url,
        }
        if self._all_apis:
            flags["runtime-config"] = "api/all=true"
        if self._gates:
            flags["feature-gates"] = ",".join(f"{name}={str(on).lower()}" for name, on in self._gates.items())
        flags.update(self._apiserver_flags)
        command = [str(self._binaries.kube_apiserver), *_flags(flags)]
        server = Server("kube-apiserver", command, self.directory / "kube-apiserver.log", self._watchdog)
        self._apiserver = server
        self._await(server, self._ready)

    def _ready(self) -> bool:
        return self._answers("/readyz") and self._answers("/api/v1/namespaces/default")

    def _check_started(self) -> None:
        _ = self.directory

    def _await(self, server: Server, ready: Callable[[], bool]) -> None:
        """Wait until the server is ready.

        Raises:
            PortTakenError: It ended since its port is taken.
            ControlPlaneStartError: It ended, or the time is over.
        """
        deadline = time.monotonic() + self._start_timeout
        while True:
            server.raise_if_ended()
            # A server that answers is not enough: if ours has just ended, it is another one on that port.
            if ready() and server.running():
                return
            if time.monotonic() > deadline:
                raise ControlPlaneStartError(
                    f"{server.name} was not ready after {self._start_timeout:g} s\n{server.last_log_lines()}",
                )
            time.sleep(_POLL_SECONDS)

    def _answers(self, path: str) -> bool:
        try:
            return self._ask(path, timeout=5.0)[0] == http.client.OK
        except ControlPlaneError:
            return False

    def _ask(self, path: str, timeout: float) -> tuple[int, bytes]:
        """GET a path of the API server, past any proxy of the environment."""
        tls = self._credentials.tls if self._credentials is not None else None
        connection = http.client.HTTPSConnection(_LOOPBACK, self._port, timeout=timeout, context=tls)
        try:
            with contextlib.closing(connection):
                connection.request("GET", path, headers={"Accept": "application/json"})
                response = connection.getresponse()
                return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControlPlaneError(f"GET {self.url}{path}: {error}") from error

    def _read_etcd_health(self) -> bytes:
        connection = http.client.HTTPConnection(_LOOPBACK, self._etcd_port, timeout=5.0)
        try:
            with contextlib.closing(connection):
                connection.request("GET", "/health")
                return connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return b""


if TYPE_CHECKING:
    from typing import Protocol

    class _Closable(Protocol):
        def close(self) -> None: ...


def _flag_names(flags: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lstrip("-").replace("_", "-"): value for name, value in (flags or {}).items()}


def _flags(flags: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]
