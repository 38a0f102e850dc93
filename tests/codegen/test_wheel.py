"""The wheel of the generator carries its templates and its bundled specs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by way of the sdist, as a release is."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, repository / "codegen"],
        check=True,
        capture_output=True,
        timeout=100,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_templates_and_specs_and_nothing_of_other_distributions(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "kinform_codegen/openapi/v1.30.json" in names
    assert "kinform_codegen/openapi/v1.37.json" in names
    assert "kinform_codegen/templates/clients/resource.py.jinja2" in names
    assert "kinform_codegen/templates/models/pydantic_v2/BaseModel.jinja2" in names
    assert "kinform_codegen/templates/models/msgspec.jinja2" in names
    assert "kinform_codegen/py.typed" in names
    assert not [name for name in names if "gotypes" in name or name.startswith("codegen/")]
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"kinform_codegen"}


def test_it_generates(wheel: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    program = (
        "import sys, kinform_codegen; from kinform_codegen.cli import main;"
        f"assert kinform_codegen.__file__.startswith({str(unpacked)!r}), kinform_codegen.__file__;"
        "sys.exit(main(['--openapi', 'v1.30', '--output', 'generated']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "generated" / "kinform_k8s" / "informers" / "core" / "v1" / "pod.py").is_file()
