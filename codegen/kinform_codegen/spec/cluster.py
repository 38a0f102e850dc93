"""Reads a running cluster: what its API server says of itself, less what cannot be had, which is told."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from kinform_codegen.errors import SpecError
from kinform_codegen.spec.load import Spec, finished_spec, parse_spec
from kinform_codegen.spec.merge import merge_documents
from kinform_codegen.spec.node import Node
from kinform_codegen.spec.resources import place_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from kinform.transport import Transport

__all__ = ["load_cluster"]

_ALLOW: Final = (
    "the user needs `get` on the non-resource URLs /openapi/v3 and /openapi/v3/* (the role system:discovery has it);"
    " try `kubectl get --raw /openapi/v3`"
)

# Documents of no group and version. Nothing in them is followed, but their models belong to meta/v1: a package must not
# have fewer for being read from a cluster.
_DISCOVERY: Final = frozenset({"api", "apis", "version"})


def load_cluster(context: str | None = None, groups: Collection[str] = ()) -> Spec:
    """Reads a running cluster: its OpenAPI v3 documents merged, else its OpenAPI v2.

    A group and version whose document is refused, fails or is no OpenAPI (an aggregated API server that is down) is
    left out and told in the result's notes. Blocks for some seconds. The credentials are the kubeconfig's (or a pod's
    own).

    Args:
        context: A context of the kubeconfig; None is the current one.
        groups: Only these are read, ``core`` for the core group; none: all.

    Raises:
        SpecError: The cluster cannot be reached, refuses everything, or answers with what is not OpenAPI.
    """
    from kinform.errors import KinformError  # noqa: PLC0415  (only a cluster needs the runtime)
    from kinform.transport import Transport, connect  # noqa: PLC0415

    source = f"cluster (context {context})" if context else "cluster"
    try:
        transport = Transport(connect(context=context))
        try:
            return _Reader(transport, source, frozenset(groups)).read()
        finally:
            transport.close()
    except KinformError as error:
        raise SpecError(
            source,
            f"cannot be read: {error}",
            mend="check with `kubectl get --raw /openapi/v3` that the context works and may read /openapi",
        ) from error


class _Reader:
    """Reads one cluster."""

    def __init__(self, transport: Transport, source: str, groups: frozenset[str]) -> None:
        self._transport = transport
        self._source = source
        self._groups = groups
        self._left_out: dict[str, str] = {}

    def read(self) -> Spec:
        from kinform.errors import ForbiddenError, NotFoundError  # noqa: PLC0415

        try:
            index = self._get("/openapi/v3")
        except NotFoundError:  # before v1.23
            spec = parse_spec(self._get("/openapi/v2"), self._source)
        except ForbiddenError as refused:
            try:
                spec = parse_spec(self._get("/openapi/v2"), self._source)
            except ForbiddenError:
                raise SpecError(self._source, f"cannot be read: {refused}", mend=_ALLOW) from refused
        else:
            spec = self._read_parts(index)
        self._find_silent(spec.document)
        return replace(spec, left_out=self._left_out)

    def _read_parts(self, index: bytes) -> Spec:
        """The documents of all groups and versions, merged."""
        from kinform.errors import KinformError  # noqa: PLC0415

        wanted = self._group_versions(index)
        documents: list[tuple[str, object]] = []
        for name, path in wanted.items():
            try:
                documents.append((name, self._part(name, path)))
            except (KinformError, SpecError) as error:
                # One that fails is an aggregated API more often than not: no reason to give up on all others.
                problem = error.problem if isinstance(error, SpecError) else str(error)
                self._left_out[_short(name)] = problem
        if wanted and not documents:
            raise self._nothing_left()
        return finished_spec(self._merged(documents), self._source)

    def _merged(self, documents: list[tuple[str, object]]) -> dict[str, object]:
        merged = merge_documents(documents, self._source)
        if merged["paths"]:
            return merged
        self._find_silent(merged)
        if self._left_out:
            raise self._nothing_left()
        raise SpecError(
            self._source,
            f"describes no group of {', '.join(sorted(self._groups))}" if self._groups else "describes no resource",
            mend="`kubectl api-versions` lists what it serves (the core group is called core here)",
        )

    def _nothing_left(self) -> SpecError:
        why = "; ".join(f"{name}: {problem}" for name, problem in sorted(self._left_out.items()))
        return SpecError(self._source, f"nothing that was asked for can be had: {why}", mend=_ALLOW)

    def _part(self, name: str, path: str) -> object:
        """One document, whole by itself: a broken one must not spoil the others."""
        return parse_spec(self._get(path), f"{self._source}: {name}").document

    def _group_versions(self, index: bytes) -> dict[str, str]:
        """The documents of the index to read, core first: ``apis/apps/v1`` → path."""
        paths = Node(self._decoded(index, "/openapi/v3"), self._source).get("paths")
        paths_of: dict[str, str] = {}
        for name, entry in paths.items() if paths is not None else ():
            url = entry.get("serverRelativeURL")
            if url is not None and self._is_read(name):
                paths_of[name] = url.text().partition("?")[0]  # a hash, for caches
        # "api/…" sorts before "apis/…": where two servers disagree about a shared schema, the core's own word counts.
        return dict(sorted(paths_of.items()))

    def _is_read(self, name: str) -> bool:
        if name in _DISCOVERY:
            return not self._groups
        return re.fullmatch(r"api/[^/]+|apis/[^/]+/[^/]+", name) is not None and self._is_wanted(name)

    def _is_wanted(self, name: str) -> bool:
        return not self._groups or _group(name) in self._groups

    def _find_silent(self, document: dict[str, object]) -> None:
        """Notes what discovery announces and OpenAPI does not know: an aggregated API server that does not answer."""
        from kinform.errors import KinformError  # noqa: PLC0415

        try:
            announced = list(self._announced(self._get("/apis")))
        except (KinformError, SpecError):
            return  # nothing to compare with; what could be read was read
        paths = Node(document, self._source).get("paths")
        known = {
            f"{place.group}/{place.version}"
            for path in (paths.mapping() if paths is not None else ())
            if (place := place_of(path)) is not None
        }
        for name in announced:
            if name not in known and self._is_wanted(f"apis/{name}"):
                self._left_out.setdefault(name, "the cluster announces it, but its OpenAPI does not describe it")

    def _announced(self, groups: bytes) -> Iterator[str]:
        listed = Node(self._decoded(groups, "/apis"), self._source).get("groups")
        for group in listed.elements() if listed is not None else ():
            versions = group.get("versions")
            for version in versions.elements() if versions is not None else ():
                if (name := version.get("groupVersion")) is not None:
                    yield name.text()

    def _get(self, path: str) -> bytes:
        return self._transport.request("GET", path).body

    def _decoded(self, data: bytes, name: str) -> object:
        try:
            decoded: object = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            mend = "`kubectl get --raw` shows what the server says"
            raise SpecError(self._source, f"{name} is not JSON: {error}", mend=mend) from error
        return decoded


def _group(name: str) -> str:
    """``apis/apps/v1`` → ``apps``, ``api/v1`` → ``core``: as users write it."""
    return name.split("/")[1] if name.startswith("apis/") else "core"


def _short(name: str) -> str:
    """``apis/apps/v1`` → ``apps/v1``, ``api/v1`` → ``core/v1``, ``version`` as it is."""
    if "/" not in name:
        return name
    return name.removeprefix("apis/") if name.startswith("apis/") else f"core/{name.removeprefix('api/')}"
