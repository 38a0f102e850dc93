"""Requests to one API server: plain ones, and long ones that are read as they come."""

from __future__ import annotations

import os
import platform
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import ApiStatusError, TransportError, UnauthorizedError
from kinform.transport.abort import Abort, covering
from kinform.transport.exchange import Request, exchange
from kinform.transport.failures import UntrustedError
from kinform.transport.sessions import Sessions
from kinform.transport.statistics import TransportStatistics
from kinform.transport.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from types import TracebackType

    from kinform.clock import Clock
    from kinform.flowcontrol import RateLimiter
    from kinform.transport.api_client import ApiSource
    from kinform.transport.exchange import Answer
    from kinform.transport.observer import TransportObserver
    from kinform.transport.sessions import Session

__all__ = ["Response", "Stream", "Transport", "transport_of"]

_CONNECT_TIMEOUT = 10.0


class _Lifetime(Abort):
    """The switch over all requests of a transport, thrown when it is closed."""

    __slots__ = ()

    @property
    def covered(self) -> int:
        return len(self._handles)

    def raise_if_aborted(self) -> None:
        if self.aborted:
            raise TransportError("the transport is closed")


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Its representation shows neither headers nor body: they may hold secrets."""

    status: int
    """The HTTP status code, 200 to 299."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; several headers of one name joined by commas."""
    body: bytes = field(repr=False)
    """Decoded."""


