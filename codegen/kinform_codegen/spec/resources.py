"""Finds the resources that a specification describes: their paths, scope, verbs, kinds and subresources.

Everything comes from the paths and their operations; no list of resources is kept and no plural is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from kinform_codegen.spec.references import GVK, schema_name

if TYPE_CHECKING:
    from kinform_codegen.spec.load import Spec
    from kinform_codegen.spec.node import Node

__all__ = ["ApiResource", "FoundResources", "ResourcePath", "Subresource", "find_resources", "place_of"]

# What a group, version, plural, subresource or kind may hold: none of it can break out of the code that it is put into.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")

_ACTION = "x-kubernetes-action"

# What a method does, by where it stands: on the collection, on an object, on a subresource.
_COLLECTION_VERBS = {"get": "list", "post": "create", "delete": "deletecollection"}
_OBJECT_VERBS = {"get": "get", "put": "update", "patch": "patch", "delete": "delete"}
_SUBRESOURCE_VERBS = {"get": "get", "put": "update", "patch": "patch", "post": "create"}


@dataclass(frozen=True, slots=True)
class Subresource:
    """One operation on a subresource, with typed bodies.

    Attributes:
        name: ``scale``, ``status``, ``eviction``.
        verb: ``get``, ``update``, ``patch`` or ``create``.
        body: The schema sent, or None for ``get`` and ``patch``.
        response: The schema that comes back.
        answered: Whether it does come back; see `ApiResource.kept`.
    """

    name: str
    verb: str
    body: str | None
    response: str
    answered: bool = True


@dataclass(frozen=True, slots=True)
class ApiResource:
    """A resource: what its paths say of it.

    Attributes:
        group: ``""`` for the core group.
        version: ``v1``.
        plural: ``pods``.
        kind: ``Pod``.
        namespaced: Whether its objects live in namespaces.
        schema: The schema of its objects.
        verbs: Of ``get list watch create update patch delete deletecollection``, those it has.
        subresources: The typed operations on its subresources, by name and verb.
        path: Where it was found, for complaints.
        kept: Whether what is created comes back. Kinds that can only be posted and that have no status for the server
            to fill in (``Binding``, ``Eviction``) are orders: it answers with a ``Status`` that says "done", whatever
            the specification says.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    schema: str
    verbs: frozenset[str]
    subresources: tuple[Subresource, ...]
    path: str
    kept: bool = True

    @property
    def cacheable(self) -> bool:
        """Whether an informer can follow it: it can be listed and watched."""
        return {"list", "watch"} <= self.verbs


class FoundResources(NamedTuple):
    """What a specification describes.

    Attributes:
        typed: The resources, by group, version and plural.
        untyped: The paths of resources that name no kind or no schema: nothing can be generated for them.
    """

    typed: list[ApiResource]
    untyped: list[str]


class ResourcePath(NamedTuple):
    """What a path addresses."""

    group: str
    version: str
    plural: str
    namespaced: bool
    watch: bool
    on_object: bool
    subresource: str


@dataclass
class _Draft:
    """A resource while its paths are being gathered."""

    path: str
    namespaced: bool = False
    kind: str = ""
    schema: str = ""
    schema_rank: int = 9
    verbs: set[str] = field(default_factory=set)
    watched_by_list: bool = False
    subresources: dict[tuple[str, str], Subresource] = field(default_factory=dict)


def find_resources(spec: Spec) -> FoundResources:
    """Every resource of the specification.

    Raises:
        SpecError: A path's operations contradict each other, or there is no resource at all.
    """
    paths = spec.root.get("paths")
    drafts: dict[tuple[str, str, str], _Draft] = {}
    versions_with_watch_paths: set[tuple[str, str]] = set()
    for path, item in paths.items() if paths is not None else ():
        place = place_of(path)
        if place is None:
            continue
        names = (place.group or "core", place.version, place.plural, place.subresource or "status")
        if not all(map(_NAME.fullmatch, names)):
            raise item.error(f"{path!r} holds what is no name of a resource")
        draft = drafts.setdefault((place.group, place.version, place.plural), _Draft(path))
        if place.watch:
            versions_with_watch_paths.add((place.group, place.version))
            draft.verbs.add("watch")
            continue
        draft.namespaced |= place.namespaced
        _read_operations(item, place, draft)
    for (group, version, _), draft in drafts.items():
        # The API server writes no /watch/ paths for custom resources, all of which can be watched. What it does write
        # for them is the whole set of verbs, which a read-only aggregated API (metrics) has not.
        custom = (group, version) not in versions_with_watch_paths
        if custom and draft.watched_by_list and {"create", "update", "deletecollection"} <= draft.verbs:
            draft.verbs.add("watch")
    typed = [_finished(spec, key, draft) for key, draft in sorted(drafts.items()) if draft.kind and draft.schema]
    untyped = sorted(draft.path for draft in drafts.values() if draft.verbs and not (draft.kind and draft.schema))
    if not typed:
        raise spec.root.error(
            "describes no resource",
            mend="give the specification of a Kubernetes API: its paths look like /apis/apps/v1/deployments",
        )
    return FoundResources(typed, untyped)


