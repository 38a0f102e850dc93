"""Fixtures for the generator's tests: a small specification, and ways to put a changed one on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from kinform_codegen.spec.load import Spec, parse_spec

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = Path(__file__).resolve().parent / "data" / "small.json"


class SpecWriter(Protocol):
    def __call__(self, document: object, name: str = "spec.json") -> Path: ...


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def small_path() -> Path:
    """Two groups of built-ins, a custom resource, a kind without watch, one with create only; v1.30."""
    return SMALL


@pytest.fixture
def small_document() -> dict[str, Any]:
    """The small specification, to be changed at will."""
    document: dict[str, Any] = json.loads(SMALL.read_bytes())
    return document


@pytest.fixture
def as_spec() -> Callable[[object], Spec]:
    """Makes a specification of a document."""
    return lambda document: parse_spec(json.dumps(document).encode(), "spec.json")


@pytest.fixture
def write_spec(tmp_path: Path) -> SpecWriter:
    """Puts a document on disk."""

    def write(document: object, name: str = "spec.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return path

    return write
