"""Tokens and bodies stay out of errors, representations and logs."""

from __future__ import annotations

import http.client
import logging
import traceback
from typing import TYPE_CHECKING

import pytest

from kinform.errors import KinformError
from kinform.transport import Response, Transport

if TYPE_CHECKING:
    from tests.runtime.transport.conftest import FakeApiClient, MakeTransport, Peer, Request, Serve


TOKEN = "s3cr3t-t0k3n"


def everything(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


@pytest.mark.parametrize("token", [f"{TOKEN}\nX: y", f"\0{TOKEN}", f"{TOKEN}é", f"{TOKEN}\N{SNOWMAN}"])
def test_a_token_that_cannot_be_sent_is_not_quoted(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], token: str
) -> None:
    server = serve(lambda peer, request: peer.respond())
    client = transport(api_client(server.url, token=token))
    with pytest.raises(KinformError, match="authorization") as caught:
        client.request("GET", "/")
    assert TOKEN not in everything(caught.value)
    assert server.count == 0


def test_no_failure_quotes_the_token(
    serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient], caplog: pytest.LogCaptureFixture
) -> None:
    def handler(peer: Peer, request: Request) -> bool:
        if request.target == "/401":
            peer.respond(b"no", "401 Unauthorized")
        elif request.target == "/garbage":
            peer.send(b"garbage\r\n\r\n")
        return False

    caplog.set_level(logging.DEBUG)
    server = serve(handler)
    client = transport(lambda: api_client(server.url, token=TOKEN))
    for path in ("/401", "/garbage", "/closed"):
        with pytest.raises(KinformError) as caught:
            client.request("GET", path)
        assert TOKEN not in everything(caught.value)
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(client)


def test_the_official_debug_switch_does_not_print_the_token(
    serve: Serve,
    transport: MakeTransport,
    api_client: type[FakeApiClient],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    transport(api_client(serve(lambda peer, request: peer.respond()).url, token=TOKEN)).request("GET", "/")
    assert TOKEN not in capsys.readouterr().out


def test_representations_are_short_and_clean(api_client: type[FakeApiClient]) -> None:
    response = Response(200, {"set-cookie": TOKEN}, TOKEN.encode())
    assert repr(response) == "Response(status=200)"
    transport = Transport(api_client(f"https://user:{TOKEN}@cluster.invalid:6443/path", token=TOKEN))
    assert repr(transport) == "<Transport https://cluster.invalid:6443>"
    transport.close()


def test_a_path_that_cannot_be_sent_is_an_error(serve: Serve, transport: MakeTransport) -> None:
    server = serve(lambda peer, request: peer.respond())
    with pytest.raises(KinformError, match="cannot be sent as HTTP"):
        transport(server).request("GET", "/a b\r\nX: y")
