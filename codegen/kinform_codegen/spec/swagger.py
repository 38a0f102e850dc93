"""Swagger v2 to OpenAPI v3: the same document in the form that the API server publishes under /openapi/v3."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinform_codegen.spec.node import Node

__all__ = ["to_openapi_v3"]

_DEFINITIONS = "#/definitions/"
_SCHEMAS = "#/components/schemas/"
_PARAMETERS = "#/parameters/"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})
_PARAMETER_KEYS = frozenset({"name", "in", "description", "required"})
_INT_OR_STRING = {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}


def to_openapi_v3(document: Node) -> dict[str, object]:
    """Converts a Swagger v2 document; nothing that the generator reads is lost.

    Raises:
        SpecError: A part of the document has not the shape that Swagger gives it.
    """
    definitions = document.get("definitions")
    parameters = document.get("parameters")
    paths = document.get("paths")
    shared = dict(parameters.items()) if parameters is not None else {}
    info = document.get("info")
    return {
        "openapi": "3.0.0",
        "info": dict(info.mapping()) if info is not None else {"title": "Kubernetes", "version": "unversioned"},
        "components": {
            "schemas": {name: _schema(node) for name, node in definitions.items()} if definitions is not None else {},
        },
        "paths": {path: _path_item(item, shared) for path, item in paths.items()} if paths is not None else {},
    }


def _schema(node: Node) -> dict[str, object]:
    """A definition or an inner schema."""
    out: dict[str, object] = {}
    for key, child in node.items():
        if key in {"properties", "patternProperties"}:
            out[key] = {name: _schema(member) for name, member in child.items()}
        elif key == "items" or (key == "additionalProperties" and isinstance(child.value, dict)):
            out[key] = _schema(child)
        elif key in {"allOf", "anyOf", "oneOf"}:
            out[key] = [_schema(member) for member in child.elements()]
        elif key != "$ref":
            out[key] = child.value
    if (reference := node.get("$ref")) is not None:
        target: dict[str, object] = {"$ref": reference.text().replace(_DEFINITIONS, _SCHEMAS, 1)}
        # OpenAPI 3.0 ignores what stands beside a $ref, so the API server wraps a described reference in allOf.
        if not out:
            return target
        out["allOf"] = [target]
    if out.get("format") == "int-or-string":
        out.pop("type", None)
        out.update(_INT_OR_STRING)
    return out


def _path_item(item: Node, shared: dict[str, Node]) -> dict[str, object]:
    out: dict[str, object] = {}
    for key, child in item.items():
        if key in _METHODS:
            out[key] = _operation(child, shared)
        elif key == "parameters":
            out[key] = [_parameter(node) for node in _resolved(child, shared)]
        else:
            out[key] = child.value
    return out


def _operation(operation: Node, shared: dict[str, Node]) -> dict[str, object]:
    out: dict[str, object] = {}
    for key, child in operation.items():
        if key == "parameters":
            nodes = _resolved(child, shared)
            if plain := [_parameter(node) for node in nodes if not _is_body(node)]:
                out["parameters"] = plain
            for node in nodes:
                if _is_body(node):
                    out["requestBody"] = _request_body(node, _media_types(operation, "consumes"))
        elif key == "responses":
            media = _media_types(operation, "produces")
            out[key] = {code: _response(node, media) for code, node in child.items()}
        elif key not in {"consumes", "produces", "schemes"}:
            out[key] = child.value
    return out


def _resolved(parameters: Node, shared: dict[str, Node]) -> list[Node]:
    """The parameters of an operation, references to shared ones followed."""
    resolved = []
    for node in parameters.elements():
        reference = node.get("$ref")
        if reference is None:
            resolved.append(node)
            continue
        name = reference.text().removeprefix(_PARAMETERS)
        if name not in shared:
            raise reference.error(
                f"{reference.text()!r} points to nothing",
                mend=f"add the parameter under #/parameters/{name}, or take the reference out",
            )
        resolved.append(shared[name])
    return resolved


def _is_body(parameter: Node) -> bool:
    return parameter.mapping().get("in") == "body"


def _parameter(node: Node) -> dict[str, object]:
    members = node.mapping()
    out = {key: value for key, value in members.items() if key in _PARAMETER_KEYS}
    out["schema"] = {key: value for key, value in members.items() if key not in _PARAMETER_KEYS}
    return out


def _request_body(node: Node, media_types: list[str]) -> dict[str, object]:
    schema = node.get("schema")
    content = {media: {"schema": _schema(schema)} if schema is not None else {} for media in media_types}
    return {"content": content, "required": True} if node.mapping().get("required") is True else {"content": content}


def _response(node: Node, media_types: list[str]) -> dict[str, object]:
    out = {key: child.value for key, child in node.items() if key != "schema"}
    if (schema := node.get("schema")) is not None:
        out["content"] = {media: {"schema": _schema(schema)} for media in media_types}
    return out


def _media_types(operation: Node, key: str) -> list[str]:
    listed = operation.get(key)
    return [node.text() for node in listed.elements()] if listed is not None else ["*/*"]
