"""Reads CustomResourceDefinitions from wherever they are, and makes one OpenAPI document of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from kinform_codegen.crd.definition import KIND, is_definition, is_patch, read_definition
from kinform_codegen.crd.documents import read_documents
from kinform_codegen.crd.locations import read_location
from kinform_codegen.crd.publish import SHARED_SCHEMAS, publish, schema_names
from kinform_codegen.errors import SpecError, json_pointer
from kinform_codegen.spec.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kinform_codegen.crd.definition import Definition
    from kinform_codegen.crd.text import Text

__all__ = ["load_crds"]


def load_crds(locations: Sequence[str]) -> dict[str, object]:
    """The OpenAPI v3 document that an API server would publish for CustomResourceDefinitions.

    Every served version is there with its paths and schemas. References to the schemas that all API servers share
    (``ObjectMeta``, ``ListMeta``, ``DeleteOptions``, ``Status``, ``Patch``, ``Scale``) lead out of the document: the
    caller adds them. Definitions of ``apiextensions.k8s.io/v1`` are read, in YAML or JSON, several in a file or packed
    in a ``List``; documents of other kinds are passed over, and in folders files without any. Blocks while it reads.

    Args:
        locations: Files, folders (walked to the bottom: ``*.yaml``, ``*.yml``, ``*.json``), ``http(s)`` URLs, or ``-``
            for standard input. One that is given twice counts once.

    Returns:
        The document. The same definitions give the same one, whatever their order.

    Raises:
        SpecError: A location cannot be read or holds no definition; one of them is none that an API server takes; two
            of one name differ, or two want the same schema.
        ValueError: No location is given, or one is empty.
    """
    if not locations or "" in locations:
        raise ValueError("no location is given, or one is empty")
    definitions: dict[str, Definition] = {}
    for location in dict.fromkeys(locations):
        for definition in _definitions_at(location):
            other = definitions.setdefault(definition.name, definition)
            if other != definition:
                raise SpecError(
                    definition.source,
                    f"defines {definition.name} otherwise than {_place(other)}",
                    mend="give one of the two",
                    at=definition.path,
                )
    _check_schema_names(definitions.values())
    return publish(definition for _, definition in sorted(definitions.items()))


def _definitions_at(location: str) -> Iterator[Definition]:
    """The definitions at a location, at least one."""
    found = False
    others: Counter[str] = Counter()
    folder = location != "-" and Path(location).is_dir()
    for text in read_location(location):
        for document in _unpacked(text):
            if is_definition(document) and folder and is_patch(document):
                others[f"a patch of a {KIND}"] += 1
            elif is_definition(document):
                found = True
                yield read_definition(document)
            else:
                others[_described(document)] += 1
    if not found:
        raise _nothing_found(location, others)


def _unpacked(text: Text) -> Iterator[Node]:
    """The documents of a text; of lists their items."""
    waiting = read_documents(text)[::-1]
    while waiting:
        node = waiting.pop()
        kind = node.value.get("kind") if isinstance(node.value, dict) else None
        items = node.get("items") if kind in ("List", f"{KIND}List") else None
        if items is None:
            yield node
            continue
        elements = [] if items.value is None else list(items.elements())
        if kind != "List":
            # As the API server sends it, where only the list says what the items are.
            stamp = {"apiVersion": node.mapping().get("apiVersion"), "kind": KIND}
            elements = [Node({**stamp, **each.mapping()}, each.source, each.path) for each in elements]
        waiting.extend(reversed(elements))


def _described(document: Node) -> str:
    """What a document is that is no definition."""
    if not isinstance(document.value, dict):
        return "a list" if isinstance(document.value, list) else "text"
    if "openapi" in document.value or "swagger" in document.value:
        return "OpenAPI"
    kind = document.value.get("kind")
    return f"kind {kind[:60]}" if isinstance(kind, str) and kind else "an object without a kind"


def _nothing_found(location: str, others: Counter[str]) -> SpecError:
    if location != "-" and Path(location).is_dir():
        return SpecError(
            location,
            f"no .yaml, .yml or .json file below it holds a {KIND}",
            mend="give the folder that the definitions are in; templates must be rendered first",
        )
    if not others:
        problem = f"holds no {KIND}: it is empty, or comments only"
    else:
        listed = ", ".join(f"{what} ({count} times)" if count > 1 else what for what, count in others.most_common(5))
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        problem = f"holds no {KIND}, but {listed}{more}"
    mend = f"give a file with a {KIND}, kind and all"
    if "OpenAPI" in others:
        mend = "give OpenAPI with --openapi"
    return SpecError("standard input" if location == "-" else location, problem, mend=mend)


def _check_schema_names(definitions: Iterable[Definition]) -> None:
    """Complains about two definitions that want the same schema, or one that wants a shared one."""
    owners: dict[str, Definition] = {}
    for definition in definitions:
        for version in definition.versions:
            for name in schema_names(definition, version):
                owner = owners.setdefault(name, definition)
                if owner is not definition:
                    raise SpecError(
                        definition.source,
                        f"{definition.name} wants the schema {name}, which is that of {owner.name} in {_place(owner)}",
                        mend="rename the kind or the listKind of one of the two",
                        at=definition.path,
                    )
                if name in SHARED_SCHEMAS:
                    raise SpecError(
                        definition.source,
                        f"{definition.name} wants the schema {name}, which is Kubernetes' own",
                        mend="choose another group",
                        at=definition.path,
                    )


def _place(definition: Definition) -> str:
    return f"{definition.source}: {json_pointer(definition.path)}" if definition.path else definition.source
