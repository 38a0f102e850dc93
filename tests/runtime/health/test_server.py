"""The endpoint for probes: its paths, its bounds, and its end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from types import SimpleNamespace

import pytest

from kinform.health import HealthServer
from kinform.health import server as module


@pytest.fixture
def server() -> Iterator[HealthServer]:
    with HealthServer(0) as running:
        yield running
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("kinform-health")]


def ask(server: HealthServer, path: str, method: str = "GET", **headers: str) -> tuple[int, str, HTTPResponse]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode(), response
    finally:
        connection.close()


def raw(server: HealthServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def broken() -> None:
    raise RuntimeError("no")


def test_probes_are_answered_as_by_an_api_server(server: HealthServer) -> None:
    status, body, response = ask(server, "/healthz")
    assert (status, body) == (200, "ok")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["server"] == "kinform", "who asks need not know the version of Python"
    server.readyz.add("database", broken)
    assert ask(server, "/healthz")[:2] == (200, "ok"), "not ready is not dead"
    failed = "[+]ping ok\n[-]database failed: reason withheld\nreadyz check failed\n"
    assert ask(server, "/readyz/")[:2] == (500, failed)
    assert ask(server, "/readyz?exclude=database")[:2] == (200, "ok")
    assert ask(server, "/readyz?exclude=database&exclude=ping&verbose")[:2] == (
        200,
        "[+]ping excluded: ok\n[+]database excluded: ok\nreadyz check passed\n",
    )
    assert ask(server, "/readyz/database")[:2] == (500, "internal server error: no\n")
    assert ask(server, "/readyz/ping")[:2] == (200, "ok")


@pytest.mark.parametrize("path", ["/", "/metrics", "/livez", "/readyz/nothing", "/healthz/ping/more"])
def test_there_is_nothing_else(server: HealthServer, path: str) -> None:
    assert ask(server, path)[:2] == (404, "404 page not found\n")


def test_metrics_are_whoever_makes_them(server: HealthServer) -> None:
    server.metrics = lambda accept: ("text/x-page", f"for {accept}".encode())
    status, body, response = ask(server, "/metrics", Accept="openmetrics")
    assert (status, body, response.headers["content-type"]) == (200, "for openmetrics", "text/x-page")

    def fail(accept: str) -> tuple[str, bytes]:
        raise RuntimeError(accept)

    server.metrics = fail
    assert ask(server, "/metrics")[:2] == (500, "500 the metrics page could not be made\n")


def test_only_reading_is_allowed(server: HealthServer) -> None:
    status, body, response = ask(server, "/healthz", "HEAD")
    assert (status, body, response.headers["content-length"]) == (200, "", "2")
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        status, _, response = ask(server, "/healthz", method)
        assert (status, response.headers["allow"]) == (405, "GET, HEAD")


def test_a_query_without_end_is_a_bad_request(server: HealthServer) -> None:
    assert ask(server, f"/healthz?{'&'.join(['exclude=x'] * 200)}")[0] == 400
    with raw(server) as sock:
        sock.sendall(b"GET http://[/healthz HTTP/1.1\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.0 400 ")


def test_a_request_that_is_too_large_is_hung_up_on(server: HealthServer) -> None:
    with raw(server) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\n")
        try:
            for _ in range(100):
                sock.sendall(b"X: %b\r\n" % (b"x" * 1000))
            assert sock.recv(1000) == b""
        except ConnectionError:
            pass  # hung up while we were still sending
    assert ask(server, "/healthz")[0] == 200


def test_a_request_that_trickles_is_hung_up_on(server: HealthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REQUEST_SECONDS", 0.2)
    with raw(server) as sock:
        sock.sendall(b"GET /heal")
        assert sock.recv(1000) == b"", "it is not waited for, however long we stay"
    monkeypatch.setattr(module, "_REQUEST_SECONDS", 0.0)
    with raw(server) as sock:
        assert sock.recv(1000) == b""


def test_the_time_is_for_the_whole_request_not_for_each_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = module._Bounded(ours)
        for _ in range(4):
            theirs.sendall(b"x")
            assert reader.read(1) == b"x"
            now[0] += 1.3
        theirs.sendall(b"x")
        with pytest.raises(TimeoutError, match="does not come to its end"):
            reader.read(1)


def test_connections_are_limited_and_given_back(server: HealthServer) -> None:
    entered = threading.Semaphore(0)
    release = threading.Event()

    def slow() -> None:
        entered.release()
        assert release.wait(10)

    server.healthz.add("slow", slow)
    with ExitStack() as stack:
        held = [stack.enter_context(raw(server)) for _ in range(16)]
        for sock in held:
            sock.sendall(b"GET /healthz/slow HTTP/1.1\r\n\r\n")
        for _ in held:
            assert entered.acquire(timeout=10)
        with raw(server) as one_too_many:
            assert one_too_many.recv(1000) == b""
        release.set()
        for sock in held:
            assert sock.recv(1000).startswith(b"HTTP/1.0 200 OK")
            while sock.recv(1000):
                pass
    server.healthz.remove("slow")
    for _ in range(16):
        assert ask(server, "/healthz")[0] == 200


def test_it_starts_and_stops_once() -> None:
    server = HealthServer(0)
    assert (server.port, server.started) == (0, False)
    assert server.stop()
    server.start()
    port = server.port
    assert port != 0
    server.start()
    assert server.port == port
    assert server.stop()
    assert server.stop()
    assert server.started
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)


def test_those_who_say_nothing_make_way_for_probes(server: HealthServer) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(raw(server)) for _ in range(16)]
        silent[0].sendall(b"GET /heal")  # nor does half a request count
        for number in range(3):
            assert ask(server, "/healthz")[:2] == (200, "ok")
            assert silent[number].recv(10) == b"", "the oldest goes"


def test_it_starts_once() -> None:
    server = HealthServer(0)
    with server:
        server.start()
    with pytest.raises(RuntimeError, match="make another"):
        server.start()


def test_stopping_does_not_wait_for_connections_that_ask_nothing() -> None:
    server = HealthServer(0)
    server.start()
    with raw(server) as idle:
        assert ask(server, "/healthz")[0] == 200, "the other one has been taken up by now, as it came first"
        assert server.stop(timeout=2.0)
        assert idle.recv(10) == b""


def test_stopping_ends_idle_connections_and_names_a_check_that_hangs() -> None:
    server = HealthServer(0)
    entered, release = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        assert release.wait(10)

    server.healthz.add("hang", hang)
    server.start()
    with raw(server) as idle, raw(server) as asking:
        asking.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert entered.wait(10)
        assert not server.stop(timeout=0.05)
        assert idle.recv(10) == b""
        release.set()
        assert asking.recv(1000).startswith(b"HTTP/1.0 200"), "what was begun is answered all the same"


def test_an_address_in_use_is_named() -> None:
    with (
        HealthServer(0) as first,
        pytest.raises(OSError, match=f"cannot listen on 127.0.0.1 port {first.port}: ") as caught,
    ):
        HealthServer(first.port).start()
    assert caught.value.errno is not None


def test_it_listens_on_the_loopback_interface_unless_told_otherwise() -> None:
    with HealthServer(0) as server:
        assert server._server is not None
        assert server._server.server_address[0] == "127.0.0.1"
    if not socket.has_ipv6:
        return
    six = HealthServer(0, host="::1")
    try:
        six.start()
    except OSError:
        pytest.skip("there is no IPv6 loopback here")
    with six, socket.create_connection(("::1", six.port), timeout=10) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.0 200")
