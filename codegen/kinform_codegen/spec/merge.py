"""Merges the API server's OpenAPI v3 documents, one per group and version, into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinform_codegen.spec.node import Node
from kinform_codegen.spec.references import GVK

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["merge_documents"]


def merge_documents(documents: Iterable[tuple[str, object]], source: str) -> dict[str, object]:
    """One document with all paths and schemas.

    A schema that several documents carry is taken from the first of them; only the list of kinds that share it
    (``DeleteOptions`` and ``WatchEvent`` belong to every group) is joined.

    Args:
        documents: Name (``apis/apps/v1``) and decoded document, those whose word counts first.
        source: What complaints call the whole.

    Raises:
        SpecError: A document is not OpenAPI v3.
    """
    paths: dict[str, object] = {}
    schemas: dict[str, object] = {}
    info: object = None
    for name, decoded in documents:
        document = Node(decoded, source, (name,))
        if info is None and (found := document.get("info")) is not None:
            info = found.value
        if (node := document.get("paths")) is not None:
            for path, item in node.items():
                paths.setdefault(path, item.value)
        if (node := document.at("components", "schemas")) is not None:
            for schema, value in node.items():
                schemas[schema] = _joined(schemas[schema], value.value) if schema in schemas else value.value
    return {
        "openapi": "3.0.0",
        "info": info or {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _joined(first: object, second: object) -> object:
    """The first of two schemas of one name, with the kinds of both."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return first
    kinds, more = first.get(GVK), second.get(GVK)
    if not (isinstance(kinds, list) and isinstance(more, list)):
        return first
    return {**first, GVK: [*kinds, *(kind for kind in more if kind not in kinds)]}
