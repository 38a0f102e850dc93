from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kinform_codegen import formatting
from kinform_codegen.errors import OutputError
from kinform_codegen.formatting import format_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_python_is_formatted_and_the_rest_is_not() -> None:
    files = {"a/b.py": "x = {'a':1}\n", "README.md": "# ü  x\n", "py.typed": ""}
    assert format_tree(files) == {"a/b.py": b'x = {"a": 1}\n', "README.md": "# ü  x\n".encode(), "py.typed": b""}


def test_settings_that_lie_about_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 20\n[format]\nquote-style = 'single'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    line = 'name = "' + "x" * 100 + '"\n'
    assert format_tree({"a.py": line})["a.py"] == line.encode()


def test_code_that_does_not_parse_is_named() -> None:
    with pytest.raises(OutputError, match=r"a/b\.py:1:7"):
        format_tree({"a/b.py": "class ]\n"})


def test_a_missing_ruff(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> str:
        raise FileNotFoundError("/nowhere/ruff")

    monkeypatch.setattr(formatting, "find_ruff_bin", nowhere)
    with pytest.raises(OutputError, match="ruff, which formats the output, is missing"):
        format_tree({"a.py": ""})


def test_temporary_files_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    with pytest.raises(OutputError, match="No space left"):
        format_tree({"a.py": ""})
