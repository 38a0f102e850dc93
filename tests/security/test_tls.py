"""TLS is verified unless the kubeconfig says otherwise, and each refusal says what is wrong and how to mend it."""

from __future__ import annotations

import datetime as dt
import logging
import re
import ssl
from functools import partial
from typing import TYPE_CHECKING

import pytest
import yaml

from kinform.errors import TransportError
from kinform.transport import Transport, connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runtime.transport.conftest import Authority, Peer, Request, Serve, Server

TOKEN = "s3cr3t-t0k3n"


def answer(peer: Peer, request: Request) -> None:
    peer.respond(b'"hello"')


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    """Writes a kubeconfig for a server; keywords go into its cluster."""

    def write(server: str, **cluster: object) -> str:
        path = tmp_path / "config"
        path.write_text(
            yaml.safe_dump(
                {
                    "current-context": "a",
                    "clusters": [{"name": "a", "cluster": {"server": server, **cluster}}],
                    "users": [{"name": "a", "user": {"token": TOKEN}}],
                    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                }
            )
        )
        return str(path)

    return write


def ask(config_file: str) -> bytes:
    with Transport(partial(connect, config_file=config_file)) as client:
        return client.request("GET", "/version").body


def refused(config_file: str, server: Server, match: str) -> None:
    with pytest.raises(TransportError, match=match) as caught:
        ask(config_file)
    said = str(caught.value)
    assert "GET /version" in said
    assert "https://127.0.0.1" in said or "https://localhost" in said
    assert said.count(". ") == 1, "what is wrong, and how to mend it"
    assert TOKEN not in said
    assert server.requests == [], "nothing is sent to who has not proved who it is"


def test_an_authority_that_is_known_is_trusted(serve: Serve, authority: Authority, config: Callable[..., str]) -> None:
    server = serve(answer, tls=authority.server_context())
    found = config(server.url, **{"certificate-authority": authority.ca_file})
    assert ask(found) == b'"hello"'


def test_an_authority_that_is_not_known_is_refused(
    serve: Serve, authority: Authority, config: Callable[..., str]
) -> None:
    server = serve(answer, tls=authority.server_context())
    refused(config(server.url), server, "certificate-authority")


def test_another_authority_is_refused(
    serve: Serve, authority: Authority, make_authority: type[Authority], config: Callable[..., str], tmp_path: Path
) -> None:
    server = serve(answer, tls=authority.server_context())
    other = make_authority(tmp_path / "other")
    refused(config(server.url, **{"certificate-authority": other.ca_file}), server, "certificate-authority")


def test_another_name_is_refused(serve: Serve, authority: Authority, config: Callable[..., str]) -> None:
    server = serve(answer, tls=authority.server_context())
    found = config(server.url, **{"certificate-authority": authority.ca_file, "tls-server-name": "other.example"})
    refused(found, server, r"other\.example.*tls-server-name")


def test_the_right_name_for_another_address_is_trusted(
    serve: Serve, authority: Authority, config: Callable[..., str]
) -> None:
    server = serve(answer, tls=authority.server_context())
    found = config(server.url, **{"certificate-authority": authority.ca_file, "tls-server-name": "localhost"})
    assert ask(found) == b'"hello"'


def test_a_certificate_that_has_expired_is_refused(
    serve: Serve, authority: Authority, config: Callable[..., str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("old", dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)))
    server = serve(answer, tls=context)
    refused(config(server.url, **{"certificate-authority": authority.ca_file}), server, "expired.*has to be renewed")


def test_what_the_kubeconfig_leaves_on_is_on(serve: Serve, authority: Authority, config: Callable[..., str]) -> None:
    server = serve(answer, tls=authority.server_context())
    refused(config(server.url, **{"insecure-skip-tls-verify": False}), server, "not trusted")


def test_what_the_kubeconfig_turns_off_is_off_and_warned_of_once(
    serve: Serve, authority: Authority, config: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(answer, tls=authority.server_context())
    found = config(server.url, **{"insecure-skip-tls-verify": True})
    with caplog.at_level(logging.DEBUG), Transport(partial(connect, config_file=found)) as client:
        for _ in range(3):
            assert client.request("GET", "/version").body == b'"hello"'
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.name for record in warnings] == ["kinform.transport"]
    assert re.search(r"the certificate of https://127\.0\.0\.1:\d+ is not verified", caplog.text)
    assert TOKEN not in caplog.text


def test_an_environment_does_not_turn_verification_off(
    serve: Serve, authority: Authority, config: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PYTHONHTTPSVERIFY", "0"), ("CURL_CA_BUNDLE", ""), ("REQUESTS_CA_BUNDLE", "")):
        monkeypatch.setenv(name, value)
    server = serve(answer, tls=authority.server_context())
    refused(config(server.url), server, "not trusted")


def test_plain_http_is_not_spoken_to_a_server_of_https(serve: Serve, config: Callable[..., str]) -> None:
    def refuse(peer: Peer) -> bool:
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        return False

    server = serve(answer, on_connect=refuse)
    with pytest.raises(TransportError, match="TLS"):
        ask(config(server.url.replace("http:", "https:")))
    assert server.requests == []
