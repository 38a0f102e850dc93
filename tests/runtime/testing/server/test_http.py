"""The HTTP that the server speaks: framing, connections, and what it makes of what is no HTTP."""

from __future__ import annotations

import gzip
import http.client
import json
import logging
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import urllib3
from tests.runtime.testing.server.conftest import RESOURCES

from kinform.testing.server.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.runtime.testing.server.conftest import Api

MAPS = "/api/v1/namespaces/shop/configmaps"


@pytest.fixture
def raw(api: Api) -> Iterator[Callable[[], socket.socket]]:
    """Opens plain sockets to the server."""
    address = urlsplit(api.server.url)
    opened: list[socket.socket] = []

    def connect() -> socket.socket:
        opened.append(socket.create_connection((address.hostname, address.port or 0), timeout=10))
        return opened[-1]

    yield connect
    for sock in opened:
        sock.close()


def everything(sock: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def test_connections_are_kept(api: Api) -> None:
    connection = http.client.HTTPConnection(urlsplit(api.server.url).netloc, timeout=10)
    try:
        for number in range(3):
            connection.request("POST", MAPS, json.dumps({"metadata": {"name": f"m{number}"}}))
            assert connection.getresponse().read()
        connection.request("GET", f"{MAPS}?watch=true&timeoutSeconds=1&resourceVersion=1")
        response = connection.getresponse()
        assert [json.loads(response.readline())["type"] for _ in range(3)] == ["ADDED"] * 3
        api.server.disconnect_watches()
        assert response.read() == b""
        connection.request("GET", MAPS)
        assert len(json.loads(connection.getresponse().read())["items"]) == 3
        assert api.server.connections == 1
    finally:
        connection.close()


def test_it_closes_when_asked(raw: Callable[[], socket.socket]) -> None:
    sock = raw()
    sock.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert everything(sock).endswith(b"}")


def test_bodies_may_come_in_chunks_and_pieces(api: Api, raw: Callable[[], socket.socket]) -> None:
    body = b'{"metadata":{"name":"a"}}'
    request = (
        b"POST %b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"%x;note=1\r\n%b\r\n%x\r\n%b\r\n0\r\nTrailer: x\r\n\r\n"
    ) % (MAPS.encode(), 10, body[:10], len(body) - 10, body[10:])
    sock = raw()
    for start in range(0, len(request), 7):
        sock.sendall(request[start : start + 7])
    assert everything(sock).startswith(b"HTTP/1.1 201 Created\r\n")
    assert api.get(MAPS).names == ["a"]


def test_expectations_are_met(raw: Callable[[], socket.socket]) -> None:
    body = b'{"metadata":{"name":"a"}}'
    sock = raw()
    head = b"POST %b HTTP/1.1\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    sock.sendall(head % (MAPS.encode(), len(body)))
    assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(body)
    assert everything(sock).startswith(b"HTTP/1.1 201 Created\r\n")


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000,
    ],
)
def test_what_is_no_http(api: Api, raw: Callable[[], socket.socket], request_: bytes) -> None:
    sock = raw()
    sock.sendall(request_)
    assert everything(sock).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert api.get("/readyz").code == 200


@pytest.mark.parametrize("request_", [b"", b"GET /vers", b"POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n12"])
def test_clients_that_leave_early(api: Api, raw: Callable[[], socket.socket], request_: bytes) -> None:
    sock = raw()
    sock.sendall(request_)
    sock.shutdown(socket.SHUT_WR)
    assert sock.recv(1) == b""
    assert api.get("/readyz").code == 200


