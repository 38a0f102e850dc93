"""Hand-written methods for generated listers and informers: found by their names, and never written over.

Beside ``listers/example/v1/widget.py`` a file ``widget_expansion.py`` may hold ``WidgetListerExpansion`` and
``WidgetNamespaceListerExpansion``; beside ``informers/example/v1/widget.py`` one may hold ``WidgetInformerExpansion``.
The generated class then derives from it. (client-go: ``pod_expansion.go`` and ``PodListerExpansion``.)
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from kinform_codegen.errors import OutputError
from kinform_codegen.marks import is_generated

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Expansions"]

_ROOMS: Final = ("informers", "listers")
_SUFFIX: Final = "_expansion"
_CLASS: Final = "Expansion"


class Expansions:
    """The expansions of one package.

    Args:
        classes: The names of the classes in each file, by its module under the package less the suffix
            (``listers.example.v1.widget``).
        paths: Each file as the user knows it.
    """

    def __init__(self, classes: dict[str, frozenset[str]] | None = None, paths: dict[str, Path] | None = None) -> None:
        self._classes = classes or {}
        self._paths = paths or {}
        self._taken: set[tuple[str, str]] = set()
        self._asked: set[str] = set()

    @classmethod
    def find(cls, package: Path) -> Expansions:
        """Looks for them in a package's folder, which need not exist. They are read, never run.

        Raises:
            OutputError: One cannot be read or does not parse.
        """
        classes: dict[str, frozenset[str]] = {}
        paths: dict[str, Path] = {}
        for room in _ROOMS:
            for path in sorted((package / room).glob(f"*/*/*{_SUFFIX}.py")):
                try:
                    content = path.read_bytes()
                    if is_generated(content):  # of a kind that is called so
                        continue
                    tree = ast.parse(content, str(path))
                except OSError as error:
                    raise OutputError(f"{path} cannot be read: {error.strerror or error}") from error
                except (SyntaxError, ValueError) as error:
                    raise OutputError(f"{path} does not parse: {error}\n  mend: make it valid Python") from error
                module = ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(_SUFFIX)
                classes[module] = frozenset(node.name for node in tree.body if isinstance(node, ast.ClassDef))
                paths[module] = path
        return cls(classes, paths)

    def take(self, module: str, cls: str) -> str | None:
        """The expansion of a generated class, or None where there is none.

        Args:
            module: The module of the generated class, under the package: ``listers.example.v1.widget``.
            cls: The generated class: ``WidgetLister``.
        """
        self._asked.add(module)
        name = f"{cls}{_CLASS}"
        if name not in self._classes.get(module, ()):
            return None
        self._taken.add((module, name))
        return name

    def unused(self) -> list[tuple[Path, str]]:
        """The files of which nothing was taken, and the classes that look like expansions and were not; and why."""
        unused: list[tuple[Path, str]] = []
        for module, names in self._classes.items():
            taken = {name for taken_from, name in self._taken if taken_from == module}
            left = sorted(name for name in names - taken if name.endswith(_CLASS))
            if left or not taken:
                beside = self._paths[module].name.replace(_SUFFIX, "")
                if module not in self._asked:
                    why = f"there is no {beside} beside it: its resource is not among those of the package"
                elif left:
                    why = f"class {', '.join(left)} is not called after a class of {beside}"
                else:
                    why = f"no class in it is called after a class of {beside}"
                unused.append((self._paths[module], why))
        return unused
