"""The index is a folder here: pip takes it for one."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from release import unpublished

if TYPE_CHECKING:
    from pathlib import Path


def write_wheel(
    folder: Path, *, content: str = "x = 1\n", name: str = "kinform_k8s", backend: str = "1", needs: str = ""
) -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.30.0.dist-info"
    metadata = f"Metadata-Version: 2.{backend}\nName: {name}\nVersion: 1.30.0\n{needs}\nAbout it.\n"
    with zipfile.ZipFile(folder / f"{name}-1.30.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/__init__.py", content)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: {backend}\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/RECORD", f"{name}/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    (folder / f"{name}-1.30.0.tar.gz").write_bytes(b"")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    write_wheel(tmp_path / "dist")
    return tmp_path / "dist"


def test_what_is_new_stays(index: Path, dist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not list(index.iterdir())
    assert unpublished.main([str(dist)]) == 0
    assert capsys.readouterr().out == "kinform_k8s 1.30.0: new\n"
    assert len(list(dist.iterdir())) == 2


def test_what_is_out_and_the_same_goes_whatever_built_it(
    index: Path, dist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_wheel(dist, name="kinform")
    write_wheel(index, backend="2")
    assert unpublished.main([str(dist)]) == 0
    assert "kinform_k8s 1.30.0: published already, and the same" in capsys.readouterr().out
    assert sorted(path.name for path in dist.iterdir()) == ["kinform-1.30.0-py3-none-any.whl", "kinform-1.30.0.tar.gz"]


@pytest.mark.parametrize(
    ("changed", "file"),
    [({"content": "x = 2\n"}, "kinform_k8s/__init__.py"), ({"needs": "Requires-Dist: x\n"}, "METADATA")],
)
def test_what_is_out_and_differs_is_an_error(
    index: Path, dist: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], file: str
) -> None:
    write_wheel(index, **changed)
    assert unpublished.main([str(dist)]) == 1
    said = capsys.readouterr().err
    assert file in said
    assert "raise OUTPUT_REVISION" in said
    assert len(list(dist.iterdir())) == 2


def test_a_release_of_nothing_is_an_error(index: Path, dist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_wheel(index)
    assert unpublished.main([str(dist)]) == 1
    assert "nothing new" in capsys.readouterr().err


def test_an_index_that_does_not_answer_is_not_taken_for_an_empty_one(
    dist: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens
    monkeypatch.setenv("PIP_RETRIES", "0")
    assert unpublished.main([str(dist)]) == 1
    assert "cannot tell whether kinform_k8s 1.30.0 is published" in capsys.readouterr().err
    assert len(list(dist.iterdir())) == 2
