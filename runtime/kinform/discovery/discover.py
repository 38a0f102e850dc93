"""Asks an API server what it has: in two requests where it can tell in two, else group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from kinform.discovery.documents import ACCEPT, Root, read_resources, read_root
from kinform.discovery.resources import Discovered
from kinform.errors import AbortedError, DiscoveryError, ForbiddenError, KinformError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.discovery.resources import ApiResource
    from kinform.transport import Transport

__all__ = ["discover"]

A = TypeVar("A")

_ROOTS: Final = ("/api", "/apis")
_SILENCE: Final = 32.0  # seconds, as client-go's discovery client waits


def discover(transport: Transport) -> Discovered:
    """Finds out what the server has. Blocks; thread-safe (client-go: ``ServerGroupsAndResources``).

    A server of v1.26 and later tells it in two requests (aggregated discovery); an older one is asked for each group
    and version. What one of these fails with is in ``failures``; the others are none the worse for it.

    Raises:
        ApiStatusError, TransportError: Neither root could be read, or not a single group; as for every request.
        DiscoveryError: What answered is no API server.
    """
    failures: dict[str, Exception] = {}
    roots: list[Root] = []
    for path in _ROOTS:
        try:
            roots.append(_get(transport, path, ACCEPT, read_root))
        except (NotFoundError, ForbiddenError) as error:
            # There are API servers without the core group, and users who may see only the other.
            failures[path] = error
    if not roots:
        raise next(iter(failures.values()))
    resources: list[ApiResource] = []
    refused: list[Exception] = []
    for root in roots:
        failures |= root.stale
        for group in root.groups:
            for api_version, version in zip(group.api_versions, group.versions, strict=True):
                known = root.resources.get(api_version)
                if known is None:
                    try:
                        known = _resources(transport, group.name, version)
                    except AbortedError:
                        raise
                    except KinformError as error:
                        failures[api_version] = error
                        refused.append(error)
                        continue
                resources += known
    if refused and not resources:
        raise refused[0]
    return Discovered(tuple(group for root in roots for group in root.groups), tuple(resources), failures)


def _resources(transport: Transport, group: str, version: str) -> tuple[ApiResource, ...]:
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return _get(transport, path, "application/json", lambda data: read_resources(data, group, version))


def _get(transport: Transport, path: str, accept: str, read: Callable[[bytes], A]) -> A:
    body = transport.request("GET", path, accept=accept, timeout=_SILENCE).body
    try:
        return read(body)
    except ValueError as error:
        raise DiscoveryError(f"the answer to GET {path} cannot be read: {error}; it goes {body[:80]!r}") from error
