"""The public API under the type checkers: programs that must pass, and lines that must not.

In ``bad/`` every line that ends in ``# must-fail`` has to be an error for each checker, and no other line may be one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = sorted((HERE / "good").glob("*.py"))
README_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BAD = sorted((HERE / "bad").glob("*.py"))
CHECKERS = ["mypy.ini", "mypy-pydantic.ini", "pyright"]


def run_mypy(config: str, files: list[Path]) -> set[tuple[str, int, str]]:
    command = [sys.executable, "-m", "mypy", "--config-file", str(HERE / config), "--no-error-summary"]
    command += ["--cache-dir", str(ROOT / ".mypy_cache" / f"typing-{Path(config).stem}"), "--hide-error-context"]
    environment = dict(os.environ, MYPYPATH=os.pathsep.join(str(ROOT / d) for d in ("runtime", "generated")))
    done = subprocess.run(
        [*command, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
        timeout=300,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = set()
    for line in done.stdout.splitlines():
        match = re.match(r"(.+?):(\d+)(?::\d+)?: error: (.*)", line)
        if match:
            found.add((Path(match[1]).name, int(match[2]), match[3]))
    return found


def run_pyright(files: list[Path], tmp_path: Path) -> set[tuple[str, int, str]]:
    # pyright takes only what lies below its settings.
    for file in files:
        shutil.copy(file, tmp_path)
    settings = {
        "include": ["."],
        "extraPaths": [str(ROOT / "runtime"), str(ROOT / "generated")],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--project",
        str(tmp_path),
        "--outputjson",
        "--pythonpath",
        sys.executable,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(files), report["summary"]
    return {
        (Path(d["file"]).name, d["range"]["start"]["line"] + 1, d["message"])
        for d in report["generalDiagnostics"]
        if d["severity"] == "error"
    }


def run(checker: str, files: list[Path], tmp_path: Path) -> set[tuple[str, int, str]]:
    return run_pyright(files, tmp_path) if checker == "pyright" else run_mypy(checker, files)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("checker", CHECKERS)
def test_good_programs_pass(checker: str, tmp_path: Path) -> None:
    assert GOOD
    examples = tmp_path / "readme"
    examples.mkdir()
    blocks = README_BLOCK.findall((ROOT / "README.md").read_text())
    assert len(blocks) >= 2
    for number, block in enumerate(blocks):
        (examples / f"readme_{number}.py").write_text(block)
    checked = tmp_path / "checked"
    checked.mkdir()
    assert run(checker, [*GOOD, *sorted(examples.iterdir())], checked) == set()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("checker", CHECKERS)
def test_bad_lines_fail_and_no_others(checker: str, tmp_path: Path) -> None:
    expected = {
        (file.name, number)
        for file in BAD
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if line.rstrip().endswith("# must-fail")
    }
    assert expected
    found = run(checker, BAD, tmp_path)
    lines = {(name, number) for name, number, _ in found}
    assert expected - lines == set(), "these lines must be errors"
    assert {error for error in found if error[:2] not in expected} == set(), "these must not"
