"""Who kinform is to the API server: the client in force, its headers, and when it is made anew."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Any, cast

from urllib3 import PoolManager

from kinform.errors import ConfigurationError
from kinform.transport.api_client import AnsweringClient
from kinform.transport.certificates import not_after
from kinform.transport.connections import Endpoint, IdleConnections
from kinform.transport.kubeconfig import plain_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from kinform.transport.abort import Abort
    from kinform.transport.api_client import ApiClient, ApiSource

__all__ = ["Session", "Sessions"]

_log = logging.getLogger("kinform.transport")

_FILES = ("ssl_ca_cert", "cert_file", "key_file")
"""Attributes of the official configuration that name files."""

_AGAIN_AFTER = 10.0
"""Seconds before a client that did not help, or could not be made, is made anew once more."""

_LOCK_SLICE = 0.1
"""Seconds between two looks at the abort switch while another thread refreshes credentials."""


@contextlib.contextmanager
def _locked(lock: threading.Lock, aborts: Sequence[Abort]) -> Generator[None, None, None]:
    """Holds the lock; gives up waiting when aborted, as the holder may be running a credential plugin."""
    while not lock.acquire(timeout=_LOCK_SLICE):
        for abort in aborts:
            abort.raise_if_aborted()
    try:
        yield
    finally:
        lock.release()


class Session:
    """One client, the way to its server, and the connections made with it. Thread-safe."""

    def __init__(self, client: ApiClient, generation: int, *, after_refusal: bool = False) -> None:
        """Reads the client's configuration; opens nothing.

        Raises:
            ConfigurationError: It is no official client, or lacks an address.
        """
        host = getattr(client.configuration, "host", None)
        manager = getattr(client.rest_client, "pool_manager", None)
        if not isinstance(host, str) or not isinstance(manager, PoolManager):
            raise ConfigurationError(
                f"{type(client).__name__} is no client that kinform can use: it needs configuration.host and"
                " rest_client.pool_manager, as kubernetes.client.ApiClient has them"
            )
        self.client = client
        self.generation = generation
        self.after_refusal = after_refusal
        self.accepted = False
        """Whether the server has taken these credentials."""
        self.made_at: float = time.monotonic()
        self.endpoint: Endpoint = Endpoint(host, manager)
        self.host: str = self.endpoint.address
        self.idle: IdleConnections = IdleConnections()
        self.answering: AnsweringClient | None = client if isinstance(client, AnsweringClient) else None
        """The client itself, where it needs no connections."""
        self._authorise = cast("Callable[..., object] | None", getattr(client, "update_params_for_auth", None))
        self._auth_parameters = 0 if self._authorise is None else len(inspect.signature(self._authorise).parameters)
        self._auth_lock = threading.Lock()
        self._credentials: dict[str, str | None] = {}  # what the hook added when it last worked
        self._warned_at = float("-inf")
        self._files = self._stat()
        certificate = getattr(client.configuration, "cert_file", None)
        self._expires_at = not_after(certificate) if isinstance(certificate, str) else None

    def _stat(self) -> dict[str, tuple[int, int, int] | None]:
        """What tells one content of the certificate files from another."""
        seen: dict[str, tuple[int, int, int] | None] = {}
        for name in _FILES:
            path = getattr(self.client.configuration, name, None)
            if isinstance(path, str) and path:
                try:
                    stat = os.stat(path)  # noqa: PTH116  (three times per request)
                    seen[path] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                except OSError:
                    seen[path] = None
        return seen

    @property
    def files_changed(self) -> bool:
        """Whether a certificate file has changed since this session was made."""
        return self._stat() != self._files

    @property
    def expired(self) -> bool:
        """Whether the client certificate's time is over."""
        return self._expires_at is not None and time.time() >= self._expires_at

    def headers(
        self, method: str, path: str, query: list[tuple[str, str]], body: bytes | None, aborts: Sequence[Abort]
    ) -> dict[str, str]:
        """The client's own headers and those that say who asks, names in lower case; may add to ``query``.

        Calls the official client's hook, which reads a token file again when it is due. Where that fails, the
        credentials of before go on being used: the file may be in the middle of its rotation.

        Raises:
            ConfigurationError: The hook failed and never worked before, or a header cannot be sent.
            AbortedError: Another thread is in the hook, and a switch was thrown.
        """
        found: dict[str, str | None] = dict(self.client.default_headers)
        if self._authorise is not None:
            arguments: list[Any] = [found, query, ["BearerToken"], path, method, body]
            if self._auth_parameters < len(arguments):  # older versions of the official client take the first three
                del arguments[3:]
            with _locked(self._auth_lock, aborts):
                try:
                    self._authorise(*arguments)
                except Exception as error:  # noqa: BLE001  (files, plugins, HTTP: whatever refreshes credentials)
                    found |= self._old_credentials(plain_reason(error))
                else:
                    defaults = self.client.default_headers
                    self._credentials = {name: value for name, value in found.items() if name not in defaults}
        return {name.lower(): _sendable(name, value) for name, value in found.items() if value is not None}

    def _old_credentials(self, why: str) -> dict[str, str | None]:
        if not self._credentials:
            raise ConfigurationError(f"the credentials cannot be refreshed: {why}") from None
        if time.monotonic() - self._warned_at >= _AGAIN_AFTER:
            self._warned_at = time.monotonic()
            _log.warning("the credentials for %s cannot be refreshed, the old ones stay: %s", self.endpoint.name, why)
        return self._credentials


