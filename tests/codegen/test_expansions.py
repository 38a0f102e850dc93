from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kinform_codegen import cli

LISTER = """\
from kinform.lister import NamespacedLister, NamespaceLister

from kinform_k8s.models.core.v1 import Pod


class PodListerExpansion(NamespacedLister[Pod]):
    def on_node(self, node: str) -> list[Pod]:
        return [pod for pod in self.list() if pod.spec.node_name == node]


class PodNamespaceListerExpansion(NamespaceLister[Pod]):
    def names(self) -> list[str]:
        return sorted(key.name for key in self.keys())
"""

INFORMER = """\
class PodInformerExpansion:
    def hello(self) -> str:
        return "hello"
"""


def generate(small_path: Path, output: Path, *more: str) -> int:
    return cli.main(["--openapi", str(small_path), "--output", str(output), *more])


@pytest.fixture
def package(small_path: Path, tmp_path: Path) -> Path:
    assert generate(small_path, tmp_path / "out") == 0
    return tmp_path / "out" / "kinform_k8s"


@pytest.fixture
def expanded(package: Path, small_path: Path) -> Path:
    (package / "listers" / "core" / "v1" / "pod_expansion.py").write_text(LISTER)
    (package / "informers" / "core" / "v1" / "pod_expansion.py").write_text(INFORMER)
    assert generate(small_path, package.parent) == 0
    return package


def test_generated_classes_derive_from_them_and_nobody_writes_over_them(
    expanded: Path, small_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (expanded / "listers" / "core" / "v1" / "pod.py").read_text()
    assert "class PodLister(PodListerExpansion, NamespacedLister[Pod]):" in text
    assert "class PodNamespaceLister(PodNamespaceListerExpansion, NamespaceLister[Pod]):" in text
    text = (expanded / "informers" / "core" / "v1" / "pod.py").read_text()
    assert "class PodInformer(PodInformerExpansion, ResourceInformer[Pod]):" in text
    assert (expanded / "listers" / "core" / "v1" / "pod_expansion.py").read_text() == LISTER
    assert generate(small_path, expanded.parent, "--check") == 0
    assert capsys.readouterr().err == ""


def test_without_its_file_the_class_is_as_it_was(expanded: Path, small_path: Path) -> None:
    (expanded / "listers" / "core" / "v1" / "pod_expansion.py").unlink()
    assert generate(small_path, expanded.parent, "--check") == 1
    assert generate(small_path, expanded.parent) == 0
    assert "Expansion" not in (expanded / "listers" / "core" / "v1" / "pod.py").read_text()


def test_they_work_and_type_check(expanded: Path, repository: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from kinform_k8s.informers.core.v1.pod import PodInformer\n"
        "from kinform_k8s.listers.core.v1.pod import PodLister\n"
        "from kinform_k8s.models.core.v1 import Pod\n\n\n"
        "def look(lister: PodLister, informer: PodInformer) -> tuple[list[Pod], list[str], str]:\n"
        '    return lister.on_node("n1"), lister.pods("a").names(), informer.hello()\n'
    )
    environment = {"PYTHONPATH": str(expanded.parent), "MYPYPATH": f"{repository}/runtime:{expanded.parent}"}
    subprocess.run([sys.executable, str(program)], env=environment, check=True, timeout=60)
    subprocess.run(
        ["mypy", "--config-file", repository / "tests/typing/mypy.ini", "--cache-dir", tmp_path / "cache", program],
        executable=Path(sys.executable).with_name("mypy"),
        env=environment,
        check=True,
        timeout=110,
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pod_expansion.py", "class PodExpansion: ...", "class PodExpansion is not called after a class of pod.py"),
        ("pod_expansion.py", "x = 1", "no class in it is called after"),
        ("gone_expansion.py", "class GoneListerExpansion: ...", "there is no gone.py beside it"),
    ],
)
def test_what_fits_nothing_is_told(  # noqa: PLR0917  (fixtures)
    package: Path, small_path: Path, name: str, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = package / "listers" / "core" / "v1" / name
    place.write_text(text)
    assert generate(small_path, package.parent) == 0
    error = capsys.readouterr().err
    assert f"note: {place} is not used: " in error
    assert said in error


def test_a_helper_class_beside_an_expansion_is_nobody_s_business(
    expanded: Path, small_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = expanded / "informers" / "core" / "v1" / "pod_expansion.py"
    place.write_text(f"class Helper: ...\n\n\n{INFORMER}")
    assert generate(small_path, expanded.parent) == 0
    assert capsys.readouterr().err == ""


def test_one_that_does_not_parse_leaves_everything(
    expanded: Path, small_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = expanded / "listers" / "core" / "v1" / "pod_expansion.py"
    place.write_text("class PodListerExpansion(\n")
    before = (expanded / "listers" / "core" / "v1" / "pod.py").read_text()
    assert generate(small_path, expanded.parent) == 2
    error = capsys.readouterr().err
    assert f"{place} does not parse: " in error
    assert "mend:" in error
    assert (expanded / "listers" / "core" / "v1" / "pod.py").read_text() == before


def test_it_is_read_and_never_run(package: Path, small_path: Path) -> None:
    place = package / "listers" / "core" / "v1" / "pod_expansion.py"
    place.write_text("raise SystemExit(3)\n\n\nclass PodListerExpansion: ...\n")
    assert generate(small_path, package.parent) == 0


def test_a_moved_package_keeps_them(expanded: Path, small_path: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(expanded.parent, moved)
    assert generate(small_path, moved, "--check") == 0
