"""Which resources the server serves, and how each behaves."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kinform.meta import Resource
from kinform.testing.server import builtin
from kinform.testing.server.scale import BUILTIN_SCALES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from kinform.testing.server.scale import Scale
    from kinform.testing.server.structural import Schema

__all__ = ["EVICTION", "NAMESPACES", "Names", "PrinterColumn", "Registry", "ServedResource", "resources_in"]

NAMESPACES: Final = Resource(group="", version="v1", plural="namespaces", kind="Namespace", namespaced=False)
"""The resource that ``strict`` needs."""

EVICTION: Final = "eviction"
"""The subresource of pods to which evictions are posted."""

_VERSION: Final = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_STABILITY: Final = {None: 2, "beta": 1, "alpha": 0}


@dataclass(frozen=True, slots=True)
class Names:
    """What a resource is called besides its plural and kind.

    Attributes:
        singular: ``""`` means the kind in lower case.
        list_kind: ``""`` means the kind with ``List`` behind it.
        short: Such as ``po``.
        categories: Such as ``all``.
    """

    singular: str = ""
    list_kind: str = ""
    short: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column that tables of a custom resource have (``additionalPrinterColumns``).

    Attributes:
        name: The heading.
        type: ``string``, ``integer``, ``number``, ``boolean`` or ``date``.
        path: The JSON path, such as ``.spec.replicas``.
        priority: Above 0 only wide tables show it.
        description: For people.
    """

    name: str
    type: str
    path: str
    priority: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class ServedResource:
    """One resource as the server behaves for it. ``ServedResource.of(resource)`` knows Kubernetes' own kinds.

    Attributes:
        resource: Group, version, plural, kind and scope.
        status: Whether it has a ``/status`` subresource: then updates leave the status alone and ``/status`` all else.
        custom: Whether it behaves as a custom resource: items of lists carry apiVersion and kind, members are sorted
            by name, updates need a resourceVersion.
        generation: Whether objects carry ``metadata.generation``.
        schema: What its objects are pruned, defaulted and validated by; None: they are stored as they come.
        scale: Where its ``/scale`` subresource looks; None for no such subresource.
        names: What else it is called.
        columns: What tables show besides name and age.
        selectable: The fields that selectors may name besides name and namespace; None: any.
    """

    resource: Resource
    status: bool
    custom: bool
    generation: bool
    schema: Schema | None = None
    scale: Scale | None = None
    names: Names = Names()
    columns: tuple[PrinterColumn, ...] = ()
    selectable: frozenset[str] | None = None

    @classmethod
    def of(
        cls,
        resource: Resource,
        *,
        status: bool | None = None,
        custom: bool | None = None,
        generation: bool | None = None,
    ) -> ServedResource:
        """The resource with what is known of it: built-in kinds as they are, others as custom ones with a status."""
        where = (resource.group, resource.plural)
        custom = resource.group not in builtin.GROUPS if custom is None else custom
        return cls(
            resource=resource,
            status=(custom or where in builtin.WITH_STATUS) if status is None else status,
            custom=custom,
            generation=(custom or where in builtin.NUMBERED) if generation is None else generation,
            scale=None if custom else BUILTIN_SCALES.get(where),
            selectable=None if custom else builtin.SELECTABLE.get(where, frozenset()),
            names=Names(short=builtin.SHORT_NAMES.get(where, ()), categories=builtin.CATEGORIES.get(where, ())),
        )

    @property
    def group_plural(self) -> tuple[str, str]:
        """What its storage goes by: the versions of a resource share their objects."""
        return (self.resource.group, self.resource.plural)

    @property
    def list_kind(self) -> str:
        """The kind of its lists, such as ``PodList``."""
        return self.names.list_kind or f"{self.resource.kind}List"

    @property
    def singular(self) -> str:
        """What one of them is called on command lines."""
        return self.names.singular or self.resource.kind.lower()

    @property
    def subresources(self) -> tuple[str, ...]:
        """What can stand behind an object's name, and be read and written."""
        return (*(("status",) if self.status else ()), *(("scale",) if self.scale else ()))

    def selects(self, path: str) -> bool:
        """Whether field selectors may name this path."""
        return self.selectable is None or path in self.selectable or path in {"metadata.name", "metadata.namespace"}

    @property
    def all_subresources(self) -> tuple[str, ...]:
        """Those, and what can only be posted to."""
        return (*self.subresources, *((EVICTION,) if self.group_plural == ("", "pods") else ()))

    def has_subresource(self, name: str) -> bool:
        """Whether requests for ``/name`` behind an object lead anywhere."""
        return name in self.all_subresources


