"""``connect()``: the kubeconfig, else the pod's service account, and errors that say how to mend it."""

from __future__ import annotations

import functools
import importlib
import os
import stat
import sys
import traceback
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from kinform.errors import ConfigurationError
from kinform.transport import ApiSource, connect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.transport.conftest import MakeTransport, Peer, Request, Serve

    from kinform.transport import ApiClient


TOKEN = "s3cr3t-t0k3n"

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: blue
clusters:
- {{name: one, cluster: {{server: "{url}"}}}}
- {{name: two, cluster: {{server: "http://two.invalid"}}}}
users:
- {{name: jane, user: {{token: "{token}"}}}}
contexts:
- {{name: blue, context: {{cluster: one, user: jane}}}}
- {{name: green, context: {{cluster: two, user: jane}}}}
"""


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine that the tests run on."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


class WriteKubeconfig(Protocol):
    """How the fixture ``kubeconfig`` is called."""

    def __call__(self, text: str = KUBECONFIG, *, url: str = ..., path: str = ...) -> str: ...


@pytest.fixture
def kubeconfig(tmp_path: Path) -> WriteKubeconfig:
    def write(text: str = KUBECONFIG, *, url: str = "http://one.invalid", path: str = "config") -> str:
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.format(url=url, token=TOKEN) if "{url}" in text else text)
        return str(file)

    return write


def settings(client: ApiClient) -> Any:
    """The official client's configuration, which has no types here."""
    return client.configuration


def host(client: ApiClient) -> object:
    return settings(client).host


def test_the_kubeconfig_in_the_home_folder(kubeconfig: WriteKubeconfig) -> None:
    kubeconfig(path=".kube/config")
    assert host(connect()) == "http://one.invalid"
    assert host(connect(context="green")) == "http://two.invalid"


def test_kubeconfig_is_read_when_called_not_when_imported(
    kubeconfig: WriteKubeconfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.import_module("kubernetes.config")
    monkeypatch.setenv("KUBECONFIG", kubeconfig())
    assert host(connect()) == "http://one.invalid"


def test_several_files_of_which_some_are_missing(
    kubeconfig: WriteKubeconfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "missing"), kubeconfig(), ""]))
    assert host(connect()) == "http://one.invalid"


def test_a_file_that_is_named_wins(kubeconfig: WriteKubeconfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig())
    other = kubeconfig(url="http://other.invalid", path="other")
    assert host(connect(config_file=other)) == "http://other.invalid"


def test_its_token_is_sent(serve: Serve, transport: MakeTransport, kubeconfig: WriteKubeconfig) -> None:
    server = serve(lambda peer, request: peer.respond())
    source: ApiSource = functools.partial(connect, config_file=kubeconfig(url=server.url))
    transport(source).request("GET", "/version")
    assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.scenario("fault-exec-plugin")
def test_a_credential_plugin_is_run_again_after_401(
    serve: Serve, transport: MakeTransport, kubeconfig: WriteKubeconfig, tmp_path: Path
) -> None:
    def handler(peer: Peer, request: Request) -> None:
        status = "200 OK" if request.headers.get("authorization") == "Bearer run-2" else "401 Unauthorized"
        peer.respond(status=status)

    runs = tmp_path / "runs"
    plugin = tmp_path / "plugin"
    plugin.write_text(
        f"""#!{sys.executable}
with open({str(runs)!r}, "a+") as file:
    file.write("x")
    file.seek(0)
    count = len(file.read())
print('{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
      '"status":{{"token":"run-%d"}}}}' % count)
"""
    )
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    server = serve(handler)
    user = f'{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: "{plugin}"}}}}'
    text = KUBECONFIG.replace('{{token: "{token}"}}', user.replace("{", "{{").replace("}", "}}"))
    client = transport(functools.partial(connect, config_file=kubeconfig(text, url=server.url)))
    assert client.request("GET", "/").status == 200
    assert len(runs.read_text()) == 2


