from __future__ import annotations

import ast

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform_codegen.emit.environment import TEMPLATES, docstring_text, template


@given(st.text(alphabet="ab \"'\\\n{}#\u2028\x85", max_size=40))
def test_any_description_fits_into_a_docstring(text: str) -> None:
    source = f'class A:\n    """About.\n\n    {docstring_text(text)}\n    """\n'
    tree = ast.parse(source)
    again = f'class A:\n    """{docstring_text(text)}"""\n'
    ast.parse(again)
    said = ast.get_docstring(tree.body[0])  # type: ignore[arg-type]
    assert said is not None
    assert said.split() == ["About.", *text.replace('"""', "'''").split()]


def test_what_no_source_may_hold_and_no_reader_should_see_goes() -> None:
    assert docstring_text("a\x00b\x1b[31mc\u202ed") == "ab[31mcd"


def test_paragraphs_stay_and_lines_are_filled() -> None:
    text = docstring_text("one\ntwo\n\n" + "word " * 40)
    lines = text.split("\n")
    assert lines[:3] == ["one two", "", "    " + " ".join(["word"] * 22)]
    assert max(map(len, lines)) <= 120


def test_a_name_that_a_template_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        template("package/folder.py").render(header="x")


def test_every_template_parses() -> None:
    names = [path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.glob("*/*.jinja2")]
    assert len(names) >= 12
    for name in names:
        if not name.startswith("models/"):
            template(name.removesuffix(".jinja2"))
