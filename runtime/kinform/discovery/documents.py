"""The documents of discovery, old and new, as they are on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from kinform.discovery.resources import ApiGroup, ApiResource
from kinform.errors import DiscoveryError
from kinform.meta import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ACCEPT", "Root", "read_resources", "read_root"]

_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
ACCEPT: Final = ",".join((*map(_AGGREGATED.format, ("v2", "v2beta1")), "application/json"))
"""What is asked for at a root: everything in one document; a server that has none such gives the list of its groups."""

_STALE: Final = "Stale"


class _Kind(msgspec.Struct):
    kind: str | None = None


class _Subresource(msgspec.Struct):
    subresource: str = ""


class _DiscoveredResource(msgspec.Struct, rename="camel"):
    resource: str = ""
    response_kind: _Kind | None = None
    scope: str | None = None
    singular_resource: str | None = None
    verbs: list[str] | None = None
    short_names: list[str] | None = None
    categories: list[str] | None = None
    subresources: list[_Subresource] | None = None


class _DiscoveredVersion(msgspec.Struct):
    version: str = ""
    resources: list[_DiscoveredResource] | None = None
    freshness: str | None = None


class _Named(msgspec.Struct):
    name: str | None = None


class _DiscoveredGroup(msgspec.Struct):
    metadata: _Named | None = None
    versions: list[_DiscoveredVersion] | None = None


class _GroupVersion(msgspec.Struct):
    version: str | None = None


class _ListedGroup(msgspec.Struct, rename="camel"):
    name: str = ""
    versions: list[_GroupVersion] | None = None
    preferred_version: _GroupVersion | None = None


class _Root(msgspec.Struct):
    """``APIGroupDiscoveryList``, ``APIGroupList`` or ``APIVersions``: their fields do not overlap."""

    kind: str | None = None
    items: list[_DiscoveredGroup] | None = None
    groups: list[_ListedGroup] | None = None
    versions: list[str] | None = None


class _ListedResource(msgspec.Struct, rename="camel"):
    name: str = ""
    singular_name: str | None = None
    namespaced: bool | None = None
    kind: str | None = None
    verbs: list[str] | None = None
    short_names: list[str] | None = None
    categories: list[str] | None = None


class _ResourceList(msgspec.Struct):
    kind: str | None = None
    resources: list[_ListedResource] | None = None


_decode_root: Final[Callable[[bytes], _Root]] = msgspec.json.Decoder(_Root).decode
_decode_resources: Final[Callable[[bytes], _ResourceList]] = msgspec.json.Decoder(_ResourceList).decode


class Root(msgspec.Struct, frozen=True):
    """What is below ``/api`` or ``/apis``.

    Attributes:
        groups: The groups, in order.
        resources: By group and version, such as ``"apps/v1"``; what is not there has to be asked for.
        stale: The groups and versions whose server has not been reached lately, and why that is known.
    """

    groups: tuple[ApiGroup, ...]
    resources: dict[str, tuple[ApiResource, ...]]
    stale: dict[str, Exception]


def read_root(data: bytes) -> Root:
    """Reads any of the documents that a root may answer with.

    Raises:
        ValueError: It is none of them.
    """
    try:
        found = _decode_root(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is no discovery document: {error}") from error
    match found.kind:
        case "APIGroupDiscoveryList":
            return _aggregated(found.items or [])
        case "APIGroupList":
            return Root(tuple(_listed_group(each) for each in found.groups or ()), {}, {})
        case "APIVersions":
            return Root((ApiGroup("", tuple(found.versions or ())),), {}, {})
        case kind:
            raise ValueError(f"it is no discovery document, but a {kind or 'thing without a kind'}")


def _aggregated(items: list[_DiscoveredGroup]) -> Root:
    groups: list[ApiGroup] = []
    resources: dict[str, tuple[ApiResource, ...]] = {}
    stale: dict[str, Exception] = {}
    for item in items:
        versions = item.versions or []
        group = ApiGroup((item.metadata or _Named()).name or "", tuple(each.version for each in versions))
        groups.append(group)
        for api_version, version in zip(group.api_versions, versions, strict=True):
            # Of a server that is down this is what it had when it was up, or nothing.
            found = (_discovered(group.name, version.version, each) for each in version.resources or ())
            resources[api_version] = tuple(each for each in found if each is not None)
            if version.freshness == _STALE:
                stale[api_version] = DiscoveryError(
                    f"the API server has not reached the server of {api_version} lately: what it has is not certain"
                )
    return Root(tuple(groups), resources, stale)


def _discovered(group: str, version: str, found: _DiscoveredResource) -> ApiResource | None:
    """A resource; None where it is there for its subresources alone."""
    kind = (found.response_kind or _Kind()).kind
    if not kind or not found.resource:
        return None
    return ApiResource(
        Resource(group, version, found.resource, kind, namespaced=found.scope == "Namespaced"),
        found.singular_resource or kind.lower(),
        tuple(found.short_names or ()),
        tuple(found.verbs or ()),
        tuple(found.categories or ()),
        tuple(each.subresource for each in found.subresources or ()),
    )


def _listed_group(found: _ListedGroup) -> ApiGroup:
    versions = [each.version for each in found.versions or () if each.version]
    preferred = (found.preferred_version or _GroupVersion()).version
    return ApiGroup(found.name, tuple(sorted(versions, key=lambda each: each != preferred)))


def read_resources(data: bytes, group: str, version: str) -> tuple[ApiResource, ...]:
    """Reads the list of a group and version's resources, ``APIResourceList``.

    Raises:
        ValueError: It is none.
    """
    try:
        found = _decode_resources(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is no list of resources: {error}") from error
    if found.kind != "APIResourceList":
        raise ValueError(f"it is no list of resources, but a {found.kind or 'thing without a kind'}")
    subresources: dict[str, list[str]] = {}
    listed: list[_ListedResource] = []
    for each in found.resources or ():
        name, slash, subresource = each.name.partition("/")
        if slash:
            subresources.setdefault(name, []).append(subresource)
        elif each.name and each.kind:
            listed.append(each)
    return tuple(_listed(group, version, each, tuple(subresources.get(each.name, ()))) for each in listed)


def _listed(group: str, version: str, found: _ListedResource, subresources: tuple[str, ...]) -> ApiResource:
    kind = found.kind or ""
    return ApiResource(
        Resource(group, version, found.name, kind, namespaced=bool(found.namespaced)),
        found.singular_name or kind.lower(),
        tuple(found.short_names or ()),
        tuple(found.verbs or ()),
        tuple(found.categories or ()),
        subresources,
    )