class Stream:
    """The body of a long response, as it comes. For one thread, which also closes it; others use the ``Abort``."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def headers(self) -> Mapping[str, str]:
        """The response's headers, names in lower case."""
        return self._answer.headers

    def read(self) -> bytes:
        """The next decoded bytes, as soon as there are any; ``b""`` once the server has ended the stream.

        Where the pieces are cut means nothing. Blocks up to the ``read_timeout`` that the stream was opened with.

        Raises:
            TransportError: The stream was cut in the middle, or ``no bytes for N s``.
            AbortedError: The abort switch was thrown.
        """
        return self._answer.read()

    def set_read_timeout(self, seconds: float) -> None:
        """Changes how long the server may be silent, from the next :meth:`read` on. For the thread that reads."""
        self._answer.set_silence(seconds)

    def close(self) -> None:
        """Closes the connection; again: nothing. For the thread that reads."""
        self._answer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Transport:
    """Makes requests to one API server, with the official client's address, TLS, proxies and credentials.

    Thread-safe, and unlimited in requests at a time: plain ones share kept connections, each stream has its own. Nor is
    their rate limited unless a limiter is given: API servers share themselves out (API Priority and Fairness) and say
    429 where that does not do, which informers heed; a limit of the client's own mostly delays what need not wait.
    Nothing is retried but what certainly never reached the API: a reading request on a kept connection that the server
    had closed, and, once, a request with refused credentials where the source can make new ones. (client-go:
    ``rest.HTTPClientFor`` and the transports it stacks.)
    """

    def __init__(
        self,
        source: ApiSource,
        *,
        user_agent: str | None = None,
        compression: bool | None = None,
        rate_limiter: RateLimiter | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Takes the API client; where ``source`` is a function, calls it, which may block (credential plugins run).

        Args:
            source: An API client, or a function that makes one, such as ``connect``.
            user_agent: Put before kinform's own name in ``User-Agent``, such as ``"rollup-controller/1.4"``.
            compression: Whether responses may come as gzip. It saves the network and costs the API server; None: only
                where the server is not that of the pod's own cluster.
            rate_limiter: What each request waits for before it is sent, a watch once when it is opened; such as
                ``TokenBucketRateLimiter(20, 30)``. None: nothing. (client-go: ``rest.Config.RateLimiter``.)
            clock: Measures these waits, and requests for an observer; for tests.

        Raises:
            ConfigurationError: From ``connect``, or the client is none that kinform can use.
            ValueError: ``user_agent`` holds what no header can.
        """
        if user_agent is not None and not (user_agent.isascii() and user_agent.isprintable()):
            raise ValueError(f"user_agent {user_agent!r} holds characters that HTTP cannot send")
        self._made_with = source, user_agent, compression
        self._sessions = Sessions(source)
        self._lifetime = _Lifetime()
        system = f"{platform.system().lower()}/{platform.machine()}"
        own = f"kinform/{_version()} ({system}) python/{platform.python_version()}"
        self._user_agent = f"{user_agent} {own}" if user_agent else own
        if compression is None:
            compression = not _is_own_cluster(self.host)
        self._encodings = "gzip" if compression else "identity"
        self._throttle = None if rate_limiter is None else Throttle(rate_limiter, clock)
        self._clock = clock
        self._observer: TransportObserver | None = None
        self._counting = threading.Lock()
        self._answers: Counter[str] = Counter()

    def another(self) -> Transport:
        """A transport made as this one was, with connections of its own and no rate limiter: this one never delays it.

        May block and raise as the constructor, since a function that makes clients is called again.
        """
        source, user_agent, compression = self._made_with
        return Transport(source, user_agent=user_agent, compression=compression)

    @property
    def host(self) -> str:
        """The API server's URL, without a user, password or query that the client's configuration may have in it."""
        return self._sessions.latest.host

    @property
    def generation(self) -> int:
        """How many clients there have been: 1, and one more each time that credentials or certificates changed."""
        return self._sessions.latest.generation

    def statistics(self) -> TransportStatistics:
        """What happened so far, and how things stand. Thread-safe; takes only locks that are held for moments."""
        with self._counting:
            answers = dict(self._answers)
        session = self._sessions.latest
        return TransportStatistics(
            host=session.host,
            generation=session.generation,
            closed=self._lifetime.aborted,
            in_progress=self._lifetime.covered,
            idle=session.idle.kept,
            answers=answers,
        )

    def observe(self, observer: TransportObserver) -> None:
        """Has the observer told of each request, from the next one on. It replaces another. Thread-safe."""
        self._observer = observer

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 60.0,
        abort: Abort | None = None,
    ) -> Response:
        """Sends a request and reads the whole answer. Blocks; thread-safe.

        Args:
            method: The HTTP method.
            path: From the root of the API, quoted, such as ``Resource.path`` returns.
            query: Names and values, not quoted.
            body: Sent as it is.
            content_type: What the body is; not sent without one.
            accept: What the answer should be.
            timeout: Seconds that the server may be silent. Not the time for the whole: a large list that keeps coming
                is never cut.
            abort: A switch by which another thread may end this.

        Raises:
            ApiStatusError: The server refused or failed; the class tells how (``NotFoundError``, …).
            TransportError: The network or TLS failed, or nothing came for ``timeout`` seconds.
            AbortedError: The switch was thrown.
            ConfigurationError: The credentials cannot be refreshed.
        """
        headers = {"accept": accept}
        if body is not None:
            headers["content-type"] = content_type
        with self._answer(method, path, query, body=body, headers=headers, timeout=timeout, abort=abort) as answer:
            return Response(answer.status, answer.headers, answer.read_all())

    def fetch(
        self,
        path: str,
        take: Callable[[bytes], object],
        *,
        query: Sequence[tuple[str, str]] = (),
        accept: str = "application/json",
        timeout: float = 60.0,
        abort: Abort | None = None,
    ) -> None:
        """Sends a GET and hands over the answer's body piece by piece, as it comes. Blocks; thread-safe.

        Errors as for :meth:`request`; where it raises, pieces may have been handed over before.

        Args:
            path: As for :meth:`request`.
            take: Called on this thread with each piece; the server waits while it runs. What it raises comes out here.
            query: As for :meth:`request`.
            accept: As for :meth:`request`.
            timeout: As for :meth:`request`.
            abort: As for :meth:`request`.
        """
        headers = {"accept": accept}
        with self._answer("GET", path, query, body=None, headers=headers, timeout=timeout, abort=abort) as answer:
            while piece := answer.read():
                take(piece)

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
        abort: Abort | None,
    ) -> Generator[Answer]:
        """The answer to a request over a kept connection, which is given back at the end; observers are told."""
        observer, began = self._observer, self._clock.monotonic()
        try:
            answer = self._exchange(
                method,
                path,
                query,
                body=body,
                headers=headers,
                connect_timeout=min(timeout, _CONNECT_TIMEOUT),
                silence=timeout,
                abort=abort,
                keep=True,
            )
            try:
                yield answer
            finally:
                answer.close()
        finally:
            if observer is not None:
                observer.finished(method, self._clock.monotonic() - began)

    def open(
        self,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        abort: Abort,
        connect_timeout: float = _CONNECT_TIMEOUT,
        read_timeout: float,
        accept: str = "application/json",
        on_send: Callable[[], None] | None = None,
    ) -> Stream:
        """Sends a GET whose answer is read as it comes, over a connection of its own. Thread-safe.

        Blocks until the headers are here; some proxies send them together with the first event, so that may take
        ``read_timeout``. The thread that reads the stream closes it.

        Args:
            path: As for :meth:`request`.
            query: As for :meth:`request`.
            abort: The switch by which another thread ends this.
            connect_timeout: Seconds for each step of connecting: TCP, proxy, TLS.
            read_timeout: Seconds that the server may be silent, before the headers and between any two bytes.
            accept: What the answer should be.
            on_send: Called on this thread when the waits for the rate limit and for credentials are over, so that the
                server's silence can be told from them; once more where the request is sent again.

        Raises:
            ApiStatusError: As for :meth:`request`.
            TransportError: As for :meth:`request`; ``no bytes for N s`` where it is silent.
            AbortedError: The switch was thrown.
            ConfigurationError: The credentials cannot be refreshed.
        """
        answer = self._exchange(
            "GET",
            path,
            query,
            headers={"accept": accept},
            connect_timeout=connect_timeout,
            silence=read_timeout,
            abort=abort,
            keep=False,
            on_send=on_send,
        )
        return Stream(answer)

    def _exchange(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        *,
        body: bytes | None = None,
        headers: Mapping[str, str],
        connect_timeout: float,
        silence: float,
        abort: Abort | None,
        keep: bool,
        on_send: Callable[[], None] | None = None,
    ) -> Answer:
        """Sends a request with the session in force, and once more with a new one where that is not accepted."""
        aborts = (*covering(), self._lifetime) if abort is None else (abort, *covering(), self._lifetime)
        for switch in aborts:
            switch.raise_if_aborted()
        if self._throttle is not None:
            waited = self._throttle.wait(f"{method} {path}", aborts)
            if self._observer is not None:
                self._observer.throttled(method, waited)
        session = self._sessions.current(aborts)
        retried = False
        while True:
            parameters = list(query)
            said = session.headers(method, path, parameters, body, aborts)
            request = Request(
                method=method,
                target=session.endpoint.target(f"{path}?{urlencode(parameters)}" if parameters else path),
                headers={
                    **session.endpoint.proxy_headers,
                    **said,
                    **headers,
                    "accept-encoding": self._encodings,
                    "user-agent": self._user_agent,
                },
                body=body,
                name=f"{method} {path}",
                connect_timeout=connect_timeout,
                silence=silence,
                keep=keep,
            )
            if on_send is not None:
                on_send()
            try:
                answer = self._attempt(request, session, aborts)
            except (UnauthorizedError, UntrustedError):
                renewed = None if retried else self._sessions.refused(session, aborts)
                if renewed is None:
                    raise
                session, retried = renewed, True
            except ApiStatusError:
                session.accepted = True
                raise
            else:
                session.accepted = True
                return answer

    def _attempt(self, request: Request, session: Session, aborts: Sequence[Abort]) -> Answer:
        code = "<error>"
        try:
            answer = exchange(request, session, aborts)
            code = str(answer.status)
        except ApiStatusError as error:
            code = str(error.code)
            raise
        finally:
            with self._counting:
                self._answers[code] += 1
            if self._observer is not None:
                self._observer.answered(request.method, code)
        return answer

    def close(self) -> None:
        """Ends all requests in progress, whose threads get a ``TransportError``, and closes what is kept.

        From any thread; never blocks; again: nothing. Requests after it raise ``TransportError``.
        """
        self._lifetime.abort()
        self._sessions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Transport {self._sessions.latest.endpoint.name}>"


def transport_of(source: ApiSource | Transport, rate_limiter: RateLimiter | None = None) -> Transport:
    """A transport for what factories and clientsets are given: theirs to share, or a new one.

    Raises:
        ConfigurationError: As ``Transport``.
        ValueError: A rate limiter for a transport that is made already.
    """
    if not isinstance(source, Transport):
        return Transport(source, rate_limiter=rate_limiter)
    if rate_limiter is not None:
        raise ValueError(
            "a transport that is shared has its own rate limit: give rate_limiter= to the Transport itself"
        )
    return source


def _version() -> str:
    try:
        return version("kinform")
    except PackageNotFoundError:
        return "0"


def _is_own_cluster(host: str) -> bool:
    """Whether this pod runs in the cluster that ``host`` serves: its network is near, and gzip costs more than it."""
    service = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    return service != "" and service in host
