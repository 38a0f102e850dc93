"""The OpenAPI documents that the server publishes: one per group and version, and all in one as Swagger 2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from kinform.testing.server.documents import child
from kinform.testing.server.shapes import OBJECT_META, SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.resources import Registry, ServedResource
    from kinform.testing.server.schemas import Schemas

__all__ = ["OpenApi"]

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_SCALE: Final = "io.k8s.api.autoscaling.v1.Scale"
_GVK: Final = "x-kubernetes-group-version-kind"
_JSON: Final = ("application/json",)
_PATCHES: Final = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
_STRATEGIC: Final = "application/strategic-merge-patch+json"

# What generated paths refer to, where the server was given no document that has it.
_BASICS: Final[Mapping[str, JsonObject]] = {
    f"{_META}DeleteOptions": {"type": "object"},
    f"{_META}ListMeta": {
        "type": "object",
        "properties": {
            "continue": {"type": "string"},
            "remainingItemCount": {"type": "integer", "format": "int64"},
            "resourceVersion": {"type": "string"},
            "selfLink": {"type": "string"},
        },
    },
    f"{_META}ObjectMeta": OBJECT_META,
    f"{_META}Patch": {"type": "object"},
    f"{_META}Status": {"type": "object"},
    _SCALE: {"type": "object", _GVK: [{"group": "autoscaling", "version": "v1", "kind": "Scale"}]},
}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"{SCHEMAS}{name}"}


class OpenApi:
    """Makes the documents, from the one that the server was given and from what custom resources' definitions say.

    Args:
        registry: What is served.
        schemas: What is known of it.
        version: The Kubernetes version to show.
    """

    def __init__(self, registry: Registry, schemas: Schemas, version: str) -> None:
        self._registry = registry
        self._schemas = schemas
        self._info: JsonObject = {"title": "Kubernetes", "version": version}

    def index(self) -> JsonObject:
        """What there is at ``/openapi/v3``. The hash tells clients when to read a document again."""
        found: JsonObject = {}
        for path, (group, version) in self._roots().items():
            mark = format(hash(tuple(self._served(group, version))) & 0xFFFFFFFFFFFFFFFF, "016X")
            found[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={mark}"}
        return {"paths": found}

    def document(self, path: str) -> JsonObject | None:
        """The document of a group and version, such as ``apis/apps/v1``; None where nothing is served there."""
        where = self._roots().get(path)
        if where is None:
            return None
        paths: JsonObject = {}
        own: dict[str, JsonObject] = {}
        for served in self._served(*where):
            given = self._given(served)
            paths |= given or dict(_paths(served, self._name(served)))
            if not given:
                own.update(self._own(served))
        return {
            "openapi": "3.0.0",
            "info": self._info,
            "paths": dict(sorted(paths.items())),
            "components": {"schemas": self._closure(paths, own)},
        }

    def swagger(self) -> JsonObject:
        """All of it as Swagger 2."""
        paths: JsonObject = {}
        definitions: JsonObject = {}
        for root in self._roots():
            document = self.document(root) or {}
            definitions |= child(child(document, "components"), "schemas")
            paths |= {path: _older(item) for path, item in child(document, "paths").items() if isinstance(item, dict)}
        whole: JsonObject = {"swagger": "2.0", "info": self._info, "paths": paths, "definitions": definitions}
        return cast("JsonObject", json.loads(json.dumps(whole).replace(SCHEMAS, "#/definitions/")))

    def _roots(self) -> dict[str, tuple[str, str]]:
        named = sorted({(s.resource.group, s.resource.version) for s in self._registry})
        return {f"apis/{group}/{version}" if group else f"api/{version}": (group, version) for group, version in named}

    def _served(self, group: str, version: str) -> list[ServedResource]:
        found = [s for s in self._registry if (s.resource.group, s.resource.version) == (group, version)]
        return sorted(found, key=lambda each: each.resource.plural)

    # ---- paths

    def _given(self, served: ServedResource) -> JsonObject:
        """The resource's paths in the document that the server was given."""
        if served.custom or not self._schemas.name_of(served):
            return {}
        resource = served.resource
        root = f"/apis/{resource.group}/{resource.version}/" if resource.group else f"/api/{resource.version}/"
        starts = [f"{root}{resource.plural}", f"{root}namespaces/{{namespace}}/{resource.plural}"]
        return {
            path: item
            for path, item in self._schemas.paths.items()
            if any(path == start or path.startswith(f"{start}/") for start in starts)
            and not (resource.plural == "namespaces" and path.count("/") > 5)
        }

    def _name(self, served: ServedResource) -> str:
        """The name of the schema: ``com.example.v1.Widget``."""
        resource = served.resource
        name = self._schemas.name_of(served)
        return name or ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind]).strip(".")

    # ---- schemas

    def _own(self, served: ServedResource) -> Iterator[tuple[str, JsonObject]]:
        """The schemas of a resource's objects and lists."""
        resource, name = served.resource, self._name(served)
        kind: JsonObject = {"group": resource.group, "version": resource.version}
        anything: JsonObject = {"x-kubernetes-preserve-unknown-fields": True}
        known = served.schema.tree if served.schema else anything
        text: JsonObject = {"type": "string"}
        head: JsonObject = {"apiVersion": text, "kind": text}
        properties: JsonObject = {**child(known, "properties"), **head, "metadata": _ref(f"{_META}ObjectMeta")}
        yield (
            name,
            {**known, "type": "object", "properties": properties, _GVK: [{**kind, "kind": resource.kind}]},
        )
        items: JsonObject = {"type": "array", "items": _ref(name)}
        listed: JsonObject = {**head, "items": items, "metadata": _ref(f"{_META}ListMeta")}
        about: list[Json] = [{**kind, "kind": served.list_kind}]
        yield f"{name}List", {"type": "object", "required": ["items"], "properties": listed, _GVK: about}

    def _closure(self, paths: JsonObject, own: Mapping[str, JsonObject]) -> JsonObject:
        """All schemas that these paths lead to."""
        known: dict[str, JsonObject] = {**_BASICS, **self._schemas.definitions, **own}
        found: JsonObject = {}
        waiting = [*own, *_references(paths)]
        while waiting:
            name = waiting.pop()
            if name not in found and name in known:
                found[name] = known[name]
                waiting += _references(known[name])
        return dict(sorted(found.items()))


