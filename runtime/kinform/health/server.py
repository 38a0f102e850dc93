"""A small HTTP server for probes and Prometheus: bounded in everything, in the way of nothing."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import TYPE_CHECKING, Final, Protocol, Self
from urllib.parse import parse_qs, urlsplit

from kinform.health.checks import HealthChecks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from _typeshed import WriteableBuffer

__all__ = ["HealthServer", "MetricsPage"]

logger: Final = logging.getLogger("kinform.health")

_TEXT: Final = "text/plain; charset=utf-8"
_REQUEST_SECONDS: Final = 5.0  # for the whole request, however it trickles in, and again for sending the answer
_REQUEST_BYTES: Final = 16_384
_LOOK_AROUND: Final = 0.25  # seconds between two looks of the listening thread at whether it is to end
_CONNECTIONS: Final = 16  # at a time; where all are taken, the oldest that has sent no request makes way
_PATIENCE: Final = 1.0  # seconds for it to do so; else the new one is refused, and comes again


class MetricsPage(Protocol):
    """Makes the page behind ``/metrics``; ``Metrics.render`` is one."""

    def __call__(self, accept: str, /) -> tuple[str, bytes]:
        """The page's content type and the page, for a request's ``Accept``."""
        ...


class _Bounded(io.RawIOBase):
    """What a client sends, cut where it is too much, and given up where it takes too long."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._left = _REQUEST_BYTES
        self._deadline = time.monotonic() + _REQUEST_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the request does not come to its end")
        self._sock.settimeout(remaining)
        if not self._left:
            raise ConnectionAbortedError("the request is too large")
        count = self._sock.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count


class _Handler(BaseHTTPRequestHandler):
    """Answers one request, and closes: HTTP/1.0 will do for probes."""

    def version_string(self) -> str:
        return "kinform"  # and nothing of versions

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Bounded(self.connection))

    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.answering(self.connection)
        try:
            url = urlsplit(self.path)
            query = parse_qs(url.query, keep_blank_values=True, max_num_fields=100)
        except ValueError:
            self._answer(400, _TEXT, b"400 bad request\n")
            return
        answer = self._page(url.path.rstrip("/"), query)
        self._answer(*(answer or (404, _TEXT, b"404 page not found\n")))

    do_HEAD = do_GET  # noqa: N815  (the name that http.server calls)

    def do_POST(self) -> None:
        self._answer(405, _TEXT, b"405 method not allowed\n", allow="GET, HEAD")

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815

    def _page(self, path: str, query: Mapping[str, Sequence[str]]) -> tuple[int, str, bytes] | None:
        assert isinstance(self.server, _Server)
        owner = self.server.owner
        if path == "/metrics" and owner.metrics is not None:
            try:
                return (200, *owner.metrics(self.headers.get("accept", "")))
            except Exception:
                logger.exception("the metrics page could not be made")
                return 500, _TEXT, b"500 the metrics page could not be made\n"
        group, _, check = path[1:].partition("/")
        checks = {"healthz": owner.healthz, "readyz": owner.readyz}.get(group)
        if checks is None:
            return None
        found = (
            checks.report_one(check) if check else checks.report(query.get("exclude", ()), verbose="verbose" in query)
        )
        return None if found is None else (200 if found[0] else 500, _TEXT, found[1].encode())

    def _answer(self, status: int, content_type: str, body: bytes, *, allow: str = "") -> None:
        self.connection.settimeout(_REQUEST_SECONDS)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache, private")
        if allow:
            self.send_header("Allow", allow)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the signature of http.server)
        logger.debug("%s: %s", self.address_string(), format % args)


