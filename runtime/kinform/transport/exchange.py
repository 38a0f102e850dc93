"""One request and its answer: sent over a connection of its own or a kept one, read as it comes, cleaned up once."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Final, Protocol

from kinform.errors import AbortedError, ApiStatusError, TransportError
from kinform.transport.body import BodyReader
from kinform.transport.failures import NETWORK_ERRORS, network_error, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kinform.transport.abort import Abort
    from kinform.transport.connections import Connection
    from kinform.transport.sessions import Session

__all__ = ["Answer", "Exchange", "Request", "exchange"]

_MAX_REFUSAL = 1 << 20
"""Bytes of an error's body that are read; what goes on longer is no ``Status``."""

_SAFE: Final = frozenset({"GET", "HEAD"})

_HANG_UPS: Final = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""What is met where the other side has closed; ``http.client.RemoteDisconnected`` is a ``ConnectionError``."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the server, and how long it may take."""

    method: str
    target: str
    """The path with its query."""
    headers: Mapping[str, str]
    body: bytes | None
    name: str
    """``"GET /api/v1/pods"``, for errors."""
    connect_timeout: float
    silence: float
    """Seconds that the connection may be silent."""
    keep: bool
    """Whether a kept connection may be used, and this one be kept afterwards."""


class Answer(Protocol):
    """The answer to a request: its status and headers are here, its body comes by :meth:`read`. For one thread."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case; several headers of one name joined by commas."""
        ...

    def read(self) -> bytes:
        """Some bytes of the decoded body as they come; ``b""`` at its end.

        Raises:
            TransportError: The body was cut, cannot be decoded, or nothing came for too long.
            AbortedError: A switch was thrown.
        """
        ...

    def read_all(self, limit: int | None = None) -> bytes:
        """The rest of the decoded body, or the part read when ``limit`` is passed; raises as :meth:`read`."""
        ...

    def set_silence(self, seconds: float) -> None:
        """From the next read on the connection may be silent for so long."""
        ...

    def close(self) -> None:
        """Lets go of what carries the answer. Again: nothing."""
        ...


class Exchange:
    """A request that was answered over a connection (see ``Answer``)."""

    def __init__(self, request: Request, session: Session, connection: Connection, response: HTTPResponse) -> None:
        self._request = request
        self._session = session
        self._connection = connection
        self._response = response
        self._aborts: Sequence[Abort] = connection.aborts
        self._silence = request.silence
        self._open = True
        self.status: int = response.status
        self.headers: Mapping[str, str] = _headers(response)
        self._body = BodyReader(response)

    def read(self) -> bytes:
        """Some bytes of the decoded body as they come; ``b""`` at its end.

        Raises:
            TransportError: The body was cut, cannot be decoded, or nothing came for too long.
            AbortedError: A switch was thrown.
        """
        try:
            data = self._body.read()
        except NETWORK_ERRORS as error:
            raise _error(error, self._request, self._session, self._aborts, self._silence) from None
        # What came together with the abort is not handed out: a reader that was told to stop sees nothing more.
        for abort in self._aborts:
            abort.raise_if_aborted()
        return data

    def read_all(self, limit: int | None = None) -> bytes:
        """The rest of the decoded body, or the part read when ``limit`` is passed; raises as :meth:`read`."""
        pieces: list[bytes] = []
        size = 0
        while (limit is None or size < limit) and (data := self.read()):
            pieces.append(data)
            size += len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def set_silence(self, seconds: float) -> None:
        """From the next read on the connection may be silent for so long."""
        self._silence = seconds
        if self._open and self._connection.live is not None:
            self._connection.live.settimeout(seconds)

    def close(self) -> None:
        """Gives the connection back, or closes it where the body was not read to its end. Again: nothing."""
        if not self._open:
            return
        self._open = False
        reusable = self._request.keep and self._body.complete and not self._response.will_close
        with contextlib.suppress(OSError):
            self._response.close()
        if reusable:
            self._session.idle.put(self._connection)
        else:
            self._connection.dispose()


def _headers(response: HTTPResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers


def exchange(request: Request, session: Session, aborts: Sequence[Abort]) -> Answer:
    """Sends the request and waits for the headers of its answer. The caller closes what it gets.

    A client that answers by itself (``AnsweringClient``) is asked instead.

    A kept connection that turns out to have been closed by the server is replaced once, for methods that change
    nothing.

    Raises:
        ApiStatusError: The answer is not a success.
        TransportError: There was no answer; ``UntrustedError`` where certificates were the reason.
        AbortedError: A switch was thrown.
    """
    if session.answering is not None:
        return _successful(session.answering.answer(request, aborts), request)
    kept = session.idle.take() if request.keep else None
    if kept is not None:
        try:
            return _over(kept, request, session, aborts)
        except _StaleConnectionError:
            pass
    return _over(_connect(request, session, aborts), request, session, aborts)


class _StaleConnectionError(Exception):
    """The server had closed a kept connection before this request."""


def _connect(request: Request, session: Session, aborts: Sequence[Abort]) -> Connection:
    try:
        return session.endpoint.connect(aborts, request.connect_timeout)
    except NETWORK_ERRORS as error:
        raise _error(error, request, session, aborts, request.connect_timeout) from None


def _over(connection: Connection, request: Request, session: Session, aborts: Sequence[Abort]) -> Answer:
    """Sends the request over this connection, and disposes of it where that fails."""
    kept, connection.used = connection.used, True
    response: HTTPResponse | None = None
    try:
        if kept:
            connection.claim(aborts)
        response = _send(connection, request)
        answer = Exchange(request, session, connection, response)
    except BaseException as error:
        connection.dispose()
        if response is not None:
            response.close()
        if not isinstance(error, NETWORK_ERRORS):
            raise
        failure = _error(error, request, session, aborts, request.silence)
        if kept and request.method in _SAFE and isinstance(error, _HANG_UPS):
            raise _StaleConnectionError from None
        raise failure from None
    return _successful(answer, request)


def _successful(answer: Answer, request: Request) -> Answer:
    if 200 <= answer.status < 300:
        return answer
    try:
        raise _refusal(answer, request)
    finally:
        answer.close()


def _send(connection: Connection, request: Request) -> HTTPResponse:
    connection.timeout = request.silence
    if connection.sock is not None:
        connection.sock.settimeout(request.silence)
    # A server may refuse before it has read the whole body, and close: its answer is worth more than that error.
    with contextlib.suppress(*_HANG_UPS):
        connection.request(request.method, request.target, body=request.body, headers=request.headers)
    connection.live = connection.sock
    # Not urllib3's own getresponse(): its response object does not hand out a body as it comes.
    return HTTPConnection.getresponse(connection)


def _refusal(answer: Answer, request: Request) -> ApiStatusError:
    body = b""
    try:
        body = answer.read_all(_MAX_REFUSAL)
    except AbortedError:
        raise
    except TransportError:
        pass  # the status alone is an answer
    return refusal(answer.status, answer.headers, body, request.name)


def _error(
    error: Exception, request: Request, session: Session, aborts: Sequence[Abort], silence: float
) -> TransportError:
    """What to raise for a failure below HTTP: the abort where there was one, as it is what made it fail.

    Raises:
        AbortedError: A switch was thrown.
    """
    for abort in aborts:
        abort.raise_if_aborted()
    return network_error(error, request.name, session.endpoint.name, silence)
