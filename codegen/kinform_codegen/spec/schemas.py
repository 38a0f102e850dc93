"""Checks the shape of schemas once, where they come in, so that all who read them later can rely on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinform_codegen.spec.references import schema_name

if TYPE_CHECKING:
    from kinform_codegen.spec.node import Node

__all__ = ["check_schemas"]


def check_schemas(document: Node) -> None:
    """Looks at every schema under components/schemas, at any depth.

    Raises:
        SpecError: What should be a schema is no object, a list of schemas is no list, or a ``$ref`` leads to something
            else than a schema under components/schemas.
    """
    schemas = document.at("components", "schemas")
    if schemas is None:
        return
    names = schemas.mapping()
    stack = [node for _, node in schemas.items()]
    while stack:
        schema = stack.pop()
        for key, member in schema.items():
            if key == "properties":
                stack.extend(node for _, node in member.items())
            elif key == "items" or (key == "additionalProperties" and not isinstance(member.value, bool)):
                stack.append(member)
            elif key in {"allOf", "anyOf", "oneOf"}:
                stack.extend(member.elements())
            elif key == "$ref" and schema_name(member.text()) not in names:
                raise member.error(
                    f"{member.value!r} leads to what is no schema of its own",
                    mend="put the schema under components/schemas and refer to it there",
                )
