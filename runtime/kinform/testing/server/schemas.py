"""Which schema a served resource has: its definition's, one from the OpenAPI document of the server, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from kinform.testing.server.documents import child, decode
from kinform.testing.server.shapes import OBJECT_META, SCHEMAS, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.resources import ServedResource

__all__ = ["Schemas", "read_document"]

_GVK: Final = "x-kubernetes-group-version-kind"


def read_document(document: Path | str | Mapping[str, object] | None) -> JsonObject:
    """An OpenAPI v3 document from a file or as it is; an empty one for None.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no OpenAPI v3 document.
    """
    if document is None:
        return {}
    if isinstance(document, (str, Path)):
        try:
            found = decode(Path(document).read_bytes())
        except ValueError as error:
            raise ValueError(f"openapi: {document} is not JSON: {error}") from None
    else:
        found = cast("Json", json.loads(json.dumps(dict(document))))
    if not isinstance(found, dict) or not child(found, "components"):
        raise ValueError("openapi: that is no OpenAPI v3 document: it has no components (openapi/*.json are such)")
    return found


class Schemas:
    """Looks schemas up. Thread-safe.

    Args:
        document: The OpenAPI v3 document of the built-in kinds; an empty one where there is none.
    """

    def __init__(self, document: JsonObject) -> None:
        self.definitions: Mapping[str, JsonObject] = cast(
            "dict[str, JsonObject]", child(child(document, "components"), "schemas")
        )
        self.paths: JsonObject = child(document, "paths")
        self._by_kind: dict[tuple[Json, Json, Json], str] = {}
        self._shapes: dict[ServedResource, Shape] = {}
        for name, schema in self.definitions.items():
            kinds = schema.get(_GVK)
            for kind in kinds if isinstance(kinds, list) else []:
                if isinstance(kind, dict):
                    self._by_kind[kind.get("group"), kind.get("version"), kind.get("kind")] = name

    def name_of(self, served: ServedResource) -> str:
        """The name of the resource's schema in the document; ``""`` where it is not in there."""
        resource = served.resource
        return self._by_kind.get((resource.group, resource.version, resource.kind), "")

    def known(self, served: ServedResource) -> bool:
        """Whether the document has the schema of this built-in kind."""
        return not served.custom and bool(self.name_of(served))

    def shape(self, served: ServedResource) -> Shape:
        """What is known of the resource's objects."""
        found = self._shapes.get(served)
        if found is None:
            found = self._shapes[served] = self._shape(served)
        return found

    def _shape(self, served: ServedResource) -> Shape:
        if self.known(served):
            return Shape({"$ref": f"{SCHEMAS}{self.name_of(served)}"}, self.definitions, builtin=True)
        own = served.schema.tree if served.schema else {}
        properties: JsonObject = {"apiVersion": {}, "kind": {}, **child(own, "properties"), "metadata": OBJECT_META}
        return Shape({**own, "properties": properties}, {}, builtin=not served.custom)
