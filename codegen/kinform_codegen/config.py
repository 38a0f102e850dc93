"""Settings from a project's ``pyproject.toml``: ``[tool.kinform]``, or ``[[tool.kinform]]`` for several packages."""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING, Final, TypeVar, cast

from kinform_codegen.errors import SettingsError
from kinform_codegen.fetch import is_url
from kinform_codegen.settings import (
    MODEL_KINDS,
    ModelKind,
    PackageOptions,
    Selection,
    Settings,
    Sources,
    check_license,
    check_package_name,
    check_sources,
    check_version,
    duplicates,
)
from kinform_codegen.spec.bundled import bundled_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["KEYS", "find_config", "read_config"]

KEYS: Final = (
    "openapi",
    "crds",
    "cluster",
    "context",
    "groups",
    "include",
    "exclude",
    "output",
    "package",
    "version",
    "license",
    "models",
    "standalone",
)
"""What a table may hold; each is the flag of that name."""

T = TypeVar("T")


def find_config(folder: Path) -> Path | None:
    """The nearest ``pyproject.toml`` with a ``[tool.kinform]``, in a folder or above it.

    Raises:
        SettingsError: A ``pyproject.toml`` on the way cannot be read.
    """
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if path.is_file() and "kinform" in _tools(path):
            return path
    return None


def read_config(path: Path) -> list[Settings]:
    """The packages that a file asks for, in its order. Paths in it count from its folder.

    Raises:
        SettingsError: It cannot be read, has no ``[tool.kinform]``, or that holds what it may not; the message has the
            file, the table and the key.
    """
    tools = _tools(path)
    if "kinform" not in tools:
        raise SettingsError(f"{path} has no [tool.kinform]", mend="add one, or name another file with --config")
    tables = tools["kinform"]
    several = isinstance(tables, list)
    read: list[Settings] = []
    for number, table in enumerate(tables if isinstance(tables, list) else [tables], 1):
        where = f"{path}: [[tool.kinform]] number {number}" if several else f"{path}: [tool.kinform]"
        read.append(_Table(table, where, path.parent).settings())
    if not read:
        raise SettingsError(f"{path}: tool.kinform is empty", mend="say where to generate from: crds, openapi, cluster")
    for output in duplicates([str(each.output.resolve()) for each in read]):
        raise SettingsError(
            f"{path}: two packages have the output {output}", mend="give each a folder of its own with output ="
        )
    return read


def _tools(path: Path) -> dict[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror or error}", mend="give the path of a pyproject.toml"
        ) from error
    except ValueError as error:
        raise SettingsError(f"{path} is not TOML: {error}", mend="mend the file at that line") from error
    tools = document.get("tool")
    return tools if isinstance(tools, dict) else {}


class _Table:
    """Reads one table."""

    def __init__(self, table: object, where: str, folder: Path) -> None:
        self._where = where
        self._folder = folder
        if not isinstance(table, dict):
            raise self._error("is no table", mend="write the keys below [tool.kinform]")
        self._table = cast("dict[str, object]", table)
        for key in self._table:
            if key not in KEYS:
                near = difflib.get_close_matches(key, KEYS, n=1)
                mend = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(KEYS)}"
                raise self._error(f"has the unknown key {key!r}", mend=mend)

    def settings(self) -> Settings:
        openapi = self._text("openapi")
        sources = Sources(
            openapi=self._location(openapi) if openapi is not None else None,
            crds=tuple(self._place(each) for each in self._texts("crds")),
            cluster=self._flag("cluster"),
            context=self._text("context"),
        )
        if not sources:
            raise self._error("does not say what to generate from", mend="add crds, openapi or cluster = true")
        output = self._text("output")
        models = self._text("models") or "pydantic"
        if models not in MODEL_KINDS:
            raise self._error(f"has models = {models!r}", mend=f"take one of {', '.join(MODEL_KINDS)}")
        return Settings(
            sources=self._checked(check_sources, sources),
            options=PackageOptions(
                package=self._checked_text(check_package_name, "package"),
                version=self._checked_text(check_version, "version"),
                license=self._checked_text(check_license, "license"),
                models=cast("ModelKind", models),
                standalone=self._flag("standalone"),
                selection=Selection(self._texts("groups"), self._texts("include"), self._texts("exclude")),
            ),
            output=self._folder / (output if output is not None else "generated"),
        )

    def _location(self, text: str) -> str:
        """A bundled spec's name or a URL as it is; everything else is a file beside the configuration."""
        place = self._folder / text
        return text if is_url(text) or (bundled_spec(text) is not None and not place.exists()) else str(place)

    def _place(self, text: str) -> str:
        if text == "-":
            raise self._error("has '-' among its crds", mend="name files; --crd - reads standard input")
        return text if is_url(text) else str(self._folder / text)

    def _text(self, key: str) -> str | None:
        value = self._table.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self._error(f"has {key} = {value!r}", mend=f'write {key} = "…"')
        return value

    def _texts(self, key: str) -> tuple[str, ...]:
        value = self._table.get(key, [])
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(each, str) and each for each in listed):
            raise self._error(f"has {key} = {value!r}", mend=f'write {key} = ["…", "…"]')
        return tuple(cast("list[str]", listed))

    def _flag(self, key: str) -> bool:
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            raise self._error(f"has {key} = {value!r}", mend=f"write {key} = true, or leave it out")
        return value

    def _checked_text(self, check: Callable[[str], str], key: str) -> str | None:
        text = self._text(key)
        return None if text is None else self._checked(check, text)

    def _checked(self, check: Callable[[T], T], value: T) -> T:
        """A value that passes a check; what that says is told with the table's place."""
        try:
            return check(value)
        except SettingsError as error:
            raise error.within(self._where) from None

    def _error(self, problem: str, *, mend: str) -> SettingsError:
        return SettingsError(f"{self._where} {problem}", mend=mend)
