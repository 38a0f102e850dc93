"""Reads ``http(s)`` URLs, through the proxy that the environment names."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

from kinform_codegen.errors import SpecError

if TYPE_CHECKING:
    from urllib3 import PoolManager

__all__ = ["LARGEST", "fetch", "is_url"]

LARGEST: Final = 64 * 1024 * 1024
"""Bytes. An API server takes 3 MB for one definition; the bundles of large providers have some 20 MB."""

_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_TIMEOUT_SECONDS: Final = 30.0


def is_url(location: str) -> bool:
    """Whether a location is a URL, and no path."""
    return _URL.match(location) is not None


def fetch(url: str, *, accept: str, mend: str) -> bytes:
    """What is at a URL. Blocks while it reads.

    Args:
        url: With ``http`` or ``https``. ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` are heeded.
        accept: The media types that are wanted.
        mend: What to do where the server refuses.

    Raises:
        SpecError: The server cannot be reached, refuses, or sends more than `LARGEST`.
    """
    import urllib3  # noqa: PLC0415  (50 ms that a run on files need not pay)

    data = bytearray()
    try:
        with (
            _pool(url) as pool,
            contextlib.closing(pool.request("GET", url, headers={"Accept": accept}, preload_content=False)) as response,
        ):
            if response.status != 200:
                said = f"cannot be read: HTTP {response.status} {response.reason or ''}".rstrip()
                raise SpecError(url, said, mend=mend)
            for chunk in response.stream(2**16):
                data += chunk
                if len(data) > LARGEST:
                    raise SpecError(url, f"is larger than {LARGEST // 1024**2} MiB", mend="give it in parts")
    except urllib3.exceptions.MaxRetryError as error:
        raise SpecError(url, f"cannot be read: {error.reason}", mend="check the URL, the network, the proxy") from error
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise SpecError(url, f"cannot be read: {error}", mend="check the URL, the network, the proxy") from error
    return bytes(data)


def _pool(url: str) -> PoolManager:
    from urllib.parse import urlsplit  # noqa: PLC0415
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

    import urllib3  # noqa: PLC0415

    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme.lower())
    if proxy is None:
        return urllib3.PoolManager(timeout=_TIMEOUT_SECONDS)
    return urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}", timeout=_TIMEOUT_SECONDS)
