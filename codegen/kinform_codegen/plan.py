"""Decides the names of all that is generated: folders, modules, classes, accessors. Two of one name are an error.

The templates get these plans and nothing else, so that they hold no decisions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kinform_codegen.errors import SpecError
from kinform_codegen.naming import (
    class_name,
    constant_name,
    group_folders,
    module_name_for_kind,
    plural_accessor,
    python_name,
    snake_case,
    version_folder,
)
from kinform_codegen.revision import OUTPUT_REVISION
from kinform_codegen.spec.shared import is_builtin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kinform_codegen.settings import ModelKind
    from kinform_codegen.spec.load import Spec
    from kinform_codegen.spec.resources import ApiResource, Subresource
    from kinform_codegen.spec.version import KubernetesVersion

__all__ = ["GroupPlan", "GroupVersionPlan", "PackagePlan", "ResourcePlan", "SubresourcePlan", "make_plan"]

# Methods that the runtime's classes have of their own: a plural or a group of that name gets a trailing underscore.
FACTORY_NAMES = frozenset(
    {
        "dynamic",
        "informer_for",
        "informer_of",
        "metadata",
        "on_error",
        "reserve",
        "resource_informer",
        "rest_mapper",
        "shared_accessor",
        "sharing",
        "start",
        "statistics",
        "stop",
        "tell",
    }
    | {"transport", "wait_for_cache_sync"}
)
KUBERNETES_PACKAGE = "kinform_k8s"

LISTER_NAMES = frozenset({"list", "keys", "copy", "get", "find"})

_MOST_GROUPS = 3


@dataclass(frozen=True, slots=True)
class SubresourcePlan:
    """The names that belong to one operation on a subresource.

    Attributes:
        api: The operation as the specification has it.
        method: ``get_scale``, ``create_eviction``.
        body_parameter: ``scale``, ``eviction``: the parameter for what is sent.
    """

    api: Subresource
    method: str
    body_parameter: str


@dataclass(frozen=True, slots=True)
class ResourcePlan:
    """The names that belong to one resource.

    Attributes:
        api: The resource as the specification has it.
        constant: ``REPLICA_SETS``.
        accessor: ``replica_sets``: the method of factories and clientsets.
        namespace_accessor: The lister's method for one namespace; the same, save where the lister has one of that name.
        module: ``replica_set``: the file that holds its client, lister and informer.
        kind_class: ``ReplicaSet``: the model, and the first part of ``ReplicaSetInformer`` and the others.
        subresources: The operations on its typed subresources, save ``status``, which the runtime's mixins have.
    """

    api: ApiResource
    constant: str
    accessor: str
    namespace_accessor: str
    module: str
    kind_class: str
    subresources: tuple[SubresourcePlan, ...]

    @property
    def client_class(self) -> str:
        """``PodClient``."""
        return f"{self.kind_class}Client"

    @property
    def lister_class(self) -> str:
        """``PodLister``."""
        return f"{self.kind_class}Lister"

    @property
    def namespace_lister_class(self) -> str:
        """``PodNamespaceLister``."""
        return f"{self.kind_class}NamespaceLister"

    @property
    def informer_class(self) -> str:
        """``PodInformer``."""
        return f"{self.kind_class}Informer"


@dataclass(frozen=True, slots=True)
class GroupVersionPlan:
    """The names of one version of one group.

    Attributes:
        group: ``rbac.authorization.k8s.io``; ``""`` for the core group.
        version: ``v1``.
        folder: ``rbac/v1``, under clients, listers and informers.
        module: The same with dots.
        accessor: ``v1``: the group accessor's method.
        clientset_accessor: ``rbac_v1``: the clientset's method.
        class_prefix: ``RbacV1``.
        resources: Its resources, by plural.
    """

    group: str
    version: str
    folder: str
    module: str
    accessor: str
    clientset_accessor: str
    class_prefix: str
    resources: tuple[ResourcePlan, ...]

    @property
    def api_version(self) -> str:
        """``rbac.authorization.k8s.io/v1``; ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def cacheable(self) -> tuple[ResourcePlan, ...]:
        """The resources that have listers and informers."""
        return tuple(resource for resource in self.resources if resource.api.cacheable)


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """The names of one group.

    Attributes:
        group: ``rbac.authorization.k8s.io``; ``""`` for the core group.
        folder: ``rbac``.
        accessor: ``rbac``: the factory's method.
        class_prefix: ``Rbac``.
        versions: Its versions, oldest API first as their names sort.
    """

    group: str
    folder: str
    accessor: str
    class_prefix: str
    versions: tuple[GroupVersionPlan, ...]

    @property
    def cacheable_versions(self) -> tuple[GroupVersionPlan, ...]:
        """The versions that have informers."""
        return tuple(version for version in self.versions if version.cacheable)


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """The names of a whole package.

    Attributes:
        package: ``kinform_k8s``.
        version: The distribution's version.
        origin: What it is generated from, in words: ``Kubernetes v1.30``, ``custom resources``.
        contents: What it is for, in words: ``Kubernetes v1.30``, ``example.com and example.org``.
        groups: The groups, by name.
        builtin: Whether it holds resources of Kubernetes itself.
        reuses_kubernetes: Whether it takes the types that it shares with Kubernetes from ``kinform-k8s``.
        models: What its models are made of.
        license: The licence that its metadata name, or None.
    """

    package: str
    version: str
    origin: str
    contents: str
    groups: tuple[GroupPlan, ...]
    builtin: bool
    reuses_kubernetes: bool
    models: ModelKind
    license: str | None

    @property
    def is_released(self) -> bool:
        """Whether it is kinform's own: the ``kinform-k8s`` that kinform's contributors publish."""
        return self.package == KUBERNETES_PACKAGE and self.builtin

    @property
    def distribution(self) -> str:
        """``kinform-k8s``: what is installed."""
        return self.package.replace("_", "-")

    @property
    def group_versions(self) -> tuple[GroupVersionPlan, ...]:
        """Every version of every group."""
        return tuple(version for group in self.groups for version in group.versions)

    @property
    def resources(self) -> tuple[ResourcePlan, ...]:
        """Every resource."""
        return tuple(resource for version in self.group_versions for resource in version.resources)

    @property
    def example(self) -> tuple[GroupPlan, GroupVersionPlan, ResourcePlan] | None:
        """A resource to show how the package is used: pods where it has them, else the first with an informer."""
        followed = [
            (group, version, resource)
            for group in self.groups
            for version in group.versions
            for resource in version.cacheable
        ]
        pods = (each for each in followed if (each[1].api_version, each[2].api.plural) == ("v1", "pods"))
        return next(pods, followed[0] if followed else None)


