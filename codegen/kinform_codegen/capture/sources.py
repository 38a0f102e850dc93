"""Where a capture reads from: a URL without credentials, or a cluster of the kubeconfig."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kinform_codegen.capture.read import FetchError

if TYPE_CHECKING:
    from collections.abc import Generator

    from kinform_codegen.capture.read import Fetch

__all__ = ["fetch_from_cluster", "fetch_from_url"]

_TIMEOUT_SECONDS = 60.0
_OK = 200


@contextlib.contextmanager
def fetch_from_url(url: str) -> Generator[Fetch]:
    """Read from an API server that asks for no credentials, such as ``kubectl proxy``.

    Args:
        url: Its address, such as ``http://127.0.0.1:8001``.
    """
    import urllib3  # noqa: PLC0415  (--help answers at once)

    base = url.rstrip("/")
    with urllib3.PoolManager(timeout=_TIMEOUT_SECONDS, retries=urllib3.Retry(2, redirect=2)) as pool:

        def fetch(path: str) -> bytes:
            try:
                response = pool.request("GET", base + path, headers={"Accept": "application/json"})
            except (urllib3.exceptions.HTTPError, ValueError) as error:
                raise FetchError(f"{base}{path} cannot be read: {error}") from error
            if response.status != _OK:
                raise FetchError(
                    f"{base}{path} cannot be read: HTTP {response.status} {response.reason or ''}".rstrip()
                )
            return response.data

        yield fetch


@contextlib.contextmanager
def fetch_from_cluster(context: str | None = None, kubeconfig: str | None = None) -> Generator[Fetch]:
    """Read from a cluster of the kubeconfig, or from the pod's own cluster where there is no kubeconfig.

    Args:
        context: The context; None for the current one.
        kubeconfig: The file; None for ``KUBECONFIG`` or ``~/.kube/config``.

    Raises:
        FetchError: There is no usable configuration.
    """
    from kinform.errors import KinformError  # noqa: PLC0415
    from kinform.transport import Transport, connect  # noqa: PLC0415

    try:
        transport = Transport(connect(context=context, config_file=kubeconfig))
    except KinformError as error:
        raise FetchError(str(error)) from error

    def fetch(path: str) -> bytes:
        try:
            return transport.request("GET", path, timeout=_TIMEOUT_SECONDS).body
        except KinformError as error:
            raise FetchError(f"{path} cannot be read: {error}") from error

    with contextlib.closing(transport):
        yield fetch
