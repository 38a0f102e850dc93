"""A real API server for tests: kube-apiserver and etcd on this machine, without Docker and without a cluster."""

from __future__ import annotations

import importlib
import subprocess
import threading
from typing import TYPE_CHECKING, Final, Protocol, cast

from kinform.errors import ApiStatusError, TransportError
from kinform.testing._manifests import definitions_in, objects_in
from kinform.testing.control_plane import _settings
from kinform.testing.control_plane._binaries import find_binaries
from kinform.testing.control_plane._definitions import install, uninstall
from kinform.testing.control_plane._disturbances import Disturbances
from kinform.testing.control_plane._errors import ControlPlaneError
from kinform.testing.control_plane._existing import ExistingCluster
from kinform.testing.control_plane._objects import Objects
from kinform.testing.control_plane._own_servers import OwnServers, ServerSettings
from kinform.testing.control_plane._ports import free_port
from kinform.testing.control_plane._processes import PortTakenError
from kinform.testing.control_plane._users import allow
from kinform.testing.control_plane._webhooks import WebhookServing, install_webhooks
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from kinform.testing._manifests import Manifest
    from kinform.testing.control_plane._users import PolicyRule
    from kinform.transport import ApiClient

__all__ = ["ControlPlane"]

_LOOPBACK: Final = "127.0.0.1"
_START_ATTEMPTS: Final = 5
_START_TIMEOUT: Final = 60.0
_STOP_TIMEOUT: Final = 20.0
_EVERYTHING_GATES: Final = {"AllAlpha": True, "AllBeta": True}


class _Host(Protocol):
    host: str


class _Configured(Protocol):
    configuration: _Host


