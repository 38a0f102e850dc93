from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml

from kinform_codegen.crd import yaml_reader
from kinform_codegen.crd.yaml_reader import read_yaml
from kinform_codegen.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["libyaml", "PyYAML alone"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with both of PyYAML's scanners."""
    if request.param == "libyaml":
        assert yaml_reader._LOADER is yaml.CSafeLoader
    else:
        monkeypatch.setattr(yaml_reader, "_LOADER", yaml.SafeLoader)


def read(text: str) -> list[object]:
    return [document.value for document in read_yaml(text, "a.yaml")]


def complaint(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read(text)
    assert caught.value.source == "a.yaml"
    assert caught.value.mend
    return caught.value


def test_lists_maps_and_scalars() -> None:
    assert read("a: [1, 'on', on]\nb:\n- c: |\n    text\n    more\n  d: \"\\u00e9\"\n- {}\n- []\n") == [
        {"a": [1, "on", True], "b": [{"c": "text\nmore\n", "d": "é"}, {}, []]}
    ]


def test_documents_are_numbered_and_empty_ones_are_none() -> None:
    documents = list(read_yaml("# nothing\n---\n---\na: 1\n---\n# nothing\n...\n---\nb: 2\n", "a.yaml"))
    assert documents == [(1, None), (2, {"a": 1}), (3, None), (4, {"b": 2})]


def test_what_holds_comments_only_is_no_document() -> None:
    assert read("# one\n# two\n") == []
    assert read("") == []


def test_keys_become_the_text_of_json() -> None:
    # As kubectl has it, save floats beyond six digits, which nobody writes as a key.
    assert read("on: 1\nn: 2\n3: 4\n0x10: 5\n1.5: 6\n1e3: 7\n2001-12-14: 8\n'yes': 9\n") == [
        {"true": 1, "false": 2, "3": 4, "16": 5, "1.5": 6, "1000": 7, "2001-12-14": 8, "yes": 9}
    ]


def test_merge_keys_overwrite_what_stands_above_them() -> None:
    # As kubectl does it. Of several maps the first has the last word; a quoted << is a key like any other.
    assert read(
        "m: &m {a: 1, b: 2}\nbefore: {<<: *m, b: 3}\nafter: {b: 3, <<: *m}\n"
        "several: {<<: [{a: 7}, *m]}\nquoted: {'<<': *m}\nlisted: [<<]\n"
    ) == [
        {
            "m": {"a": 1, "b": 2},
            "before": {"a": 1, "b": 3},
            "after": {"a": 1, "b": 2},
            "several": {"a": 7, "b": 2},
            "quoted": {"<<": {"a": 1, "b": 2}},
            "listed": ["<<"],
        }
    ]


def test_aliases() -> None:
    assert read("a: &x [1]\nb: *x\nc: &y on\n? *y\n: d\ne: &x 2\nf: *x\n") == [
        {"a": [1], "b": [1], "c": True, "true": "d", "e": 2, "f": 2}
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "document 1, line 5: the key 'c' stands here again; it was on line 3"),
        ("---\na: 1\n---\n'1': a\n1: b\n", "document 2, line 5: the key '1' stands here again; it was on line 4"),
        ("on: 1\n'true': 2\n", "document 1, line 2: the key 'true' stands here again; it was on line 1"),
        ("a: 1\n? [b]\n: c\n", "document 1, line 2: a list or a map stands as a key"),
        ("a: &a [b]\n*a : c\n", "document 1, line 2: a list or a map stands as a key"),
        ("a: 1\n~: 2\n", "document 1, line 2: null stands as a key"),
        ("a: .nan\n", "document 1, line 1: .nan is no number in JSON"),
        ("- -.Inf\n", "document 1, line 1: -.Inf is no number in JSON"),
        ("a: *b\n", "document 1, line 1: *b stands for nothing: the document has no &b before it"),
        ("a: &a 1\n---\nb: *a\n", "document 2, line 3: *a stands for nothing: the document has no &a before it"),
        ("a: &a\n  b: *a\n", "document 1, line 2: *a stands inside of what it stands for"),
        ("a: {<<: b}\n", "document 1, line 1: << takes maps only"),
        ("a: {<<: [{}, 1]}\n", "document 1, line 1: << takes maps only"),
        ("a: !!binary aGk=\n", "document 1, line 1: the tag '!!binary' does not fit data"),
        ("a: !!int yes\n", "document 1, line 1: the tag '!!int' does not fit data"),
        ("\na: !mine {}\n", "document 1, line 2: the tag '!mine' does not fit data"),
        ("a: !!set {b, c}\n", "document 1, line 1: the tag '!!set' does not fit data"),
        (
            "a: !!python/object/apply:os.system ['true']\n",
            "document 1, line 1: the tag '!!python/object/apply:os.system' does not fit data",
        ),
        ("a: !!python/name:os.system x\n", "the tag '!!python/name:os.system' does not fit data"),
    ],
)
def test_what_json_cannot_carry_or_hides_a_mistake(text: str, problem: str) -> None:
    assert problem in complaint(text).problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1\nb: 2\n", "document 1, line 2: is no YAML: "),
        ("a: 1\n---\nb:\n  c: 1\n d: 2\n", "document 2, line 5: is no YAML: "),
        ("a: 'b\n", "is no YAML: while scanning a quoted scalar"),
        ("a: 1\nb: x: y\n", "document 1, line 2: is no YAML: mapping values are not allowed"),
        ("a: b\n@c\n", "is no YAML: "),
        ("a: b\r\r\r@c", "is no YAML: "),
    ],
)
def test_what_is_no_yaml(text: str, problem: str) -> None:
    assert problem in complaint(text).problem


def test_tabs_and_control_characters_are_told() -> None:
    assert complaint("a:\n  \tb: 1\n").mend == "indent by spaces: YAML takes no tabs"
    assert complaint("a: b\n\tc: d\n").mend == "indent by spaces: YAML takes no tabs"
    assert "line 2: is no YAML: the character U+0000 is not allowed" in complaint("a: é\nb: \0\n").problem


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_alias_bombs_are_refused_at_once() -> None:
    assert len(read(bomb(4))) == 1
    start = time.perf_counter()
    error = complaint(bomb(20))
    assert time.perf_counter() - start < 5
    assert error.problem == "document 1, line 6: unfolds to more than 1000000 values"
    merged = "m0: &m0 {" + ", ".join(f"k{n}: 0" for n in range(1000)) + "}\n"
    merged += "l: [" + ", ".join(["{<<: *m0}"] * 1500) + "]\n"
    assert "unfolds to more than" in complaint(merged).problem


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "[" * 101 + "]" * 101])
def test_what_is_nested_beyond_reason_is_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    error = complaint(text)
    assert time.perf_counter() - start < 5
    assert error.problem == "document 1, line 1: is nested more deeply than any API"


def test_large_definitions_take_no_time(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    field = "      f{0}:\n        description: >-\n          {1}\n        type: string\n"
    text = "spec:\n  properties:\n" + "".join(field.format(n, "word " * 30) for n in range(5_000))
    assert len(text) > 800_000
    start = time.perf_counter()
    assert len(read(text)[0]["spec"]["properties"]) == 5_000  # type: ignore[index]
    # Some 0.1 s with libyaml. The bound only tells a square from a line.
    assert time.perf_counter() - start < 10
