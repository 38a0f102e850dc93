"""The official client as kinform sees it, and ``connect()``, the typed door to its kubeconfig and in-cluster set-up."""

from __future__ import annotations

import abc
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from kinform.errors import ConfigurationError
from kinform.transport.kubeconfig import from_kubeconfig, plain_reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kinform.transport.abort import Abort
    from kinform.transport.exchange import Answer, Request

__all__ = ["AnsweringClient", "ApiClient", "ApiSource", "connect"]


class ApiClient(Protocol):
    """An API client whose configuration, TLS, proxies and credentials kinform uses; its requests kinform makes itself.

    ``kubernetes.client.ApiClient`` is one, from version 31 on.
    """

    @property
    def configuration(self) -> object:
        """Where the API server is (``host``), and which files hold certificates."""
        ...

    @property
    def rest_client(self) -> object:
        """Its ``pool_manager``, a ``urllib3.PoolManager``, says how to connect: TLS and proxies."""
        ...

    @property
    def default_headers(self) -> Mapping[str, str]:
        """Headers for every request, such as those of impersonation; its ``User-Agent`` is not used."""
        ...


class AnsweringClient(abc.ABC):
    """An API client that answers requests itself, without a network: that of fake clientsets (see ``ApiClient``)."""

    @property
    @abc.abstractmethod
    def configuration(self) -> object:
        """What stands for the API server's address is its ``host``; nobody connects there."""

    @property
    @abc.abstractmethod
    def rest_client(self) -> object:
        """A ``pool_manager`` that is never used."""

    @property
    @abc.abstractmethod
    def default_headers(self) -> Mapping[str, str]:
        """Headers for every request."""

    @abc.abstractmethod
    def answer(self, request: Request, aborts: Sequence[Abort]) -> Answer:
        """Answers a request, whatever the status. Any thread; may block, and then heeds the switches.

        Raises:
            ApiStatusError, TransportError: In place of an answer.
            AbortedError: A switch was thrown.
        """


ApiSource: TypeAlias = ApiClient | Callable[[], ApiClient]
"""Where requests go and as whom: a client, or a function that makes one.

The function is called again when the server answers 401, when a client certificate has expired, when a certificate
file has changed, and when one side does not trust the other's certificate: :func:`connect`, uncalled, is such a
function. A client given as it is refreshes what the official client refreshes by itself: service account tokens, and
tokens that say when they expire.
"""

_DEFAULT_KUBECONFIG = "~/.kube/config"


def connect(*, context: str | None = None, config_file: str | None = None) -> ApiClient:
    """An API client from the kubeconfig, or from the service account where there is no kubeconfig.

    The kubeconfig is ``config_file``, else the files that ``KUBECONFIG`` names, else ``~/.kube/config``. Credential
    plugins run inside this call. Passed uncalled to a factory, ``connect`` is called again when credentials rotate;
    with arguments, ``functools.partial(connect, context="staging")`` does the same.

    Args:
        context: The context to use instead of the kubeconfig's current one.
        config_file: A kubeconfig, or several with the system's path separator between them.

    Raises:
        ConfigurationError: There is none, or it cannot be used; the message says what was tried and how to mend it.
    """
    try:
        config = importlib.import_module("kubernetes.config")
        client = importlib.import_module("kubernetes.client")
    except ImportError:
        raise ConfigurationError(
            "the official client, which reads kubeconfigs, cannot be imported: install the package 'kubernetes'"
        ) from None
    files = config_file or os.environ.get("KUBECONFIG") or _DEFAULT_KUBECONFIG
    origin = _origin(files, given=config_file is not None)
    missing = [file for file in files.split(os.pathsep) if file and not Path(file).expanduser().exists()]
    if len(missing) < len([file for file in files.split(os.pathsep) if file]):
        return from_kubeconfig(config, files, context, origin)
    if config_file is not None or context is not None:
        wanted = f"context {context!r} needs a kubeconfig, but " if context is not None else ""
        raise ConfigurationError(f"{wanted}there is no file at {origin}: name one that exists")
    if not os.environ.get("KUBERNETES_SERVICE_HOST"):
        raise ConfigurationError(
            f"no cluster to connect to: there is no kubeconfig at {origin}, and this is no pod (KUBERNETES_SERVICE_HOST"
            " is not set). Set KUBECONFIG, pass config_file=, or run in a pod with a service account"
        )
    return _from_service_account(config, client, origin)


def _origin(files: str, *, given: bool) -> str:
    """Where the kubeconfig's path comes from, for messages."""
    if given:
        return f"{files} (config_file)"
    return f"{files} (KUBECONFIG)" if os.environ.get("KUBECONFIG") else f"{files} (KUBECONFIG is not set)"


def _from_service_account(config: Any, client: Any, origin: str) -> ApiClient:
    try:
        configuration = client.Configuration()
        config.load_incluster_config(client_configuration=configuration)
        return cast("ApiClient", client.ApiClient(configuration))
    except Exception as error:  # noqa: BLE001  (as above)
        raise ConfigurationError(
            f"there is no kubeconfig at {origin}, and this pod's service account cannot be used:"
            f" {plain_reason(error)}. Is automountServiceAccountToken off?"
        ) from None
