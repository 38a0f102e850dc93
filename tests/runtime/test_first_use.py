"""msgspec learns of a class when it is first used; two threads that do so at once end the process."""

from __future__ import annotations

import ast
from pathlib import Path

import kinform

_ROOT = Path(kinform.__file__).parent


def _learning(source: str) -> list[int]:
    """Lines on which a function has msgspec decode into a class by its name, which may be the first time."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in {"msgspec.json.decode", "msgspec.json.Decoder"}:
                types = [each.value for each in call.keywords if each.arg == "type"]
                types += call.args[0:1] if ast.unparse(call.func).endswith("Decoder") else []
                found += [call.lineno for each in types if ast.unparse(each).lstrip("_")[:1].isupper()]
    return found


def test_classes_are_learned_of_where_one_thread_runs() -> None:
    found = {str(path.relative_to(_ROOT)): _learning(path.read_text(encoding="utf-8")) for path in _ROOT.rglob("*.py")}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_what_it_looks_for() -> None:
    source = "def f(x):\n    return msgspec.json.decode(x, type=_Object), msgspec.json.Decoder(_Object)\n"
    assert _learning(source) == [2, 2]
    assert _learning("decode = msgspec.json.Decoder(_Object).decode\n") == []
