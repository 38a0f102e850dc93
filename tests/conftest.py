"""What all tests share: the profile that they run in, the figures that they tell, and the programs of the documentation.

``KINFORM_TEST_PROFILE`` is ``default`` or ``long``. By default the tests marked ``long`` are skipped, and property tests try
the same examples each time, so that CI never fails by chance. In the long profile these run too, and property tests try
twenty times as many examples, other ones each time; ``docs/reliability.md`` says more.

A fence of Python begins with ```` ```python ````. A block whose first statement is an import begins a program; any other
goes on with the program above it. Two kinds are not ours to check, and only parsed: ```` ```python before ````, a program of
another library, and ```` ```python title="…" ````, a file of a tutorial, which is run as a whole by ``.ci/check-tutorial``.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE: Final = os.environ.get("KINFORM_TEST_PROFILE") or "default"
_EXAMPLES: Final = {"default": 100, "long": 2000}  # of each property, unless it multiplies them
_PATIENCE: Final = 1800  # seconds that any test may take in the long profile
_FIGURES: Final = pytest.StashKey["Counter[str]"]()

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "generated" / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
WIDGETS = ROOT / "examples" / "widgets.yaml"

# A heading, or a fence with its info string and its content: what looks like a heading in a fence is a comment.
_PART = re.compile(
    r"^#+ (?P<heading>[^\n]*)$|^(?P<marks>`{3,})(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=marks)$", re.MULTILINE | re.DOTALL
)

# No deadlines: the machine that runs the tests may be busy. A failure tells how to repeat it, whichever the profile.
for _name, _examples in _EXAMPLES.items():
    settings.register_profile(
        _name,
        max_examples=_examples,
        derandomize=_name == "default",
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
if PROFILE in _EXAMPLES:
    settings.load_profile(PROFILE)


def pytest_configure(config: pytest.Config) -> None:
    if PROFILE not in _EXAMPLES:
        message = f"KINFORM_TEST_PROFILE is {PROFILE!r}: there are {' and '.join(map(repr, _EXAMPLES))}"
        raise pytest.UsageError(message)
    config.stash[_FIGURES] = Counter()


def pytest_report_header() -> str:
    return f"profile: {PROFILE}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is long, or give everything the time that the long profile takes."""
    for item in items:
        if PROFILE == "default" and item.get_closest_marker("long"):
            item.add_marker(
                pytest.mark.skip(reason="long: run it with KINFORM_TEST_PROFILE=long, or `make reliability`")
            )
        elif PROFILE == "long":
            own = item.get_closest_marker("timeout")
            if own is None or (own.args and own.args[0] < _PATIENCE):
                item.add_marker(pytest.mark.timeout(_PATIENCE), append=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    figures = config.stash[_FIGURES]
    if figures:
        terminalreporter.section("figures")
        for name, count in sorted(figures.items()):
            terminalreporter.write_line(f"{name}: {count:,}")


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Counter[str]:
    """What tests count, such as ``figures["model: steps"] += 1``; told below their results."""
    return pytestconfig.stash[_FIGURES]


def skip_for_want_of(reason: str) -> NoReturn:
    """Skip a test whose programs are not on this machine; in CI, which builds them all, that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI has what this test needs, but: {reason}", pytrace=False)
    pytest.skip(reason)


def open_files() -> Counter[str]:
    """What this process has open: files by name, sockets and pipes by number."""
    found: Counter[str] = Counter()
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one by which the listing itself is read
            found[str(each.readlink())] += 1
    return found


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """Whatever a test starts has ended when it ends: no thread runs and no socket or file is open that was not before.

    Nothing is waited for: what ``stop()`` says is gone is gone.
    """
    threads, files = set(threading.enumerate()), open_files()
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == [], "threads are left"
    assert [*(open_files() - files)] == [], "files are left open"


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