def place_of(path: str) -> ResourcePath | None:
    """What a path addresses, or None where it is no resource's."""
    match path.strip("/").split("/"):
        case ["api", version, *rest] if rest:
            group = ""
        case ["apis", group, version, *rest] if rest:
            pass
        case _:
            return None
    watch = rest[0] == "watch" and len(rest) > 1
    if watch:
        rest = rest[1:]
    namespaced = rest[:2] == ["namespaces", "{namespace}"] and len(rest) > 2
    if namespaced:
        rest = rest[2:]
    match rest:
        case [plural]:
            return ResourcePath(group, version, plural, namespaced, watch, on_object=False, subresource="")
        case [plural, "{name}"]:
            return ResourcePath(group, version, plural, namespaced, watch, on_object=True, subresource="")
        case [plural, "{name}", subresource]:
            return ResourcePath(group, version, plural, namespaced, watch, on_object=True, subresource=subresource)
        case _:
            return None  # proxy/{path} and the like: no objects behind it


def _read_operations(item: Node, place: ResourcePath, draft: _Draft) -> None:
    for method, operation in item.items():
        if method not in {"get", "put", "post", "patch", "delete"} or operation.mapping().get(_ACTION) == "connect":
            continue
        if place.subresource:
            _read_subresource(place.subresource, method, operation, draft)
            continue
        verb = (_OBJECT_VERBS if place.on_object else _COLLECTION_VERBS).get(method)
        if verb is None:
            continue
        draft.verbs.add(verb)
        _read_kind(operation, draft)
        _read_schema(verb, operation, draft)
        if verb == "list":
            draft.watched_by_list |= _has_parameter(item, "watch") or _has_parameter(operation, "watch")


def _read_subresource(name: str, method: str, operation: Node, draft: _Draft) -> None:
    verb = _SUBRESOURCE_VERBS.get(method)
    response = _response_schema(operation)
    body = _request_schema(operation)
    if verb is None or response is None:
        return  # log, exec, proxy: no objects
    if verb in {"get", "patch"}:
        body = None
    elif body is None or (verb == "update" and body != response):
        return
    draft.subresources[name, verb] = Subresource(name, verb, body, response)


def _read_kind(operation: Node, draft: _Draft) -> None:
    """The kind that an operation is about; all operations of a resource must agree."""
    kind = operation.at(GVK, "kind")
    if kind is None:
        return
    if not _NAME.fullmatch(kind.text()):
        raise kind.error(f"{kind.text()!r} is no name of a kind")
    if draft.kind and draft.kind != kind.text():
        raise kind.error(
            f"says kind {kind.text()!r} where {draft.path} says {draft.kind!r}",
            mend="one resource has one kind: mend the specification of the API that serves it",
        )
    draft.kind = kind.text()


def _read_schema(verb: str, operation: Node, draft: _Draft) -> None:
    """The schema of the resource's objects, from the operation that tells it best."""
    sources = {"get": 0, "create": 1, "update": 2}
    rank = sources.get(verb, 9)
    if rank < draft.schema_rank:
        schema = _response_schema(operation) if verb == "get" else _request_schema(operation)
        if schema is not None:
            draft.schema, draft.schema_rank = schema, rank


def _response_schema(operation: Node) -> str | None:
    """The schema of a successful answer, where it is a named one."""
    responses = operation.get("responses")
    for code in ("200", "201", "202"):
        if (response := responses.get(code) if responses is not None else None) is not None:
            return _content_schema(response)
    return None


def _request_schema(operation: Node) -> str | None:
    body = operation.get("requestBody")
    return _content_schema(body) if body is not None else None


def _content_schema(node: Node) -> str | None:
    content = node.get("content")
    for media, entry in content.items() if content is not None else ():
        reference = entry.at("schema", "$ref")
        if reference is not None and ("json" in media or media == "*/*"):
            return schema_name(reference.text())
    return None


def _has_parameter(owner: Node, name: str) -> bool:
    parameters = owner.get("parameters")
    return parameters is not None and any(node.mapping().get("name") == name for node in parameters.elements())


def _is_order(spec: Spec, schema: str) -> bool:
    """Whether objects of a schema that can only be posted are orders, which nothing is answered to."""
    properties = spec.root.at("components", "schemas", schema, "properties")
    return properties is not None and "status" not in properties.mapping()


def _finished(spec: Spec, key: tuple[str, str, str], draft: _Draft) -> ApiResource:
    group, version, plural = key
    subresources = [
        replace(each, answered=False)
        if each.verb == "create"
        and each.body == each.response
        and (each.name, "get") not in draft.subresources
        and _is_order(spec, each.response)
        else each
        for _, each in sorted(draft.subresources.items())
    ]
    return ApiResource(
        group=group,
        version=version,
        plural=plural,
        kind=draft.kind,
        namespaced=draft.namespaced,
        schema=draft.schema,
        verbs=frozenset(draft.verbs),
        subresources=tuple(subresources),
        path=draft.path,
        kept=draft.verbs != {"create"} or not _is_order(spec, draft.schema),
    )
