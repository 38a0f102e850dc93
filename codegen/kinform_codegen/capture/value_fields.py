"""Notes in an OpenAPI document which optional properties Go holds by value, so that they read as zero when absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform_codegen.capture.merge import JsonObject

__all__ = ["VALUES_EXTENSION", "GoFacts", "note_value_fields"]

VALUES_EXTENSION = "x-kinform-values"

GoFacts: TypeAlias = "Mapping[str, Mapping[str, str]]"
"""How Go holds each field, by schema name and JSON name: value, pointer, list, map or interface (openapi/gotypes)."""


def note_value_fields(document: JsonObject, facts: GoFacts) -> list[str]:
    """Add ``x-kinform-values`` to each schema: its optional properties that Go holds by value, sorted.

    Lists and maps are not among them (they are never absent to a reader, pointer or not), and neither are required
    properties. A property that is not named is a pointer in Go, or nothing is known of it.

    Args:
        document: A merged OpenAPI v3 document; its schemas get the extension.
        facts: What the Go types tell.

    Returns:
        What the facts do not cover, sorted: names of schemas with properties that they do not hold, and
        ``schema.property`` where they hold the schema but not the property. Schemas of custom resources are always
        among them.
    """
    components = cast("JsonObject", document["components"])
    unknown: list[str] = []
    for name, schema in cast("dict[str, JsonObject]", components["schemas"]).items():
        properties = cast("JsonObject", schema.get("properties", {}))
        if not properties:
            continue
        if (fields := facts.get(name)) is None:
            unknown.append(name)
            continue
        unknown.extend(f"{name}.{key}" for key in properties if key not in fields)
        required = cast("list[str]", schema.get("required", []))
        values = sorted(key for key in properties if fields.get(key) == "value" and key not in required)
        if values:
            schema[VALUES_EXTENSION] = [*values]
    return sorted(unknown)
