"""Where CustomResourceDefinitions come from: files, folders, URLs, standard input."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from kinform_codegen.crd.text import Text, decode_text
from kinform_codegen.errors import SpecError
from kinform_codegen.fetch import LARGEST, fetch, is_url

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STANDARD_INPUT", "read_location"]

STANDARD_INPUT: Final = "-"

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})

_ACCEPT: Final = "application/yaml, application/json;q=0.9, text/plain;q=0.8, */*;q=0.1"
_RAW: Final = "check the URL; give the address of the raw file, which needs no login"

# A kind is written plainly: a file without the word holds no definition, and need not be read as YAML.
_WORD: Final = b"CustomResourceDefinition"


def read_location(location: str) -> Iterator[Text]:
    """The texts at a location: one, or of a folder all ``.yaml``, ``.yml`` and ``.json`` that may hold definitions.

    Folders are walked in the order of their names; links to folders are not followed. Blocks while it reads.

    Args:
        location: A file, a folder, an ``http(s)`` URL, or ``-`` for standard input.

    Raises:
        SpecError: It cannot be read, is too large, or is no text.
    """
    if location == STANDARD_INPUT:
        name = "standard input"
        yield Text(name, decode_text(_read_standard_input(name), name))
    elif is_url(location):
        yield Text(location, decode_text(fetch(location, accept=_ACCEPT, mend=_RAW), location))
    elif Path(location).is_dir():
        for path in _files(location):
            data = _read_file(path)
            if _WORD in data or _WORD in data.replace(b"\0", b""):  # UTF-16 has a zero byte between letters
                yield Text(path, decode_text(data, path))
    else:
        yield Text(location, decode_text(_read_file(location), location))


def _files(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix.lower() in _SUFFIXES and path.is_file():
                yield str(path)


def _refuse(error: OSError) -> None:
    raise SpecError(str(error.filename), _unreadable(error), mend="check the permissions of the folder") from error


def _read_file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return _read(file, path)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise SpecError(
            path,
            _unreadable(error),
            mend="give a file or a folder of CustomResourceDefinitions, a URL, or - for standard input",
        ) from error


def _read_standard_input(name: str) -> bytes:
    try:
        if sys.stdin is not None:  # as it is where the shell has closed it
            return _read(sys.stdin.buffer, name)
    except OSError as error:
        raise SpecError(name, _unreadable(error), mend="pipe the definitions in") from error
    raise SpecError(name, "is closed", mend="pipe the definitions in")


def _unreadable(error: OSError | ValueError) -> str:
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _read(file: BinaryIO, name: str) -> bytes:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise SpecError(name, f"is larger than {LARGEST // 1024**2} MiB", mend="give the definitions alone, in parts")
    return data
