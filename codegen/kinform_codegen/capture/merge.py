"""Makes one OpenAPI v3 document of the many that an API server serves, and keeps only its structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from kinform_codegen.spec.references import GVK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform_codegen.capture.layout import Json

__all__ = ["JsonObject", "MergeConflictError", "merge_documents", "structure_of"]

JsonObject: TypeAlias = "dict[str, Json]"

_TEXT_KEYS = frozenset({"description", "externalDocs"})
_SCHEMA_KEYS = frozenset({"additionalProperties", "items", "not"})
_SCHEMA_LIST_KEYS = frozenset({"allOf", "anyOf", "oneOf"})
_SCHEMA_MAP_KEYS = frozenset({"definitions", "dependencies", "patternProperties", "properties"})
_OPERATION_KEYS = frozenset({"deprecated", "operationId", "parameters", "requestBody", "responses"})
_PARAMETER_KEYS = frozenset({"content", "in", "name", "required", "schema"})
_JSON_MEDIA_TYPE = "application/json"


class MergeConflictError(Exception):
    """Two documents of one server tell different things of one schema or path.

    Attributes:
        pointer: JSON pointer to the first place that differs, in the merged document.
        first: Name of the document that came first, such as ``"api/v1"``.
        second: Name of the document that differs from it.
    """

    def __init__(self, pointer: str, first: str, second: str) -> None:
        self.pointer = pointer
        self.first = first
        self.second = second
        super().__init__(f"the documents {first} and {second} differ at {pointer}")


def merge_documents(
    documents: Mapping[str, JsonObject],
    *,
    title: str = "Kubernetes",
    version: str = "",
    conflicts: list[MergeConflictError] | None = None,
) -> JsonObject:
    """Merge the documents of an API server's group-versions into one, which holds structure only.

    Every document carries all the schemas it uses, so the shared ones come many times. They are equal but for
    ``x-kubernetes-group-version-kind`` of ``DeleteOptions`` and ``WatchEvent``, which every group has its own version
    of: those lists are merged. Anything else that differs is a conflict.

    Args:
        documents: The documents by name (``"api/v1"``, ``"apis/apps/v1"``). They are merged in the
            order of their names, so the core API's come before the groups'. They are not changed.
        title: For ``info``.
        version: For ``info``: the server's version, such as ``"v1.37.2"``.
        conflicts: Where given, conflicts are added here and the first document wins (an aggregated API server built
            from other sources can differ in the shared schemas); where None, the first conflict is raised.

    Returns:
        An OpenAPI v3.0 document.

    Raises:
        MergeConflictError: Two documents differ, and ``conflicts`` is None.
    """
    merged: dict[str, JsonObject] = {"schemas": {}, "paths": {}}
    origin: dict[str, str] = {}
    for name in sorted(documents):
        lean = structure_of(documents[name])
        components = cast("JsonObject", lean.get("components", {}))
        parts = {"schemas": components.get("schemas", {}), "paths": lean.get("paths", {})}
        for part, place in (("schemas", "/components/schemas"), ("paths", "/paths")):
            into = merged[part]
            for key, value in cast("JsonObject", parts[part]).items():
                pointer = f"{place}/{_escape(key)}"
                if key not in into:
                    _merge_kinds(cast("JsonObject", value), {})
                    into[key] = value
                    origin[pointer] = name
                    continue
                kept, new = cast("JsonObject", into[key]), cast("JsonObject", value)
                difference = _difference(_without_kinds(kept), _without_kinds(new), pointer)
                if difference is None:
                    _merge_kinds(kept, new)
                    continue
                conflict = MergeConflictError(difference, origin[pointer], name)
                if conflicts is None:
                    raise conflict
                conflicts.append(conflict)
    return {
        "openapi": "3.0.0",
        "info": {"title": title, "version": version},
        "paths": merged["paths"],
        "components": {"schemas": merged["schemas"]},
    }


def structure_of(document: JsonObject) -> JsonObject:
    """Take a copy of an OpenAPI v3 document without its texts and without what a generator of clients has no use for.

    Kept are the schemas with all their extensions and defaults, and the paths: parameters, bodies, answers,
    ``x-kubernetes-action`` and ``x-kubernetes-group-version-kind``. Of an answer's media types ``application/json``
    is kept where there is one, and answers without content (401) go. Texts that OpenAPI demands are left empty.
    """
    components = cast("JsonObject", document.get("components", {}))
    schemas = cast("JsonObject", components.get("schemas", {}))
    paths = cast("JsonObject", document.get("paths", {}))
    return {
        "paths": {path: _path_item(cast("JsonObject", item)) for path, item in paths.items()},
        "components": {"schemas": {name: _schema(schema) for name, schema in schemas.items()}},
    }


def _schema(value: Json) -> Json:
    """A schema without texts, at any depth; a property that is *named* description stays, and so do default values."""
    if not isinstance(value, dict):
        return value  # additionalProperties may be a boolean
    lean: JsonObject = {}
    for key, member in value.items():
        if key in _TEXT_KEYS:
            continue
        if key in _SCHEMA_KEYS:
            lean[key] = _schema(member)
        elif key in _SCHEMA_LIST_KEYS and isinstance(member, list):
            lean[key] = [_schema(item) for item in member]
        elif key in _SCHEMA_MAP_KEYS and isinstance(member, dict):
            lean[key] = {name: _schema(item) for name, item in member.items()}
        else:
            lean[key] = member
    return lean


def _path_item(item: JsonObject) -> JsonObject:
    """A path's operations, and the parameters that they share."""
    lean: JsonObject = {}
    for key, member in item.items():
        if key == "parameters":
            lean[key] = _parameters(member)
        elif isinstance(member, dict):
            lean[key] = _operation(member)
    return lean


