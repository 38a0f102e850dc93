"""The capture itself: from a running API server to one file, and its command line."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kinform_codegen.capture.layout import layout
from kinform_codegen.capture.merge import MergeConflictError, merge_documents
from kinform_codegen.capture.read import CaptureError, read_documents
from kinform_codegen.capture.sources import fetch_from_cluster, fetch_from_url
from kinform_codegen.capture.value_fields import note_value_fields

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kinform_codegen.capture.read import Fetch
    from kinform_codegen.capture.value_fields import GoFacts

__all__ = ["CaptureReport", "add_capture_arguments", "capture", "run_capture"]

_EPILOG = """\
Only structure is kept: paths, kinds, schemas, formats, defaults, x-kubernetes-*; no description texts.
With --values the schemas also tell which optional fields Go holds by value (x-kinform-values); the file comes from
the Go types of the same version: see openapi/README.md.

examples:
  kinform-codegen capture --output cluster.json
  kinform-codegen capture --context staging --output staging.json
  kubectl proxy & kinform-codegen capture --server http://127.0.0.1:8001 --output cluster.json

exit status: 0 done; 2 an error, and the output is as it was.
"""


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """What a capture has found.

    Attributes:
        version: The API server's version, such as ``"v1.37.2"``.
        documents: How many documents were merged.
        schemas: How many schemas the result has.
        paths: How many paths the result has.
        unavailable: Documents that could not be had, ``"apis/metrics.k8s.io/v1beta1: why"``.
        conflicts: Where documents differ, the first one being kept.
        without_facts: Schemas and properties that the Go facts do not cover; empty if there were none given.
    """

    version: str
    documents: int
    schemas: int
    paths: int
    unavailable: Sequence[str]
    conflicts: Sequence[str]
    without_facts: Sequence[str]


def capture(
    fetch: Fetch,
    output: Path,
    *,
    values: GoFacts | None = None,
    wait: float = 30.0,
    allow_unavailable: bool = False,
    keep_first: bool = False,
) -> CaptureReport:
    """Merge all OpenAPI v3 documents of a running API server into one file, structure only.

    The same server gives the same bytes. The file is replaced as a whole, or left alone. Blocks for some seconds.

    Args:
        fetch: Reads a path of the server (``fetch_from_url``, ``fetch_from_cluster``).
        output: The file to write.
        values: How Go holds each field, by schema and JSON name; None to do without.
        wait: Seconds to wait for documents that the server does not have yet.
        allow_unavailable: Go on without documents that cannot be had.
        keep_first: Where two documents differ in a shared schema, keep the first (the core API's before the others').

    Raises:
        CaptureError: The server cannot be read, lacks documents, its documents contradict each other, or the file
            cannot be written.
    """
    served = read_documents(fetch, wait=wait)
    unavailable = [f"{name}: {reason}" for name, reason in sorted(served.unavailable.items())]
    if unavailable and not allow_unavailable:
        listed = "\n  ".join(unavailable)
        raise CaptureError(
            f"the server does not have all its documents:\n  {listed}\n"
            "  mend: repair the aggregated API, wait longer (--wait), or leave it out with --allow-unavailable"
        )
    conflicts: list[MergeConflictError] = []
    try:
        document = merge_documents(
            served.documents, version=served.version, conflicts=conflicts if keep_first else None
        )
    except MergeConflictError as error:
        raise CaptureError(
            f"{error}\n  mend: an aggregated API server was built from other sources; keep the core API's with"
            " --keep-first"
        ) from error
    without_facts = note_value_fields(document, values) if values is not None else []
    _replace(output, layout(document))
    components, paths = document["components"], document["paths"]
    schemas = components["schemas"] if isinstance(components, dict) else None
    return CaptureReport(
        version=served.version,
        documents=len(served.documents),
        schemas=len(schemas) if isinstance(schemas, dict) else 0,
        paths=len(paths) if isinstance(paths, dict) else 0,
        unavailable=unavailable,
        conflicts=[str(conflict) for conflict in conflicts],
        without_facts=without_facts,
    )


def add_capture_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``kinform-codegen capture`` to a parser."""
    parser.epilog = _EPILOG
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--server", metavar="URL", help="an API server that asks for no credentials (kubectl proxy)")
    source.add_argument("--context", metavar="NAME", help="a context of the kubeconfig (default: the current one)")
    parser.add_argument("--kubeconfig", metavar="FILE", help="the kubeconfig (default: KUBECONFIG, ~/.kube/config)")
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="the file to write")
    parser.add_argument("--values", metavar="FILE", type=Path, help="which fields Go holds by value (openapi/gotypes)")
    parser.add_argument(
        "--wait", metavar="SECONDS", type=float, default=30.0, help="how long to wait for late documents (default: 30)"
    )
    parser.add_argument(
        "--allow-unavailable", action="store_true", help="go on without documents that the server does not have"
    )
    parser.add_argument(
        "--keep-first", action="store_true", help="where documents differ, keep the core API's instead of failing"
    )


def run_capture(options: argparse.Namespace) -> int:
    """Carry out ``kinform-codegen capture``.

    Args:
        options: What a parser with ``add_capture_arguments()`` has read.

    Returns:
        The exit status: 0.

    Raises:
        CaptureError: As ``capture()`` does, or the facts cannot be read.
    """
    values = _read_facts(options.values) if options.values is not None else None
    source = (
        fetch_from_url(options.server)
        if options.server is not None
        else fetch_from_cluster(options.context, options.kubeconfig)
    )
    output: Path = options.output
    with source as fetch:
        report = capture(
            fetch,
            output,
            values=values,
            wait=options.wait,
            allow_unavailable=options.allow_unavailable,
            keep_first=options.keep_first,
        )
    for name in report.unavailable:
        sys.stderr.write(f"warning: left out: {name}\n")
    for conflict in report.conflicts:
        sys.stderr.write(f"warning: {conflict}; the first is kept\n")
    if report.without_facts:
        sys.stderr.write(f"note: nothing is known of Go's fields for {len(report.without_facts)}: ")
        sys.stderr.write(", ".join(report.without_facts[:10]) + (", …\n" if len(report.without_facts) > 10 else "\n"))
    sys.stdout.write(
        f"{output}: Kubernetes {report.version}, {report.documents} documents, {report.schemas} schemas,"
        f" {report.paths} paths\n"
    )
    return 0


def _read_facts(path: Path) -> GoFacts:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, str]])
    except OSError as error:
        raise CaptureError(f"{path} cannot be read: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path} does not hold what the program in openapi/gotypes prints: {error}") from error


def _replace(output: Path, text: str) -> None:
    """Write the file as a whole, or not at all."""
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile("w", dir=output.parent, prefix=f".{output.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(output)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise CaptureError(f"{output} cannot be written: {error.strerror or error}") from error
