"""Brings the sources of one package together into one specification."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from kinform_codegen.spec.cluster import load_cluster
from kinform_codegen.spec.load import Spec, finished_spec, load_spec
from kinform_codegen.spec.merge import merge_documents
from kinform_codegen.spec.resources import place_of
from kinform_codegen.spec.shared import add_shared_schemas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform_codegen.settings import Sources

__all__ = ["gather"]


def gather(sources: Sources, groups: tuple[str, ...] = ()) -> Spec:
    """Reads all sources and merges them; where two describe the same resource, custom resource definitions win.

    Blocks while it reads.

    Args:
        sources: At least one.
        groups: Of a cluster, only these are read; none: all.

    Raises:
        SpecError: One cannot be read, or is not what the generator understands.
    """
    base: Spec | None = None
    if sources.cluster:
        base = load_cluster(sources.context, groups)
    elif sources.openapi is not None:
        base = load_spec(sources.openapi)
    if not sources.crds:
        assert base is not None
        return base
    from kinform_codegen.crd import load_crds  # noqa: PLC0415  (reading YAML is not for every run)

    document = load_crds(sources.crds)
    if base is not None:
        rest = _without(base.document, _resources(document))
        document = merge_documents([("crds", document), ("base", rest)], str(sources))
        document["info"] = base.document.get("info")
    add_shared_schemas(document)
    spec = finished_spec(document, str(sources))
    # A version in a file's name is the definitions' own, most likely, and says nothing of Kubernetes.
    if base is None:
        return replace(spec, version=None)
    return replace(spec, version=base.version, left_out=base.left_out)


def _resources(document: Mapping[str, object]) -> set[tuple[str, str, str]]:
    """The group, version and plural of each resource of a document."""
    paths = cast("dict[str, object]", document["paths"])
    return {(place.group, place.version, place.plural) for path in paths if (place := place_of(path)) is not None}


def _without(document: Mapping[str, object], resources: set[tuple[str, str, str]]) -> dict[str, object]:
    """The document less all paths of some resources, so that no subresource of an older definition stays behind."""
    paths = cast("dict[str, object]", document["paths"])
    return {
        **document,
        "paths": {
            path: item
            for path, item in paths.items()
            if (place := place_of(path)) is None or (place.group, place.version, place.plural) not in resources
        },
    }
