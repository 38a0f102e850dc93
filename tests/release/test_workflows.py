"""The workflows and hooks that other machines run: their steps are targets that can be run here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
HOOKS = REPOSITORY / ".pre-commit-hooks.yaml"


def workflow(name: str) -> dict[Any, Any]:
    read: dict[Any, Any] = yaml.safe_load((REPOSITORY / ".github/workflows" / name).read_text())
    return read


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", [])]


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def test_there_are_two() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "release.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_shell_step_is_a_make_target(path: Path) -> None:
    commands = [step["run"] for step in steps(path.name) if "run" in step]
    assert commands
    for command in commands:
        assert re.fullmatch(r"make [a-z-]+", command), command
        assert command.removeprefix("make ") in makefile_targets()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_have_a_version_and_those_of_others_a_commit(path: Path) -> None:
    used = [step["uses"] for step in steps(path.name) if "uses" in step]
    assert used
    for action in used:
        owner, version = action.partition("/")[0], action.partition("@")[2]
        assert re.fullmatch(r"v\d+" if owner == "actions" else r"[0-9a-f]{40}", version), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_may_write_and_no_secret_is_used(path: Path) -> None:
    assert workflow(path.name)["permissions"] == {"contents": "read"}
    assert "secrets." not in path.read_text()
    assert "password" not in path.read_text()


def test_only_the_job_that_publishes_proves_who_it_is() -> None:
    jobs = workflow("release.yml")["jobs"]
    assert {name: job["permissions"] for name, job in jobs.items() if "permissions" in job} == {
        "publish": {"id-token": "write"}
    }
    publish = jobs["publish"]
    assert publish["environment"] == "pypi"
    assert publish["if"] == "github.event_name == 'push'"
    # What it uploads was made and checked by the job before it, which waits for CI.
    assert not [step for step in publish["steps"] if "run" in step or "checkout" in step["uses"]]
    assert publish["needs"] == "build"
    assert jobs["build"]["needs"] == "ci"
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"


def test_a_release_starts_with_a_tag_or_by_hand() -> None:
    on = workflow("release.yml")[True]  # YAML 1.1 reads `on` so
    assert on == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}, "workflow_dispatch": None}


def test_the_scripts_behind_the_targets_are_there_and_parse() -> None:
    scripts = [path for path in (REPOSITORY / ".ci").iterdir() if path.is_file()] + [REPOSITORY / "release/build.sh"]
    for path in scripts:
        assert path.stat().st_mode & 0o111, path
        subprocess.run(["bash", "-n", path], check=True)


def test_the_hooks_are_valid_and_install_what_they_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", HOOKS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    hooks = {hook["id"]: hook for hook in yaml.safe_load(HOOKS.read_text())}
    assert set(hooks) == {"kinform-codegen", "kinform-codegen-check"}
    for hook in hooks.values():
        assert hook["additional_dependencies"] == ["./runtime", "./codegen"]
        assert all((REPOSITORY / path / "pyproject.toml").is_file() for path in hook["additional_dependencies"])
        assert hook["pass_filenames"] is False
    assert hooks["kinform-codegen-check"]["entry"] == "kinform-codegen --check"
