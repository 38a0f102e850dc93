"""The programs of docs/testing.md and docs/control-plane.md, and the README's test, do what the pages say."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest
from tests.conftest import skip_for_want_of

from kinform.testing import ControlPlaneNotFoundError
from kinform.testing.control_plane import cache_folder, find_binaries

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Program
    from tests.docs.conftest import Start

pytest_plugins = ["pytester"]

CACHE: Final = cache_folder().parent
CONTROL_PLANE: Final = "docs/control-plane.md"


@pytest.mark.parametrize("place", [("docs/testing.md", "The fake clientset")])
def test_a_fake_clientset_answers_a_program_and_its_informers(start: Start) -> None:
    program = start()
    program.expect("['list pods shop', 'create configmaps shop/pods']")
    program.expect("[ObjectKey(namespace='shop', name='web-0'), ObjectKey(namespace='shop', name='web-1')]")
    program.end()


def only(programs: list[Program], page: str, heading: str) -> Program:
    (program,) = [each for each in programs if (each.page, each.heading) == (page, heading)]
    return program


def needs_a_control_plane() -> None:
    try:
        find_binaries("v1.37")
    except ControlPlaneNotFoundError as error:
        skip_for_want_of(str(error))


@pytest.mark.parametrize(
    "case",
    [
        ("README.md", "Test it", [], 1),
        ("docs/testing.md", "With pytest", ["-k", "not kinform_control_plane"], 2),
        pytest.param(
            ("docs/testing.md", "With pytest", ["-k", "kinform_control_plane", "--kinform-kubernetes", "v1.37"], 1),
            marks=[pytest.mark.real_server, pytest.mark.long, pytest.mark.timeout(300)],
        ),
    ],
)
def test_tests_pass(
    programs: list[Program],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str, list[str], int],
) -> None:
    page, heading, chosen, passed = case
    monkeypatch.setenv("KINFORM_CACHE", str(CACHE))  # pytester has another home
    if "--kinform-kubernetes" in chosen:
        needs_a_control_plane()
    pytester.path.joinpath("test_it.py").write_text(only(programs, page, heading).code)
    result = pytester.runpytest_subprocess("--strict-markers", "-W", "error", *chosen)
    outcomes = result.parseoutcomes()
    outcomes.pop("deselected", None)
    assert outcomes == {"passed": passed}


@pytest.mark.real_server
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("A real control plane", "['default', 'kube-node-lease', 'kube-public', 'kube-system']"),
        ("Definitions, users, webhooks", 'User "reader" cannot list resource "pods"'),
        pytest.param("Trouble", "", marks=pytest.mark.long),
    ],
)
def test_programs_run_on_a_control_plane(programs: list[Program], tmp_path: Path, heading: str, said: str) -> None:
    needs_a_control_plane()
    script = tmp_path / "program.py"
    script.write_text(only(programs, CONTROL_PLANE, heading).code)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert said in done.stdout


def test_every_program_on_control_planes_is_run(programs: list[Program]) -> None:
    headings = {each.heading for each in programs if each.page == CONTROL_PLANE}
    assert headings == {"A real control plane", "Definitions, users, webhooks", "Trouble"}
