"""Errors of the generator: each says where, what, and how to mend it; the command line prints no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CodegenError", "OutputError", "SettingsError", "SpecError"]


class CodegenError(Exception):
    """The root of what the generator raises for things that its user can mend."""


class SpecError(CodegenError):
    """The specification cannot be used.

    Attributes:
        source: The file, URL or cluster that was read.
        pointer: Where in it, as a JSON pointer (RFC 6901) in a URI fragment: ``#/components/schemas/io.k8s…``; ``#`` is
            the whole.
        problem: What is wrong there.
        mend: What to do about it.
    """

    def __init__(self, source: str, problem: str, *, mend: str, at: Sequence[str] = ()) -> None:
        self.source = source
        self.pointer: str = json_pointer(at)
        self.problem = problem
        self.mend = mend
        said = f"{source}: {self.pointer}: {problem}"
        super().__init__(f"{printable(said)}\n  mend: {printable(mend)}")


class SettingsError(CodegenError):
    """The flags or the configuration ask for what cannot be.

    Attributes:
        problem: What is wrong.
        mend: What to do about it.
    """

    def __init__(self, problem: str, *, mend: str) -> None:
        self.problem = problem
        self.mend = mend
        super().__init__(f"{problem}\n  mend: {mend}")

    def within(self, where: str) -> SettingsError:
        """The same complaint with the place that it is about."""
        return SettingsError(f"{where}: {self.problem}", mend=self.mend)


class OutputError(CodegenError):
    """The output cannot be written; what stood there before is untouched."""


def printable(text: str) -> str:
    """The text with its control characters written out: what stands in a file must not steer a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def json_pointer(path: Sequence[str]) -> str:
    """The path as a JSON pointer in a URI fragment: ``["paths", "/api/v1/"]`` → ``#/paths/~1api~1v1~1``."""
    return "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
