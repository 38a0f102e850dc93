from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from release import documented

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = '# made\n"""Models."""\n\n\nclass A(Model):\n    x: int = 0\n\n\nclass B(Model):\n    pass\n'
DOCUMENTED = (
    '# made\n"""Models."""\n\n\nclass A(Model):\n    """About A."""\n\n    x: int = 0\n    """About x."""\n\n\n'
    'class B(Model):\n    """About B."""\n'
)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    plain, with_docs = tmp_path / "plain", tmp_path / "documented"
    for folder, text in ((plain, PLAIN), (with_docs, DOCUMENTED)):
        folder.mkdir()
        (folder / "models.py").write_text(text)
        (folder / "pyproject.toml").write_text("[project]\n")
    return plain, with_docs


def test_docstrings_alone_are_no_difference(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert documented.compare(*pair) == []
    assert documented.main([str(path) for path in pair]) == 0
    assert "3 docstrings more" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("x: int = 0", "x: int | None = 0", "+    x: int | None = 0"),
        ("x: int = 0", "x: int = 1", "+    x: int = 1"),
        ("class B", "class C", "+class C(Model):"),
        ("# made", "# by hand", "+# by hand"),
    ],
)
def test_all_else_is(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str], old: str, new: str, line: str
) -> None:
    _, with_docs = pair
    (with_docs / "models.py").write_text(DOCUMENTED.replace(old, new))
    assert documented.main([str(path) for path in pair]) == 1
    assert line in capsys.readouterr().err.splitlines()


def test_so_are_other_files(pair: tuple[Path, Path]) -> None:
    plain, with_docs = pair
    (with_docs / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (plain / "LICENSE").write_text("free")
    found = documented.compare(plain, with_docs)
    assert f"only in {plain}: LICENSE" in found
    assert "+name = 'x'" in found


def test_a_package_without_descriptions_is_not_released(pair: tuple[Path, Path]) -> None:
    plain, _ = pair
    assert documented.main([str(plain), str(plain)]) == 1
