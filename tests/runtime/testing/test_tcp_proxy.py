"""A TcpProxy makes each kind of trouble, to whom it should, for as long as it should; and leaves nothing."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kinform.testing import TcpProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 10.0


class Echo:
    """A server that says everything again; what it has read before an end, it says too."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets: list[socket.socket] = []
        self._threads[0].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock = self._listener.accept()[0]
                self._sockets.append(sock)
                self._threads.append(threading.Thread(target=self._serve, args=(sock,)))
                self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            while data := sock.recv(65536):
                sock.sendall(data)

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(TIMEOUT)
            assert not thread.is_alive()


pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[TcpProxy]:
    with TcpProxy(echo.port) as made:
        yield made


@contextlib.contextmanager
def connected(proxy: TcpProxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), TIMEOUT) as sock:
        yield sock


def echoed(sock: socket.socket, text: bytes) -> bytes:
    sock.sendall(text)
    return take(sock, len(text))


def take(sock: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (data := sock.recv(65536)):
        found += data
    return found


def is_silent(sock: socket.socket) -> bool:
    """Whether nothing can be read, not even an end, after all that the proxy had to do was done."""
    return not select.select([sock], [], [], 0.1)[0]


def test_what_is_said_arrives(proxy: TcpProxy) -> None:
    large = bytes(range(256)) * 20_000  # more than is held on the way
    with connected(proxy) as one, connected(proxy) as two:
        assert echoed(one, b"one") == b"one"
        assert echoed(two, b"two") == b"two"
        sender = threading.Thread(target=one.sendall, args=(large,))
        sender.start()
        assert take(one, len(large)) == large
        sender.join(TIMEOUT)
        assert (proxy.connections, proxy.accepted) == (2, 2)


def test_an_end_arrives_after_what_was_said_before_it(proxy: TcpProxy) -> None:
    with connected(proxy) as sock:
        sock.sendall(b"last words")
        sock.shutdown(socket.SHUT_WR)
        assert take(sock, 100) == b"last words"


def test_what_is_on_its_way_at_the_end_is_not_lost_by_it(proxy: TcpProxy) -> None:
    words = b"x" * 40_000
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that most of it waits on the proxy's side
        sock.settimeout(TIMEOUT)
        sock.connect(("127.0.0.1", proxy.port))
        sock.sendall(words)
        sock.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + TIMEOUT
        while proxy.connections or not proxy.accepted:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert take(sock, 2 * len(words)) == words


def test_reset_cuts_what_is_open_and_nothing_else(proxy: TcpProxy) -> None:
    with connected(proxy) as sock:
        echoed(sock, b"before")
        assert proxy.reset() == 1
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    with connected(proxy) as sock:
        assert echoed(sock, b"after") == b"after"


def test_refuse_lasts_until_it_heals(proxy: TcpProxy) -> None:
    with connected(proxy) as sock:
        echoed(sock, b"before")
        assert proxy.refuse() == 1
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    with pytest.raises(ConnectionResetError), connected(proxy) as sock:
        sock.recv(1)
    assert proxy.connections == 0
    proxy.heal()
    with connected(proxy) as sock:
        assert echoed(sock, b"after") == b"after"


def test_a_black_hole_swallows_nothing_for_good(proxy: TcpProxy) -> None:
    with connected(proxy) as before:
        echoed(before, b"before")
        assert proxy.blackhole() == 1
        with connected(proxy) as meanwhile:
            for sock in (before, meanwhile):
                sock.sendall(b"meanwhile")
                assert is_silent(sock)
            proxy.heal()
            assert [take(sock, 9) for sock in (before, meanwhile)] == [b"meanwhile"] * 2


def test_what_went_silent_can_be_reset(proxy: TcpProxy) -> None:
    with connected(proxy) as sock:
        echoed(sock, b"before")
        proxy.blackhole()
        assert proxy.reset() == 1
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_half_close_is_an_end_of_what_the_server_says(proxy: TcpProxy) -> None:
    with connected(proxy) as sock:
        echoed(sock, b"before")
        assert proxy.half_close() == 1
        assert sock.recv(1) == b""
        sock.sendall(b"unheard")
    with connected(proxy) as sock:
        assert echoed(sock, b"after") == b"after"


def test_a_delay_is_in_each_direction(proxy: TcpProxy) -> None:
    with connected(proxy) as sock:
        echoed(sock, b"before")
        proxy.delay(0.1)
        began = time.monotonic()
        assert echoed(sock, b"late") == b"late"
        assert time.monotonic() - began >= 0.2
        proxy.heal()
        assert echoed(sock, b"after") == b"after"
    with pytest.raises(ValueError, match="negative"):
        proxy.delay(-1)


def test_a_server_that_is_gone_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with TcpProxy(port) as proxy, pytest.raises(ConnectionResetError), connected(proxy) as sock:
        sock.recv(1)


def test_stop_ends_all_and_what_is_asked_afterwards_is_refused(echo: Echo) -> None:
    proxy = TcpProxy(echo.port)
    with pytest.raises(RuntimeError, match="does not run"):
        proxy.reset()
    proxy.stop()
    proxy = TcpProxy(echo.port)
    proxy.start()
    with connected(proxy) as sock:
        echoed(sock, b"before")
        proxy.blackhole()
        proxy.stop()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    proxy.stop()
    with pytest.raises(ConnectionRefusedError), connected(proxy):
        pass
    with pytest.raises(RuntimeError, match="does not run"):
        proxy.heal()
    with pytest.raises(RuntimeError, match="starts once"):
        proxy.start()
