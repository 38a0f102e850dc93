"""Checks the shape of schemas once, where they come in, so that all who read them later can rely on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kinform_codegen.spec.references import GVK, schema_name
from kinform_codegen.spec.values import EXTENSION

if TYPE_CHECKING:
    from kinform_codegen.spec.node import Node

__all__ = ["check_schemas"]


# OpenAPI's own rule for the names of components.
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def check_schemas(document: Node) -> None:
    """Looks at every schema under components/schemas, at any depth.

    Raises:
        SpecError: A name is none that OpenAPI allows, a kind is not whole, what should be a schema is no object, a
            list of schemas is no list, or a ``$ref`` leads to something else than a schema under components/schemas.
    """
    schemas = document.at("components", "schemas")
    if schemas is None:
        return
    names = schemas.mapping()
    for name, schema in schemas.items():
        if not _NAME.fullmatch(name):
            raise schema.error(
                f"{name!r} is no name of a schema", mend="use letters, digits, dots, dashes, underscores"
            )
        if (kinds := schema.get(GVK)) is not None:
            for kind in kinds.elements():
                _check_kind(kind)
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
            elif key in {"required", EXTENSION}:
                for listed in member.elements():
                    listed.text()
            elif key == "$ref" and schema_name(member.text()) not in names:
                raise member.error(
                    f"{member.value!r} leads to what is no schema of its own",
                    mend="put the schema under components/schemas and refer to it there",
                )


def _check_kind(kind: Node) -> None:
    """A kind says its group (empty for the core group), version and name."""
    for key, may_be_empty in (("group", True), ("version", False), ("kind", False)):
        part = kind.get(key)
        if part is None:
            raise kind.error(f"says no {key}")
        if not (part.text() or may_be_empty):
            raise part.error(f"the {key} is empty")
