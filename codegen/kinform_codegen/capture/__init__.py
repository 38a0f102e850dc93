"""Makes a specification for the generator from a running API server: ``kinform-codegen capture``."""

from __future__ import annotations

from kinform_codegen.capture.command import CaptureReport, add_capture_arguments, capture, run_capture
from kinform_codegen.capture.layout import layout
from kinform_codegen.capture.merge import MergeConflictError, merge_documents, structure_of
from kinform_codegen.capture.read import CaptureError, Fetch, FetchError, ServedDocuments, read_documents
from kinform_codegen.capture.sources import fetch_from_cluster, fetch_from_url
from kinform_codegen.capture.value_fields import VALUES_EXTENSION, GoFacts, note_value_fields

__all__ = [
    "VALUES_EXTENSION",
    "CaptureError",
    "CaptureReport",
    "Fetch",
    "FetchError",
    "GoFacts",
    "MergeConflictError",
    "ServedDocuments",
    "add_capture_arguments",
    "capture",
    "fetch_from_cluster",
    "fetch_from_url",
    "layout",
    "merge_documents",
    "note_value_fields",
    "read_documents",
    "run_capture",
    "structure_of",
]
