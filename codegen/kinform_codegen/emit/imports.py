"""Local names of a generated module: which classes it imports, under which names, so that no two clash."""

from __future__ import annotations

from collections import defaultdict

__all__ = ["LocalNames"]


class LocalNames:
    """The names of one generated module.

    What the module defines itself has first call on a name; what is imported comes after, first come first served, and
    takes a leading underscore where its name is gone: a kind may be called ``Cluster`` or ``Transport``.
    """

    def __init__(self, package: str, *defined: str) -> None:
        self._package = package
        self._taken: dict[str, tuple[str, str]] = {name: ("", name) for name in defined}
        self._imports: dict[tuple[str, str], str] = {}
        self._typing_only: set[tuple[str, str]] = set()

    def use(self, module: str, name: str, *, typing_only: bool = False) -> str:
        """The local name of a class or constant of another module; the same each time.

        Args:
            module: Its module's full name.
            name: Its name there.
            typing_only: It stands in annotations alone; one use elsewhere makes it a plain import.
        """
        key = (module, name)
        local = self._imports.get(key)
        if local is None:
            local = name
            while self._taken.setdefault(local, key) != key:
                local = f"_{local}"
            self._imports[key] = local
            if typing_only:
                self._typing_only.add(key)
        elif not typing_only:
            self._typing_only.discard(key)
        return local

    def is_imported(self, module: str, name: str) -> bool:
        """Whether it is there at run time."""
        return (module, name) in self._imports and (module, name) not in self._typing_only

    def plain_imports(self) -> str:
        """The import lines of what is used at run time."""
        return self._text([key for key in self._imports if key not in self._typing_only], "")

    def typing_imports(self) -> str:
        """The import lines of what stands in annotations alone, indented to stand under ``if TYPE_CHECKING:``."""
        return self._text([key for key in self._imports if key in self._typing_only], "    ")

    def import_line(self, module: str, name: str) -> str:
        """The line that imports one of them inside a function, under its local name."""
        return self._text([(module, name)], "")

    def _text(self, keys: list[tuple[str, str]], indent: str) -> str:
        """Import lines, sorted; standard library, other packages and the own package stand apart."""
        by_module: dict[str, list[str]] = defaultdict(list)
        for module, name in keys:
            local = self._imports[module, name]
            by_module[module].append(name if local == name else f"{name} as {local}")
        blocks: dict[int, list[str]] = defaultdict(list)
        for module in sorted(by_module):
            own = module.partition(".")[0] == self._package
            block = 2 if own else int(module != "typing")
            # As isort has it: CONSTANTS before Classes.
            names = sorted(by_module[module], key=lambda name: (not name.isupper(), name))
            blocks[block].append(f"{indent}from {module} import {', '.join(names)}\n")
        return "\n".join("".join(blocks[block]) for block in sorted(blocks))
