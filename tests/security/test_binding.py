"""What listens listens to this machine alone, unless it is told otherwise."""

from __future__ import annotations

import inspect
import ipaddress
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kinform.health import HealthServer
from kinform.testing import ControlPlane, Server

ADDRESSES = {"127.0.0.1", "::1"}


def others() -> list[str]:
    """Addresses of this machine that others know it by."""
    found = {str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # sends nothing
        try:
            probe.connect(("192.0.2.1", 9))
            found.add(probe.getsockname()[0])
        except OSError:
            pass
    return sorted(each for each in found if not ipaddress.ip_address(each).is_loopback)


def assert_unreachable(port: int) -> None:
    for address in others():
        with pytest.raises(OSError):
            socket.create_connection((address, port), timeout=2).close()


def test_health_and_metrics() -> None:
    with HealthServer(0) as health:
        assert health._server is not None
        assert health._server.server_address[0] in ADDRESSES
        socket.create_connection(("127.0.0.1", health.port), timeout=5).close()
        assert_unreachable(health.port)


def test_the_server_in_a_box() -> None:
    with Server() as server:
        address = urlsplit(server.url)
        assert address.hostname in ADDRESSES
        assert_unreachable(address.port or 0)


def test_the_server_in_a_box_as_a_command(tmp_path: Path) -> None:
    config = tmp_path / "kubeconfig"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "kinform.testing.server",
            "--resources",
            "kinform_k8s.resources",
            "--kubeconfig",
            str(config),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = ""
        while not url:
            line = process.stdout.readline()
            assert line, "it has ended"
            url = next((word for word in line.split() if word.startswith("http")), "")
        assert urlsplit(url).hostname in ADDRESSES
        assert_unreachable(urlsplit(url).port or 0)
    finally:
        process.terminate()
        process.communicate(timeout=10)
    if config.exists():
        assert config.stat().st_mode & 0o077 == 0


def test_no_default_names_another_address() -> None:
    """The control plane takes no address at all: its parts are told the loopback one."""
    for cls in (HealthServer, Server, ControlPlane):
        host = inspect.signature(cls).parameters.get("host")
        assert host is None or host.default in ADDRESSES
    source = Path(inspect.getfile(ControlPlane)).parent
    text = "".join(path.read_text() for path in source.glob("*.py"))
    assert '"0.0.0.0"' not in text
    assert "127.0.0.1" in text
