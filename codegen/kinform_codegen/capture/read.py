"""Reads all OpenAPI v3 documents of a running API server, waiting for those that come late."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import msgspec

from kinform_codegen.errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform_codegen.capture.merge import JsonObject

__all__ = ["CaptureError", "Fetch", "FetchError", "ServedDocuments", "read_documents"]

Fetch: TypeAlias = Callable[[str], bytes]
"""Reads a path of the API server, such as ``/openapi/v3``, as JSON; raises ``FetchError``."""

_POLL_SECONDS = 0.5

_T = TypeVar("_T")


class CaptureError(CodegenError):
    """The API server's specification cannot be captured."""


class FetchError(CaptureError):
    """A path of the API server could not be read."""


class _Reference(msgspec.Struct):
    """An entry of the index: where the document is."""

    server_relative_url: str = msgspec.field(name="serverRelativeURL")


class _Index(msgspec.Struct):
    """``/openapi/v3``."""

    paths: dict[str, _Reference]


class _CoreVersions(msgspec.Struct):
    """``/api``."""

    versions: list[str] = []


class _GroupVersion(msgspec.Struct, rename="camel"):
    group_version: str


class _Group(msgspec.Struct):
    versions: list[_GroupVersion] = []


class _Groups(msgspec.Struct):
    """``/apis``."""

    groups: list[_Group] = []


class _Version(msgspec.Struct, rename="camel"):
    """``/version``."""

    git_version: str = ""


@dataclass(frozen=True, slots=True)
class ServedDocuments:
    """What an API server tells of itself.

    Attributes:
        version: Its version, such as ``"v1.37.2"``.
        documents: The OpenAPI v3 documents by name: ``"api/v1"``, ``"apis/apps/v1"``, ``"version"``.
        unavailable: Names of documents that should be there and are not, each with the reason.
    """

    version: str
    documents: Mapping[str, JsonObject]
    unavailable: Mapping[str, str]


def read_documents(
    fetch: Fetch,
    *,
    wait: float = 30.0,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> ServedDocuments:
    """Read every OpenAPI v3 document that the server's index names, and those that its discovery promises.

    The index of a server that has just started lacks aggregated groups for some seconds, and a document can be
    temporarily unavailable; what is missing is asked for again. Blocks until all is there or the time is over.

    Args:
        fetch: Reads a path of the server.
        wait: Seconds to wait for what is missing.
        monotonic: A clock, in seconds.
        sleep: Waits some seconds.

    Raises:
        FetchError: The index, the discovery or the version cannot be read.
        CaptureError: The server answers what is not understood.
    """
    version = _decode(fetch("/version"), _Version, "/version").git_version
    documents: dict[str, JsonObject] = {}
    deadline = monotonic() + wait
    while True:
        unavailable = _read_missing(fetch, documents)
        if not unavailable or monotonic() >= deadline:
            return ServedDocuments(version, documents, unavailable)
        sleep(_POLL_SECONDS)


def _read_missing(fetch: Fetch, documents: dict[str, JsonObject]) -> dict[str, str]:
    """Read what is not yet in ``documents``; returns what is still missing, and why."""
    index = _decode(fetch("/openapi/v3"), _Index, "/openapi/v3").paths
    missing = {
        name: "it is served, but not in the index of /openapi/v3" for name in _promised(fetch) if name not in index
    }
    for name in sorted(index.keys() - documents.keys()):
        path = index[name].server_relative_url.partition("?")[0]  # without the hash, the document of now
        try:
            document = cast("JsonObject", _decode(fetch(path), dict[str, object], path))
        except FetchError as error:
            missing[name] = str(error)
            continue
        if not str(document.get("openapi", "")).startswith("3."):
            raise CaptureError(f"{path} is not an OpenAPI v3 document: openapi is {document.get('openapi')!r}")
        documents[name] = document
    return missing


def _promised(fetch: Fetch) -> list[str]:
    """The documents that there should be, one for each group and version in the server's discovery."""
    core = _decode(fetch("/api"), _CoreVersions, "/api").versions
    groups = _decode(fetch("/apis"), _Groups, "/apis").groups
    return [
        *(f"api/{version}" for version in core),
        *(f"apis/{version.group_version}" for group in groups for version in group.versions),
    ]


def _decode(body: bytes, shape: type[_T], path: str) -> _T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path} does not answer what was expected: {error}") from error
