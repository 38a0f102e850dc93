"""Formats the whole generated tree with one call of ruff."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ruff import find_ruff_bin  # type: ignore[import-untyped]  # one function, which ruff documents

from kinform_codegen.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["format_tree"]

# Whatever ruff.toml lies about must not change what is generated.
_ARGUMENTS = ("format", "--isolated", "--no-cache", "--line-length=120", "--target-version=py311")


def format_tree(files: Mapping[str, str]) -> dict[str, bytes]:
    """The files, Python formatted, as bytes to write.

    Raises:
        OutputError: ruff is missing, a file does not parse, or the folder for temporary files cannot be written.
    """
    try:
        return _format(files)
    except OSError as error:
        raise OutputError(
            f"the generated code cannot be formatted: {error}\n  mend: see to {tempfile.gettempdir()}"
        ) from error


def _format(files: Mapping[str, str]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="kinform-codegen-") as folder:
        root = Path(folder)
        for path, text in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())
        try:
            done = subprocess.run(  # noqa: S603
                [find_ruff_bin(), *_ARGUMENTS, "."], cwd=root, capture_output=True, text=True, check=False
            )
        except FileNotFoundError as error:
            raise OutputError(f"ruff, which formats the output, is missing: {error}") from error
        if done.returncode != 0:
            raise OutputError(f"the generated code does not parse; please report this:\n{done.stderr.strip()}")
        return {path: (root / path).read_bytes() for path in files}
