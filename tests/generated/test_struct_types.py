"""The programs of tests/typing about models, word for word with structs: what passes there passes, what fails fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TYPING = ROOT / "tests" / "typing"


def with_structs(path: Path, package: str) -> str:
    """A program with the one package in the other's place; structs keep no unknown fields, so those lines go."""
    text = path.read_text().replace("kinform_k8s", package).replace("kinform.model ", "kinform.structs ")
    return "".join("\n" if "model_extra" in line else line for line in text.splitlines(keepends=True))


def mypy(folder: Path, project: Path) -> str:
    command = [sys.executable, "-m", "mypy", "--config-file", str(TYPING / "mypy.ini"), "--no-error-summary"]
    command += ["--hide-error-context", "--cache-dir", str(ROOT / ".mypy_cache" / "typing-structs"), str(folder)]
    environment = dict(os.environ, MYPYPATH=os.pathsep.join([str(ROOT / "runtime"), str(project)]))
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment, timeout=300)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def pyright(folder: Path, project: Path) -> str:
    settings = {"extraPaths": [str(ROOT / "runtime"), str(project)], "typeCheckingMode": "strict"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--project", str(folder), "--pythonpath", sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(400)
@pytest.mark.parametrize("check", [mypy, pyright])
def test_the_same_programs_pass_and_fail(check: object, structs_project: Path, structs: str, tmp_path: Path) -> None:
    assert callable(check)
    bad = with_structs(TYPING / "bad" / "models.py", structs)
    (tmp_path / "good.py").write_text(with_structs(TYPING / "good" / "models.py", structs))
    (tmp_path / "bad.py").write_text(bad)
    said = check(tmp_path, structs_project)
    found = {(name, int(line)) for name, line in re.findall(r"(\w+\.py):(\d+)(?::\d+)?(?: -|:) error", said)}
    expected = {
        ("bad.py", number) for number, line in enumerate(bad.splitlines(), 1) if line.rstrip().endswith("# must-fail")
    }
    assert len(expected) > 10
    assert found == expected, said
