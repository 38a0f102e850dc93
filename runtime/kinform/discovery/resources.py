"""What discovery finds: groups, versions, resources and their verbs; and what could not be found out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.meta import Resource

__all__ = ["ApiGroup", "ApiResource", "Discovered"]


@dataclass(frozen=True, slots=True)
class ApiResource:
    """One resource as the server has it (``meta/v1.APIResource``).

    Attributes:
        resource: Group, version, plural, kind and scope.
        singular: Its singular, in small letters.
        short_names: Such as ``deploy``.
        verbs: What can be done with it, such as ``get``, ``list`` and ``watch``.
        categories: Such as ``all``.
        subresources: Such as ``status`` and ``scale``.
    """

    resource: Resource
    singular: str
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()

    def supports(self, *verbs: str) -> bool:
        """Whether it has all of these verbs (client-go: ``SupportsAllVerbs``)."""
        return set(verbs) <= set(self.verbs)


@dataclass(frozen=True, slots=True)
class ApiGroup:
    """One group (``meta/v1.APIGroup``).

    Attributes:
        name: ``""`` for the core group.
        versions: Its versions, the preferred one first.
    """

    name: str
    versions: tuple[str, ...]

    @property
    def api_versions(self) -> tuple[str, ...]:
        """Such as ``"apps/v1"``, or ``"v1"`` in the core group; the preferred one first."""
        return tuple(f"{self.name}/{version}" if self.name else version for version in self.versions)


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a server had at one moment.

    Attributes:
        groups: All groups, in the server's order of preference, the core group first.
        resources: All resources, in that order, those of preferred versions first in each group.
        failures: Why nothing, or nothing certain, is known of a group and version, such as ``"metrics.k8s.io/v1beta1"``
            (an aggregated API server that is down), or of a root, ``"/api"`` or ``"/apis"``.
    """

    groups: tuple[ApiGroup, ...]
    resources: tuple[ApiResource, ...]
    failures: Mapping[str, Exception] = field(default_factory=dict[str, Exception])

    @property
    def api_versions(self) -> tuple[str, ...]:
        """Every group and version, such as ``"apps/v1"``."""
        return tuple(each for group in self.groups for each in group.api_versions)

    def with_what_failed_of(self, earlier: Discovered) -> Discovered:
        """This, and what was known earlier of the groups and versions that could not be asked this time."""
        known = {each.resource.api_version for each in self.resources}
        kept = [
            each
            for each in earlier.resources
            if (version := each.resource.api_version) not in known and self._failed(version)
        ]
        if not kept:
            return self
        groups = {group.name for group in self.groups}
        wanted = {each.resource.group for each in kept} - groups
        return replace(
            self,
            groups=(*self.groups, *(group for group in earlier.groups if group.name in wanted)),
            resources=(*self.resources, *kept),
        )

    def _failed(self, api_version: str) -> bool:
        return api_version in self.failures or ("/apis" if "/" in api_version else "/api") in self.failures