def make_plan(
    spec: Spec,
    resources: Sequence[ApiResource],
    *,
    package: str,
    version: str | None = None,
    builtin: bool = True,
    reuses_kubernetes: bool = False,
    models: ModelKind = "pydantic",
    license: str | None = None,  # noqa: A002  (what metadata call it)
) -> PackagePlan:
    """Gives everything its name.

    Args:
        spec: What the resources were found in.
        resources: What the package is for.
        package: Its import name.
        version: The distribution's version; None follows the Kubernetes that is described, else ``0.1.0``.
        builtin: Whether resources of Kubernetes itself are among them.
        reuses_kubernetes: Whether the types that they share with Kubernetes come from ``kinform-k8s``.
        models: What its models are made of.
        license: The licence that its metadata name, or None.

    Raises:
        SpecError: Two things of one place want the same name; the message has both.
    """
    by_group: dict[str, dict[str, list[ApiResource]]] = defaultdict(lambda: defaultdict(list))
    for resource in resources:
        by_group[resource.group][resource.version].append(resource)
    folders = group_folders(by_group)
    planner = _Planner(spec)
    groups = tuple(
        planner.group(group, folders[group], versions)
        for group, versions in sorted(by_group.items(), key=lambda item: folders[item[0]])
    )
    return PackagePlan(
        package=package,
        version=version or _version(spec.version, builtin=builtin),
        origin=_kubernetes(spec) if builtin else "custom resources",
        contents=_contents(spec, resources, builtin=builtin),
        groups=groups,
        builtin=builtin,
        reuses_kubernetes=reuses_kubernetes,
        models=models,
        license=license,
    )


def _version(kubernetes: KubernetesVersion | None, *, builtin: bool) -> str:
    if not builtin:
        return "0.1.0"
    return f"{kubernetes.major}.{kubernetes.minor}.{OUTPUT_REVISION}" if kubernetes else "0.0.0"


def _kubernetes(spec: Spec) -> str:
    return f"Kubernetes {spec.version}" if spec.version else "Kubernetes"


