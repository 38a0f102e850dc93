"""Reads a specification from a file or a URL, tells its version by itself, and hands it on as OpenAPI v3."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kinform_codegen.errors import SpecError
from kinform_codegen.fetch import fetch, is_url
from kinform_codegen.spec.bundled import bundled_spec, bundled_versions
from kinform_codegen.spec.depth import TOO_DEEP, check_depth
from kinform_codegen.spec.node import Node
from kinform_codegen.spec.references import check_references
from kinform_codegen.spec.schemas import check_schemas
from kinform_codegen.spec.swagger import to_openapi_v3
from kinform_codegen.spec.version import KubernetesVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Spec", "finished_spec", "load_spec", "parse_spec"]


@dataclass(frozen=True, slots=True)
class Spec:
    """A specification as the generator works with it.

    Attributes:
        source: The file, URL or cluster it came from, as the user named it.
        document: OpenAPI v3, merged over all groups; every ``$ref`` in it leads somewhere.
        version: The Kubernetes it describes, or None where it does not say.
        left_out: What could not be read, each ``GROUP/VERSION``, and why.
    """

    source: str
    document: dict[str, object]
    version: KubernetesVersion | None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Node:
        """A cursor at the document's root."""
        return Node(self.document, self.source)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out while reading, for the user to know."""
        return tuple(f"{name} is left out: {why}" for name, why in sorted(self.left_out.items()))


def load_spec(location: str) -> Spec:
    """Reads OpenAPI v3 or Swagger v2, in JSON, from a file, an ``http(s)`` URL, or a bundled spec (``v1.30``).

    Blocks while it reads.

    Raises:
        SpecError: It cannot be read, or is not what the generator understands.
    """
    if is_url(location):
        return parse_spec(fetch(location, accept="application/json", mend=_REFUSED), location)
    path = Path(location)
    if not path.exists() and (bundled := bundled_spec(location)) is not None:
        path = bundled
    try:
        data = path.read_bytes()
    except OSError as error:
        names = ", ".join(str(version) for version in bundled_versions())
        also = f", or name a bundled spec ({names})" if names else ""
        raise SpecError(
            location,
            f"cannot be read: {error.strerror or error}",
            mend=f"give the path of a JSON file, a URL{also}",
        ) from error
    return parse_spec(data, location)


def parse_spec(data: bytes, source: str) -> Spec:
    """Decodes a specification and brings it into the generator's form.

    Args:
        data: The JSON text.
        source: What complaints call it; a version in it (``swagger-v1.30.json``) counts where the document names none.

    Raises:
        SpecError: The data is no JSON, no OpenAPI, of an unknown version, nested too deeply, has a ``$ref`` to nothing,
            or holds a schema that is none.
    """
    try:
        decoded: object = msgspec.json.decode(data.removeprefix(codecs.BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SpecError(source, f"is not JSON: {error}", mend=_what_to_give_for(data)) from error
    except RecursionError as error:
        raise SpecError(source, TOO_DEEP, mend="check that this is the file you mean") from error
    root = Node(decoded, source)
    check_depth(root)
    return finished_spec(_as_openapi_v3(root), source)


def finished_spec(document: dict[str, object], source: str) -> Spec:
    """A specification of a document that is OpenAPI v3 already.

    Raises:
        SpecError: It has a ``$ref`` to nothing, or holds a schema that is none.
    """
    title = Node(document, source).at("info", "version")
    named = title.value if title is not None and isinstance(title.value, str) else ""
    spec = Spec(source, document, KubernetesVersion.find(named) or KubernetesVersion.find(source))
    check_references(spec.root)
    check_schemas(spec.root)
    return spec


def _as_openapi_v3(root: Node) -> dict[str, object]:
    """The document as OpenAPI v3, whichever of the two it was."""
    if not isinstance(root.value, dict):
        raise root.error("is not OpenAPI: the document is no object", mend=_NOT_OPENAPI)
    swagger, openapi = root.get("swagger"), root.get("openapi")
    if swagger is not None:
        if swagger.value != "2.0":
            raise swagger.error(f"unknown Swagger version {swagger.value!r}", mend="give Swagger 2.0 or OpenAPI 3.x")
        document = to_openapi_v3(root)
    elif openapi is not None:
        if not (isinstance(openapi.value, str) and re.match(r"3\.\d", openapi.value)):
            raise openapi.error(f"unknown OpenAPI version {openapi.value!r}", mend="give OpenAPI 3.x or Swagger 2.0")
        document = root.mapping()
    else:
        raise root.error("is not OpenAPI: neither 'openapi' nor 'swagger' is given", mend=_what_it_is(root.value))
    for key in ("paths", "components"):
        node = Node(document, root.source).get(key)
        if node is None or not node.mapping():
            raise root.error(
                f"holds no {key}",
                mend="give a whole document: swagger.json, or one made by the capture command",
            )
    return document


_REFUSED = "check the URL; for a cluster, which wants credentials, use --cluster"
_NOT_OPENAPI = "give Kubernetes' swagger.json, a file of openapi/, or one made by the capture command"


def _what_to_give_for(data: bytes) -> str:
    """The mend for what is not JSON, by what it looks like."""
    text = data.lstrip()
    if not text:
        return "the document is empty: fetch it again"
    if text.startswith(b"<"):
        return "this is HTML: give the address of the raw file, which needs no login"
    if b"CustomResourceDefinition" in text:
        return "this looks like a CustomResourceDefinition: give it with --crd"
    return "give OpenAPI as JSON; convert YAML first (yq -o=json)"


def _what_it_is(document: dict[str, object]) -> str:
    """The mend for a JSON object that is not OpenAPI, by what it looks like."""
    paths = document.get("paths")
    if isinstance(paths, dict) and any(isinstance(p, dict) and "serverRelativeURL" in p for p in paths.values()):
        return "this is the index of /openapi/v3: read the cluster with --cluster, or capture it first"
    if document.get("kind") == "CustomResourceDefinition":
        return "this is a CustomResourceDefinition: give it with --crd"
    return _NOT_OPENAPI
