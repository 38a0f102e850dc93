"""Reads a specification from a file, a URL or a cluster, tells its version by itself, and hands it on as OpenAPI v3."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kinform_codegen.errors import SpecError
from kinform_codegen.spec.bundled import bundled_spec, bundled_versions
from kinform_codegen.spec.depth import TOO_DEEP, check_depth
from kinform_codegen.spec.merge import merge_documents
from kinform_codegen.spec.node import Node
from kinform_codegen.spec.references import check_references
from kinform_codegen.spec.schemas import check_schemas
from kinform_codegen.spec.swagger import to_openapi_v3
from kinform_codegen.spec.version import KubernetesVersion

if TYPE_CHECKING:
    from kinform.transport import Transport

__all__ = ["Spec", "load_cluster", "load_spec", "parse_spec"]

_URL = re.compile(r"https?://", re.IGNORECASE)
_URL_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Spec:
    """A specification as the generator works with it.

    Attributes:
        source: The file, URL or cluster it came from, as the user named it.
        document: OpenAPI v3, merged over all groups; every ``$ref`` in it leads somewhere.
        version: The Kubernetes it describes, or None where it does not say.
    """

    source: str
    document: dict[str, object]
    version: KubernetesVersion | None

    @property
    def root(self) -> Node:
        """A cursor at the document's root."""
        return Node(self.document, self.source)


def load_spec(location: str) -> Spec:
    """Reads OpenAPI v3 or Swagger v2, in JSON, from a file, an ``http(s)`` URL, or a bundled spec (``v1.30``).

    Blocks while it reads.

    Raises:
        SpecError: It cannot be read, or is not what the generator understands.
    """
    if _URL.match(location):
        return parse_spec(_fetch(location), location)
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
    document = _as_openapi_v3(root)
    title = root.at("info", "version")
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


_NOT_OPENAPI = "give Kubernetes' swagger.json, a file of openapi/, or one made by the capture command"


def _what_to_give_for(data: bytes) -> str:
    """The mend for what is not JSON, by what it looks like."""
    text = data.lstrip()
    if not text:
        return "the document is empty: fetch it again"
    if text.startswith(b"<"):
        return "this is HTML: give the address of the raw file, which needs no login"
    return "give OpenAPI as JSON; convert YAML first (yq -o=json)"


def _what_it_is(document: dict[str, object]) -> str:
    """The mend for a JSON object that is not OpenAPI, by what it looks like."""
    paths = document.get("paths")
    if isinstance(paths, dict) and any(isinstance(p, dict) and "serverRelativeURL" in p for p in paths.values()):
        return "this is the index of /openapi/v3: read the cluster with --cluster, or capture it first"
    if document.get("kind") == "CustomResourceDefinition":
        return "this is a CustomResourceDefinition: apply it and read the cluster with --cluster"
    return _NOT_OPENAPI


def _fetch(url: str) -> bytes:
    import urllib3  # noqa: PLC0415  (50 ms that a run on a file need not pay)

    try:
        with urllib3.PoolManager(timeout=_URL_TIMEOUT_SECONDS) as pool:
            response = pool.request("GET", url, headers={"Accept": "application/json"})
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise SpecError(url, f"cannot be read: {error}", mend="check the URL and the network") from error
    if response.status != 200:
        mend = "check the URL; for a cluster, which wants credentials, use --cluster"
        raise SpecError(url, f"cannot be read: HTTP {response.status} {response.reason or ''}".rstrip(), mend=mend)
    return response.data


def load_cluster(context: str | None = None) -> Spec:
    """Reads a running cluster: its OpenAPI v3 documents merged, else its OpenAPI v2.

    Blocks for some seconds. The credentials are the kubeconfig's (or a pod's own).

    Args:
        context: A context of the kubeconfig; None is the current one.

    Raises:
        SpecError: The cluster cannot be reached, refuses, or answers with what is not OpenAPI.
    """
    from kinform.errors import KinformError  # noqa: PLC0415  (only a cluster needs the runtime)
    from kinform.transport import Transport, connect  # noqa: PLC0415

    source = f"cluster (context {context})" if context else "cluster"
    try:
        transport = Transport(connect(context=context))
        try:
            return _read_cluster(transport, source)
        finally:
            transport.close()
    except KinformError as error:
        raise SpecError(
            source,
            f"cannot be read: {error}",
            mend="check with `kubectl get --raw /openapi/v3` that the context works and may read /openapi",
        ) from error


def _read_cluster(transport: Transport, source: str) -> Spec:
    from kinform.errors import NotFoundError  # noqa: PLC0415

    try:
        index = transport.request("GET", "/openapi/v3").body
    except NotFoundError:
        return parse_spec(transport.request("GET", "/openapi/v2").body, source)
    documents = [
        (name, _decoded(transport.request("GET", path).body, source, name))
        for name, path in _group_versions(index, source).items()
    ]
    return parse_spec(msgspec.json.encode(merge_documents(documents, source)), source)


def _group_versions(index: bytes, source: str) -> dict[str, str]:
    """The documents of the index that describe a group and version, core first: ``apis/apps/v1`` → path."""
    paths = Node(_decoded(index, source, "/openapi/v3"), source).get("paths")
    paths_of: dict[str, str] = {}
    for name, entry in paths.items() if paths is not None else ():
        url = entry.get("serverRelativeURL")
        if url is not None and re.fullmatch(r"api/[^/]+|apis/[^/]+/[^/]+", name):
            paths_of[name] = url.text().partition("?")[0]  # a hash, for caches
    # "api/…" sorts before "apis/…": where two servers disagree about a shared schema, the core's own word counts.
    return dict(sorted(paths_of.items()))


def _decoded(data: bytes, source: str, name: str) -> object:
    try:
        decoded: object = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        mend = "an aggregated API server may answer wrongly: `kubectl get --raw` shows what it says"
        raise SpecError(source, f"{name} is not JSON: {error}", mend=mend) from error
    return decoded
