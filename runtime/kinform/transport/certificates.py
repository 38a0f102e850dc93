"""When a certificate file ends to be valid, without a library for certificates."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["not_after"]

_SEQUENCE = 0x30
_VERSION = 0xA0
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18

_PEM = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def not_after(path: str) -> float | None:
    """When the first certificate of a PEM file expires, in seconds since 1970; None where that cannot be read."""
    try:
        block = _PEM.search(Path(path).read_text(encoding="ascii", errors="replace"))
        return _not_after(ssl.PEM_cert_to_DER_cert(block[0])) if block else None
    except (OSError, ValueError, IndexError):
        return None


def _not_after(der: bytes) -> float:
    # Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version?, serialNumber, signature, issuer,
    #                            validity SEQUENCE { notBefore, notAfter }, … }, … }          (RFC 5280, 4.1)
    at = _enter(der, _enter(der, 0))
    if der[at] == _VERSION:
        at = _skip(der, at)
    for _ in ("serialNumber", "signature", "issuer"):
        at = _skip(der, at)
    at = _skip(der, _enter(der, at))  # into validity, past notBefore
    start, end = _content(der, at)
    text = der[start:end].decode("ascii")
    if der[at] == _UTC_TIME:  # two digits of the year, from 1950 on
        text = ("19" if text[:2] >= "50" else "20") + text
    elif der[at] != _GENERALIZED_TIME:
        raise ValueError("a time is expected here")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Start and end of the content of the element at ``at``."""
    length = der[at + 1]
    start = at + 2
    if length & 0x80:
        digits = length & 0x7F
        length = int.from_bytes(der[start : start + digits], "big")
        start += digits
    return start, start + length


def _enter(der: bytes, at: int) -> int:
    if der[at] != _SEQUENCE:
        raise ValueError("a sequence is expected here")
    return _content(der, at)[0]


def _skip(der: bytes, at: int) -> int:
    return _content(der, at)[1]
