"""CustomResourceDefinitions: checked, established at once, and what they define is served as long as they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform.meta import Resource
from kinform.testing.server.documents import child, metadata_of
from kinform.testing.server.refusals import Cause, invalid_causes
from kinform.testing.server.resources import Names, PrinterColumn, ServedResource
from kinform.testing.server.scale import Scale
from kinform.testing.server.structural import Schema
from kinform.testing.server.watching import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.resources import Registry
    from kinform.testing.server.storage import Change, Collection, Storage
    from kinform.testing.server.watching import WatchTable

__all__ = ["CUSTOM_RESOURCE_DEFINITIONS", "Definitions"]

CUSTOM_RESOURCE_DEFINITIONS: Final = Resource(
    group="apiextensions.k8s.io",
    version="v1",
    plural="customresourcedefinitions",
    kind="CustomResourceDefinition",
    namespaced=False,
)
"""The resource of the definitions themselves."""

_GROUP_PLURAL: Final = (CUSTOM_RESOURCE_DEFINITIONS.group, CUSTOM_RESOURCE_DEFINITIONS.plural)


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _objects(value: Json) -> list[JsonObject]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


class Definitions:
    """Turns definitions into served resources. Called with the storage's lock held, but for the constructor.

    Args:
        registry: What is served.
        storage: Where objects are.
        watches: Those that are open.
    """

    def __init__(self, registry: Registry, storage: Storage, watches: WatchTable) -> None:
        self._registry = registry
        self._storage = storage
        self._watches = watches
        self._defined: dict[str, list[ServedResource]] = {}
        storage.listeners.append(self._follow)

    # ---- before one is stored

    def admit(self, tree: JsonObject, now: str) -> None:
        """Fills in what a definition leaves out, its status included, and sees that it can be served.

        Raises:
            Refusal: It cannot (422).
        """
        spec = child(tree, "spec")
        names = child(spec, "names")
        kind = str(names.get("kind", ""))
        if names:
            names.setdefault("singular", kind.lower())
            names.setdefault("listKind", f"{kind}List")
        if spec:
            spec.setdefault("conversion", {"strategy": "None"})
        name = str(metadata_of(tree).get("name", ""))
        if causes := list(_faults(spec, name)):
            raise invalid_causes(CUSTOM_RESOURCE_DEFINITIONS, name, causes)
        self._establish(tree, now)

    def _establish(self, tree: JsonObject, now: str) -> None:
        spec, status = child(tree, "spec"), child(tree, "status")
        stored = list(_texts(status.get("storedVersions")))
        storage = next(str(each["name"]) for each in _objects(spec.get("versions")) if each.get("storage") is True)
        accepted: JsonObject = {"type": "NamesAccepted", "reason": "NoConflicts", "message": "no conflicts found"}
        established: JsonObject = {"type": "Established", "reason": "InitialNamesAccepted"}
        established["message"] = "the initial names have been accepted"
        before = _objects(status.get("conditions"))
        had = {each.get("type"): each for each in before}
        conditions: list[Json] = [
            had.get(each["type"], {"lastTransitionTime": now, "status": "True", **each})
            for each in (accepted, established)
        ]
        tree["status"] = {
            "acceptedNames": child(spec, "names"),
            "conditions": conditions,
            "storedVersions": [*stored, *([] if storage in stored else [storage])],
        }

    # ---- once it is stored

    def _follow(self, collection: Collection, change: Change) -> None:
        if collection.group_plural != _GROUP_PLURAL:
            return
        if change.after is not None:
            self._serve(change.after.name, change.after.tree())
        elif change.before is not None:
            self._withdraw(change.before.name)

    def _serve(self, name: str, tree: JsonObject) -> None:
        served = list(_served(tree))
        for old in self._defined.get(name, []):
            if old not in served:
                self._registry.discard(old)
                self._end_watches(old.resource)
        for new in served:
            self._registry.add(new)
            self._storage.collection(new.group_plural, sort=True)
        self._defined[name] = served

    def _withdraw(self, name: str) -> None:
        gone = self._defined.pop(name, [])
        for served in gone[:1]:
            collection = self._storage.collection(served.group_plural, sort=True)
            for obj in collection.snapshot(""):
                self._storage.remove(collection, obj)
        for served in gone:
            self._registry.discard(served)
            self._end_watches(served.resource)
        for served in gone[:1]:
            self._storage.discard(served.group_plural)

    def _end_watches(self, resource: Resource) -> None:
        for session in self._watches.sessions(resource):
            session.end(Ending.CLEAN, after_events=True)


def _faults(spec: JsonObject, name: str) -> Iterator[Cause]:
    """What keeps a definition from being served."""
    names = child(spec, "names")
    group, plural = str(spec.get("group", "")), str(names.get("plural", ""))
    required = {"spec.group": group, "spec.names.plural": plural, "spec.names.kind": names.get("kind")}
    if name != f"{plural}.{group}":
        why = f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'
        yield Cause("FieldValueInvalid", "metadata.name", why)
    for field, value in {**required, "spec.scope": spec.get("scope")}.items():
        if not value:
            yield Cause("FieldValueRequired", field, "Required value")
    if (scope := spec.get("scope")) and scope not in {"Namespaced", "Cluster"}:
        known = '"Cluster", "Namespaced"'
        yield Cause("FieldValueNotSupported", "spec.scope", f'Unsupported value: "{scope}": supported values: {known}')
    versions = _objects(spec.get("versions"))
    if sum(each.get("storage") is True for each in versions) != 1:
        why = "Invalid value: must have exactly one version marked as storage version"
        yield Cause("FieldValueInvalid", "spec.versions", why)
    for place, version in enumerate(versions):
        field = f"spec.versions[{place}]"
        if not version.get("name"):
            yield Cause("FieldValueRequired", f"{field}.name", "Required value")
        schema = child(child(version, "schema"), "openAPIV3Schema")
        where = f"{field}.schema.openAPIV3Schema"
        if not schema:
            yield Cause("FieldValueRequired", where, "Required value: schemas are required")
        elif schema.get("type") != "object":
            why = f'Invalid value: "{schema.get("type", "")}": must be object at the root'
            yield Cause("FieldValueInvalid", f"{where}.type", why)


def _served(tree: JsonObject) -> Iterator[ServedResource]:
    """The versions that a definition serves."""
    spec = child(tree, "spec")
    names = child(spec, "names")
    preserves = spec.get("preserveUnknownFields") is True
    for version in _objects(spec.get("versions")):
        if version.get("served") is not True:
            continue
        subresources = child(version, "subresources")
        scale = child(subresources, "scale")
        schema = child(child(version, "schema"), "openAPIV3Schema")
        yield ServedResource(
            resource=Resource(
                group=str(spec.get("group", "")),
                version=str(version.get("name", "")),
                plural=str(names.get("plural", "")),
                kind=str(names.get("kind", "")),
                namespaced=spec.get("scope") == "Namespaced",
            ),
            status="status" in subresources,
            custom=True,
            generation=True,
            schema=Schema(schema, preserves=preserves) if schema else None,
            scale=Scale(
                str(scale.get("specReplicasPath", "")),
                str(scale.get("statusReplicasPath", "")),
                str(scale.get("labelSelectorPath") or ""),
                required=True,
            )
            if scale
            else None,
            names=Names(
                singular=str(names.get("singular") or ""),
                list_kind=str(names.get("listKind") or ""),
                short=_texts(names.get("shortNames")),
                categories=_texts(names.get("categories")),
            ),
            selectable=frozenset(
                str(each.get("jsonPath", "")).removeprefix(".") for each in _objects(version.get("selectableFields"))
            ),
            columns=tuple(
                PrinterColumn(
                    name=str(each.get("name", "")),
                    type=str(each.get("type", "string")),
                    path=str(each.get("jsonPath", "")),
                    priority=priority if isinstance(priority := each.get("priority"), int) else 0,
                    description=str(each.get("description") or ""),
                )
                for each in _objects(version.get("additionalPrinterColumns"))
            ),
        )
