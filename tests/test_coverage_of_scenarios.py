"""No behaviour of ``scenarios.toml`` loses the last test that shows it."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TESTS: Final = Path(__file__).parent
OURS: Final = ("traps", "invariants", "faults")
CLIENT_GO: Final = r"[A-Z]\d{2}[a-z]?"
NOT_ALWAYS_RUN: Final = {"skip", "skipif", "xfail", "real_server", "long"}


def demanded() -> dict[str, str]:
    """IDs, and what they mean."""
    listed = tomllib.loads((TESTS / "scenarios.toml").read_text(encoding="utf-8"))
    others = dict.fromkeys(listed.pop("others")["client-go"], "a row of client-go's tests")
    return {name: text for table in listed.values() for name, text in table.items()} | others


def marks(decorators: Iterable[ast.expr]) -> Iterator[tuple[str, list[ast.expr]]]:
    """The names and arguments of ``@pytest.mark.…``."""
    for decorator in decorators:
        arguments = decorator.args if isinstance(decorator, ast.Call) else []
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(function, ast.Attribute) and ast.unparse(function.value) == "pytest.mark":
            yield function.attr, arguments


def shown(source: str) -> Iterator[str]:
    """The IDs on the tests of a module that run wherever the tests do."""
    tree = ast.parse(source)
    assigned = [node.value for node in tree.body if isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node)]
    if {name for name, _ in marks(assigned)} & NOT_ALWAYS_RUN:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found = list(marks(node.decorator_list))
            if not {name for name, _ in found} & NOT_ALWAYS_RUN:
                yield from (ast.literal_eval(arguments[0]) for name, arguments in found if name == "scenario")


@functools.cache
def all_shown() -> frozenset[str]:
    files = (path for path in TESTS.rglob("test_*.py") if "real" not in path.relative_to(TESTS).parts)
    sources = (path.read_text(encoding="utf-8") for path in files)
    return frozenset(each for source in sources if "scenario(" in source for each in shown(source))


def test_every_behaviour_has_a_test() -> None:
    found = all_shown()
    assert {name: text for name, text in demanded().items() if name not in found} == {}


def test_every_id_is_known_or_a_row_of_client_go() -> None:
    known = demanded()
    assert [name for name in all_shown() if name not in known and not re.fullmatch(CLIENT_GO, name)] == []


def test_every_row_that_the_documentation_names_has_a_test() -> None:
    text = (TESTS.parent / "docs" / "parity.md").read_text(encoding="utf-8")
    lists = re.findall(rf"\(({CLIENT_GO}(?:(?:, |\u2013){CLIENT_GO})*)\)", text)
    named = {name for each in lists for name in re.findall(CLIENT_GO, each)}
    assert len(named) > 20, "the documentation names rows in brackets"
    found = all_shown()
    # R19 stands for R19a, R19b, …
    assert [name for name in sorted(named) if not any(re.fullmatch(f"{name}[a-z]?", each) for each in found)] == []


def test_only_tests_that_run_everywhere_count() -> None:
    source = """
@pytest.mark.scenario("A01")
@pytest.mark.parametrize("n", [1])
@pytest.mark.scenario("A02")
def test_both(n): ...

@pytest.mark.scenario("A03")
def helper(): ...

@pytest.mark.skip
@pytest.mark.scenario("A04")
def test_skipped(): ...

@pytest.mark.scenario("A05")
@pytest.mark.skipif(True, reason="")
def test_skipped_somewhere(): ...
"""
    assert list(shown(source)) == ["A01", "A02"]
    assert list(shown(f"pytestmark = pytest.mark.real_server\n{source}")) == []
