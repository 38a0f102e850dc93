from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from release.versions import Versions, main, problems

from kinform_codegen.revision import OUTPUT_REVISION

REPOSITORY = Path(__file__).resolve().parents[2]
FITTING = Versions(
    runtime="0.1.3",
    codegen="0.1.3",
    codegen_needs="kinform==0.1.3",
    generated=f"1.30.{OUTPUT_REVISION}",
    generated_needs="kinform<0.2,>=0.1",
    changelog=("0.1.3", "0.1.2"),
)


def test_those_of_this_checkout_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert f"kinform-k8s 1.30.{OUTPUT_REVISION}, 1.37.{OUTPUT_REVISION}" in capsys.readouterr().out


def test_what_fits() -> None:
    assert problems(FITTING) == []
    assert problems(FITTING, "v0.1.3") == []
    one = replace(
        FITTING, runtime="1.4.0", codegen="1.4.0", codegen_needs="kinform==1.4.0", generated_needs="kinform>=1.2,<2"
    )
    assert problems(one) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"codegen": "0.1.2"}, "released together"),
        ({"codegen_needs": "kinform>=0.1"}, "not kinform==0.1.3"),
        ({"codegen_needs": "nothing"}, "not kinform==0.1.3"),
        ({"generated": f"1.30.{OUTPUT_REVISION + 1}"}, "OUTPUT_REVISION gives"),
        ({"generated_needs": "kinform>=0.1.4,<0.2"}, "which kinform 0.1.3 is not"),
        ({"generated_needs": "kinform>=0.1,<0.1.9"}, "shuts out fixes"),
        ({"generated_needs": "kinform>=0.1"}, "lets in kinform 0.2.0"),
    ],
)
def test_what_does_not(change: dict[str, str], why: str) -> None:
    (problem,) = problems(replace(FITTING, **change))  # type: ignore[arg-type]  # they are texts, all
    assert why in problem


def test_a_tag_is_the_version_and_has_its_changes_told() -> None:
    assert len(problems(FITTING, "v0.1.2")) == 1
    assert len(problems(FITTING, "0.1.3")) == 1
    assert "no heading for 0.1.3" in problems(replace(FITTING, changelog=("0.1.2",)), "v0.1.3")[0]


def test_the_page_on_releases_states_them() -> None:
    page = (REPOSITORY / "docs/releasing.md").read_text()
    versions = Versions.read()
    assert f"`OUTPUT_REVISION` in `codegen/kinform_codegen/revision.py`, now {OUTPUT_REVISION}," in page
    for version in versions.kubernetes:
        assert f"`{version}`" in page
    assert f"`{versions.codegen_needs}`" in page
    assert f"`{versions.generated_needs}`" in page
    minor = versions.runtime.rpartition(".")[0]
    assert f"| {minor} | {minor}.x | {minor}.x | {', '.join(versions.kubernetes)} |" in page


def test_every_distribution_says_whose_it_is() -> None:
    for name in ("runtime", "codegen", "generated"):
        project = tomllib.loads((REPOSITORY / name / "pyproject.toml").read_text())["project"]
        assert project["license"] == "Apache-2.0"
        assert project["authors"] == [{"name": "kinform contributors"}]
        assert project["requires-python"] == ">=3.11"
        assert {"Typing :: Typed"} <= set(project["classifiers"])
        assert not [each for each in project["classifiers"] if each.startswith("License ::")]
        assert (REPOSITORY / name / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
        assert (REPOSITORY / name / project["readme"]).is_file()


def test_no_address_of_a_registry_is_kept() -> None:
    lock = (REPOSITORY / "requirements.lock").read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links", lock)