def _operation(operation: JsonObject) -> JsonObject:
    lean: JsonObject = {}
    for key, member in operation.items():
        if key == "parameters":
            lean[key] = _parameters(member)
        elif key == "requestBody" and isinstance(member, dict):
            lean[key] = _body(member)
        elif key == "responses" and isinstance(member, dict):
            lean[key] = _responses(member)
        elif key in _OPERATION_KEYS or key.startswith("x-"):
            lean[key] = member
    return lean


def _parameters(parameters: Json) -> Json:
    lean: list[Json] = []
    for parameter in cast("list[JsonObject]", parameters):
        if "$ref" in parameter:
            lean.append(parameter)
            continue
        lean.append({key: _schema(parameter[key]) for key in sorted(_PARAMETER_KEYS & parameter.keys())})
    return lean


def _body(body: JsonObject) -> JsonObject:
    """A request's body: all media types, since they tell which kinds of patch there are."""
    lean: JsonObject = {key: member for key, member in body.items() if key not in _TEXT_KEYS}
    if isinstance(content := body.get("content"), dict):
        lean["content"] = _content(content)
    return lean


def _responses(responses: JsonObject) -> JsonObject:
    """The answers that have content, in JSON where there is JSON."""
    lean: JsonObject = {}
    for status, response in responses.items():
        content = response.get("content") if isinstance(response, dict) else None
        if not isinstance(content, dict) or not content:
            continue
        if _JSON_MEDIA_TYPE in content:
            content = {_JSON_MEDIA_TYPE: content[_JSON_MEDIA_TYPE]}
        lean[status] = {"content": _content(content), "description": ""}  # OpenAPI demands a description
    if not lean and responses:
        return {"default": {"description": ""}}  # and at least one answer
    return lean


def _content(content: JsonObject) -> JsonObject:
    lean: JsonObject = {}
    for media_type, member in content.items():
        lean[media_type] = (
            {"schema": _schema(member["schema"])} if isinstance(member, dict) and "schema" in member else {}
        )
    return lean


def _without_kinds(value: JsonObject) -> JsonObject:
    return {key: member for key, member in value.items() if key != GVK}


def _merge_kinds(kept: JsonObject, new: JsonObject) -> None:
    """Unite the lists of group, version and kind, sorted, in ``kept``."""
    kinds = [*cast("list[JsonObject]", kept.get(GVK, [])), *cast("list[JsonObject]", new.get(GVK, []))]
    unique = {tuple(str(kind.get(part, "")) for part in ("group", "version", "kind")): kind for kind in kinds}
    if unique:
        kept[GVK] = [unique[key] for key in sorted(unique)]


def _difference(first: Json, second: Json, pointer: str) -> str | None:
    """JSON pointer to the first place where two values differ, or None where they are equal."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted(first.keys() | second.keys()):
            below = f"{pointer}/{_escape(key)}"
            if key not in first or key not in second:
                return below
            if (found := _difference(first[key], second[key], below)) is not None:
                return found
        return None
    return None if first == second else pointer


def _escape(key: str) -> str:
    """A key as part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
