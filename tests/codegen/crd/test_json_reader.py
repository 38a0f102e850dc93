from __future__ import annotations

import pytest

from kinform_codegen.crd.json_reader import read_json
from kinform_codegen.errors import SpecError


def test_one_value_after_the_other() -> None:
    assert read_json('\n{"a": [1, 1.5, true, null, "é"]}\n{"b": "\\u00e9\\ud83d\\ude00"} {}', "a.json") == [
        {"a": [1, 1.5, True, None, "é"]},
        {"b": "é😀"},
        {},
    ]
    assert read_json(" \n", "a.json") == []


def test_whole_numbers_are_integers_however_they_are_written() -> None:
    # As the API server publishes them.
    values = read_json("[1.0, 1e3, -2.50, 18446744073709551616]", "a.json")
    assert repr(values) == "[[1, 1000, -2.5, 18446744073709551616]]"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1,\n "b": }', "line 2: is not JSON: Expecting value"),
        ('{"a": 1}\n---\n{"b": 1}', "line 2: is not JSON: "),
        ('{"a": {\n"b": 1,\n"b": 2}}', "line 3: the key 'b' stands here again; it was on line 2"),
        (
            '{"a": {"c": ":", "d": [{"c": "}"}]},\n"b": "\\ud83d\\"",\n"\\u0062": 1}',
            "line 3: the key 'b' stands here again; it was on line 2",
        ),
        ('{"a": {"b": 1},\n"b": 2,\n"b": 3}', "line 3: the key 'b' stands here again; it was on line 2"),
        ('{"a": 1} {"b": 1, "b": 2}', "line 1: the key 'b' stands here again; it was on line 1"),
        ('{"a": NaN}', "holds NaN, which is no number that JSON can carry"),
        ('{"a": -Infinity}', "holds -Infinity, which is no number that JSON can carry"),
        ('{"a": 1e400}', "holds 1e400, which is no number that JSON can carry"),
        ('{"a": ' + "9" * 5000 + "}", f"holds {'9' * 60}, which is no number that JSON can carry"),
        ('{"a": "\\ud83d"}', "holds half of a surrogate pair"),
        ("[" * 100_000, "is nested more deeply than any API"),
    ],
)
def test_complaints(text: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_json(text, "a.json")
    assert caught.value.source == "a.json"
    assert problem in caught.value.problem
    assert caught.value.mend
