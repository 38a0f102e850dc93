"""Credentials that rotate: 401, certificates, authorities, and the official client's own hook."""

from __future__ import annotations

import datetime as dt
import logging
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import urllib3

from kinform.errors import ConfigurationError, TransportError, UnauthorizedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.transport.conftest import (
        Authority,
        FakeApiClient,
        Handler,
        MakeTransport,
        Peer,
        Request,
        Serve,
        Server,
        StartTask,
    )

    from kinform.transport import Abort, ApiClient


def only(token: list[str]) -> Handler:
    """A handler that takes this token and no other."""

    def handler(peer: Peer, request: Request) -> None:
        if request.headers.get("authorization") == f"Bearer {token[0]}":
            peer.respond(b'"welcome"')
        else:
            peer.respond(b'{"kind":"Status","reason":"Unauthorized"}', "401 Unauthorized")

    return handler


class Source:
    """A function that makes clients, and counts."""

    def __init__(self, make: Callable[[int], ApiClient]) -> None:
        self.make = make
        self.calls = 0
        self.error: Exception | None = None

    def __call__(self) -> ApiClient:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return self.make(self.calls)


class Hooked:
    """A client like another, whose credentials come from this hook."""

    def __init__(self, like: FakeApiClient, hook: Callable[..., None]) -> None:
        self.configuration = like.configuration
        self.rest_client = like.rest_client
        self.default_headers = like.default_headers
        self.update_params_for_auth = hook


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Moves monotonic time for sessions."""
    start = time.monotonic()
    moved = [0.0]
    monkeypatch.setattr("kinform.transport.sessions.time.monotonic", lambda: start + moved[0])
    return moved


@pytest.mark.scenario("fault-401")
@pytest.mark.scenario("fault-token-rotation")
def test_a_refused_token_is_asked_for_anew_once_and_the_request_sent_again(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    valid = ["new"]
    server = serve(only(valid))
    source = Source(lambda call: api_client(server.url, token="old" if call == 1 else "new"))
    client = transport(source)
    assert client.request("POST", "/", body=b"{}").body == b'"welcome"'
    assert [r.headers["authorization"] for r in server.requests] == ["Bearer old", "Bearer new"]
    assert [r.body for r in server.requests] == [b"{}", b"{}"]
    assert (source.calls, client.generation) == (2, 2)
    client.request("GET", "/")
    assert source.calls == 2


@pytest.mark.scenario("fault-401")
def test_a_stream_is_opened_with_a_new_token_too(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], abort: Abort
) -> None:
    server = serve(only(["new"]))
    source = Source(lambda call: api_client(server.url, token="old" if call == 1 else "new"))
    with transport(source).open("/watch", abort=abort, read_timeout=10) as stream:
        assert stream.read() == b'"welcome"'
    assert source.calls == 2


def test_a_token_that_is_refused_again_is_an_error(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], clock: list[float]
) -> None:
    server = serve(only(["other"]))
    source = Source(lambda call: api_client(server.url, token="wrong"))
    client = transport(source)
    with pytest.raises(UnauthorizedError):
        client.request("GET", "/")
    assert (source.calls, len(server.requests)) == (2, 2)

    with pytest.raises(UnauthorizedError):
        client.request("GET", "/")
    assert source.calls == 2  # it did not help a moment ago: no plugin is run per request

    clock[0] += 11
    with pytest.raises(UnauthorizedError):
        client.request("GET", "/")
    assert source.calls == 3


def test_a_token_that_was_good_and_is_refused_is_replaced_at_once_each_time(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    valid = ["1"]
    server = serve(only(valid))
    source = Source(lambda call: api_client(server.url, token=str(call)))
    client = transport(source)
    for number in ("1", "2", "3"):
        valid[0] = number
        assert client.request("GET", "/").status == 200
    assert source.calls == 3


@pytest.mark.scenario("fault-exec-plugin")
def test_many_threads_that_are_refused_together_make_one_new_client(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], task: StartTask
) -> None:
    together = threading.Barrier(20)

    def handler(peer: Peer, request: Request) -> None:
        if request.headers["authorization"] == "Bearer 1":
            together.wait(10)
            peer.respond(b"", "401 Unauthorized")
        else:
            peer.respond()

    server = serve(handler)
    source = Source(lambda call: api_client(server.url, token=str(call)))
    client = transport(source)
    for one in [task(lambda: client.request("GET", "/")) for _ in range(20)]:
        assert one.wait().status == 200
    assert source.calls == 2


def test_a_plain_client_cannot_be_renewed(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    server = serve(only(["new"]))
    with pytest.raises(UnauthorizedError):
        transport(api_client(server.url, token="old")).request("GET", "/")
    assert len(server.requests) == 1


def test_a_source_that_fails_leaves_the_old_client_in_force(
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    caplog: pytest.LogCaptureFixture,
    clock: list[float],
) -> None:
    valid = ["good"]
    server = serve(only(valid))
    source = Source(lambda call: api_client(server.url, token="good"))
    client = transport(source)
    source.error = ConfigurationError("the kubeconfig is being written")
    valid[0] = "other"
    for _ in range(2):
        with caplog.at_level(logging.WARNING), pytest.raises(UnauthorizedError):
            client.request("GET", "/")
    assert "the kubeconfig is being written" in caplog.text
    assert source.calls == 2  # not again within ten seconds
    valid[0] = "good"
    assert client.request("GET", "/").status == 200
    assert client.generation == 1


def test_a_source_that_fails_at_first_is_heard_at_once(transport: MakeTransport) -> None:
    source = Source(lambda call: pytest.fail("made a client all the same"))
    source.error = ConfigurationError("no kubeconfig")
    with pytest.raises(ConfigurationError, match="no kubeconfig"):
        transport(source)


@pytest.mark.scenario("fault-token-rotation")
def test_the_official_hook_is_called_for_each_request(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], abort: Abort
) -> None:
    server = serve(lambda peer, request: peer.respond())
    official = api_client(server.url)
    client = transport(official)
    for token in ("first", "second"):
        official.token = token
        client.request("GET", "/")
    official.token = "third"
    client.open("/", abort=abort, read_timeout=10).close()
    assert [r.headers["authorization"] for r in server.requests] == ["Bearer first", "Bearer second", "Bearer third"]
    assert official.auth_calls == 3


def test_the_real_client_refreshes_by_its_own_hook(serve: Serve, transport: MakeTransport) -> None:
    import importlib

    kubernetes = importlib.import_module("kubernetes.client")
    server = serve(lambda peer, request: peer.respond())
    configuration = kubernetes.Configuration(host=server.url)
    configuration.api_key["BearerToken"] = "Bearer old"

    def refresh(configuration: Any) -> None:
        configuration.api_key["BearerToken"] = "Bearer new"

    configuration.refresh_api_key_hook = refresh
    official = kubernetes.ApiClient(configuration)
    official.default_headers["Impersonate-User"] = "jane"
    transport(official).request("GET", "/")
    headers = server.requests[0].headers
    assert headers["authorization"] == "Bearer new"
    assert headers["impersonate-user"] == "jane"
    assert headers["user-agent"].startswith("kinform/")


def test_older_official_clients_are_called_their_way(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    server = serve(lambda peer, request: peer.respond())

    def older(headers: dict[str, str], querys: list[tuple[str, str]], auth_settings: list[str]) -> None:
        headers["authorization"] = "Bearer older"
        querys.append(("key", "value"))

    transport(Hooked(api_client(server.url), older)).request("GET", "/x", query=[("a", "b")])
    assert server.requests[0].headers["authorization"] == "Bearer older"
    assert server.requests[0].target == "/x?a=b&key=value"


def test_a_hook_that_fails_is_an_error_without_its_secrets(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    def broken(headers: dict[str, str], queries: list[tuple[str, str]], *others: object) -> None:
        raise KeyError("secret-token")

    server = serve(lambda peer, request: peer.respond())
    with pytest.raises(ConfigurationError, match="credentials cannot be refreshed: KeyError") as caught:
        transport(Hooked(api_client(server.url), broken)).request("GET", "/")
    assert "secret-token" not in str(caught.value)
    assert server.count == 0


@pytest.mark.scenario("fault-token-rotation")
def test_a_hook_that_fails_after_it_worked_leaves_the_old_credentials(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], caplog: pytest.LogCaptureFixture
) -> None:
    """A token file in the middle of its rotation may be empty for a moment."""

    def rotating(headers: dict[str, str], queries: list[tuple[str, str]], *others: object) -> None:
        if official.auth_calls:
            raise OSError(2, "No such file", "/var/run/token")
        official.auth_calls += 1
        headers["authorization"] = f"Bearer {official.token}"

    server = serve(lambda peer, request: peer.respond())
    official = api_client(server.url, token="s3cr3t")
    client = transport(Hooked(official, rotating))
    for _ in range(3):
        client.request("GET", "/")
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer s3cr3t"}
    assert caplog.text.count("cannot be refreshed, the old ones stay: No such file: /var/run/token") == 1
    assert "s3cr3t" not in caplog.text


@pytest.mark.scenario("invariant-6")
def test_a_hook_that_hangs_does_not_hold_threads_that_are_aborted(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], task: StartTask, abort: Abort
) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(headers: dict[str, str], queries: list[tuple[str, str]], *others: object) -> None:
        inside.set()
        leave.wait(10)

    client = transport(Hooked(api_client(serve(lambda peer, request: peer.respond()).url), slow))
    holder = task(lambda: client.request("GET", "/"))
    assert inside.wait(10)
    waiting = task(lambda: client.request("GET", "/", abort=abort))
    waiting.block_in("kinform.transport.sessions")
    abort.abort()
    with pytest.raises(TransportError, match="aborted"):
        waiting.wait(2)
    leave.set()
    assert holder.wait().status == 200


def mutual(
    make_authority: type[Authority],
    folder: Path,
    serve: Serve,
    handler: Handler = lambda peer, request: peer.respond(),
) -> tuple[Authority, Server]:
    """An authority and a server that wants client certificates of it."""
    authority = make_authority(folder)
    return authority, serve(handler, tls=authority.server_context(clients=authority.ca_file))


def peer_name(peer: Peer) -> str:
    assert isinstance(peer.sock, ssl.SSLSocket)
    certificate = peer.sock.getpeercert()
    assert certificate is not None
    subject = cast("tuple[tuple[tuple[str, str], ...], ...]", certificate["subject"])
    return dict(pair[0] for pair in subject)["commonName"]


@pytest.mark.scenario("fault-client-certificate")
def test_a_client_certificate_that_changes_on_disk_is_used_for_new_connections(
    make_authority: type[Authority],
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    tmp_path: Path,
) -> None:
    authority, server = mutual(
        make_authority, tmp_path, serve, lambda peer, request: peer.respond(peer_name(peer).encode())
    )
    certificate, key = authority.issue("client")
    official = api_client(server.url, ssl_ca_cert=authority.ca_file, cert_file=certificate, key_file=key)
    client = transport(official)
    assert client.request("GET", "/").body == b"client"
    assert client.request("GET", "/").body == b"client"
    other, other_key = authority.issue("other")
    Path(other_key).replace(key)
    Path(other).replace(certificate)
    assert client.request("GET", "/").body == b"other"
    assert server.count == 2
    assert client.generation == 2


@pytest.mark.scenario("fault-client-certificate")
def test_an_expired_client_certificate_is_made_anew(
    make_authority: type[Authority],
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    tmp_path: Path,
) -> None:
    authority, server = mutual(make_authority, tmp_path, serve)
    now = dt.datetime.now(dt.UTC)
    expired = authority.issue("expired", expires=now - dt.timedelta(seconds=1))
    valid = authority.issue("valid")

    def make(call: int) -> ApiClient:
        certificate, key = valid if call > 1 else expired
        return api_client(server.url, ssl_ca_cert=authority.ca_file, cert_file=certificate, key_file=key)

    source = Source(make)
    client = transport(source)
    assert client.request("GET", "/").status == 200  # the server refused, by TLS
    assert source.calls == 2


def test_an_expiring_client_certificate_is_made_anew_before_the_server_notices(
    make_authority: type[Authority],
    serve: Serve,
    transport: MakeTransport,
    *,
    api_client: type[FakeApiClient],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: list[float],
) -> None:
    authority, server = mutual(make_authority, tmp_path, serve)
    certificate, key = authority.issue("client")
    source = Source(
        lambda call: api_client(server.url, ssl_ca_cert=authority.ca_file, cert_file=certificate, key_file=key)
    )
    client = transport(source)
    client.request("GET", "/")
    assert source.calls == 1
    in_two_hours = time.time() + 7200
    monkeypatch.setattr("kinform.transport.sessions.time.time", lambda: in_two_hours)
    clock[0] += 11
    client.request("GET", "/")
    client.request("GET", "/")  # what was made anew is no better: no plugin is run per request
    assert source.calls == 2


@pytest.mark.scenario("fault-ca-rotation")
def test_an_authority_that_changes_is_followed(
    make_authority: type[Authority],
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    tmp_path: Path,
) -> None:
    """Once by the file, and once by a function that names another: the kubeconfig holds the authority inline."""
    first, second = make_authority(tmp_path / "first"), make_authority(tmp_path / "second")
    server = serve(lambda peer, request: peer.respond(), tls=first.server_context())
    bundle = tmp_path / "ca.crt"
    bundle.write_bytes(Path(first.ca_file).read_bytes())
    by_file = transport(api_client(server.url, ssl_ca_cert=str(bundle)))
    by_source = transport(
        Source(lambda call: api_client(server.url, ssl_ca_cert=first.ca_file if call == 1 else second.ca_file))
    )
    for client in (by_file, by_source):
        assert client.request("GET", "/").status == 200

    server.tls = second.server_context()
    for sock in server.connections:
        sock.close()
    with pytest.raises(TransportError, match=r"the certificate of https://.* is not trusted"):
        by_file.request("GET", "/")
    bundle.write_bytes(Path(second.ca_file).read_bytes())
    assert by_file.request("GET", "/").status == 200
    assert by_source.request("GET", "/").status == 200


@pytest.mark.scenario("fault-ca-rotation")
def test_an_authority_whose_file_is_away_for_a_moment_is_waited_for(
    authority: Authority, serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], tmp_path: Path
) -> None:
    server = serve(lambda peer, request: peer.respond(), tls=authority.server_context())
    bundle = tmp_path / "ca.crt"
    content = Path(authority.ca_file).read_bytes()
    bundle.write_bytes(content)
    client = transport(api_client(server.url, ssl_ca_cert=str(bundle)))
    assert client.request("GET", "/").status == 200
    bundle.unlink()
    with pytest.raises(TransportError, match="No such file"):
        client.request("GET", "/")
    bundle.write_bytes(content)
    assert client.request("GET", "/").status == 200


def test_a_server_of_another_name_is_not_trusted(
    authority: Authority,
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve(lambda peer, request: peer.respond(), tls=authority.server_context())
    here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: here)
    url = f"https://cluster.test:{server.port}"
    with pytest.raises(TransportError, match=r"the certificate of https://cluster.test:\d+ is not trusted: .*mismatch"):
        transport(api_client(url, ssl_ca_cert=authority.ca_file)).request("GET", "/")
    manager = urllib3.PoolManager(ca_certs=authority.ca_file, server_hostname="localhost")
    assert transport(api_client(url, manager=manager)).request("GET", "/").status == 200


def test_a_server_that_need_not_prove_itself_is_warned_of_once(
    authority: Authority,
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = serve(lambda peer, request: peer.respond(), tls=authority.server_context())
    client = transport(api_client(server.url, manager=urllib3.PoolManager(cert_reqs=ssl.CERT_NONE)))
    for _ in range(3):
        assert client.request("GET", "/").status == 200
    assert caplog.text.count("is not verified") == 1


def test_what_is_no_client_is_refused() -> None:
    from types import SimpleNamespace

    from kinform.transport import Transport

    no_manager = SimpleNamespace(
        configuration=SimpleNamespace(host="http://x"), rest_client=SimpleNamespace(), default_headers={}
    )
    with pytest.raises(ConfigurationError, match=r"rest_client\.pool_manager"):
        Transport(no_manager)


@pytest.mark.parametrize("host", ["", "cluster:6443", "ftp://cluster", "http://[::1"])
def test_an_address_that_is_no_url_is_refused(api_client: type[FakeApiClient], host: str) -> None:
    from kinform.transport import Transport

    with pytest.raises(ConfigurationError, match=r"configuration\.host"):
        Transport(api_client(host))


@pytest.mark.parametrize("when", ["2031-05-06T07:08:09Z", "2061-05-06T07:08:09Z"])
def test_the_end_of_a_certificate_is_read(make_authority: type[Authority], tmp_path: Path, when: str) -> None:
    """Before 2050 it is a UTCTime, after it a GeneralizedTime."""
    from kinform.transport.certificates import not_after

    end = dt.datetime.fromisoformat(when)
    authority = make_authority(tmp_path)
    certificate, key = authority.issue("x", expires=end)
    assert not_after(certificate) == end.timestamp()
    Path(certificate).write_text(Path(certificate).read_text() + Path(authority.ca_file).read_text())
    assert not_after(certificate) == end.timestamp()
    assert not_after(key) is None
    assert not_after(str(tmp_path / "missing")) is None


def test_garbage_has_no_end(tmp_path: Path) -> None:
    from kinform.transport.certificates import not_after

    file = tmp_path / "x.crt"
    for content in ("MA==", "MAMwAQA=", "MIIB", "////"):
        file.write_text(f"-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----\n")
        assert not_after(str(file)) is None
