from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform_codegen.emit.docstrings import docstring_text

PIECES = st.sampled_from(
    [
        "a", "b.", "word:", '"', "'", '"""', "\\", " ", "  ", "\t", "\n", "\n\n", "\n  ", "\n\t", "- ", "* ", "1. ", " 2. ",
        "```", "| ", "{", "#", "\u2028", "\x85", "\x1f", "Deprecated: ", ": - ", "<br>", "x" * 130,
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_the_text_only_white_space_changes(text: str) -> None:
    wanted = text.replace('"""', "'''").split()
    for source in (
        f'"""About.\n\n    {docstring_text(text)}\n    """',
        f'"""About. {docstring_text(text, closed=True)}"""',
    ):
        said = ast.get_docstring(ast.parse(f"class A:\n    {source}\n").body[0])  # type: ignore[arg-type]
        assert said is not None
        assert said.split() == ["About.", *wanted]


def test_what_no_source_may_hold_and_no_reader_should_see_goes() -> None:
    assert docstring_text("a\x00b\x1b[31mc\u202ed") == "ab[31mcd"


def test_paragraphs_stay_and_lines_are_filled() -> None:
    text = docstring_text("one\ntwo\n\n" + "word " * 40)
    lines = text.split("\n")
    assert lines[:3] == ["one two", "", "    " + " ".join(["word"] * 22)]
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("tail", ["- ", "1. ", "# ", "> ", ">>> ", "| ", "* "])
def test_no_line_starts_with_a_marker_that_is_none(tail: str) -> None:
    for length in range(100, 116):
        lines = docstring_text(f"{'x' * length} {tail}rest of it", 0).split("\n")
        assert not [line for line in lines if line.startswith(tail)], length


def test_words_with_hyphens_stay_whole() -> None:
    assert docstring_text("x" * 108 + " pre-loaded", 0).split("\n") == ["x" * 108, "pre-loaded"]


def laid_out(text: str) -> str:
    return docstring_text(text, 0)


def test_a_list_keeps_its_items_and_stands_apart() -> None:
    said = laid_out("Values are:\n - one, which\n   goes on\n - two.\nAnd more.\n\nPossible:\n- `A`\n- `B`")
    assert said == "Values are:\n\n- one, which goes on\n- two.\n\nAnd more.\n\nPossible:\n\n- `A`\n- `B`"


def test_an_item_goes_on_in_lines_that_are_not_indented() -> None:
    assert laid_out("* one that goes\non here\n* two") == "* one that goes on here\n* two"


def test_lists_nest_and_items_have_paragraphs() -> None:
    said = laid_out("1. one:\n   - a\n   - b\n2. two\n\n   more of two")
    assert said == "1. one:\n   - a\n   - b\n2. two\n\n   more of two"


def test_indented_and_fenced_blocks_and_tables_keep_their_lines() -> None:
    code = "Given:\n\n\t{\n\t  a: [1],\n\n\t  b: [2]\n\t}\n\nSo."
    assert laid_out(code) == "Given:\n\n    {\n      a: [1],\n\n      b: [2]\n    }\n\nSo."
    yaml = "Given:\n  add:\n  - name: x\n    value: y\n\nSo."
    assert laid_out(yaml) == "Given:\n\n    add:\n    - name: x\n      value: y\n\nSo."
    fenced = "Given:\n```yaml\nadd:\n- name: x\n\n  value:   y\n```\nSo."
    assert laid_out(fenced) == "Given:\n\n```yaml\nadd:\n- name: x\n\n  value:   y\n```\n\nSo."
    assert laid_out("Given:\n| a | b |\n| - | - |\nSo.") == "Given:\n| a | b |\n| - | - |\nSo."


@pytest.mark.parametrize(
    ("joined", "said"),
    [
        ("Values are: - All: all stages - None: no stage", "Values are:\n\n- All: all stages\n- None: no stage"),
        ("- uri: as parsed - ipv4: as well - not", "- uri: as parsed\n- ipv4: as well - not"),
        ("- 'a' - The first. - 'b' - The second.", "- 'a' - The first.\n- 'b' - The second."),
        ("It is: 1) run as root 2) has 1. of", "It is:\n\n1) run as root\n2) has 1. of"),
        ("1. one 2. two 4. no", "1. one\n2. two 4. no"),
        ("Version 1. Then more - and: so on", "Version 1. Then more - and: so on"),
        ("About it. Deprecated: use that.", "About it.\n\nDeprecated: use that."),
    ],
)
def test_lists_whose_lines_were_joined_come_apart(joined: str, said: str) -> None:
    assert laid_out(joined) == said


def test_quotes_of_several_lines_close_on_a_line_of_their_own() -> None:
    assert docstring_text('is "x"', closed=True) == 'is "x\\"'
    assert docstring_text('one\n\nis "x"', closed=True) == 'one\n\n    is "x"\n    '
    assert docstring_text('one\n\nis "x"') == 'one\n\n    is "x\\"'
    assert docstring_text("  \n ", closed=True) == ""
