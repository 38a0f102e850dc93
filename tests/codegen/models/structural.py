"""Structural schemas, as an API server publishes those of custom resources."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["GVK", "META", "PRESERVES", "QUANTITY", "custom_resource", "object_meta", "published"]

GVK: Final = "x-kubernetes-group-version-kind"
META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
PRESERVES: Final = {"x-kubernetes-preserve-unknown-fields": True}
QUANTITY: Final = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
"""The pattern that controller-gen writes for a resource.Quantity."""

_OF_ANY_OBJECT: Final[dict[str, Any]] = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"allOf": [{"$ref": f"#/components/schemas/{META}ObjectMeta"}]},
}


def object_meta() -> dict[str, Any]:
    """The schemas that every document of custom resources has."""
    time = {"type": "string", "format": "date-time"}
    return {
        f"{META}ObjectMeta": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
                "creationTimestamp": {"allOf": [{"$ref": f"#/components/schemas/{META}Time"}]},
            },
            "x-kinform-values": ["name"],
        },
        f"{META}Time": time,
    }


def published(schema: dict[str, Any], group: str, version: str, kind: str) -> dict[str, Any]:
    """The schemas of a custom resource, of what its definition has under ``openAPIV3Schema``.

    As the API server, adds what any object has to it, and to what is embedded in it.
    """
    schema = {**_with_embedded(schema), GVK: [{"group": group, "version": version, "kind": kind}]}
    schema["properties"] = {**schema.get("properties", {}), **_OF_ANY_OBJECT}
    return {".".join([*reversed(group.split(".")), version, kind]): schema}


def _with_embedded(schema: dict[str, Any]) -> dict[str, Any]:
    schema = dict(schema)
    if "properties" in schema:
        schema["properties"] = {name: _with_embedded(each) for name, each in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            schema[key] = _with_embedded(schema[key])
    if schema.get("x-kubernetes-embedded-resource"):
        schema["properties"] = {**schema.get("properties", {}), **_OF_ANY_OBJECT}
        schema["required"] = sorted({*schema.get("required", []), "apiVersion", "kind"})
    return schema


def custom_resource(spec: dict[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    """The schemas of a Widget with these properties in its spec."""
    inner = {"type": "object", "properties": spec, "required": required or []}
    root = {"type": "object", "properties": {"spec": inner}}
    return {**object_meta(), **published(root, "example.com", "v1", "Widget")}
