"""Whatever is wrong with a kubeconfig: one message, which says what, where, and how to mend it, and holds no secret."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
import traceback
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kinform.errors import ConfigurationError, KinformError
from kinform.transport import Transport, connect

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SECRET = "c4n4ry-t0k3n"
EXEC = "client.authentication.k8s.io/v1"


def good() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "blue",
        "clusters": [{"name": "one", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "jane", "user": {"token": SECRET}}],
        "contexts": [{"name": "blue", "context": {"cluster": "one", "user": "jane"}}],
    }


def with_cluster(**fields: Any) -> dict[str, Any]:
    config = good()
    config["clusters"][0]["cluster"] |= {name.replace("_", "-"): value for name, value in fields.items()}
    return config


def with_user(**fields: Any) -> dict[str, Any]:
    config = good()
    config["users"][0]["user"] = {name.replace("_", "-"): value for name, value in fields.items()}
    return config


def without(name: str) -> dict[str, Any]:
    config = good()
    del config[name]
    return config


def plugin(body: str, *, version: str = EXEC) -> Callable[[Path], dict[str, Any]]:
    """A kubeconfig whose user is a credential plugin of these lines."""

    def make(folder: Path) -> dict[str, Any]:
        file = folder / "plugin"
        file.write_text(f"#!{sys.executable}\n{body}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return with_user(exec={"apiVersion": version, "command": str(file), "interactiveMode": "Never"})

    return make


def credential(status: str) -> str:
    return f"""print('{{"apiVersion": "{EXEC}", "kind": "ExecCredential", "status": {status}}}')"""


def make_folder(folder: Path) -> dict[str, Any]:
    (folder / "config").mkdir()
    return {}


@dataclass(frozen=True)
class Defect:
    """What a kubeconfig is like, and what must be said of it."""

    config: str | bytes | dict[str, Any] | Callable[[Path], dict[str, Any]] | None
    said: str
    """A regular expression."""


DEFECTS = {
    "missing file": Defect(None, r"there is no file at \S+/config \(config_file\): name one that exists"),
    "empty": Defect("", "is empty"),
    "only a comment": Defect("# nothing\n", "is empty"),
    "not YAML": Defect(f'users: [{{token: "{SECRET}"', r"no YAML at line 1, column \d+"),
    "a list": Defect(f"- {SECRET}\n", "is no mapping"),
    "a text": Defect(SECRET, "is no mapping"),
    "binary": Defect(b"\x00\x01\xff\xfe", r"no text in UTF-8"),
    "no current-context": Defect(without("current-context"), "current-context"),
    "current-context that is not there": Defect(good() | {"current-context": "red"}, r"red"),
    "no contexts": Defect(without("contexts"), "contexts"),
    "no clusters": Defect(without("clusters"), "clusters"),
    "no users": Defect(without("users"), "users"),
    "context of an unknown cluster": Defect(good() | {"clusters": [{"name": "two", "cluster": {}}]}, r"one"),
    "context of an unknown user": Defect(
        good() | {"users": [{"name": "joe", "user": {"token": SECRET}}]}, "user 'jane'|name jane|jane"
    ),
    "context without cluster": Defect(good() | {"contexts": [{"name": "blue", "context": {"user": "jane"}}]}, "cluster"),
    "two users of one name": Defect(good() | {"users": [{"name": "jane", "user": {"token": SECRET}}] * 2}, "users"),
    "cluster without server": Defect(good() | {"clusters": [{"name": "one", "cluster": {}}]}, "server"),
    "server that is no URL": Defect(with_cluster(server="not a url"), r"http:// or https:// URL"),
    "server of another scheme": Defect(with_cluster(server="ftp://127.0.0.1"), r"http:// or https:// URL"),
    "server that is no text": Defect(with_cluster(server=443), r"server|http:// or https:// URL"),
    "authority not in base64": Defect(with_cluster(certificate_authority_data=f"%%%{SECRET}"), "certificate-authority|base64"),
    "authority that is no certificate": Defect(
        with_cluster(certificate_authority_data=base64.b64encode(SECRET.encode()).decode()), r"certificate"
    ),
    "authority that is missing": Defect(
        with_cluster(certificate_authority="/nowhere/ca.crt"), r"/nowhere/ca\.crt"
    ),
    "client certificate that is missing": Defect(
        with_user(client_certificate="/nowhere/me.crt", client_key="/nowhere/me.key"), r"/nowhere/me\.(crt|key)"
    ),
    "client certificate without its key": Defect(
        with_user(client_certificate_data=base64.b64encode(SECRET.encode()).decode()), r"client|certificate|key"
    ),
    "token file that is missing": Defect(with_user(tokenFile="/nowhere/token"), r"/nowhere/token"),
    "plugin that is missing": Defect(
        with_user(exec={"apiVersion": EXEC, "command": "/nowhere/plugin", "interactiveMode": "Never"}),
        r"plugin",
    ),
    "plugin that fails": Defect(
        plugin(f"import sys; print('{SECRET}'); sys.exit('log in first: acme login')"),
        r"credential plugin '\S+/plugin' gave no credentials \(process returned 1\. log in first: acme login\)",
    ),
    "plugin that prints garbage": Defect(plugin(f"print('{SECRET} is no JSON')"), "plugin"),
    "plugin that prints nothing": Defect(plugin("pass"), "plugin"),
    "plugin without a token": Defect(plugin(credential("{}")), "plugin"),
    "plugin without a status": Defect(plugin(f"""print('{{"apiVersion": "{EXEC}", "kind": "ExecCredential"}}')"""), "plugin"),
    "plugin of another version": Defect(
        plugin(credential(f'{{"token": "{SECRET}"}}'), version="client.authentication.k8s.io/v1beta1"), "plugin"
    ),
    "plugin without command": Defect(with_user(exec={"apiVersion": EXEC, "env": [{"name": "T", "value": SECRET}]}), "command"),
    "a folder": Defect(make_folder, r"Is a directory"),
}  # fmt: skip


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Defect], str]:
    def write(defect: Defect) -> str:
        path = tmp_path / "config"
        config = defect.config(tmp_path) if callable(defect.config) else defect.config
        if path.is_dir() or config is None:
            return str(path)
        if isinstance(config, bytes):
            path.write_bytes(config)
        else:
            path.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
        return str(path)

    return write


def use(config_file: str) -> None:
    """Far enough for every defect to show: a request, to a port where nobody listens."""
    with Transport(partial(connect, config_file=config_file)) as client:
        client.request("GET", "/version")


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_told(write: Callable[[Defect], str], name: str, capfd: pytest.CaptureFixture[str]) -> None:
    defect = DEFECTS[name]
    file = write(defect)
    with pytest.raises(ConfigurationError, match=defect.said) as caught:
        use(file)
    said = str(caught.value)
    assert file in said, said
    assert "\n" not in said
    assert len(said) < 600
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    out, err = capfd.readouterr()
    assert SECRET not in out + err


@pytest.mark.parametrize("name", ["missing file", "not YAML", "context of an unknown user", "plugin that fails"])
def test_commands_tell_it_without_a_traceback(write: Callable[[Defect], str], name: str) -> None:
    file = write(DEFECTS[name])
    done = subprocess.run(
        [sys.executable, "-m", "codegen", "--cluster", "--output", str(Path(file).parent / "out")],
        cwd=ROOT,
        env={**os.environ, "KUBECONFIG": file},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert not (Path(file).parent / "out").exists()


def test_both_a_token_and_a_token_file_is_no_defect(tmp_path: Path) -> None:
    """As in client-go the file has the last word, since it is what rotates."""
    token_file = tmp_path / "token"
    token_file.write_text("from-the-file\n")
    config = tmp_path / "config"
    config.write_text(yaml.safe_dump(with_user(token=SECRET, tokenFile=str(token_file))))
    with pytest.raises(KinformError) as caught:
        use(str(config))
    assert not isinstance(caught.value, ConfigurationError)


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_a_pod_without_its_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str) -> None:
    module: Any = __import__("importlib").import_module("kubernetes.config.incluster_config")
    for name, attribute in (("token", "SERVICE_TOKEN_FILENAME"), ("ca.crt", "SERVICE_CERT_FILENAME")):
        if name != missing:
            (tmp_path / name).write_text(SECRET)
        monkeypatch.setattr(module, attribute, str(tmp_path / name))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(ConfigurationError, match=r"service account.*automountServiceAccountToken") as caught:
        connect()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
