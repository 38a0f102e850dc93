"""What went wrong, as kinform's errors: refusals of the server and failures of the connection."""

from __future__ import annotations

import re
import socket
import ssl
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, InvalidURL
from typing import TYPE_CHECKING, Final

import msgspec
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_match_hostname import CertificateError

from kinform.errors import ApiStatusError, Status, TransportError, status_error
from kinform.status import read_status
from kinform.transport.body import BodyError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NETWORK_ERRORS", "UntrustedError", "network_error", "refusal", "retry_after"]

NETWORK_ERRORS = (OSError, HTTPException, HTTPError, BodyError, ValueError)
"""What a request may meet below HTTP: of the socket and TLS, of ``http.client``, of urllib3, and of the body."""

_EXCERPT = 300

_UNKNOWN_AUTHORITY: Final = (
    "The kubeconfig's certificate-authority, in a pod the file ca.crt, has to hold the authority that signed it"
)
_WRONG_NAME: Final = (
    "It has to name the server by the address that the kubeconfig has, or the kubeconfig's tls-server-name has to be a"
    " name that it has"
)
_OTHER_HOST: Final = 62
# By OpenSSL's codes, X509_V_ERR_….
_MENDS: Final = {
    9: "It is not valid yet: is this machine's clock right?",
    10: "It has to be renewed on the server, unless this machine's clock is wrong",
    _OTHER_HOST: _WRONG_NAME,
    64: _WRONG_NAME,  # another IP address
}


class UntrustedError(TransportError):
    """One side of the TLS connection does not trust the other's certificate."""


def refusal(code: int, headers: Mapping[str, str], body: bytes, request: str) -> ApiStatusError:
    """The error for a response that is not a success.

    Args:
        code: The HTTP status code.
        headers: With names in lower case.
        body: A ``Status`` in JSON; or whatever a proxy on the way says, HTML or text or nothing.
        request: The request, as ``"GET /api/v1/pods"``.
    """
    status = read_status(body) or Status()
    if not status.message and not status.reason:
        status = msgspec.structs.replace(status, message=_message(code, headers, body))
    status = msgspec.structs.replace(status, code=code)
    return status_error(status, request=request, retry_after=retry_after(headers))


def _message(code: int, headers: Mapping[str, str], body: bytes) -> str:
    """What to say of an answer that is no ``Status``."""
    try:
        phrase = HTTPStatus(code).phrase
    except ValueError:
        phrase = "unknown status"
    if 300 <= code < 400:
        return f"{phrase}: redirected to {headers.get('location', 'nowhere')}; kinform follows no redirects"
    text = body[: 16 * _EXCERPT].decode(errors="replace")
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    if title:
        text = title[1]
    elif re.search(r"<html|<!doctype", text, re.IGNORECASE):
        text = re.sub(r"<[^>]*>", " ", text)
    text = " ".join(text.split())
    if len(text) > _EXCERPT:
        text = f"{text[:_EXCERPT]}…"
    return f"{phrase}: {text}" if text else phrase


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response's ``Retry-After`` asks to wait, given there in seconds or as a date; None without one.

    A date is measured from the server's own ``Date``, so that clocks that disagree do not matter.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    then = _timestamp(text)
    if then is None:
        return None
    now = _timestamp(headers.get("date", ""))
    return max(0.0, then - (time.time() if now is None else now))


def _timestamp(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def network_error(error: Exception, request: str, peer: str, silence: float) -> TransportError:
    """The error for a failure below HTTP.

    Its message is made here and never the text of a ``ValueError``: that may be a header, and a header a token.

    Args:
        error: One of ``NETWORK_ERRORS``.
        request: The request, as ``"GET /api/v1/pods"``.
        peer: The server, as ``"https://host:port"``.
        silence: Seconds that the connection was allowed to be silent.
    """
    if isinstance(error, (ssl.SSLCertVerificationError, CertificateError)):
        said = getattr(error, "verify_message", "") or str(error)
        mend = _MENDS.get(getattr(error, "verify_code", _OTHER_HOST), _UNKNOWN_AUTHORITY)
        return UntrustedError(f"{request}: the certificate of {peer} is not trusted: {said.rstrip('.')}. {mend}")
    if isinstance(error, ssl.SSLError):
        reason = error.reason or str(error)
        cls = UntrustedError if re.search("CERT|UNKNOWN_CA", reason) else TransportError
        return cls(f"{request}: TLS with {peer} failed: {reason.replace('_', ' ').lower()}")
    if isinstance(error, TimeoutError):
        if error.errno is not None:  # the system's, or ours from connecting; not a socket's time-out
            return TransportError(f"{request}: {peer}: {error.strerror}")
        return TransportError(f"{request}: no bytes for {silence:g} s from {peer}")
    if isinstance(error, socket.gaierror):
        return TransportError(f"{request}: the name in {peer}, or of its proxy, does not resolve: {error.strerror}")
    if isinstance(error, (ValueError, InvalidURL)):
        return TransportError(f"{request}: the request to {peer} cannot be sent as HTTP")
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return TransportError(f"{request}: {peer}: {said}")
