"""CustomResourceDefinitions on an API server: installed until they are served, and taken away until they are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import msgspec

from kinform.meta import Resource
from kinform.testing.control_plane._errors import ControlPlaneError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kinform.testing.control_plane._objects import Objects

__all__ = ["install", "uninstall"]

_DEFINITIONS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Version(msgspec.Struct, frozen=True):
    name: str
    served: bool = False


class _Names(msgspec.Struct, frozen=True):
    plural: str


class _Spec(msgspec.Struct, frozen=True):
    group: str
    names: _Names
    versions: list[_Version]


class _Condition(msgspec.Struct, frozen=True):
    type: str
    status: str = ""
    message: str = ""


class _Status(msgspec.Struct, frozen=True):
    conditions: list[_Condition] | None = None


class _Definition(msgspec.Struct, frozen=True):
    """What of a definition is needed to follow it."""

    metadata: _Named
    spec: _Spec
    status: _Status = _Status()

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def path(self) -> str:
        return _DEFINITIONS.path(name=self.name)

    def condition(self, kind: str) -> _Condition:
        """A condition; an empty one where there is none."""
        found = (each for each in self.status.conditions or () if each.type == kind)
        return next(found, _Condition(kind))


class _GroupVersion(msgspec.Struct, frozen=True):
    version: str


class _Group(msgspec.Struct, frozen=True):
    """What discovery says of a group."""

    versions: list[_GroupVersion] = []


class _Resources(msgspec.Struct, frozen=True):
    """What discovery says of a version of a group."""

    resources: list[_Named] = []


class _Anything(msgspec.Struct, frozen=True):
    """What is there, whatever it is."""


def install(objects: Objects, definitions: Sequence[Mapping[str, object]], timeout: float) -> list[str]:
    """Installs definitions, or brings them up to date, and waits until all of them are served.

    Returns:
        The names of those that were not there.

    Raises:
        ControlPlaneError: One is refused, or not served in time.
        ValueError: One is none.
    """
    known = [_read(each) for each in definitions]
    fresh = [each.name for each, tree in zip(known, definitions, strict=True) if objects.apply(each.path, _bare(tree))]
    objects.wait(lambda: _first(_not_served(objects, each) for each in known), timeout)
    return fresh


def uninstall(objects: Objects, names: Sequence[str], timeout: float) -> None:
    """Deletes definitions and waits until they are gone, with all objects.

    Raises:
        ControlPlaneError: One is still there in the end, most likely for the finalizer of an object.
    """
    paths = {name: _DEFINITIONS.path(name=name) for name in names}
    for path in paths.values():
        objects.delete(path)

    def left() -> str:
        for name, path in paths.items():
            plural, _, group = name.partition(".")
            if (found := objects.find(path, _Definition)) is not None:
                why = found.condition("Terminating").message
                return f"the definition {name} is still there ({why or 'do its objects have finalizers?'})"
            if any(plural in _served(objects, group, version) for version in _versions(objects, group)):
                return f"the resource {name} is still served"
        return ""

    objects.wait(left, timeout)


def _read(tree: Mapping[str, object]) -> _Definition:
    try:
        return msgspec.convert(tree, _Definition)
    except msgspec.ValidationError as error:
        raise ValueError(f"the CustomResourceDefinition {tree.get('metadata')} is none: {error}") from None


def _bare(tree: Mapping[str, object]) -> dict[str, object]:
    """A definition without what only a server says of it."""
    metadata = {
        name: value
        for name, value in cast("Mapping[str, object]", tree["metadata"]).items()
        if name not in {"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"}
    }
    return {**{name: value for name, value in tree.items() if name != "status"}, "metadata": metadata}


def _first(texts: Iterable[str]) -> str:
    return next(filter(None, texts), "")


def _not_served(objects: Objects, definition: _Definition) -> str:
    """What a definition still lacks; ``""``: nothing.

    Raises:
        ControlPlaneError: It will never be served.
    """
    found = objects.find(definition.path, _Definition) or definition
    names = found.condition("NamesAccepted")
    if names.status == "False":
        raise ControlPlaneError(f"the names of {definition.name} are not accepted: {names.message}")
    if found.condition("Established").status != "True":
        return f"the definition {definition.name} is not established"
    group, plural = definition.spec.group, definition.spec.names.plural
    for version in (each.name for each in definition.spec.versions if each.served):
        if plural not in _served(objects, group, version):
            return f"{definition.name} is not among the resources of {version}"
        if objects.find(f"/apis/{group}/{version}/{plural}?limit=1", _Anything) is None:
            return f"{definition.name} is not served in {version}"
    return ""


def _versions(objects: Objects, group: str) -> list[str]:
    found = objects.find(f"/apis/{group}", _Group) or _Group()
    return [each.version for each in found.versions]


def _served(objects: Objects, group: str, version: str) -> list[str]:
    """The plurals that discovery shows."""
    found = objects.find(f"/apis/{group}/{version}", _Resources) or _Resources()
    return [each.name for each in found.resources]
