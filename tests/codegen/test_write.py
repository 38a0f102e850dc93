from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import pytest

from kinform_codegen.errors import OutputError
from kinform_codegen.marks import GENERATED_BY
from kinform_codegen.write import Changes, apply_changes, find_changes

MARK = f"# {GENERATED_BY} from X.\n".encode()


def tree(output: Path) -> dict[str, bytes]:
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def run(output: Path, files: dict[str, bytes]) -> Changes:
    changes = find_changes(output, files, package="pkg")
    apply_changes(output, files, changes)
    return changes


@pytest.fixture
def files() -> dict[str, bytes]:
    return {"pyproject.toml": MARK, "pkg/__init__.py": MARK, "pkg/a/one.py": MARK + b"1\n", "pkg/py.typed": b""}


def test_a_first_run_writes_all(tmp_path: Path, files: dict[str, bytes]) -> None:
    output = tmp_path / "deep" / "generated"
    changes = run(output, files)
    assert tree(output) == files
    assert changes == Changes(tuple(sorted(files)), (), ())


def test_a_second_run_touches_nothing(tmp_path: Path, files: dict[str, bytes]) -> None:
    run(tmp_path, files)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert not run(tmp_path, files)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_only_what_differs_is_written(tmp_path: Path, files: dict[str, bytes]) -> None:
    run(tmp_path, files)
    files["pkg/a/one.py"] = MARK + b"2\n"
    files["pkg/b/two.py"] = MARK
    assert list(run(tmp_path, files)) == [("create", "pkg/b/two.py"), ("change", "pkg/a/one.py")]
    assert tree(tmp_path) == files


def test_stale_files_go_and_their_empty_folders_too(tmp_path: Path, files: dict[str, bytes]) -> None:
    run(tmp_path, files)
    cache = tmp_path / "pkg" / "a" / "__pycache__"
    cache.mkdir()
    (cache / "one.cpython-311.pyc").write_bytes(b"")
    del files["pkg/a/one.py"]
    assert run(tmp_path, files).removed == ("pkg/a/one.py",)
    assert tree(tmp_path) == files
    assert not (tmp_path / "pkg" / "a").exists()


def test_hand_written_files_stay(tmp_path: Path, files: dict[str, bytes]) -> None:
    run(tmp_path, files)
    mine = {"pkg/a/mine.py": b"# mine\n", "LICENSE": b"text", "pkg/data.json": b"{}"}
    for path, content in mine.items():
        (tmp_path / path).write_bytes(content)
    del files["pkg/a/one.py"]
    run(tmp_path, files)
    assert tree(tmp_path) == {**files, **mine}


def test_a_hand_written_file_is_not_overwritten(tmp_path: Path, files: dict[str, bytes]) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b'[project]\nname = "mine"\n')
    with pytest.raises(OutputError, match=r"pyproject\.toml: would be overwritten.*\n.*mend: move it away"):
        find_changes(tmp_path, files, package="pkg")


def test_an_empty_file_holds_nothing_to_lose(tmp_path: Path, files: dict[str, bytes]) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_bytes(b"\n")
    assert find_changes(tmp_path, files, package="pkg").changed == ("pkg/__init__.py",)


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_a_failed_run_leaves_the_old_tree(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    run(tmp_path, files)
    before = tree(tmp_path)
    new = {**files, "pkg/a/one.py": MARK + b"2\n", "pkg/b/two.py": MARK, "pyproject.toml": MARK + b"2\n"}
    del new["pkg/py.typed"]
    del new["pkg/__init__.py"]
    changes = find_changes(tmp_path, new, package="pkg")
    assert changes.removed == ("pkg/__init__.py",)
    replaced = 0
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal replaced
        if replaced == fails_at:
            raise OSError(28, "No space left on device")
        replaced += 1
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OutputError, match=r"as it was: .*No space left"):
        apply_changes(tmp_path, new, changes)
    assert tree(tmp_path) == before


def test_a_failed_removal_brings_everything_back(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, files)
    before = tree(tmp_path)
    new = {**files, "pyproject.toml": MARK + b"2\n"}
    del new["pkg/a/one.py"]
    changes = find_changes(tmp_path, new, package="pkg")

    def unlink(self: Path, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(OutputError, match="Read-only"):
        apply_changes(tmp_path, new, changes)
    monkeypatch.undo()
    assert tree(tmp_path) == before


def test_where_hard_links_are_not_to_be_had_files_are_copied(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, files)

    def hardlink_to(self: Path, target: Path) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", hardlink_to)
    files["pyproject.toml"] = MARK + b"2\n"
    run(tmp_path, files)
    assert tree(tmp_path) == files


def test_an_output_that_is_a_file(tmp_path: Path, files: dict[str, bytes]) -> None:
    output = tmp_path / "generated"
    output.write_text("")
    with pytest.raises(OutputError, match="generated cannot be"):
        run(output, files)
    assert output.read_text() == ""


def test_the_mark_is_looked_for_in_the_first_line_only(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "mine.py").write_bytes(b"# mine\n" + MARK)
    assert not find_changes(tmp_path, {}, package="pkg").removed


def test_a_failed_run_leaves_no_new_folders(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target.name == "pyproject.toml":
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    new = {"a/b/c.py": MARK, "pyproject.toml": MARK}
    output = tmp_path / "some" / "where"
    with pytest.raises(OutputError, match="No space left"):
        apply_changes(output, new, find_changes(output, new, package="a"))
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_goes_with_the_next(tmp_path: Path, files: dict[str, bytes]) -> None:
    leftover = tmp_path / ".kinform-staging-x" / "new"
    leftover.mkdir(parents=True)
    (leftover / "a.py").write_text("")
    run(tmp_path, files)
    assert not leftover.parent.exists()
    assert tree(tmp_path) == files


def test_two_runs_on_one_folder_take_turns(tmp_path: Path, files: dict[str, bytes]) -> None:
    fcntl = pytest.importorskip("fcntl")
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    other = threading.Thread(target=run, args=(tmp_path, files), daemon=True)
    other.start()
    other.join(0.2)
    assert other.is_alive()
    assert tree(tmp_path) == {}
    os.close(folder)
    other.join(30)
    assert tree(tmp_path) == files


def test_where_nothing_changes_nothing_is_touched(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a read-only checkout can be generated into, if it is up to date."""
    run(tmp_path, files)
    monkeypatch.setattr(tempfile, "mkdtemp", None)
    run(tmp_path, files)


def test_a_licence_is_written_once_and_its_owners_from_then_on(tmp_path: Path, files: dict[str, bytes]) -> None:
    files["LICENSE"] = b"ours\n"
    assert "LICENSE" in run(tmp_path, files).created
    (tmp_path / "LICENSE").write_bytes(b"theirs\n")
    assert not run(tmp_path, files)
    assert (tmp_path / "LICENSE").read_bytes() == b"theirs\n"
