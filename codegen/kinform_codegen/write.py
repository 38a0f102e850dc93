"""Writes the generated tree: all of it or nothing, stale files out, hand-written files left alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kinform_codegen.errors import OutputError
from kinform_codegen.marks import MARK_LENGTH, is_generated

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Changes", "apply_changes", "find_changes"]

_PROJECT = "pyproject.toml"
_STAGING = ".kinform-staging-"

_MEND = "give a folder that you may write to with --output (output =), or make way there"
_OWNERS = frozenset({"LICENSE"})
"""Files that are written where there are none, and are their owner's from then on."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run would do to the output folder; paths are relative to it, sorted.

    Attributes:
        created: Files that are not there yet.
        changed: Generated files whose content differs.
        removed: Files of an earlier run that nothing is generated for any more.
    """

    created: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.removed)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Each change as verb and path."""
        yield from (("create", path) for path in self.created)
        yield from (("change", path) for path in self.changed)
        yield from (("remove", path) for path in self.removed)


def find_changes(output: Path, files: Mapping[str, bytes], *, package: str) -> Changes:
    """Compares the output folder with what was generated.

    Args:
        output: The folder; it need not exist.
        files: What was generated, by path in the folder.
        package: The package in it that is searched for stale files.

    Raises:
        OutputError: A hand-written file stands where a generated one goes, the folder holds another generated package,
            or it cannot be read.
    """
    created, changed, hand_written = [], [], []
    _check_project(output, package)
    try:
        for path, content in files.items():
            place = output / path
            if not place.exists():
                created.append(path)
                continue
            present = place.read_bytes()
            if present == content or path in _OWNERS:
                continue
            changed.append(path)
            if present.strip() and not is_generated(present):
                hand_written.append(path)
        removed = [path for path in _generated_files(output, package) if path not in files]
    except OSError as error:
        raise OutputError(f"{output} cannot be read: {error}\n  mend: {_MEND}") from error
    if hand_written:
        names = ", ".join(str(output / path) for path in sorted(hand_written))
        raise OutputError(
            f"{names}: would be overwritten, but was not made by kinform-codegen (its first line does not say so)\n"
            "  mend: move it away, or give another --output"
        )
    return Changes(tuple(sorted(created)), tuple(sorted(changed)), tuple(sorted(removed)))


def _check_project(output: Path, package: str) -> None:
    """Two packages in one folder would fight over its pyproject.toml, and neither would be up to date."""
    try:
        content = (output / _PROJECT).read_bytes()
        other = tomllib.loads(content.decode())["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"][0]
    except (OSError, ValueError, LookupError, TypeError):
        return  # none there, or not ours: then it is spared as every hand-written file is
    if is_generated(content) and other != package and (output / other).is_dir():
        raise OutputError(
            f"{output} holds the generated package {other!r} already, and {package!r} would take its place\n"
            f"  mend: give another --output, or --package {other}; or take the old one away first: rm -r {output}"
        )


def apply_changes(output: Path, files: Mapping[str, bytes], changes: Changes) -> None:
    """Writes what has changed.

    Everything is written aside first and then swapped in file by file; if anything fails, what was there comes back.
    Where nothing would change, nothing is touched.

    Raises:
        OutputError: It could not be written; the folder is as it was.
    """
    if not changes:
        return
    with contextlib.ExitStack() as undo:
        try:
            _make_folder(output, undo)
            with _alone_in(output):
                _write(output, files, changes)
        except OSError as error:
            raise OutputError(f"{output} cannot be written, it is as it was: {error}\n  mend: {_MEND}") from error
        undo.pop_all()
    _remove_empty_folders(output, changes.removed)


@contextlib.contextmanager
def _alone_in(output: Path) -> Iterator[None]:
    """Waits for other runs on the same folder to end, and clears away what one that was killed has left."""
    if sys.platform == "win32":  # it has no such locks
        yield
        return
    folder = os.open(output, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        for leftover in output.glob(f"{_STAGING}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        os.close(folder)


def _write(output: Path, files: Mapping[str, bytes], changes: Changes) -> None:
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=output))
    try:
        for path in (*changes.created, *changes.changed):
            staged = staging / "new" / path
            staged.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(files[path])
        _swap(output, staging, changes)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _make_folder(folder: Path, undo: contextlib.ExitStack) -> None:
    """Makes a folder and those above it, to be taken away again if the run fails."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        _make_folder(folder.parent, undo)
    folder.mkdir(exist_ok=True)
    undo.callback(_remove_if_empty, folder)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _swap(output: Path, staging: Path, changes: Changes) -> None:
    with contextlib.ExitStack() as undo:
        for path in (*changes.changed, *changes.removed):
            _keep(output / path, staging / "old" / path)
            undo.callback(os.replace, staging / "old" / path, output / path)
        created = frozenset(changes.created)
        for path in (*changes.created, *changes.changed):
            place = output / path
            _make_folder(place.parent, undo)
            if path in created:
                undo.callback(place.unlink, missing_ok=True)
            (staging / "new" / path).replace(place)
        for path in changes.removed:
            (output / path).unlink()
        undo.pop_all()


def _keep(place: Path, kept: Path) -> None:
    """Keeps a file's content under a second name, without taking the first away."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        kept.hardlink_to(place)
    except OSError:
        shutil.copy2(place, kept)


def _generated_files(output: Path, package: str) -> Iterator[str]:
    """The files in the package that this generator made."""
    for folder, subfolders, names in os.walk(output / package):
        subfolders[:] = [name for name in subfolders if name != "__pycache__"]
        for name in names:
            place = Path(folder, name)
            if place.suffix == ".py":
                with place.open("rb") as file:
                    if is_generated(file.read(MARK_LENGTH)):
                        yield place.relative_to(output).as_posix()


def _remove_empty_folders(output: Path, removed: tuple[str, ...]) -> None:
    """Takes away the folders that lost their last file; compiled leftovers do not keep one alive."""
    for path in removed:
        for folder in (output / path).parents:
            if (
                folder == output
                or not folder.is_dir()
                or any(entry.name != "__pycache__" for entry in folder.iterdir())
            ):
                break
            shutil.rmtree(folder, ignore_errors=True)
