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
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Program

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = sorted((HERE / "good").glob("*.py"))
BAD = sorted((HERE / "bad").glob("*.py"))
CHECKERS = ["mypy.ini", "mypy-pydantic.ini", "pyright"]


def run_mypy(config: str, files: list[Path], packages: list[Path]) -> set[tuple[str, int, str]]:
    command = [sys.executable, "-m", "mypy", "--config-file", str(HERE / config), "--no-error-summary"]
    command += ["--cache-dir", str(ROOT / ".mypy_cache" / f"typing-{Path(config).stem}"), "--hide-error-context"]
    environment = dict(os.environ, MYPYPATH=os.pathsep.join(map(str, packages)))
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


def run_pyright(files: list[Path], packages: list[Path], tmp_path: Path) -> set[tuple[str, int, str]]:
    # pyright takes only what lies below its settings.
    for file in files:
        shutil.copy(file, tmp_path)
    settings = {
        "include": ["."],
        "extraPaths": [*map(str, packages)],
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


def run(checker: str, files: list[Path], tmp_path: Path, *more_packages: Path) -> set[tuple[str, int, str]]:
    packages = [ROOT / "runtime", ROOT / "generated", *more_packages]
    return run_pyright(files, packages, tmp_path) if checker == "pyright" else run_mypy(checker, files, packages)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("checker", CHECKERS)
def test_good_programs_pass(checker: str, programs: list[Program], acme_widgets: Path, tmp_path: Path) -> None:
    """Those in ``good/``, and those of README and docs (``tests/conftest.py`` says which)."""
    assert GOOD
    assert {"README.md", "docs/generator.md"} <= {program.page for program in programs}
    pages = tmp_path / "pages"
    pages.mkdir()
    for program in programs:
        (pages / program.file_name).write_text(program.code, encoding="utf-8")
    examples = sorted(pages.iterdir())
    assert len(examples) == len(programs)
    checked = tmp_path / "checked"
    checked.mkdir()
    assert run(checker, [*GOOD, *examples], checked, acme_widgets) == set()


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