def _sendable(name: str, value: str) -> str:
    """A header's value, checked here because ``http.client`` would quote it in its error: it may be a token."""
    value = value.strip()  # a token file may end in a newline
    if not value.isprintable() or not value.isascii():
        raise ConfigurationError(f"the client's header {name} holds characters that HTTP cannot send")
    return value


class Sessions:
    """The session in force. Thread-safe; made anew by one thread while the others wait, or go on with the old one."""

    def __init__(self, source: ApiSource) -> None:
        """Makes the first session: calls ``source`` where it is a function, and so may block.

        Raises:
            ConfigurationError: As the function, and as ``Session``.
        """
        # A client may be callable, as test doubles are; a function has no rest_client.
        given = hasattr(source, "rest_client")
        self._source = None if given else cast("Callable[[], ApiClient]", source)
        client = cast("ApiClient", source) if self._source is None else self._source()
        self._lock = threading.Lock()
        self._tried_at = float("-inf")
        self.latest: Session = Session(client, 1)
        if not self.latest.endpoint.verified:
            _log.warning("the certificate of %s is not verified: anyone may answer for it", self.latest.endpoint.name)

    def current(self, aborts: Sequence[Abort]) -> Session:
        """The session for a new request; a new one where certificates have changed or expired on disk.

        Raises:
            AbortedError: A switch was thrown while another thread made the session.
        """
        session = self.latest
        changed = session.files_changed
        if not changed and not (session.expired and self._source is not None):
            return session
        if not changed and time.monotonic() - max(self._tried_at, session.made_at) < _AGAIN_AFTER:
            return session  # made anew a moment ago, and it has expired all the same
        why = "a certificate file has changed" if changed else "the client certificate has expired"
        return self._replace(session, aborts, why) or self.latest

    def refused(self, session: Session, aborts: Sequence[Abort]) -> Session | None:
        """The session to try again with after the server did not accept ``session``; None where there is none.

        Raises:
            AbortedError: As :meth:`current`.
        """
        if self._source is None:
            return None
        if session.after_refusal and not session.accepted and time.monotonic() - session.made_at < _AGAIN_AFTER:
            return None  # new credentials that were never accepted: asking for newer ones at once brings nothing
        return self._replace(session, aborts, "the server did not accept the credentials", after_refusal=True)

    def _replace(
        self, old: Session, aborts: Sequence[Abort], why: str, *, after_refusal: bool = False
    ) -> Session | None:
        with _locked(self._lock, aborts):
            if self.latest is not old:
                return self.latest
            if time.monotonic() - self._tried_at < _AGAIN_AFTER and self._source is not None:
                return None
            try:
                client = old.client if self._source is None else self._source()
                session = Session(client, old.generation + 1, after_refusal=after_refusal)
            except Exception as error:  # noqa: BLE001  (a function of the user's; the old client may still do)
                self._tried_at = time.monotonic()
                _log.warning("%s, but a new client cannot be made: %s", why, _said(error))
                return None
            self.latest = session
        _log.info("%s: connecting anew to %s", why, session.endpoint.name)
        old.idle.close()
        return session

    def close(self) -> None:
        """Closes the connections that are kept."""
        self.latest.idle.close()


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ConfigurationError) else plain_reason(error)