class _Server(TCPServer):
    """Serves each connection in a daemon thread, so many at a time.

    Not ``http.server.HTTPServer``, which asks the name service who we are, and may have to wait for it.
    """

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, owner: HealthServer, address: tuple[str, int]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.owner = owner
        self._places = threading.Semaphore(_CONNECTIONS)
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._answering: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        assert isinstance(request, socket.socket)
        if not (self._places.acquire(blocking=False) or self._take_over()):
            self.shutdown_request(request)
            return
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name="kinform-health-request", daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def _take_over(self) -> bool:
        """Takes the place of the oldest connection that has sent no request yet: probes do not wait for the silent."""
        with self._lock:
            silent = next((sock for sock in self._open if sock not in self._answering), None)
            if silent is None:
                return False
            self._answering.add(silent)  # not twice
            with contextlib.suppress(OSError):
                silent.shutdown(socket.SHUT_RDWR)
        return self._places.acquire(timeout=_PATIENCE)

    def answering(self, request: socket.socket) -> None:
        """The request of a connection is whole: nobody hangs up on it any more."""
        with self._lock:
            self._answering.add(request)

    def _serve(self, request: socket.socket, client_address: object) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception as error:  # noqa: BLE001  (hung up, too slow, too large: no business of the program's)
            logger.debug("a request from %s was not answered: %r", client_address, error)
        finally:
            with self._lock:
                del self._open[request]
                self._answering.discard(request)
            self._places.release()  # first: who sees the connection end may come again at once
            self.shutdown_request(request)

    def hang_up(self, deadline: float) -> bool:
        """Reads no further requests, and waits for those that are being answered; whether all are."""
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RD)
            threads = list(self._open.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)


class HealthServer:
    """Serves ``/healthz``, ``/readyz`` and, with metrics, ``/metrics``.

    As an API server's: ``ok``, or 500 with every check named and no reasons; ``?verbose`` names them in any case,
    ``?exclude=NAME`` leaves one out, and ``/readyz/NAME`` runs one alone and says why it fails. ``/healthz`` is for a
    liveness probe, whose failure has the process killed, ``/readyz`` for a readiness probe.

    Requests are bounded in size, time and number. There is neither TLS nor authentication, so it listens on the
    loopback interface unless told otherwise; kubelet's probes and Prometheus come from outside: in a pod, give
    ``host="0.0.0.0"`` (or ``"::"``), or the pod's own address. Starts once; all methods may be called from any thread.

    Args:
        port: The TCP port; 0: any free one.
        host: The address to listen on.
        metrics: Makes the page behind ``/metrics``, such as ``Metrics().render``; None: there is none, unless ``run``
            brings one.
    """

    def __init__(self, port: int, *, host: str = "127.0.0.1", metrics: MetricsPage | None = None) -> None:
        self.healthz: Final = HealthChecks("healthz")
        self.readyz: Final = HealthChecks("readyz")
        self.metrics = metrics
        self._address = host, port
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def started(self) -> bool:
        """Whether ``start`` has been called; it stays so."""
        return self._thread is not None

    @property
    def port(self) -> int:
        """The TCP port that it listens on; before the start the one that was asked for."""
        server = self._server
        return self._address[1] if server is None else int(server.server_address[1])

    def start(self) -> None:
        """Listens, and answers in threads of its own; does not block. Again: nothing.

        Raises:
            OSError: The address cannot be listened on; the message names it.
            RuntimeError: It has been stopped.
        """
        with self._lock:
            if self._thread is not None:
                if self._server is None:
                    raise RuntimeError("the health server has been stopped: it does not start again, make another")
                return
            host, port = self._address
            try:
                server = _Server(self, self._address)
            except OSError as error:
                raise OSError(error.errno, f"cannot listen on {host} port {port}: {error.strerror or error}") from None
            self._server = server
            self._thread = threading.Thread(
                target=server.serve_forever, args=(_LOOK_AROUND,), name="kinform-health", daemon=True
            )
            self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """Listens no more, and waits for the requests that are being answered. Again, or before the start: nothing.

        Args:
            timeout: Seconds to wait for them.

        Returns:
            False where a check, or the metrics page, still runs then; its thread is a daemon and ends with it.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            server, self._server = self._server, None
        if server is None:
            return True
        server.shutdown()
        server.server_close()
        return server.hang_up(deadline)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