def test_pipelined_requests_are_answered_in_turn(raw: Callable[[], socket.socket]) -> None:
    sock = raw()
    sock.sendall(b"GET /readyz HTTP/1.1\r\n\r\nGET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert everything(sock).count(b"\r\n\r\nok") == 2


def test_bodies_over_the_limit(api: Api) -> None:
    body = json.dumps({"metadata": {"name": "a"}, "data": {"x": "y" * (3 * 1024 * 1024)}}).encode()
    answer = api.post(MAPS, body)
    assert (answer.code, answer.json["reason"]) == (413, "RequestEntityTooLarge")
    assert api.get(MAPS).names == []


def test_bodies_over_the_limit_are_not_asked_for(raw: Callable[[], socket.socket]) -> None:
    sock = raw()
    head = b"POST %b HTTP/1.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
    sock.sendall(head % MAPS.encode())
    assert everything(sock).startswith(b"HTTP/1.1 413 ")


def test_accept(api: Api) -> None:
    for accept in ("*/*", "application/*", "application/json;stream=watch", "text/html, application/json;q=0.1"):
        assert api.call("GET", MAPS, accept=accept).code == 200
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    assert api.call("GET", MAPS, accept=f"{table},application/json").json["kind"] == "ConfigMapList"
    for accept in ("text/html", table, "application/vnd.kubernetes.protobuf"):
        answer = api.call("GET", MAPS, accept=accept)
        assert (answer.code, answer.json["reason"]) == (406, "NotAcceptable")


PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
STREAM = {"resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
WIDGETS = "/apis/example.com/v1/namespaces/shop/widgets"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def test_partial_objects(api: Api) -> None:
    for path in (MAPS, WIDGETS):
        kind = {} if path == MAPS else {"kind": "Widget", "apiVersion": "example.com/v1"}
        made = api.post(path, {**kind, "metadata": {"name": "a"}, "data": {"d": "e"}}).json
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": made["metadata"]}
        found = api.call("GET", path, accept=f"{PARTIAL_LIST},application/json")
        assert found.body.startswith(b'{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":')
        assert found.json["items"] == [partial]
        assert api.call("GET", f"{path}/a", accept=PARTIAL).json == partial
        assert api.call("GET", path, accept=f"application/json,{PARTIAL_LIST}").json["items"][0]["data"] == made["data"]
        watch = api.watch(path, accept=f"{PARTIAL},application/json", sendInitialEvents="true", **STREAM)
        assert watch.event() == {"type": "ADDED", "object": partial}
        bookmark = watch.event()["object"]
        assert bookmark["kind"] == "PartialObjectMetadata"
        assert bookmark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        whole = api.watch(path, resourceVersion=made["metadata"]["resourceVersion"])
        api.delete(f"{path}/a")
        assert list(watch.event()["object"]) == ["kind", "apiVersion", "metadata"]
        assert whole.event()["object"]["data"] == {"d": "e"}, "one frame for both would be wrong for one"


def test_partial_objects_of_the_wrong_form(api: Api) -> None:
    api.post(MAPS, {"metadata": {"name": "a"}})
    for path, accept in ((MAPS, PARTIAL), (f"{MAPS}/a", PARTIAL_LIST)):
        answer = api.call("GET", path, accept=f"{accept},application/json")
        assert (answer.code, answer.json["reason"]) == (406, "NotAcceptable")
    other = PARTIAL.replace("v=v1", "v=v9")
    assert api.call("GET", f"{MAPS}/a", accept=other).code == 406
    assert api.call("POST", MAPS, {"metadata": {"name": "b"}}, accept=f"{PARTIAL},*/*").json["kind"] == "ConfigMap"


def test_accept_encoding_is_harmless(api: Api) -> None:
    with urllib3.PoolManager() as pool:
        response = pool.request("GET", f"{api.server.url}{MAPS}", headers={"Accept-Encoding": "gzip, deflate"})
        assert response.json()["kind"] == "ConfigMapList"


def test_content_type_of_bodies(api: Api) -> None:
    body = {"metadata": {"name": "a"}}
    assert api.call("POST", MAPS, body, content_type="application/json; charset=utf-8").code == 201
    answer = api.call("POST", MAPS, body, content_type="application/yaml")
    assert (answer.code, answer.json["reason"]) == (415, "UnsupportedMediaType")
    assert api.call("PUT", f"{MAPS}/a", body, content_type="text/plain").code == 415


def test_escapes_in_paths(api: Api) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles"
    api.post(roles, {"metadata": {"name": "system:a"}})
    assert api.get(f"{roles}/system%3Aa").code == 200
    assert api.get(f"{roles}/?labelSelector=app%20in%20(a%2Cb)").names == []


def test_stop_leaves_nothing_behind(serve: Callable[..., Api]) -> None:
    api = serve(freshness_timeout=60.0)
    host, port = urlsplit(api.server.url).netloc.split(":")
    watch = api.watch(MAPS, resourceVersion="1")
    idle = socket.create_connection((host, int(port)), timeout=10)
    waiting = socket.create_connection((host, int(port)), timeout=10)
    waiting.sendall(b"GET %b?resourceVersion=1000 HTTP/1.1\r\n\r\n" % MAPS.encode())
    api.server.wait_for_requests(lambda request: request.verb == "list")
    api.server.wait_for_watches(1)
    api.server.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kinform-server")]
    assert idle.recv(1) == b""
    assert everything(waiting) == b""
    with pytest.raises(http.client.IncompleteRead):
        watch.response.read()
    for sock in (idle, waiting):
        sock.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=10)
    assert api.server.watches == []
    api.server.stop()


def test_stop_reaches_a_writer_whose_client_does_not_read(serve: Callable[..., Api]) -> None:
    api = serve()
    for number in range(100):
        metadata = {"name": f"m{number}", "namespace": "shop"}
        api.server.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": "y" * 200_000}})
    api.watch(MAPS)  # 20 MB: more than the sockets take in
    api.server.wait_for_watches(1)
    api.server.stop()


def test_a_fault_of_the_server_is_told(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Verbs, "list", broken)
    with caplog.at_level(logging.ERROR, "kinform.testing.server"):
        assert api.get(MAPS).code == 500
    assert "ZeroDivisionError" in caplog.text


def test_lists_and_streaming_lists_are_compressed_for_those_who_ask_for_it(serve: Callable[..., Api]) -> None:
    """A member for each flush, as kube-apiservers send; plain watches are not compressed there, nor refusals."""
    api = serve(gzip=True)
    api.server.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}})
    stream = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    with urllib3.PoolManager() as pool:

        def ask(query: str, accepted: str) -> urllib3.BaseHTTPResponse:
            headers = {"Accept-Encoding": accepted}
            return pool.request(
                "GET", f"{api.server.url}{MAPS}?{query}", headers=headers, preload_content=False, decode_content=False
            )

        plain = ask("", "identity")
        assert "Content-Encoding" not in plain.headers
        listed = ask("", "br, gzip;q=0.5")
        assert listed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(listed.read()) == plain.read()

        watch = ask(stream, "gzip")
        assert watch.headers["Content-Encoding"] == "gzip"
        assert isinstance(watch, urllib3.HTTPResponse)
        chunks = watch.read_chunked(decode_content=False)
        assert b'"ADDED"' in gzip.decompress(next(chunks))
        assert b'"BOOKMARK"' in gzip.decompress(next(chunks))
        api.server.delete(next(each for each in RESOURCES if each.plural == "configmaps"), "a", "shop")
        assert gzip.decompress(next(chunks)).startswith(b'{"type":"DELETED"')
        watch.close()
        for query in ("watch=true&resourceVersion=1&timeoutSeconds=1", "limit=nonsense"):
            assert "Content-Encoding" not in ask(query, "gzip").headers
