"""Generating from a running API server: what it serves, what it refuses, and what it only announces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kinform.testing import ControlPlane
from kinform_codegen import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOWN = {
    "apiVersion": "apiregistration.k8s.io/v1",
    "kind": "APIService",
    "metadata": {"name": "v1beta1.metrics.example.com"},
    "spec": {
        "group": "metrics.example.com",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"namespace": "default", "name": "nobody"},
    },
}


@pytest.fixture
def server(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    """A server of one's own, which the kubeconfig leads to."""
    with ControlPlane(control_plane.version) as own:
        monkeypatch.setenv("KUBECONFIG", str(own.kubeconfig))
        yield own


def test_an_aggregated_api_that_is_down_is_told_and_left_out(
    server: ControlPlane, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "down.json").write_text(json.dumps(DOWN))
    server.kubectl("create", f"--filename={tmp_path / 'down.json'}")
    server.kubectl("wait", "--for=condition=Available=false", "apiservice/v1beta1.metrics.example.com")
    assert cli.main(["--cluster", "--exclude", "core", "--output", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "kinform_k8s" / "listers" / "apps" / "v1" / "deployment.py").is_file()
    assert not (tmp_path / "out" / "kinform_k8s" / "listers" / "core").exists()
    assert "note: metrics.example.com/v1beta1 is left out: " in capsys.readouterr().err


def test_who_may_not_read_it_is_told_what_is_needed(
    server: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.kubectl("delete", "clusterrolebinding", "system:discovery")
    monkeypatch.setenv("KUBECONFIG", str(server.add_user("nobody")))
    assert cli.main(["--cluster", "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "403" in error
    assert "system:discovery" in error
    assert not (tmp_path / "out").exists()
