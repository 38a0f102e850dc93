"""What the API server says of apiVersion, kind and metadata, whatever a definition says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform_codegen.spec.references import SCHEMAS

if TYPE_CHECKING:
    from kinform_codegen.crd.schema import Schema

__all__ = ["META", "add_embedded_type_meta", "add_type_meta", "list_schema"]

META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
"""What the names of the shared schemas begin with."""

_CONVENTIONS: Final = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_API_VERSION: Final = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized"
    " schemas to the latest internal value, and may reject unrecognized values."
    f" More info: {_CONVENTIONS}#resources"
)
_KIND: Final = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the"
    " endpoint the client submits requests to. Cannot be updated. In CamelCase."
    f" More info: {_CONVENTIONS}#types-kinds"
)
_EMBEDDED_API_VERSION: Final = (
    f"apiVersion defines the versioned schema of this representation of an object. More info: {_CONVENTIONS}#resources"
)
_EMBEDDED_KIND: Final = (
    f"kind is a string value representing the type of this object. In CamelCase. More info: {_CONVENTIONS}#types-kinds"
)
_METADATA: Final = f"Standard object's metadata. More info: {_CONVENTIONS}#metadata"
_LIST_METADATA: Final = f"Standard list metadata. More info: {_CONVENTIONS}#types-kinds"


def add_type_meta(schema: Schema) -> None:
    """Puts the API's own fields into the schema of a kind, in place of the definition's."""
    schema["properties"] = _with_meta(schema, _text(_API_VERSION), _text(_KIND), _described(_METADATA, "ObjectMeta"))


def add_embedded_type_meta(schema: Schema) -> None:
    """Puts the API's own fields into the schema of an object that is embedded in another."""
    schema["properties"] = _with_meta(
        schema, _text(_EMBEDDED_API_VERSION), _text(_EMBEDDED_KIND), _described(_METADATA, "ObjectMeta")
    )
    required = schema.get("required")
    listed = required if isinstance(required, list) else []
    schema["required"] = [*listed, *(name for name in ("kind", "apiVersion") if name not in listed)]


def list_schema(item: str, *, kind: str, list_kind: str, plural: str) -> Schema:
    """The schema of a list of objects.

    Args:
        item: The name of the objects' schema.
        kind: Their kind.
        list_kind: The kind of the list.
        plural: The name of the resource.
    """
    items: Schema = {
        "description": f"List of {plural}. More info: {_CONVENTIONS}",
        "type": "array",
        "items": {"$ref": f"{SCHEMAS}{item}"},
    }
    schema: Schema = {
        "description": f"{list_kind} is a list of {kind}",
        "type": "object",
        "required": ["items"],
        "properties": {"items": items},
    }
    schema["properties"] = _with_meta(schema, _text(_API_VERSION), _text(_KIND), _described(_LIST_METADATA, "ListMeta"))
    return schema


def _with_meta(schema: Schema, api_version: Schema, kind: Schema, metadata: Schema) -> Schema:
    properties = schema.get("properties")
    others = properties if isinstance(properties, dict) else {}
    return {**others, "apiVersion": api_version, "kind": kind, "metadata": metadata}


def _text(description: str) -> Schema:
    return {"description": description, "type": "string"}


def _described(description: str, schema: str) -> Schema:
    """A reference with a text of its own, which OpenAPI 3.0 has no other way to write."""
    return {"description": description, "allOf": [{"$ref": f"{SCHEMAS}{META}{schema}"}]}