def _references(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str):
            yield target.removeprefix(SCHEMAS)
        for below in value.values():
            yield from _references(below)
    elif isinstance(value, list):
        for below in value:
            yield from _references(below)


def _paths(served: ServedResource, name: str) -> Iterator[tuple[str, JsonObject]]:
    """The paths of a resource that no document describes."""
    resource = served.resource
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    kind: JsonObject = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    patches = _PATCHES if served.custom else (*_PATCHES, _STRATEGIC)
    listing: JsonObject = {
        **_operation(kind, "list", f"{name}List"),
        "parameters": [{"name": "watch", "in": "query", "schema": {"type": "boolean", "uniqueItems": True}}],
    }
    in_namespace: list[Json] = [_in_path("namespace")] if resource.namespaced else []
    collection = f"{root}/{resource.plural}"
    if resource.namespaced:
        yield collection, {"get": listing}
        collection = f"{root}/namespaces/{{namespace}}/{resource.plural}"
    yield (
        collection,
        {
            "get": listing,
            "post": _operation(kind, "post", name, body=name),
            "delete": _operation(kind, "deletecollection", f"{_META}Status"),
            "parameters": in_namespace,
        },
    )
    item, named = f"{collection}/{{name}}", [_in_path("name"), *in_namespace]
    delete = _operation(kind, "delete", f"{_META}Status", body=f"{_META}DeleteOptions")
    yield item, {**_read_and_write(kind, name, patches), "delete": delete, "parameters": named}
    for subresource in served.subresources:
        shown = _SCALE if subresource == "scale" else name
        yield f"{item}/{subresource}", {**_read_and_write(kind, shown, patches), "parameters": named}


def _read_and_write(kind: JsonObject, name: str, patches: tuple[str, ...]) -> JsonObject:
    return {
        "get": _operation(kind, "get", name),
        "put": _operation(kind, "put", name, body=name),
        "patch": _operation(kind, "patch", name, body=f"{_META}Patch", media=patches),
    }


def _operation(
    kind: JsonObject, action: str, answer: str, *, body: str = "", media: tuple[str, ...] = _JSON
) -> JsonObject:
    operation: JsonObject = {
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": _ref(answer)}}}},
        "x-kubernetes-action": action,
        _GVK: kind,
    }
    if body:
        operation["requestBody"] = {"content": {each: {"schema": _ref(body)} for each in media}}
        names = ["dryRun", *(["fieldManager", "fieldValidation"] if action != "delete" else [])]
        text: JsonObject = {"type": "string", "uniqueItems": True}
        parameters: list[Json] = [{"name": each, "in": "query", "schema": text} for each in names]
        if action == "patch":
            parameters.append({"name": "force", "in": "query", "schema": {"type": "boolean", "uniqueItems": True}})
        operation["parameters"] = parameters
    return operation


def _in_path(name: str) -> JsonObject:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


# ---- Swagger 2


def _older(item: JsonObject) -> JsonObject:
    """A path item as Swagger 2 writes it."""
    result: JsonObject = {}
    for method, operation in item.items():
        if method == "parameters":
            result[method] = _older_parameters(operation)
        elif isinstance(operation, dict):
            result[method] = _older_operation(operation)
    return result


def _older_operation(operation: JsonObject) -> JsonObject:
    result: JsonObject = {
        name: value for name, value in operation.items() if name not in {"parameters", "requestBody", "responses"}
    }
    parameters = _older_parameters(operation.get("parameters"))
    content = child(child(operation, "requestBody"), "content")
    if content:
        result["consumes"] = [*content]
        schema = child(next(value for value in content.values() if isinstance(value, dict)), "schema")
        parameters.append({"name": "body", "in": "body", "schema": schema})
    result["parameters"] = parameters
    responses: JsonObject = {}
    for code, response in child(operation, "responses").items():
        if isinstance(response, dict):
            schema = child(child(child(response, "content"), "application/json"), "schema")
            responses[code] = {"description": response.get("description", ""), **({"schema": schema} if schema else {})}
    result["responses"] = responses
    return result


def _older_parameters(parameters: Json) -> list[Json]:
    return [
        {**{name: value for name, value in each.items() if name != "schema"}, **child(each, "schema")}
        for each in (parameters if isinstance(parameters, list) else [])
        if isinstance(each, dict)
    ]
