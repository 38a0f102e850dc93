"""Fixtures for the reader of CustomResourceDefinitions: a small one, and ways to read a changed one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from kinform_codegen.crd import load_crds

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent / "data"


class Loader(Protocol):
    def __call__(self, content: object, name: str = "crd.yaml") -> dict[str, Any]: ...


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of nasty.yaml and verdicts.yaml."""
    return DATA


@pytest.fixture
def widget() -> dict[str, Any]:
    """A definition with one version, to be changed at will."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "description": "Widget is a thing.",
                            "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
                        }
                    },
                }
            ],
        },
    }


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loader:
    """Puts a text, bytes or a value on disk, in the working folder, and reads it."""
    monkeypatch.chdir(tmp_path)

    def load(content: object, name: str = "crd.yaml") -> dict[str, Any]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case str():
                path.write_text(content)
            case bytes():
                path.write_bytes(content)
            case _:
                path.write_text(json.dumps(content))
        return load_crds([name])

    return load


@pytest.fixture
def schema_of(widget: dict[str, Any], load: Loader) -> Callable[[object], dict[str, Any]]:
    """What is published for a schema of a kind."""

    def schema_of(root: object) -> dict[str, Any]:
        widget["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = root
        schema: dict[str, Any] = load(widget)["components"]["schemas"]["com.example.v1.Widget"]
        return schema

    return schema_of
