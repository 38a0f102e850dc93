"""What the server says of itself: groups, versions, resources; its own version and health; the way to OpenAPI."""

from __future__ import annotations

import platform
import re
from typing import TYPE_CHECKING, Final

from kinform.testing.server.documents import encode
from kinform.testing.server.resources import EVICTION

if TYPE_CHECKING:
    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.openapi import OpenApi
    from kinform.testing.server.resources import Registry, ServedResource

__all__ = ["Discovery"]

_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_SUBRESOURCE_VERBS: Final = ("get", "patch", "update")
_HEALTH: Final = frozenset({"healthz", "livez", "readyz"})
_AGGREGATED: Final = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_FIRST_AGGREGATED: Final = (1, 30)
_VERSION: Final = re.compile(r"v(\d+)\.(\d+).*")


class Discovery:
    """Answers to paths that are no resource.

    Args:
        registry: What is served.
        openapi: Who makes the documents.
        version: The Kubernetes version to show, such as ``v1.37.0``.

    Raises:
        ValueError: That is no version.
    """

    def __init__(self, registry: Registry, openapi: OpenApi, version: str) -> None:
        match = _VERSION.fullmatch(version)
        if match is None:
            raise ValueError(f"{version!r} is not a version such as 'v1.37.0'")
        self._registry = registry
        self._openapi = openapi
        self._aggregates = (int(match[1]), int(match[2])) >= _FIRST_AGGREGATED
        self._version: JsonObject = {
            "major": match[1],
            "minor": match[2],
            "gitVersion": version,
            "gitCommit": "",
            "gitTreeState": "",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "",
            "platform": f"{platform.system().lower()}/{platform.machine()}",
        }

    def answer(self, segments: tuple[str, ...], address: str, accept: str) -> tuple[str, bytes] | None:
        """Content type and body; None where the path leads nowhere."""
        if len(segments) == 1 and segments[0] in _HEALTH:
            return "text/plain; charset=utf-8", b"ok"
        if segments in {("api",), ("apis",)} and self._aggregates and _AGGREGATED in accept:
            return f"application/json;{_AGGREGATED}", encode(self._aggregated(segments[0]))
        document = self._document(segments, address)
        return None if document is None else ("application/json", encode(document))

    def _document(self, segments: tuple[str, ...], address: str) -> JsonObject | None:
        match segments:
            case ["version"]:
                return self._version
            case ["api"]:
                where: Json = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
                return {"kind": "APIVersions", "versions": self._versions(""), "serverAddressByClientCIDRs": where}
            case ["apis"]:
                groups: Json = [self._group(name) for name in self._registry.groups()]
                return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
            case ["apis", name] if name in self._registry.groups():
                return {"kind": "APIGroup", "apiVersion": "v1", **self._group(name)}
            case ["api", version] if self._registry.has_group_version("", version):
                return self._resources("", version)
            case ["apis", group, version] if self._registry.has_group_version(group, version):
                return self._resources(group, version)
            case ["openapi", "v2"]:
                return self._openapi.swagger()
            case ["openapi", "v3"]:
                return self._openapi.index()
            case ["openapi", "v3", *rest]:
                return self._openapi.document("/".join(rest))
            case _:
                return None

    def _aggregated(self, root: str) -> JsonObject:
        """All groups, versions and resources below a root in one document."""
        items: list[Json] = []
        for group in [""] if root == "api" else self._registry.groups():
            versions: list[Json] = [
                {"version": each, "resources": self._aggregated_resources(group, each), "freshness": "Current"}
                for each in self._registry.versions(group)
            ]
            if versions:
                items.append({"metadata": {"name": group} if group else {}, "versions": versions})
        kind: JsonObject = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2"}
        return {**kind, "metadata": {}, "items": items}

    def _aggregated_resources(self, group: str, version: str) -> list[Json]:
        listed: list[Json] = []
        for served in self._found(group, version):
            resource = served.resource
            kind: JsonObject = {"group": "", "version": "", "kind": resource.kind}
            described: JsonObject = {
                "resource": resource.plural,
                "responseKind": kind,
                "scope": "Namespaced" if resource.namespaced else "Cluster",
                "singularResource": served.singular,
                "verbs": [*_VERBS],
            }
            below: list[Json] = [
                {
                    "subresource": each,
                    "responseKind": {**kind, **_shown_kind(served, each)},
                    "verbs": [*_verbs(each)],
                }
                for each in served.all_subresources
            ]
            if below:
                described["subresources"] = below
            listed.append({**described, **_names(served)})
        return listed

    def _found(self, group: str, version: str) -> list[ServedResource]:
        found = [s for s in self._registry if (s.resource.group, s.resource.version) == (group, version)]
        return sorted(found, key=lambda each: each.resource.plural)

    def _versions(self, group: str) -> list[Json]:
        return [*self._registry.versions(group)]

    def _group(self, name: str) -> JsonObject:
        versions: list[Json] = [
            {"groupVersion": f"{name}/{version}", "version": version} for version in self._registry.versions(name)
        ]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _resources(self, group: str, version: str) -> JsonObject:
        listed: list[Json] = []
        for served in self._found(group, version):
            listed += [_described(served, each) for each in ("", *served.all_subresources)]
        name = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": listed}


def _described(served: ServedResource, subresource: str) -> JsonObject:
    resource = served.resource
    described: JsonObject = {
        "name": f"{resource.plural}/{subresource}" if subresource else resource.plural,
        "singularName": "" if subresource else served.singular,
        "namespaced": resource.namespaced,
        **_shown_kind(served, subresource),
        "verbs": [*_verbs(subresource)],
    }
    if not subresource:
        described |= _names(served)
    return described


def _verbs(subresource: str) -> tuple[str, ...]:
    if subresource == EVICTION:
        return ("create",)
    return _SUBRESOURCE_VERBS if subresource else _VERBS


def _shown_kind(served: ServedResource, subresource: str) -> JsonObject:
    """What a subresource shows, where that is not the resource's own version."""
    if subresource == "scale":
        return {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    if subresource == EVICTION:
        return {"group": "policy", "version": "v1", "kind": "Eviction"}
    return {"kind": served.resource.kind}


def _names(served: ServedResource) -> JsonObject:
    named: JsonObject = {"shortNames": [*served.names.short], "categories": [*served.names.categories]}
    return {name: values for name, values in named.items() if values}