class _Closable(Protocol):
    def close(self) -> None: ...


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
        start_timeout: Seconds that each server has to become ready; None: ``KUBEBUILDER_CONTROLPLANE_START_TIMEOUT``
            (a duration such as ``90s``), else 60.
        stop_timeout: Seconds that each server has to end before it is killed; None:
            ``KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT``, else 20. An API server drains for some seconds.
        attach_output: Whether the servers' logs go to standard error, too; None:
            ``KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT``.
        use_existing_cluster: Use the cluster of the kubeconfig in place of servers of its own, which all arguments
            above are about; None: ``USE_EXISTING_CLUSTER``. Then there are no further users, webhooks, restarts and
            compactions; what ``install`` has made new goes with ``stop()``.

    Raises:
        ControlPlaneNotFoundError: A program is not on this machine.
        ValueError: ``version`` is not a version, or a variable of the environment not a duration.
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
        start_timeout: float | None = None,
        stop_timeout: float | None = None,
        attach_output: bool | None = None,
        use_existing_cluster: bool | None = None,
    ) -> None:
        existing = _settings.uses_existing_cluster() if use_existing_cluster is None else use_existing_cluster
        programs = {"kube_apiserver": kube_apiserver, "etcd": etcd, "kubectl": kubectl}
        self._binaries = None if existing else find_binaries(version, **programs)
        self._given_kubectl = kubectl
        gates = {**(_EVERYTHING_GATES if all_apis else {}), **(feature_gates or {})}
        flags: dict[str, str] = {}
        if all_apis:
            flags["runtime-config"] = "api/all=true"
        if gates:
            flags["feature-gates"] = ",".join(f"{name}={str(on).lower()}" for name, on in gates.items())
        self._server_settings = ServerSettings(
            apiserver_flags=flags | _flag_names(apiserver_flags),
            etcd_flags=_flag_names(etcd_flags),
            directory=directory,
            start_timeout=_settings.start_timeout(_START_TIMEOUT) if start_timeout is None else start_timeout,
            stop_timeout=_settings.stop_timeout(_STOP_TIMEOUT) if stop_timeout is None else stop_timeout,
            attach_output=_settings.attaches_output() if attach_output is None else attach_output,
        )
        self._cluster: OwnServers | ExistingCluster | None = None
        self._transport: Transport | None = None
        self._fresh: list[str] = []  # definitions that install() has made
        self._clients: list[ApiClient] = []
        self._lock = threading.Lock()

    # ---- what it is

    @property
    def version(self) -> str:
        """The API server's version, such as ``"v1.37.2"``; of an existing cluster, once it is started.

        Raises:
            ControlPlaneError: It is not started.
        """
        if self._binaries is not None:
            return self._binaries.version
        cluster = self._started
        return cluster.version if isinstance(cluster, ExistingCluster) else ""

    @property
    def url(self) -> str:
        """Where the API server listens: ``https://127.0.0.1:PORT``. It stays the same over ``restart_apiserver()``.

        Raises:
            ControlPlaneError: It is not started.
        """
        return self._started.url

    @property
    def port(self) -> int:
        """The API server's port on 127.0.0.1, which stays the same, too.

        Raises:
            ControlPlaneError: It is not started.
        """
        return self._own.apiserver.port

    @property
    def etcd_url(self) -> str:
        """Where etcd listens, without TLS.

        Raises:
            ControlPlaneError: It is not started.
        """
        return self._own.etcd.url

    @property
    def directory(self) -> Path:
        """The folder of this run: ``kubeconfig``, ``pki/``, ``kube-apiserver.log``, ``etcd.log``, data.

        Raises:
            ControlPlaneError: It is not started.
        """
        return self._own.directory

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig file for an administrator (group ``system:masters``); it holds its certificates itself.

        Raises:
            ControlPlaneError: It is not started.
        """
        return self._started.kubeconfig

    @property
    def _started(self) -> OwnServers | ExistingCluster:
        if self._cluster is None:
            raise ControlPlaneError("the control plane is not started")
        return self._cluster

    @property
    def _own(self) -> OwnServers:
        cluster = self._started
        if isinstance(cluster, ExistingCluster):
            raise ControlPlaneError(f"that takes servers of our own, and this is an existing cluster: {cluster.url}")
        return cluster

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
        if self._cluster is not None:
            raise ControlPlaneError("the control plane is started already")
        if self._binaries is None:
            self._cluster = ExistingCluster()
            return
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                self._cluster = OwnServers(self._binaries, self._server_settings)
            except PortTakenError:
                if attempt == _START_ATTEMPTS:
                    raise
            else:
                return

    def stop(self) -> None:
        """End both servers and remove the run's temporary files; does nothing if it is not started.

        Blocks until they are gone: some seconds, at most twice ``stop_timeout``. Clients made by ``client()`` are
        closed. An existing cluster goes on, without the definitions that ``install`` has made new.
        """
        cluster = self._cluster
        if cluster is None:
            return
        try:
            if isinstance(cluster, ExistingCluster) and self._fresh:
                uninstall(self._objects(), self._fresh, self._server_settings.stop_timeout)
        finally:
            self._cluster = None
            self._fresh.clear()
            with self._lock:
                clients, self._clients = self._clients, []
                transport, self._transport = self._transport, None
            if transport is not None:
                transport.close()
            for client in clients:
                cast("_Closable", client).close()
            if isinstance(cluster, OwnServers):
                cluster.stop()

    # ---- use

    def client(self, kubeconfig: Path | None = None, *, port: int | None = None) -> ApiClient:
        """Make a client of the official Python package, ready to be given to a clientset or an informer factory.

        Each call makes one of its own; ``stop()`` closes it.

        Args:
            kubeconfig: Whose credentials to use, from ``add_user()``; None for the administrator's.
            port: Where to connect on 127.0.0.1, such as a ``TcpProxy``'s; None: as the kubeconfig says.

        Raises:
            ControlPlaneError: It is not started.
        """
        api_client = self._make_client(kubeconfig)
        if port is not None:
            cast("_Configured", api_client).configuration.host = f"https://{_LOOPBACK}:{port}"
        with self._lock:
            self._clients.append(api_client)
        return api_client

    def _make_client(self, kubeconfig: Path | None) -> ApiClient:
        cluster = self._started
        if isinstance(cluster, ExistingCluster):
            return cluster.client(kubeconfig)
        client = importlib.import_module("kubernetes.client")
        configuration = client.Configuration(host=cluster.url)
        files = cluster.credentials.user_files(kubeconfig or cluster.kubeconfig)
        if files is None:
            importlib.import_module("kubernetes.config").load_kube_config(
                config_file=str(kubeconfig), client_configuration=configuration, persist_config=False
            )
        else:
            configuration.ssl_ca_cert = str(cluster.credentials.authority_file)
            configuration.cert_file, configuration.key_file = map(str, files)
        configuration.proxy = None  # which it takes from the environment; a proxy cannot reach our loopback address
        return cast("ApiClient", client.ApiClient(configuration))

    def add_user(
        self,
        name: str,
        groups: Sequence[str] = (),
        *,
        rules: Sequence[PolicyRule] = (),
        namespace: str = "",
        lifetime: timedelta | None = None,
        timeout: float = 30.0,
    ) -> Path:
        """Make a user, who may do what RBAC gives to the name and the groups: at first nothing much.

        Args:
            name: The user's name.
            groups: The groups that the user is in.
            rules: What the user may do besides: a role and its binding are made, named ``kinform-testing:`` and the
                name, and awaited until they count. They replace those of before.
            namespace: Where, as a Role; ``""``: everywhere, as a ClusterRole.
            lifetime: For how long the user's certificate is good; None: for longer than any test.
            timeout: Seconds that the rules have to count.

        Returns:
            A kubeconfig file for the user; that of before, with new credentials, where there was one.

        Raises:
            ControlPlaneError: The control plane is not started, or the rules are refused.
        """
        own = self._own
        path = own.directory / f"kubeconfig-{name.replace('/', '_')}"
        own.credentials.write_kubeconfig(path, own.url, name, groups, lifetime)
        if rules:
            allow(self._objects(), name, groups, rules, namespace=namespace, timeout=timeout)
        return path

    # ---- what it has installed

    def install(self, *definitions: Manifest, timeout: float = 30.0) -> None:
        """Install CustomResourceDefinitions, or bring them up to date, and wait until they are established and served.

        Args:
            definitions: Files (YAML or JSON), folders of these, models, or JSON as mappings. What else is in a file or
                folder is passed over.
            timeout: Seconds that they have.

        Raises:
            ControlPlaneError: One is refused, or not served in time.
            ValueError: A file cannot be understood, or something holds no definition.
            OSError: A file cannot be read.
        """
        self._fresh += install(self._objects(), definitions_in(definitions), timeout)

    def uninstall(self, *definitions: Manifest, timeout: float = 30.0) -> None:
        """Delete CustomResourceDefinitions, with all their objects, and wait until they are no longer served.

        Args:
            definitions: As for ``install``; only their names count. What is not there is no error.
            timeout: Seconds that they have.

        Raises:
            ControlPlaneError: One is still there in the end: an object has a finalizer, which nobody removes.
            ValueError: A file cannot be understood, or something holds no definition.
            OSError: A file cannot be read.
        """
        names = [str(cast("Mapping[str, object]", each["metadata"])["name"]) for each in definitions_in(definitions)]
        uninstall(self._objects(), names, timeout)
        self._fresh = [name for name in self._fresh if name not in names]

    def install_webhooks(self, *configurations: Manifest, port: int = 0) -> WebhookServing:
        """Apply webhook configurations, pointed to a port of this machine, where the test is to serve them by HTTPS.

        The path of each webhook stays; its service or host gives way to the local address, with the certificate
        authority of this control plane. (envtest: ``WebhookInstallOptions``)

        Args:
            configurations: Mutating and ValidatingWebhookConfigurations: files, folders, models or mappings.
            port: Where they are served; 0 takes a free one.

        Returns:
            The address, and the certificate to serve with.

        Raises:
            ControlPlaneError: One is refused.
            ValueError: A file cannot be understood, or there is no configuration at all.
            OSError: A file cannot be read.
        """
        own = self._own
        certificate, key = own.credentials.webhook_identity(_LOOPBACK)
        serving = WebhookServing(_LOOPBACK, port or free_port(), certificate, key)
        trees = objects_in(configurations)
        if not install_webhooks(self._objects(), trees, serving, own.credentials.authority):
            raise ValueError("there is no MutatingWebhookConfiguration or ValidatingWebhookConfiguration")
        return serving

    def _objects(self) -> Objects:
        """For requests as the administrator."""
        self._started  # noqa: B018  (raises where it is not)
        with self._lock:
            if self._transport is None:
                self._transport = Transport(lambda: self._make_client(None))
            return Objects(self._transport)

    # ---- use

    def kubectl(self, *arguments: str, input: str | None = None, timeout: float = 60.0) -> str:  # noqa: A002
        """Run kubectl as the administrator and give back what it prints.

        Args:
            arguments: Such as ``"get", "pods", "--output", "name"``.
            input: What it reads from its standard input (``apply --filename -``).
            timeout: Seconds it may take.

        Raises:
            ControlPlaneError: There is no kubectl, it failed, or it took too long.
        """
        program = self._binaries.kubectl if self._binaries is not None else self._given_kubectl or "kubectl"
        if program is None:
            raise ControlPlaneError("no kubectl on this machine (TEST_ASSET_KUBECTL, KUBEBUILDER_ASSETS)")
        command = [str(program), "--kubeconfig", str(self.kubeconfig), *arguments]
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
        objects = self._objects()
        try:
            return objects.read(path, timeout)
        except (ApiStatusError, TransportError) as error:
            raise ControlPlaneError(f"GET {path}: {error}") from error


def _flag_names(flags: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lstrip("-").replace("_", "-"): value for name, value in (flags or {}).items()}
