"""Who may talk to a server, and how: TLS, bearer tokens, certificates of clients."""

from __future__ import annotations

import hmac
import importlib
import ipaddress
import itertools
import json
import shutil
import ssl
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from kinform.testing._kubeconfig import authority_data, identity_data, kubeconfig, write_private
from kinform.testing.server import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from kinform.testing._pki import Authority, Identity
    from kinform.testing.server.connection import Exchange
    from kinform.transport import ApiClient

__all__ = ["Access"]

_NAME: Final = "kinform"
_USER: Final = "kinform"
_GROUPS: Final = ("system:masters",)
_LOCAL_ADDRESSES: Final = ("127.0.0.1", "::1")
# OpenSSL's X509_V_FLAG_NO_CHECK_TIME: a certificate that has expired is no reason to break off, but for a 401.
_NO_CHECK_TIME: Final = 0x200000


class Access:
    """What a server asks of its clients, and what it gives them to show. ``open`` and ``close`` are for one thread.

    Args:
        host: The address that the server listens on.
        tls: Whether it speaks TLS.
        token: What clients must show, or one of the things; None: no token is asked for.
        client_certificates: Whether clients must show a certificate, or a token instead.

    Raises:
        ValueError: The token is none that HTTP can carry, or client certificates are asked for without TLS.
        ModuleNotFoundError: TLS needs ``cryptography``, which is not installed.
    """

    def __init__(self, host: str, *, tls: bool, token: str | None, client_certificates: bool) -> None:
        if client_certificates and not tls:
            raise ValueError("client certificates need TLS: Server(tls=True, client_certificates=True)")
        self._client_certificates = client_certificates
        self._token: str | None = None
        if token is not None:
            self.set_token(token)
        self._authority: Authority | None = None
        self._identity: Identity | None = None
        if tls:
            self._authority, self._identity = _make_authority(host)
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._pools: list[Callable[[], object]] = []

    @property
    def scheme(self) -> str:
        """Of the server's URL."""
        return "http" if self._authority is None else "https"

    def set_token(self, token: str) -> None:
        """From now on this is the token.

        Raises:
            ValueError: HTTP cannot carry it.
        """
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("a token is one or more printable ASCII characters without spaces")
        self._token = token

    # ---- for the server

    def open(self) -> ssl.SSLContext | None:
        """What the server's connections speak; None: plain HTTP."""
        if self._authority is None or self._identity is None:
            return None
        folder = self._make_folder()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.crt")
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        if self._client_certificates:
            context.verify_mode = ssl.CERT_OPTIONAL  # who has none gets a 401, or has a token
            context.verify_flags |= _NO_CHECK_TIME
        return context

    def close(self) -> None:
        """Closes the idle connections of clients, and removes the files that they read."""
        with self._lock:
            pools, self._pools = self._pools, []
            folder, self._folder = self._folder, None
        for clear in pools:
            clear()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def check(self, exchange: Exchange) -> None:
        """Lets a request in.

        Raises:
            Refusal: It does not show what is asked for (401).
        """
        if self._token is None and not self._client_certificates:
            return
        if self._client_certificates and _is_valid(exchange.certificate):
            return
        scheme, _, shown = exchange.request.headers.get("authorization", "").partition(" ")
        wanted = self._token
        right = wanted is not None and hmac.compare_digest(shown.strip().encode("latin-1"), wanted.encode())
        if scheme.lower() != "bearer" or not right:
            raise refusals.unauthorized()

    # ---- for its clients

    def kubeconfig(self, url: str, lifetime: timedelta | None = None) -> str:
        """The text of a kubeconfig (JSON, which is YAML), which holds all credentials itself."""
        authority = {} if self._authority is None else authority_data(self._authority.certificate)
        user = {} if self._token is None else {"token": self._token}
        if self._client_certificates:
            user |= identity_data(self._issue(lifetime))
        return json.dumps(kubeconfig(_NAME, url, authority, user))

    def client(self, url: str, lifetime: timedelta | None = None) -> ApiClient:
        """An ``ApiClient`` of the official package, with all credentials, which it reads from files until ``close``."""
        module = importlib.import_module("kubernetes.client")
        configuration = module.Configuration(host=url)
        configuration.proxy = None  # what the environment says of proxies is not meant for us
        authority, user = self._client_files(lifetime)
        if authority or user:
            # The official package knows best where each of its versions keeps a token.
            importlib.import_module("kubernetes.config").load_kube_config_from_dict(
                kubeconfig(_NAME, url, authority, user), client_configuration=configuration, persist_config=False
            )
        client = module.ApiClient(configuration)
        with self._lock:
            self._pools.append(client.rest_client.pool_manager.clear)
        return cast("ApiClient", client)

    def _client_files(self, lifetime: timedelta | None) -> tuple[Mapping[str, str], Mapping[str, str]]:
        user = {} if self._token is None else {"token": self._token}
        if self._authority is None:
            return {}, user
        folder = self._make_folder()
        if self._client_certificates:
            identity = self._issue(lifetime)
            number = next(self._numbers)
            certificate, key = folder / f"client-{number}.crt", folder / f"client-{number}.key"
            write_private(certificate, identity.certificate)
            write_private(key, identity.key)
            user |= {"client-certificate": str(certificate), "client-key": str(key)}
        return {"certificate-authority": str(folder / "ca.crt")}, user

    def _issue(self, lifetime: timedelta | None) -> Identity:
        if self._authority is None:
            raise RuntimeError("there is no authority without TLS")
        if lifetime is None:
            return self._authority.client(_USER, _GROUPS)
        return self._authority.client(_USER, _GROUPS, lifetime)

    def _make_folder(self) -> Path:
        """The folder of files that ``ssl`` and urllib3 read, and know in no other form."""
        if self._authority is None or self._identity is None:
            raise RuntimeError("there are no files without TLS")
        with self._lock:
            if self._folder is None:
                folder = Path(tempfile.mkdtemp(prefix="kinform-server-"))
                write_private(folder / "ca.crt", self._authority.certificate)
                write_private(folder / "server.crt", self._identity.certificate)
                write_private(folder / "server.key", self._identity.key)
                self._folder = folder
            return self._folder


def _make_authority(host: str) -> tuple[Authority, Identity]:
    try:
        from kinform.testing._pki import Authority  # noqa: PLC0415  (nobody else needs cryptography)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"TLS needs {error.name}, which comes with kinform's extra: pip install 'kinform[testing]'", name=error.name
        ) from error
    authority = Authority()
    names, addresses = ["localhost"], [*_LOCAL_ADDRESSES]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        names.append(host)
    else:
        addresses.append(host)
    return authority, authority.server([*dict.fromkeys(names)], [*dict.fromkeys(addresses)])


def _is_valid(certificate: Mapping[str, object]) -> bool:
    """Whether a client has shown a certificate that is in its time; the handshake has seen who signed it."""
    match certificate:
        case {"notBefore": str(first), "notAfter": str(last)}:
            return ssl.cert_time_to_seconds(first) <= time.time() <= ssl.cert_time_to_seconds(last)
        case _:
            return False
