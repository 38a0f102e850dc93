"""``python -m kinform.testing.server``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from kinform.testing.server.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

RESOURCES = """
from kinform.meta import Resource
PODS = Resource("", "v1", "pods", "Pod", True)
NODES = Resource("", "v1", "nodes", "Node", False)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a module of resources."""
    (tmp_path / "toy.py").write_text(RESOURCES)
    return tmp_path


def node(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def test_it_serves_until_it_is_told_to_stop(folder: Path) -> None:
    (folder / "one.json").write_text(json.dumps(node("a")))
    (folder / "list.json").write_text(json.dumps({"kind": "List", "items": [node("b")]}, indent=1))
    (folder / "lines.json").write_text(f"{json.dumps(node('c'))}\n{json.dumps(node('d'))}\n")
    loads = [part for name in ("one", "list", "lines") for part in ("--load", f"{name}.json")]
    command = [sys.executable, "-m", "kinform.testing.server", "--resources", "toy", "--kubeconfig", "config", *loads]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/api/v1/nodes", timeout=10) as response:
            names = [item["metadata"]["name"] for item in json.load(response)["items"]]
        assert names == ["a", "b", "c", "d"]
        assert json.loads((folder / "config").read_text())["clusters"][0]["cluster"]["server"] == url
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--resources"),
        (["--resources", "no_such_module"], "No module named 'no_such_module'"),
        (["--resources", "json"], "there are no Resource constants in json"),
        (["--resources", "toy", "--version-shown", "new"], "is not a version"),
        (["--resources", "toy", "--load", "missing.json"], "missing.json"),
        (["--resources", "toy", "--load", "wrong.json"], "no 'Widget' of 'v1' is served"),
        (["--resources", "toy", "--load", "text.json"], "expected objects"),
    ],
)
def test_mistakes_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    (folder / "wrong.json").write_text('{"apiVersion": "v1", "kind": "Widget"}')
    (folder / "text.json").write_text('"text"')
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err
