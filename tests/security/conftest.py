"""What the security tests share: servers and certificates of the transport's tests, and secrets to look for."""

from __future__ import annotations

import pytest
from tests.runtime.transport.conftest import (  # noqa: F401  (fixtures)
    Authority,
    api_client,
    authority,
    make_authority,
    serve,
    transport,
)


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No kubeconfig, no pod, no proxy but those of the test."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
