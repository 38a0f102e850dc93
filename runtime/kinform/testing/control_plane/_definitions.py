"""CustomResourceDefinitions on an API server: installed until they are served, and taken away until they are gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from kinform.meta import Resource
from kinform.testing.control_plane._errors import ControlPlaneError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kinform.testing.control_plane._objects import Objects

__all__ = ["install", "uninstall"]

_DEFINITIONS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)


@dataclass(frozen=True, slots=True)
class _Definition:
    """What of a definition is needed to follow it."""

    name: str
    path: str
    group: str
    plural: str
    versions: tuple[str, ...]

    @classmethod
    def of(cls, tree: Mapping[str, object]) -> _Definition:
        match tree:
            case {
                "metadata": {"name": str(name)},
                "spec": {"group": str(group), "names": {"plural": str(plural)}, "versions": list(versions)},
            }:
                trees = cast("list[Mapping[str, object]]", versions)
                served = tuple(str(each.get("name")) for each in trees if each.get("served"))
                return cls(name, _DEFINITIONS.path(name=name), group, plural, served)
            case _:
                raise ValueError(
                    "a CustomResourceDefinition needs metadata.name, spec.group, spec.names.plural and spec.versions"
                    f" (apiextensions.k8s.io/v1), which {tree.get('metadata')} lacks"
                )


def install(objects: Objects, definitions: Sequence[Mapping[str, object]], timeout: float) -> list[str]:
    """Installs definitions, or brings them up to date, and waits until all of them are served.

    Returns:
        The names of those that were not there.

    Raises:
        ControlPlaneError: One is refused, or not served in time.
        ValueError: One is none.
    """
    known = [_Definition.of(each) for each in definitions]
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
            if (found := objects.get(path)) is not None:
                why = _condition(found, "Terminating").get("message", "")
                return f"the definition {name} is still there ({why or 'do its objects have finalizers?'})"
            if any(plural in _served(objects, group, version) for version in _versions(objects, group)):
                return f"the resource {name} is still served"
        return ""

    objects.wait(left, timeout)


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
    tree = objects.get(definition.path) or {}
    names = _condition(tree, "NamesAccepted")
    if names.get("status") == "False":
        raise ControlPlaneError(f"the names of {definition.name} are not accepted: {names.get('message')}")
    if _condition(tree, "Established").get("status") != "True":
        return f"the definition {definition.name} is not established"
    for version in definition.versions:
        if definition.plural not in _served(objects, definition.group, version):
            return f"{definition.name} is not among the resources of {version}"
        if objects.get(f"/apis/{definition.group}/{version}/{definition.plural}?limit=1") is None:
            return f"{definition.name} is not served in {version}"
    return ""


def _condition(tree: Mapping[str, object], kind: str) -> Mapping[str, object]:
    match tree:
        case {"status": {"conditions": list(conditions)}}:
            found = (each for each in cast("list[Mapping[str, object]]", conditions) if each.get("type") == kind)
            return next(found, {})
        case _:
            return {}


def _versions(objects: Objects, group: str) -> list[str]:
    match objects.get(f"/apis/{group}"):
        case {"versions": list(versions)}:
            return [str(each["version"]) for each in cast("list[dict[str, object]]", versions)]
        case _:
            return []


def _served(objects: Objects, group: str, version: str) -> list[str]:
    """The plurals that discovery shows."""
    match objects.get(f"/apis/{group}/{version}"):
        case {"resources": list(resources)}:
            return [str(each["name"]) for each in cast("list[dict[str, object]]", resources)]
        case _:
            return []