class Registry:
    """What is served now. Readers need no lock: changes replace the table."""

    def __init__(self) -> None:
        self._served: dict[tuple[str, str, str], ServedResource] = {}

    def add(self, served: ServedResource) -> None:
        """Serves a resource from now on, in place of an earlier registration of the same name.

        Raises:
            ValueError: Another version of it has another kind or scope.
        """
        new = served.resource
        for other in self:
            old = other.resource
            if (old.group, old.plural) == (new.group, new.plural) and (
                (old.kind, old.namespaced) != (new.kind, new.namespaced) or other.custom != served.custom
            ):
                raise ValueError(f"{new} and {old} are versions of one resource, but differ in kind or scope")
        self._served = {**self._served, (new.group, new.version, new.plural): served}

    def remove(self, resource: Resource) -> ServedResource:
        """Serves it no longer.

        Raises:
            LookupError: It is not served.
        """
        served = self.find(resource)
        self._served = {key: each for key, each in self._served.items() if each is not served}
        return served

    def discard(self, served: ServedResource) -> None:
        """Serves it no longer, if it is served."""
        self._served = {key: each for key, each in self._served.items() if each != served}

    def __iter__(self) -> Iterator[ServedResource]:
        return iter(self._served.values())

    def get(self, group: str, version: str, plural: str) -> ServedResource | None:
        """The resource that a path names, or None."""
        return self._served.get((group, version, plural))

    def find(self, resource: Resource) -> ServedResource:
        """The registration of a resource.

        Raises:
            LookupError: It is not served; the message says how to mend that.
        """
        served = self.get(resource.group, resource.version, resource.plural)
        if served is None:
            raise LookupError(f"{resource} is not served here: pass it to Server(resources=...) or register() it")
        return served

    def has_kind(self, api_version: str, kind: str) -> bool:
        """Whether there are objects with this apiVersion and kind."""
        return any((each.resource.api_version, each.resource.kind) == (api_version, kind) for each in self)

    def of_kind(self, api_version: str, kind: str) -> ServedResource:
        """The resource whose objects carry this apiVersion and kind.

        Raises:
            LookupError: None is served; the message says how to mend that.
        """
        for served in self:
            if served.resource.kind == kind and served.resource.api_version == api_version:
                return served
        raise LookupError(f"no {kind!r} of {api_version!r} is served here: pass its Resource to Server(resources=...)")

    def has_group_version(self, group: str, version: str) -> bool:
        """Whether anything is served there."""
        return any((group, version) == (s.resource.group, s.resource.version) for s in self)

    def versions(self, group: str) -> list[str]:
        """The group's versions, the preferred one first."""
        found = {served.resource.version for served in self if served.resource.group == group}
        return sorted(found, key=_priority, reverse=True)

    def groups(self) -> list[str]:
        """The named groups, in order."""
        return sorted({served.resource.group for served in self} - {""})


def _priority(version: str) -> tuple[int, int, int]:
    """Kubernetes' order of versions: stable before beta before alpha, then the higher number."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (-1, 0, 0)
    major, stability, minor = match.groups()
    return (_STABILITY[stability], int(major), int(minor or 0))


def resources_in(package: str | ModuleType) -> list[Resource]:
    """All ``Resource`` constants of a module or package, modules inside it included: ``kinform_k8s.resources``.

    Imports what it walks through.

    Raises:
        ImportError: There is no such module.
    """
    root = importlib.import_module(package) if isinstance(package, str) else package
    found = {value: None for module in _walk(root) for value in vars(module).values() if isinstance(value, Resource)}
    return sorted(found, key=lambda each: (each.group, each.version, each.plural))


def _walk(root: ModuleType) -> Iterable[ModuleType]:
    yield root
    for info in pkgutil.walk_packages(getattr(root, "__path__", []), f"{root.__name__}."):
        yield importlib.import_module(info.name)
