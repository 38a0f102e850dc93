"""The programs of the documentation, for the tests that check their types and run them.

A fence of Python begins with ```` ```python ````. A block whose first statement is an import begins a program; any other
goes on with the program above it. Two kinds are not ours to check, and only parsed: ```` ```python before ````, a program of
another library, and ```` ```python title="…" ````, a file of a tutorial, which is run as a whole by ``.ci/check-tutorial``.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "generated" / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
WIDGETS = ROOT / "examples" / "widgets.yaml"

# A heading, or a fence with its info string and its content: what looks like a heading in a fence is a comment.
_PART = re.compile(
    r"^#+ (?P<heading>[^\n]*)$|^(?P<marks>`{3,})(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=marks)$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a page, whose lines have the page's numbers, so that what is said of it leads there."""

    page: str
    heading: str
    code: str

    @property
    def file_name(self) -> str:
        first = len(self.code) - len(self.code.lstrip("\n")) + 1
        return f"{re.sub(r'[^a-z0-9]+', '_', self.page.lower())}_{first}.py"


def programs_of(page: Path) -> list[Program]:
    """The programs of a page that are ours."""
    text = page.read_text(encoding="utf-8")
    name = str(page.relative_to(ROOT))
    found: list[Program] = []
    heading = ""
    for part in _PART.finditer(text):
        heading = part["heading"] or heading
        language, _, word = (part["info"] or "").strip().partition(" ")
        if language != "python":
            continue
        line = text.count("\n", 0, part.start("code"))
        place = f"{name}, from line {line + 1}"
        statements = ast.parse(part["code"], place).body
        if word == "before" or word.startswith("title="):
            continue
        assert not word, f"{place}: `python {word}`? There are only `python`, `python before` and `python title=…`"
        if isinstance(statements[0], ast.Import | ast.ImportFrom):
            found.append(Program(name, heading, "\n" * line + part["code"]))
        else:
            assert found, f"{place}: the first program of a page begins with its imports"
            above = found.pop()
            gap = "\n" * (line - above.code.count("\n"))
            found.append(replace(above, code=above.code + gap + part["code"]))
    return found


@pytest.fixture(scope="session")
def programs() -> list[Program]:
    """All of them, page by page."""
    return [program for page in PAGES for program in programs_of(page)]


@pytest.fixture(scope="session")
def acme_widgets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package that the pages make of ``examples/widgets.yaml``."""
    folder = tmp_path_factory.mktemp("acme_widgets")
    command = [sys.executable, "-m", "codegen", "--crd", str(WIDGETS), "--package", "acme_widgets"]
    subprocess.run([*command, "--output", str(folder)], cwd=ROOT, check=True, capture_output=True, timeout=100)
    return folder
