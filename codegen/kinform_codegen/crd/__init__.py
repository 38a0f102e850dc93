"""CustomResourceDefinitions: read, and told as the OpenAPI that an API server would publish for them."""

from __future__ import annotations

from kinform_codegen.crd.load import load_crds

__all__ = ["load_crds"]
