"""TLS, tokens and client certificates of the server in a box."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import queue
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from kinform.errors import ApiStatusError
from kinform.testing import Server
from kinform.testing.server.access import _make_authority
from kinform.transport import Transport
from kinform_k8s import SharedInformerFactory
from kinform_k8s.resources.core.v1 import CONFIG_MAPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.testing.server.conftest import Api

    from kinform.transport import ApiClient

new_client_from_config = importlib.import_module("kubernetes.config").new_client_from_config
MAPS = "/api/v1/namespaces/shop/configmaps"


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def code(client: ApiClient) -> int:
    """What a client is answered."""
    with Transport(client) as transport:
        try:
            return transport.request("GET", MAPS).status
        except ApiStatusError as error:
            return error.code


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}}


# ---- TLS


def test_the_client_and_the_kubeconfig_know_the_authority(serve: Callable[..., Api], tmp_path: Path) -> None:
    server = serve(tls=True).server
    assert server.url.startswith("https://127.0.0.1:")
    (tmp_path / "config").write_text(server.kubeconfig())
    from_file = new_client_from_config(str(tmp_path / "config"))
    assert (code(server.client()), code(from_file)) == (200, 200)
    from_file.close()


def test_strangers_do_not_trust_it(serve: Callable[..., Api]) -> None:
    mine, other = serve(tls=True), serve(tls=True)
    mine._tls = other._tls
    with pytest.raises(ssl.SSLCertVerificationError):
        mine.get(MAPS)
    assert mine.server.requests == []


def test_its_host_is_in_the_url(serve: Callable[..., Api]) -> None:
    api = serve(tls=True, host="localhost")
    assert api.server.url.startswith("https://localhost:")
    assert api.get("/readyz").code == 200


@pytest.mark.parametrize(
    ("host", "names", "addresses"),
    [
        ("127.0.0.1", ["localhost"], ["127.0.0.1", "::1"]),
        ("192.0.2.7", ["localhost"], ["127.0.0.1", "::1", "192.0.2.7"]),
        ("box.test", ["localhost", "box.test"], ["127.0.0.1", "::1"]),
    ],
)
def test_its_host_is_in_the_certificate(host: str, names: list[str], addresses: list[str]) -> None:
    _, identity = _make_authority(host)
    certificate = x509.load_pem_x509_certificate(identity.certificate)
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == names
    assert [str(each) for each in found.get_values_for_type(x509.IPAddress)] == addresses


def test_a_large_answer_and_a_large_request(serve: Callable[..., Api]) -> None:
    api = serve(tls=True)
    text = "x" * 2_000_000
    assert api.post(MAPS, {"metadata": {"name": "a"}, "data": {"text": text}}).code == 201
    assert api.get(MAPS).json["items"][0]["data"]["text"] == text


def test_a_kept_connection_is_ended_cleanly(serve: Callable[..., Api]) -> None:
    api = serve(tls=True)
    connection = api.connect()
    connection.request("GET", "/readyz")
    assert connection.getresponse().read() == b"ok"
    connection.request("GET", "/readyz", headers={"Connection": "close"})
    sock: Any = connection.sock
    sock.suppress_ragged_eofs = False  # an end that is not told would be an error
    assert connection.getresponse().read() == b"ok"
    assert sock.recv(1) == b""
    connection.close()


def test_two_requests_at_once(serve: Callable[..., Api]) -> None:
    connection = serve(tls=True).connect()
    connection.connect()
    connection.sock.sendall(b"GET /readyz HTTP/1.1\r\n\r\nGET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n")
    said = b""
    while piece := connection.sock.recv(65536):
        said += piece
    assert said.count(b"\r\n\r\nok") == 2
    connection.close()


def test_a_request_that_comes_during_a_watch_is_answered_after_it(serve: Callable[..., Api]) -> None:
    api = serve(tls=True)
    watch = api.watch(MAPS, resourceVersion="1")
    api.server.wait_for_watches(1)
    watch._connection.sock.sendall(b"GET /readyz HTTP/1.1\r\n\r\n")
    api.server.put(config_map("a"))
    assert watch.types(1) == ["ADDED a"]
    api.server.wait_for_watches(1)
    api.server.disconnect_watches()
    assert watch.ended()
    api.server.wait_for_requests(lambda request: request.path == "/readyz")


@pytest.mark.parametrize("tells", [True, False], ids=["close_notify", "FIN"])
def test_a_watch_whose_client_hangs_up_ends(serve: Callable[..., Api], tells: bool) -> None:
    api = serve(tls=True)
    watch = api.watch(MAPS)
    api.server.wait_for_watches(1)
    sock: Any = watch._connection.sock
    if tells:  # as Go's clients do; the socket stays open
        sock.setblocking(False)
        with pytest.raises(ssl.SSLError):  # the server does not answer it in kind, but closes
            sock.unwrap()
    else:
        watch.close()
    api.server.wait_for_watches(0)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello"])
def test_what_is_no_handshake(serve: Callable[..., Api], said: bytes) -> None:
    api = serve(tls=True)
    address = urlsplit(api.server.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as sock:
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sock.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.0 400 ") is said.startswith(b"GET")
    assert api.get("/readyz").code == 200


def test_a_client_that_never_shakes_hands_does_not_keep_it_from_stopping(serve: Callable[..., Api]) -> None:
    api = serve(tls=True)
    address = urlsplit(api.server.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10):
        assert api.get("/readyz").code == 200  # it was accepted before
        api.server.stop()


def test_clients_outlive_restarts_and_files_go_in_the_end(scratch: Path) -> None:
    server = Server(tls=True, client_certificates=True)
    server.start()
    client = server.client()
    assert code(client) == 404
    server.restart()
    assert code(client) == 404
    (folder,) = scratch.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    server.stop()
    assert list(scratch.iterdir()) == []


def test_without_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kinform.testing._pki", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"TLS needs kinform.testing._pki, .* pip install 'kinform\[testing\]'"
    ):
        Server(tls=True)
    Server(token="t")


# ---- tokens


@pytest.mark.parametrize("tls", [True, False])
def test_nobody_gets_in_without_the_token(serve: Callable[..., Api], tls: bool) -> None:
    api = serve(tls=tls, token="right")
    assert code(api.server.client()) == 200
    for token in (None, "wrong", "", "righty", "Right"):
        api.token = token
        for method, path in (("GET", MAPS), ("POST", MAPS), ("GET", "/version"), ("GET", "/nothing")):
            answer = api.call(method, path)
            assert (answer.code, answer.json["reason"]) == (401, "Unauthorized")
    assert {request.status for request in api.server.requests[1:]} == {401}
    assert api.server.objects(CONFIG_MAPS) == []


def test_faults_wait_for_who_is_let_in(serve: Callable[..., Api]) -> None:
    api = serve(token="right")
    fault = api.server.fail_next("*/configmaps", 500)
    api.token = None
    assert api.get(MAPS).code == 401
    assert fault.remaining == 1
    api.token = "right"
    assert api.get(MAPS).code == 500


def test_a_rotated_token(serve: Callable[..., Api]) -> None:
    server = serve(tls=True, token="old").server
    before = server.client()
    assert code(before) == 200
    server.set_token("new")
    assert (code(before), code(server.client())) == (401, 200)


def test_an_informer_goes_through_a_rotation(serve: Callable[..., Api]) -> None:
    server = serve(tls=True, token="old", client_certificates=False).server
    server.put(config_map("a"))
    made: list[ApiClient] = []

    def source() -> ApiClient:
        made.append(server.client())
        return made[-1]

    factory = SharedInformerFactory(source)
    seen: queue.Queue[str] = queue.Queue()
    factory.core().v1().config_maps().informer().add_event_handler(on_add=lambda obj: seen.put(obj.metadata.name))
    with factory:
        assert seen.get(timeout=10) == "a"
        server.wait_for_watches(1)
        server.set_token("new")
        server.put(config_map("b"))  # the open watch goes on
        assert seen.get(timeout=10) == "b"
        server.disconnect_watches(how="cut")
        server.put(config_map("c"))
        assert seen.get(timeout=20) == "c"
    assert len(made) == 2
    assert 401 in [request.status for request in server.requests]


@pytest.mark.parametrize("token", ["", "a b", "ümlaut", "line\n"])
def test_tokens_that_cannot_be_sent(token: str) -> None:
    with pytest.raises(ValueError, match="a token is"):
        Server(token=token)


# ---- certificates


def test_a_certificate_or_the_token(serve: Callable[..., Api], tmp_path: Path) -> None:
    api = serve(tls=True, token="right", client_certificates=True)
    config = json.loads(api.server.kubeconfig())
    (user,) = config["users"]
    shown = []
    for left_out in ([], ["token"], ["client-key-data", "client-certificate-data"], list(user["user"])):
        config["users"] = [{"name": user["name"], "user": {k: v for k, v in user["user"].items() if k not in left_out}}]
        (tmp_path / "config").write_text(json.dumps(config))
        client = new_client_from_config(str(tmp_path / "config"))
        shown.append(code(client))
        client.close()
    assert shown == [200, 200, 200, 401]


def test_without_a_token_a_certificate_is_needed(serve: Callable[..., Api]) -> None:
    api = serve(tls=True, client_certificates=True)
    assert api.get(MAPS).code == 401
    api.token = "None"
    assert api.get(MAPS).code == 401
    assert code(api.server.client()) == 200


def test_a_certificate_that_has_expired(serve: Callable[..., Api]) -> None:
    server = serve(tls=True, client_certificates=True).server
    assert code(server.client(lifetime=dt.timedelta(hours=1))) == 200
    expired = server.client(lifetime=dt.timedelta(minutes=-1))
    pool: Any = expired.rest_client
    assert pool.pool_manager.request("GET", server.url + MAPS, retries=False).status == 401


def test_a_certificate_of_another_authority(serve: Callable[..., Api]) -> None:
    api, other = serve(tls=True, client_certificates=True), serve(tls=True, client_certificates=True)
    stranger: Any = other.server.client()
    api._tls = ssl.create_default_context(cafile=api.server.client().configuration.ssl_ca_cert)  # type: ignore[attr-defined]
    api._tls.load_cert_chain(stranger.configuration.cert_file, stranger.configuration.key_file)
    with pytest.raises(OSError, match=r"unknown ca|reset|closed|EOF|broken"):  # the handshake is broken off
        api.get(MAPS)
    assert api.server.requests == []


def test_certificates_need_tls() -> None:
    with pytest.raises(ValueError, match=r"client certificates need TLS: Server\(tls=True"):
        Server(client_certificates=True)


# ---- the command


def test_the_command_speaks_tls(tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(
        "from kinform.meta import Resource\nN = Resource('', 'v1', 'nodes', 'Node', False)\n"
    )
    command = [sys.executable, "-m", "kinform.testing.server", "--resources", "toy", "--kubeconfig", "config"]
    command += ["--tls", "--token", "secret", "--client-certificates"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("https://")
        assert stat.S_IMODE((tmp_path / "config").stat().st_mode) == 0o600
        client = new_client_from_config(str(tmp_path / "config"))
        with Transport(client) as transport:
            assert json.loads(transport.request("GET", "/api/v1/nodes").body)["kind"] == "NodeList"
        client.close()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0
