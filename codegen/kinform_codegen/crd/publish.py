"""Makes the OpenAPI v3 document that an API server publishes for custom resources.

Schemas are the server's to the letter. Of paths and operations there is what the generator reads: actions, kinds,
bodies and answers in JSON, and the ``watch`` parameter; not the texts and the many parameters that all resources share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform_codegen.crd.type_meta import META, list_schema
from kinform_codegen.spec.references import GVK, SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kinform_codegen.crd.definition import Definition, Version

__all__ = ["SHARED_SCHEMAS", "publish", "schema_names"]

_SELECTABLE: Final = "x-kubernetes-selectable-fields"

_DELETE_OPTIONS: Final = f"{META}DeleteOptions"
_PATCH: Final = f"{META}Patch"
_STATUS: Final = f"{META}Status"
_SCALE: Final = "io.k8s.api.autoscaling.v1.Scale"

SHARED_SCHEMAS: Final = frozenset({f"{META}ObjectMeta", f"{META}ListMeta", _DELETE_OPTIONS, _PATCH, _STATUS, _SCALE})
"""What the document refers to and does not hold: the schemas are those of every API server."""

_JSON: Final = ("application/json",)
_PATCHES: Final = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
_ANSWERS: Final = {"200": "OK", "201": "Created", "202": "Accepted"}
_WATCH: Final[Mapping[str, object]] = {"name": "watch", "in": "query", "schema": {"type": "boolean"}}


def schema_names(definition: Definition, version: Version) -> tuple[str, str]:
    """The names of the schemas of a version's objects and of their list: ``com.example.v1.Widget``, ``…WidgetList``."""
    prefix = ".".join([*reversed(definition.group.split(".")), version.name])
    return f"{prefix}.{definition.kind}", f"{prefix}.{definition.list_kind}"


def publish(definitions: Iterable[Definition]) -> dict[str, object]:
    """The document for all of them; `SHARED_SCHEMAS` are referred to and not in it."""
    paths: dict[str, object] = {}
    schemas: dict[str, object] = {}
    for definition in definitions:
        for version in definition.versions:
            paths.update(_paths(definition, version))
            schemas.update(_schemas(definition, version))
    return {
        "openapi": "3.0.0",
        "info": {"title": "CustomResourceDefinitions", "version": "unversioned"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _schemas(definition: Definition, version: Version) -> dict[str, object]:
    name, list_name = schema_names(definition, version)
    listed = list_schema(name, kind=definition.kind, list_kind=definition.list_kind, plural=definition.plural)
    schemas: dict[str, object] = {}
    for each, kind, schema in ((name, definition.kind, version.schema), (list_name, definition.list_kind, listed)):
        about: dict[str, object] = {GVK: [{"group": definition.group, "kind": kind, "version": version.name}]}
        if version.selectable:  # published since v1.31
            about[_SELECTABLE] = [{"fieldPath": path} for path in version.selectable]
        schemas[each] = {**schema, **about}
    return schemas


def _paths(definition: Definition, version: Version) -> dict[str, object]:
    name, list_name = schema_names(definition, version)
    kind = {"group": definition.group, "version": version.name, "kind": definition.kind}
    base = f"/apis/{definition.group}/{version.name}"
    collection = f"{base}/{definition.plural}"
    paths: dict[str, object] = {}
    namespaced = [_path_parameter("namespace")] if definition.namespaced else []
    listing = _operation(kind, "list", list_name) | {"parameters": [_WATCH]}
    if definition.namespaced:
        paths[collection] = {"get": listing}
        collection = f"{base}/namespaces/{{namespace}}/{definition.plural}"
    paths[collection] = {
        "get": listing,
        "post": _operation(kind, "post", name, body=name, codes=("200", "201", "202")),
        "delete": _operation(kind, "deletecollection", _STATUS),
        "parameters": namespaced,
    }
    named = {"parameters": [_path_parameter("name"), *namespaced]}
    item = f"{collection}/{{name}}"
    delete = _operation(kind, "delete", _STATUS, body=_DELETE_OPTIONS, required=False, codes=("200", "202"))
    paths[item] = {"delete": delete, **_read_and_write(kind, name), **named}
    if version.status:
        paths[f"{item}/status"] = {**_read_and_write(kind, name), **named}
    if version.scale:
        paths[f"{item}/scale"] = {**_read_and_write(kind, _SCALE), **named}
    return paths


def _read_and_write(kind: dict[str, str], schema: str) -> dict[str, object]:
    """The operations of an object and of its subresources."""
    return {
        "get": _operation(kind, "get", schema),
        "put": _operation(kind, "put", schema, body=schema, codes=("200", "201")),
        "patch": _operation(kind, "patch", schema, body=_PATCH, media=_PATCHES),
    }


def _operation(
    kind: dict[str, str],
    action: str,
    answer: str,
    *,
    body: str | None = None,
    required: bool = True,
    media: tuple[str, ...] = _JSON,
    codes: tuple[str, ...] = ("200",),
) -> dict[str, object]:
    """An operation: what it is about, what is sent and what comes back."""
    operation: dict[str, object] = {
        "responses": {code: {"description": _ANSWERS[code], "content": _content(answer)} for code in codes},
        "x-kubernetes-action": action,
        GVK: kind,
    }
    if body is not None:
        sent: dict[str, object] = {"content": _content(body, media)}
        operation["requestBody"] = sent | {"required": True} if required else sent
    return operation


def _content(schema: str, media: tuple[str, ...] = _JSON) -> dict[str, object]:
    return {each: {"schema": {"$ref": f"{SCHEMAS}{schema}"}} for each in media}


def _path_parameter(name: str) -> dict[str, object]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
