"""What the settings of the tests promise: the profiles, and that nothing is let pass as a mere warning."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PROFILES = """
import pytest
from hypothesis import given, settings, strategies as st

tried = []

@pytest.mark.long
def test_long(figures):
    figures["long tests"] += 1

@given(st.integers())
def test_property(number):
    tried.append(number)

def test_of_it():
    print("tried", len(tried), hash(tuple(tried)))
"""
_LEFT = {
    "a socket": "socket.socket(socket.AF_INET)",
    "a file": "open(__file__)",
    "an exception in a finaliser": "type('Bad', (), {'__del__': lambda self: 1 / 0})()",
    "an exception in a thread": "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()",
    "a warning": "warnings.warn('careful', stacklevel=1)",
}


@pytest.fixture
def run(tmp_path: Path, pytestconfig: pytest.Config) -> Callable[..., str]:
    """Runs a module of tests under this project's settings; what pytest says."""

    def run(source: str, *arguments: str, profile: str = "") -> str:
        file = tmp_path / "test_it.py"
        file.write_text(source, encoding="utf-8")
        environment = {
            **os.environ,
            "KINFORM_TEST_PROFILE": profile,
            "PYTHONPATH": str(pytestconfig.rootpath / "tests"),
        }
        command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", "-s"]
        settings = ["-c", str(pytestconfig.rootpath / "pyproject.toml"), "--rootdir", str(tmp_path)]
        ran = subprocess.run(
            [*command, *settings, *arguments, str(file)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return ran.stdout + ran.stderr

    return run


def _tried(said: str) -> tuple[str, ...]:
    found = re.search(r"tried (\d+) (-?\d+)", said)
    assert found, said
    return found.groups()


def test_what_is_long_is_skipped_and_told_how_to_run(run: Callable[..., str]) -> None:
    said = run(_PROFILES)
    assert "2 passed, 1 skipped" in said
    assert "long: run it with KINFORM_TEST_PROFILE=long, or `make reliability`" in said
    assert _tried(said)[0] == "100"
    assert _tried(run(_PROFILES)) == _tried(said), "by default the examples are the same each time"


def test_the_long_profile_runs_it_and_tries_more_by_a_seed(run: Callable[..., str]) -> None:
    said = run(_PROFILES, "--hypothesis-seed=1", profile="long")
    assert "3 passed" in said
    assert "long tests: 1" in said
    assert int(_tried(said)[0]) >= 2000
    assert _tried(run(_PROFILES, "--hypothesis-seed=1", profile="long")) == _tried(said)
    assert _tried(run(_PROFILES, "--hypothesis-seed=2", profile="long")) != _tried(said)


def test_a_profile_that_there_is_not(run: Callable[..., str]) -> None:
    said = run(_PROFILES, profile="longer")
    assert "KINFORM_TEST_PROFILE is 'longer': there are 'default' and 'long'" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("what", _LEFT)
def test_what_a_test_leaves_behind_fails_it(run: Callable[..., str], what: str) -> None:
    imports = "import socket, threading, warnings\n\n"
    said = run(f"{imports}def test_it():\n    {_LEFT[what]}\n\n\ndef test_next():\n    pass\n")
    assert re.search(r"[12] failed|1 error", said), said
