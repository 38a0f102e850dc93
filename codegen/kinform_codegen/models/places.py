"""Where each schema goes: the module and class that it becomes, or the runtime's type that stands for it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from kinform_codegen.naming import class_name, group_folder, group_folders, version_folder
from kinform_codegen.spec.references import GVK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["TAKEN_CLASS_NAMES", "ClassRef", "Place", "assign_places", "kinds_of"]


_META: Final = ("meta", "v1")
_META_PACKAGE: Final = "io.k8s.apimachinery.pkg.apis.meta"
_VERSION: Final = re.compile(r"v\d+((alpha|beta)\d+)?")
_GROUP_IN_PATH: Final = re.compile(r"/apis/(?P<group>[^/]+)/")

TAKEN_CLASS_NAMES: Final = frozenset(
    {"Annotated", "Duration", "Field", "IntOrString", "Json", "MicroTime", "Model", "Number", "Quantity"}
    | {"RawExtension", "Time"}
    | {"AbsentObject", "Default", "Hidden", "OmitZero", "Struct"}
    | {"ConfigDict"}  # datamodel-code-generator keeps it for itself
)
"""Names that generated modules import, or that their annotations hold: a class of that name would hide them."""


class ClassRef(NamedTuple):
    """A generated class.

    Attributes:
        module: ``kinform_k8s.models.core.v1``.
        name: ``Pod``.
    """

    module: str
    name: str


class Place(NamedTuple):
    """Where a schema's class stands, under the package's ``models``.

    Attributes:
        folder: ``core``.
        module: ``v1``.
        name: ``Pod``.
    """

    folder: str
    module: str
    name: str

    @property
    def key(self) -> str:
        """``core.v1.Pod``: the schema's name in the document that the class is made from."""
        return f"{self.folder}.{self.module}.{self.name}"


class _Name(NamedTuple):
    """The parts of a schema's name: ``io.k8s.api.core``, ``v1``, ``Pod``."""

    package: str
    version: str
    name: str


def kinds_of(schema: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """The group, version and kind of each kind that the schema is the body of."""
    listed = schema.get(GVK)
    return [
        (str(each.get("group", "")), str(each.get("version", "")), str(each.get("kind", "")))
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
    ]


def assign_places(
    schemas: Mapping[str, Mapping[str, object]], paths: Iterable[str], *, hidden: frozenset[str] = TAKEN_CLASS_NAMES
) -> dict[str, Place]:
    """The place of each schema; no two alike.

    A schema of a kind goes where its group and version are; one without goes with the kinds that share the start of
    its name; what belongs to no group is ``meta/v1``.

    Args:
        schemas: The schemas that become classes, by name.
        paths: The document's paths, which tell the groups.
        hidden: Names that no class may have: it would hide what its module imports.
    """
    kinds = {name: kinds_of(schema) for name, schema in schemas.items()}
    groups = {match["group"] for path in paths if (match := _GROUP_IN_PATH.match(path))} | {""}
    groups.update(group for listed in kinds.values() if len(listed) == 1 for group, _, _ in listed)
    folders = group_folders(groups)
    owners = _groups_of_packages(kinds)
    places: dict[str, Place] = {}
    taken: dict[Place, str] = {}
    for name in sorted(schemas):
        folder, module, cls = _wanted(name, kinds[name], folders, owners)
        place = Place(folder, module, cls)
        while taken.setdefault(place, name) != name or place.name in hidden:
            place = place._replace(name=f"{place.name}_")
        places[name] = place
    return places


def _wanted(
    schema: str,
    kinds: list[tuple[str, str, str]],
    folders: Mapping[str, str],
    owners: Mapping[tuple[str, str], str],
) -> Place:
    package, version, name = _split(schema)
    cls = class_name(name)
    if package == _META_PACKAGE:
        return Place(*_META, cls)
    if len(kinds) == 1:  # custom resources may have versions that are not told from the schema's name: stable
        group, version, _ = kinds[0]
        return Place(folders[group], version_folder(version), cls)
    if not version:
        return Place(*_META, cls)
    owner = owners.get((package, version))
    folder = folders[owner] if owner is not None else group_folder(package.rpartition(".")[2])
    return Place(folder, version_folder(version), cls)


def _split(schema: str) -> _Name:
    package, _, name = schema.rpartition(".")
    package, _, version = package.rpartition(".")
    return _Name(package, version, name) if _VERSION.fullmatch(version) else _Name(f"{package}.{version}", "", name)


def _groups_of_packages(kinds: Mapping[str, list[tuple[str, str, str]]]) -> dict[tuple[str, str], str]:
    """The group that most kinds of a Go package and version belong to."""
    votes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for schema, listed in kinds.items():
        package, version, _ = _split(schema)
        for group, kind_version, _ in listed:
            if kind_version == version:
                votes[package, version][group] += 1
    return {key: min(count, key=lambda group: (-count[group], group)) for key, count in votes.items()}
