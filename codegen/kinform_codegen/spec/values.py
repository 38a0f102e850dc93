"""Which fields Go holds by value: OpenAPI cannot tell ``string`` from ``*string``, the bundled specs can.

Their schemas carry ``x-kinform-values``, the names of optional fields that are never null in Go. A specification from
elsewhere (swagger.json, a cluster) gets these facts here, by the names of schema and field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from kinform_codegen.spec.bundled import bundled_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from kinform_codegen.spec.version import KubernetesVersion

__all__ = ["EXTENSION", "ZEROS", "FieldFacts", "add_value_facts", "read_facts"]

EXTENSION = "x-kinform-values"

ZEROS: Final[tuple[object, ...]] = ("", 0, False, {})
"""What the API server writes as the default of fields that Go holds by value."""


class _Property(msgspec.Struct):
    """What is read of a bundled schema's property."""

    default: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Schema(msgspec.Struct):
    """What is read of a bundled schema."""

    properties: dict[str, _Property] = {}
    required: list[str] = []
    values: list[str] = msgspec.field(default=[], name=EXTENSION)

    def is_value(self, name: str) -> bool:
        """Whether a property is never null: Go has no pointer, or the API server always writes it.

        A zero as default tells a value; another may well stand on a pointer (``replicas``: 1).
        """
        default = self.properties[name].default
        zero = default is not msgspec.UNSET and msgspec.json.decode(default) in ZEROS
        return zero or name in self.values or name in self.required


class _Components(msgspec.Struct):
    schemas: dict[str, _Schema] = {}


class _Document(msgspec.Struct):
    components: _Components


FieldFacts = dict[str, dict[str, bool]]
"""Schema → field → whether it is never null."""


def read_facts(path: Path) -> FieldFacts:
    """The facts that a bundled spec carries."""
    schemas = msgspec.json.decode(path.read_bytes(), type=_Document).components.schemas
    return {name: {field: schema.is_value(field) for field in schema.properties} for name, schema in schemas.items()}


def nearest(version: KubernetesVersion | None, known: Iterable[KubernetesVersion]) -> list[KubernetesVersion]:
    """The known versions, nearest first, the older of two equally near; newest first where the version is unknown."""
    if version is None:
        return sorted(known, reverse=True)
    return sorted(known, key=lambda other: (abs(other.minor - version.minor), other.minor))


def add_value_facts(document: dict[str, object], version: KubernetesVersion | None) -> KubernetesVersion | None:
    """Writes the facts of the bundled specs into a document that carries none.

    For each field, the nearest bundled version that knows it decides.

    Args:
        document: OpenAPI v3; changed in place.
        version: The Kubernetes that it describes, if known.

    Returns:
        The version whose facts came first, or None where the document had facts of its own.
    """
    schemas = _schemas(document)
    if any(EXTENSION in schema for schema in schemas.values()):
        return None
    bundled = bundled_versions()
    order = nearest(version, bundled)
    facts = [read_facts(bundled[each]) for each in order]
    for name, schema in schemas.items():
        if values := _values_of(name, schema, facts):
            schema[EXTENSION] = values
    return order[0] if order else None


def _schemas(document: dict[str, object]) -> dict[str, dict[str, object]]:
    components = document.get("components")
    schemas = components.get("schemas") if isinstance(components, dict) else None
    if not isinstance(schemas, dict):
        return {}
    return {name: schema for name, schema in schemas.items() if isinstance(schema, dict)}


def _values_of(name: str, schema: dict[str, object], facts: Sequence[FieldFacts]) -> list[str]:
    """The optional fields of a schema, lists and maps apart, that are values."""
    properties, required = schema.get("properties"), schema.get("required")
    values = []
    for field, shape in properties.items() if isinstance(properties, dict) else ():
        if field in (required if isinstance(required, list) else ()) or _is_container(shape):
            continue
        if next((fields[field] for source in facts if field in (fields := source.get(name, {}))), False):
            values.append(field)
    return sorted(values)


def _is_container(shape: object) -> bool:
    return isinstance(shape, dict) and (shape.get("type") == "array" or "additionalProperties" in shape)
