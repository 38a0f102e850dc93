"""A client of the replayer without any library: bytes of a response as they come, without copies that can be spared."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Loads", "ask", "lines", "pages"]

Loads: TypeAlias = Callable[[bytes], Any]
"""Decodes JSON."""

PAGE = 500
"""Objects in a page: what client-go and kinform ask for."""


def ask(url: str, path: str, **query: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Begins a request of its own connection, which the caller closes."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
    connection.request("GET", f"{path}?{urlencode(query)}", headers={"Accept": "application/json"})
    response = connection.getresponse()
    if response.status != http.HTTPStatus.OK:
        raise OSError(f"{path}: {response.status} {response.read().decode()}")
    return connection, response


def pages(url: str, path: str, loads: Loads) -> Iterator[dict[str, Any]]:
    """The pages of a list, decoded."""
    following = ""
    while True:
        connection, response = ask(url, path, limit=str(PAGE), **{"continue": following} if following else {})
        page = loads(response.read())
        connection.close()
        yield page
        following = page["metadata"].get("continue", "")
        if not following:
            return


def lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The lines of a watch, until the server ends it."""
    begun = b""
    while chunk := response.read1(1 << 18):
        *whole, begun = (begun + chunk).split(b"\n")
        yield from whole
