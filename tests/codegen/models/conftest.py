"""Generates models from a document and imports them."""

from __future__ import annotations

import importlib
import itertools
import sys
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from kinform_codegen.models import ClassRef, ModelSources, generate_models

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kinform_codegen.settings import ModelKind

_NUMBERS = itertools.count()


class Models:
    """The models of one document, on disk and importable."""

    def __init__(self, sources: ModelSources, root: Path) -> None:
        self.sources = sources
        self.root = root

    def cls(self, schema: str) -> Any:
        """The class that a schema became."""
        return self.named(self.sources.classes[schema])

    def named(self, ref: ClassRef) -> Any:
        return getattr(importlib.import_module(ref.module), ref.name)


class MakeModels(Protocol):
    def __call__(
        self, schemas: dict[str, Any], paths: dict[str, Any] | None = None, *, backend: ModelKind = "pydantic"
    ) -> Models: ...


def openapi(schemas: dict[str, Any], paths: dict[str, Any] | None = None) -> dict[str, object]:
    return {
        "openapi": "3.0.0",
        "info": {"title": "test", "version": "1"},
        "paths": paths or {},
        "components": {"schemas": schemas},
    }


@pytest.fixture(scope="module")
def make_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeModels]:
    root = tmp_path_factory.mktemp("models")
    sys.path.insert(0, str(root))

    def make(
        schemas: dict[str, Any], paths: dict[str, Any] | None = None, *, backend: ModelKind = "pydantic"
    ) -> Models:
        package = f"generated_models_{next(_NUMBERS)}"
        sources = generate_models(openapi(schemas, paths), package=package, backend=backend)
        for path, text in sources.files.items():
            file = root / package / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (root / package / "__init__.py").touch()
        importlib.invalidate_caches()
        return Models(sources, root / package)

    yield make
    sys.path.remove(str(root))
