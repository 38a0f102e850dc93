"""Models: from the schemas of an OpenAPI document to the source of pydantic classes."""

from __future__ import annotations

from kinform_codegen.models.generate import classes_of, generate_models
from kinform_codegen.models.places import ClassRef
from kinform_codegen.models.sources import ModelSources

__all__ = ["ClassRef", "ModelSources", "classes_of", "generate_models"]