def test_nothing_to_connect_to(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        connect()
    said = str(caught.value)
    for hint in ("~/.kube/config", "KUBECONFIG", "config_file=", "KUBERNETES_SERVICE_HOST", "service account"):
        assert hint in said


def test_a_named_file_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")  # no silent way to another cluster
    missing = str(tmp_path / "missing")
    with pytest.raises(ConfigurationError, match=rf"no file at {missing} \(config_file\)"):
        connect(config_file=missing)
    monkeypatch.setenv("KUBECONFIG", missing)
    with pytest.raises(ConfigurationError, match=rf"context 'blue' needs a kubeconfig.*{missing} \(KUBECONFIG\)"):
        connect(context="blue")


def test_a_context_that_is_missing(kubeconfig: WriteKubeconfig) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be used with context 'red': .*red"):
        connect(context="red", config_file=kubeconfig())


BROKEN = {
    "empty": "",
    "no yaml": f'users: [{{name: jane, user: {{token: "{TOKEN}"]',
    "no contexts": f"apiVersion: v1\nusers: [{{name: jane, user: {{token: {TOKEN}}}}}]\ncurrent-context: blue",
    "no cluster": f"""
current-context: blue
users: [{{name: jane, user: {{token: {TOKEN}}}}}]
contexts: [{{name: blue, context: {{user: jane}}}}]
clusters: [{{name: one, cluster: {{server: "http://x"}}}}]""",
    "same user twice": f"""
current-context: blue
users: [{{user: {{token: {TOKEN}}}}}, {{user: {{token: {TOKEN}}}}}]
contexts: [{{name: blue, context: {{user: jane, cluster: one}}}}]
clusters: [{{name: one, cluster: {{server: "http://x"}}}}]""",
    "plugin without command": f"""
current-context: blue
users: [{{name: jane, user: {{exec: {{env: [{{name: T, value: {TOKEN}}}]}}, auth-provider: {{name: oidc,
  config: {{id-token: "{TOKEN}.{TOKEN}.{TOKEN}"}}}}}}}}]
contexts: [{{name: blue, context: {{user: jane, cluster: one}}}}]
clusters: [{{name: one, cluster: {{server: "http://x"}}}}]""",
    "a list": f"- {TOKEN}",
    "missing certificate": f"""
current-context: blue
users: [{{name: jane, user: {{token: {TOKEN}}}}}]
contexts: [{{name: blue, context: {{user: jane, cluster: one}}}}]
clusters: [{{name: one, cluster: {{server: "https://x", certificate-authority: /nowhere/ca.crt}}}}]""",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_kubeconfig_is_an_error_that_names_the_file_and_no_secret(
    kubeconfig: WriteKubeconfig, how: str
) -> None:
    file = kubeconfig(BROKEN[how])
    with pytest.raises(ConfigurationError) as caught:
        connect(config_file=file)
    assert file in str(caught.value)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    if how == "missing certificate":
        assert "/nowhere/ca.crt" in str(caught.value)


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A pod with a service account."""
    module = importlib.import_module("kubernetes.config.incluster_config")
    for name, file, content in (
        ("SERVICE_TOKEN_FILENAME", "token", f"{TOKEN}\n"),
        ("SERVICE_CERT_FILENAME", "ca.crt", "a certificate"),
    ):
        path = tmp_path / file
        path.write_text(content)
        monkeypatch.setattr(module, name, str(path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return tmp_path


def test_in_a_pod_the_service_account_is_used(pod: Path) -> None:
    client = connect()
    assert host(client) == "https://[fd00::1]:443"
    assert settings(client).ssl_ca_cert == str(pod / "ca.crt")


def test_in_a_pod_with_a_kubeconfig_the_kubeconfig_wins(
    pod: Path, kubeconfig: WriteKubeconfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig())
    assert host(connect()) == "http://one.invalid"


def test_a_token_file_that_ends_in_a_newline_can_be_sent(pod: Path, serve: Serve, transport: MakeTransport) -> None:
    """``http.client`` would refuse the header, and quote it."""
    server = serve(lambda peer, request: peer.respond())
    client = connect()
    settings(client).host = server.url
    transport(client).request("GET", "/")
    assert server.requests[0].headers["authorization"] == f"bearer {TOKEN}"


def test_a_pod_without_service_account(pod: Path) -> None:
    (pod / "token").unlink()
    with pytest.raises(ConfigurationError, match=r"token file does not exist.*automountServiceAccountToken"):
        connect()


def test_without_the_official_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes.config", None)
    with pytest.raises(ConfigurationError, match="install the package 'kubernetes'"):
        connect()


def test_the_official_package_is_not_imported_before_connect() -> None:
    """It takes most of a second."""
    import subprocess

    code = "import sys, kinform.transport, kinform.client; print('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
