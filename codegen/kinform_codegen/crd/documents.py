"""Reads the documents of a text, be it YAML or JSON, and tells a Helm template from both."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kinform_codegen.crd.json_reader import read_json
from kinform_codegen.crd.yaml_reader import read_yaml
from kinform_codegen.errors import SpecError
from kinform_codegen.spec.depth import check_depth
from kinform_codegen.spec.node import Node

if TYPE_CHECKING:
    from kinform_codegen.crd.text import Text

__all__ = ["RENDER", "read_documents"]

RENDER: Final = "render the chart first and pipe it in: `helm template --include-crds CHART`, with - for the location"
"""The mend for a Helm template."""

# {{ where a line, a list's element or a key's value begins. In a text or a comment it means nothing.
_TEMPLATE: Final = re.compile(r"^[ \t]*(?:-[ \t]+)*(?:[^\s#'\"{][^#'\"{\n]*:[ \t]+)?\{\{", re.MULTILINE)


def read_documents(text: Text) -> list[Node]:
    """The documents that are not empty; each node's source names the document, where the text has several.

    Raises:
        SpecError: The text is a template, or neither YAML nor JSON, or nested beyond reason.
    """
    if text.content.lstrip().startswith("<"):
        raise SpecError(
            text.name, "is HTML", mend="give the address of the raw file, which needs no login, or the file itself"
        )
    try:
        documents = _read(text)
    except SpecError as error:
        if _TEMPLATE.search(text.content):
            raise SpecError(text.name, f"is a Helm template, not YAML ({error.problem})", mend=RENDER) from error
        raise
    several = len(documents) > 1
    nodes = [
        Node(value, f"{text.name}, document {number}" if several else text.name)
        for number, value in documents
        if value is not None
    ]
    for node in nodes:
        check_depth(node)
    return nodes


def _read(text: Text) -> list[tuple[int, object]]:
    """The documents with their numbers."""
    if text.content.lstrip().startswith("{"):
        try:
            return list(enumerate(read_json(text.content, text.name), start=1))
        except SpecError:
            # YAML may begin like that, too: {kind: List}, or JSON with --- between the documents.
            if text.name.lower().endswith(".json"):
                raise
    return list(read_yaml(text.content, text.name))
