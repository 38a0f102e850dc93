"""Custom resources of large public operators: generated, and taken to a real server and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kinform.testing import ControlPlane
from kinform_codegen import cli
from kinform_codegen.crd import load_crds

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
DEFINITIONS = ROOT.parent / "shared" / "crds"
SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(scope="module")
def server(control_plane_v1_37: ControlPlane) -> Iterator[ControlPlane]:
    """A server of one's own: its definitions are nobody else's business."""
    with ControlPlane(control_plane_v1_37.version) as own:
        yield own


@pytest.mark.parametrize("operator", ["argo-rollouts", "cert-manager", "gateway-api", "prometheus-operator"])
def test_an_operators_objects_come_back_as_the_server_holds_them(
    operator: str, server: ControlPlane, tmp_path: Path
) -> None:
    definitions = DEFINITIONS / operator
    if not definitions.is_dir():
        pytest.skip(f"the operator's definitions are not beside the checkout, in {definitions}")
    server.kubectl("create", f"--filename={definitions}", timeout=60)
    server.kubectl("wait", "--for=condition=Established", "--all", "customresourcedefinitions", timeout=60)
    package = f"samples_{operator.replace('-', '_')}"
    output = tmp_path / "generated"
    assert cli.main(["--crd", str(definitions), "--package", package, "--output", str(output)]) == 0
    program = [sys.executable, "-W", "error", "-m", "tests.real.operators.trip"]
    done = subprocess.run(
        [*program, package, str(SAMPLES / f"{operator}.yaml"), str(server.kubeconfig), operator],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{output}:{ROOT / 'generated'}", "KINFORM_CACHE_MUTATION_DETECTOR": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["failures"] == []
    assert Path(report["package"]).is_relative_to(output)
    # Every kind has a sample.
    kinds = {
        schema["x-kubernetes-group-version-kind"][0]["kind"]
        for name, schema in load_crds([str(definitions)])["components"]["schemas"].items()  # type: ignore[index]
        if not name.endswith("List")
    }
    assert {kind.rpartition("/")[2] for kind in report["kinds"]} == kinds
