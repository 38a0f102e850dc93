"""Checks that every ``$ref`` of a document points to something."""

from __future__ import annotations

from kinform_codegen.errors import SpecError
from kinform_codegen.spec.node import Node

__all__ = ["GVK", "check_references", "schema_name"]

SCHEMAS = "#/components/schemas/"

GVK = "x-kubernetes-group-version-kind"
"""Where a schema or an operation says which kinds it is about."""


def schema_name(reference: str) -> str | None:
    """The schema that a reference names, or None where it points elsewhere."""
    return _unescape(reference.removeprefix(SCHEMAS)) if reference.startswith(SCHEMAS) else None


def check_references(document: Node) -> None:
    """Looks at every ``$ref`` in the document.

    Raises:
        SpecError: One points to nothing, or out of the document.
    """
    root = document.mapping()
    known: set[str] = set()
    stack: list[tuple[tuple[str, ...], object]] = [((), root)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            # A property may be called "$ref" (JSONSchemaProps has one): then it holds a schema, not a string.
            if isinstance(reference, str) and reference not in known:
                _check(root, reference, document.source, (*path, "$ref"))
                known.add(reference)
            stack.extend(((*path, key), child) for key, child in value.items() if isinstance(child, (dict, list)))
        elif isinstance(value, list):
            stack.extend(
                ((*path, str(index)), child) for index, child in enumerate(value) if isinstance(child, (dict, list))
            )


def _check(root: object, reference: str, source: str, path: tuple[str, ...]) -> None:
    if not reference.startswith("#/"):
        raise SpecError(
            source,
            f"{reference!r} points out of the document",
            mend="put the schema into the document itself, under components/schemas",
            at=path,
        )
    target = Node(root, source)
    for part in reference[2:].split("/"):
        found = target.get(_unescape(part)) if isinstance(target.value, dict) else None
        if found is None:
            raise SpecError(
                source,
                f"{reference!r} points to nothing",
                mend=f"add {reference[2:]} to the document, or take the reference out; a file that was cut by hand"
                " often lacks schemas",
                at=path,
            )
        target = found


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
