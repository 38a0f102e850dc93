"""What custom resources share with Kubernetes: schemas such as ObjectMeta, taken from the bundled specs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import msgspec

from kinform_codegen.spec.bundled import bundled_versions
from kinform_codegen.spec.select import schemas_in

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["add_shared_schemas", "bundled_documents", "is_builtin"]

_BUILTIN: Final = re.compile(r"io\.k8s\.(api|apimachinery|apiextensions-apiserver|kube-aggregator)\.")


def is_builtin(schema: str) -> bool:
    """Whether a schema is one of Kubernetes' own API server."""
    return _BUILTIN.match(schema) is not None


def bundled_documents() -> list[dict[str, object]]:
    """The bundled specs, oldest first."""
    return [_decoded(path) for path in bundled_versions().values()]


def add_shared_schemas(document: dict[str, object]) -> None:
    """Adds the schemas that a document refers to and does not hold, from the newest bundled spec that has them.

    Args:
        document: OpenAPI v3; changed in place. What no bundled spec has stays missing, for `check_references` to name.
    """
    components = cast("dict[str, dict[str, object]]", document.setdefault("components", {}))
    schemas = components.setdefault("schemas", {})
    missing = {name for name in schemas_in(document) if name not in schemas}
    for path in reversed(bundled_versions().values()):
        if not missing:
            return
        known = _schemas(_decoded(path))
        waiting = [name for name in missing if name in known]
        while waiting:
            name = waiting.pop()
            if name not in schemas:
                schemas[name] = known[name]
                waiting.extend(each for each in schemas_in(known[name]) if each in known)
        missing -= schemas.keys()


def _schemas(document: dict[str, object]) -> dict[str, object]:
    components = cast("dict[str, dict[str, object]]", document["components"])
    return components["schemas"]


def _decoded(path: Path) -> dict[str, object]:
    document: dict[str, object] = msgspec.json.decode(path.read_bytes())
    return document
