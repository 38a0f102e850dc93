"""Generating from the API server in a box: what it publishes for a definition is what the definition's file says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from kinform.testing import Server
from kinform.testing.server import resources_in
from kinform_codegen import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WIDGETS = ROOT / "examples" / "widgets.yaml"
SPEC = ROOT / "openapi" / "v1.30.json"


@pytest.fixture(params=[None, SPEC], ids=["without a document", "with a document"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(resources_in("kinform_k8s.resources.apps"), openapi=request.param) as server:
        server.install(yaml.safe_load(WIDGETS.read_text()))
        config = tmp_path / "kubeconfig"
        config.write_text(server.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(config))
        yield server


def modules(folder: Path) -> dict[str, str]:
    """The listers, informers and models, without the lines that tell where they come from."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*.py"))
        if {"listers", "informers", "models"} & set(path.parts)
    }


@pytest.mark.usefixtures("server")
def test_a_package_of_custom_resources(tmp_path: Path) -> None:
    chosen = ["--group", "example.com", "--package", "acme_widgets"]
    assert cli.main(["--cluster", *chosen, "--output", str(tmp_path / "cluster")]) == 0
    assert cli.main(["--crd", str(WIDGETS), "--package", "acme_widgets", "--output", str(tmp_path / "file")]) == 0
    from_cluster, from_file = modules(tmp_path / "cluster"), modules(tmp_path / "file")
    name = next(path for path in from_file if path.endswith("/widget.py") and "/listers/" in path)
    assert from_cluster[name] == from_file[name]
    model = next(text for path, text in from_cluster.items() if "/models/" in path and "class WidgetSpec" in text)
    assert "size: int" in model
    assert "color: str" in model
