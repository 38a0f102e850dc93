"""Makes sure that a package with descriptions is the one without them, and docstrings.

python release/documented.py PLAIN DOCUMENTED

Both are folders that the generator wrote. Exits 1 with a diff where anything but docstrings differs, and where the
second has no more of them than the first.
"""

from __future__ import annotations

import ast
import difflib
import sys
from pathlib import Path

__all__ = ["compare", "count_docstrings", "without_docstrings"]


def compare(plain: Path, documented: Path) -> list[str]:
    """The differences that are none of documentation: lines of a diff, or the names of files that one side lacks."""
    names = {path: _files(path) for path in (plain, documented)}
    found = [f"only in {plain}: {name}" for name in sorted(names[plain] - names[documented])]
    found += [f"only in {documented}: {name}" for name in sorted(names[documented] - names[plain])]
    for name in sorted(names[plain] & names[documented]):
        before, after = (_essence(folder / name) for folder in (plain, documented))
        if before != after:
            found += difflib.unified_diff(
                before.splitlines(), after.splitlines(), f"plain/{name}", f"documented/{name}", lineterm=""
            )
    return found


def without_docstrings(source: str) -> str:
    """The module's source as its syntax tree tells it, without any docstring, those of attributes included."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            kept = [each for each in node.body if not _is_docstring(each) and not isinstance(each, ast.Pass)]
            node.body = kept or [ast.Pass()]
    return ast.unparse(tree)


def count_docstrings(folder: Path) -> int:
    """How many docstrings a package has."""
    return sum(_is_docstring(node) for name in _files(folder) if name.endswith(".py") for node in _nodes(folder / name))


def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _essence(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    first, _, _ = text.partition("\n")  # a comment, which no syntax tree has
    return f"{first}\n{without_docstrings(text)}"


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def main(arguments: list[str]) -> int:
    """Runs the comparison.

    Returns:
        The exit status.
    """
    plain, documented = map(Path, arguments)
    found = compare(plain, documented)
    if found:
        sys.stderr.write("\n".join([*found, f"{documented} is more than {plain} with documentation\n"]))
        return 1
    before, after = count_docstrings(plain), count_docstrings(documented)
    if after <= before:
        sys.stderr.write(
            f"{documented} has {after} docstrings, no more than {plain}: the server's descriptions are gone\n"
        )
        return 1
    sys.stdout.write(f"{documented.name}: the plain package with {after - before} docstrings more\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