def _contents(spec: Spec, resources: Sequence[ApiResource], *, builtin: bool) -> str:
    custom = sorted({each.group for each in resources if not is_builtin(each.schema)})
    if builtin:
        return f"{_kubernetes(spec)} and custom resources" if custom else _kubernetes(spec)
    named = custom if len(custom) <= _MOST_GROUPS else [*custom[:_MOST_GROUPS], f"{len(custom) - _MOST_GROUPS} more"]
    *first, last = named
    return f"{', '.join(first)} and {last}" if first else last


class _Planner:
    """Names things of one specification."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._spelling = _spellings(spec)
        self._accessors: set[str] = set()
        self._prefixes: set[str] = set()

    def group(self, group: str, folder: str, versions: dict[str, list[ApiResource]]) -> GroupPlan:
        prefix = _unused(_camel(folder), self._prefixes)
        return GroupPlan(
            group=group,
            folder=folder,
            accessor=python_name(folder, reserved=FACTORY_NAMES),
            class_prefix=prefix,
            versions=tuple(
                self._version(group, version, folder, prefix, members) for version, members in sorted(versions.items())
            ),
        )

    def _version(
        self, group: str, version: str, folder: str, prefix: str, members: list[ApiResource]
    ) -> GroupVersionPlan:
        version_name = version_folder(version)
        plans = tuple(self._resource(resource) for resource in sorted(members, key=lambda each: each.plural))
        for what, name_of in _UNIQUE.items():
            _check_unique(self._spec, plans, name_of, what)
        return GroupVersionPlan(
            group=group,
            version=version,
            folder=f"{folder}/{version_name}",
            module=f"{folder}.{version_name}",
            accessor=version_name,
            clientset_accessor=_unused(f"{folder}_{version_name}".replace("__", "_"), self._accessors),
            class_prefix=_unused(prefix + _camel(version_name), self._prefixes),
            resources=plans,
        )

    def _resource(self, api: ApiResource) -> ResourcePlan:
        accessor = plural_accessor(api.plural, api.kind)
        return ResourcePlan(
            api=api,
            constant=constant_name(python_name(accessor)),
            accessor=python_name(accessor),
            namespace_accessor=python_name(accessor, reserved=LISTER_NAMES),
            module=module_name_for_kind(api.kind),
            kind_class=class_name(api.kind),
            subresources=tuple(self._subresource(each) for each in api.subresources if each.name != "status"),
        )

    def _subresource(self, api: Subresource) -> SubresourcePlan:
        name = snake_case(self._spelling.get(api.name, api.name))
        body = api.body.rpartition(".")[2] if api.body else ""
        return SubresourcePlan(api, f"{api.verb}_{name}", python_name(snake_case(body), reserved={"name"}))


def _spellings(spec: Spec) -> dict[str, str]:
    """Lower-case name → how a field of the API spells it, where all agree.

    Subresources are written without word borders (``ephemeralcontainers``), the fields they stand for with them.
    """
    spellings: dict[str, set[str]] = defaultdict(set)
    schemas = spec.root.at("components", "schemas")
    for _, schema in schemas.items() if schemas is not None else ():
        properties = schema.get("properties")
        for name in properties.mapping() if properties is not None else ():
            spellings[name.lower()].add(name)
    return {lower: next(iter(names)) for lower, names in spellings.items() if len(names) == 1}


_UNIQUE: dict[str, Callable[[ResourcePlan], str]] = {
    "class": lambda plan: plan.kind_class,
    "module": lambda plan: plan.module,
    "accessor": lambda plan: plan.accessor,
}


def _check_unique(spec: Spec, plans: Iterable[ResourcePlan], name_of: Callable[[ResourcePlan], str], what: str) -> None:
    """Complains about two resources of one version that want the same name."""
    seen: dict[str, ResourcePlan] = {}
    for plan in plans:
        name = name_of(plan)
        other = seen.setdefault(name, plan)
        if other is not plan:
            raise SpecError(
                spec.source,
                f"kinds {other.api.kind!r} ({other.api.path}) and {plan.api.kind!r} ({plan.api.path})"
                f" both want the {what} name {name!r}",
                mend=f"leave one of the two out, with --exclude {plan.api.group or 'core'}/{plan.api.version}"
                f"/{plan.api.plural} or the key exclude",
                at=("paths", plan.api.path),
            )


def _unused(name: str, taken: set[str]) -> str:
    """The name, with underscores where another group or version has it: ``a-b.io`` and ``a.b.io`` are spelt alike."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _camel(name: str) -> str:
    """``networking_istio_io`` → ``NetworkingIstioIo``."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"_+", name) if part)
