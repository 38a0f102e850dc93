"""Field selectors: terms, escapes, what matches, canonical text.

Held against apimachinery v0.37.2: ours refuses paths that Go takes and no server knows (empty, with blanks or operators).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.errors import SelectorError
from kinform.selectors import FieldSelector, FieldTerm


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        (",", ""),
        (",,", ""),
        ("a=b", "a=b"),
        ("a==b", "a=b"),
        ("a!=b", "a!=b"),
        ("a=", "a="),
        ("a!=", "a!="),
        ("a= b ", "a= b "),
        ("spec.nodeName=n1,metadata.name=x", "metadata.name=x,spec.nodeName=n1"),
        ("a=b,,c=d,", "a=b,c=d"),
        ("a=b,a=b", "a=b"),
        ("status.phase!=Failed,status.phase!=Succeeded", "status.phase!=Failed,status.phase!=Succeeded"),
        (r"a=x\,y", r"a=x\,y"),
        (r"a=x\=y", r"a=x\=y"),
        (r"a=x\\", r"a=x\\"),
        (r"a=\\\,", r"a=\\\,"),
        (r"a=x\\,b=y", r"a=x\\,b=y"),
        ("a=x!y", "a=x!y"),
        ("a!=!b", "a!=!b"),
        ("a=é", "a=é"),
    ],
)
def test_what_parses(text: str, canonical: str) -> None:
    selector = FieldSelector.parse(text)
    assert str(selector) == canonical
    assert FieldSelector.parse(canonical) == selector
    assert hash(FieldSelector.parse(canonical)) == hash(selector)
    assert selector.empty is (canonical == "")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a", 1),
        ("a=b,c", 5),
        ("a!b", 1),
        ("a in (b)", 1),
        ("a>1", 1),
        ("a=b=c", 4),
        ("a===b", 4),
        (r"a=\x", 3),
        ("a=b\\", 4),
        (r"a=b,c=d\e", 8),
        ("=a", 1),
        ("a=b, c=d", 5),
        (r"a\,b=c", 1),
    ],
)
def test_what_does_not_parse_raises_and_tells_the_place(text: str, place: int) -> None:
    with pytest.raises(SelectorError) as caught:
        FieldSelector.parse(text)
    assert f"character {place}:" in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("", {}, True),
        ("a=b", {"a": "b"}, True),
        ("a=b", {"a": "c"}, False),
        ("a=b", {}, False),
        ("a=", {}, True),
        ("a!=", {}, False),
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a!=b,a!=c", {"a": "d"}, True),
        ("a!=b,a!=c", {"a": "c"}, False),
        (r"a=x\,y", {"a": "x,y"}, True),
        (r"a=x\\", {"a": "x\\"}, True),
        ("a=b,c=d", {"a": "b"}, False),
    ],
)
def test_what_matches(text: str, fields: dict[str, str], expected: bool) -> None:
    assert FieldSelector.parse(text).matches(fields) is expected


@given(st.dictionaries(st.sampled_from(["a", "b.c", "d[0]"]), st.text(max_size=8)), st.text(max_size=8))
def test_any_value_goes_through_its_text_unchanged(equal: dict[str, str], other: str) -> None:
    selector = FieldSelector(equal, not_equal=[("a", other)])
    assert FieldSelector.parse(str(selector)) == selector
    assert selector.matches(equal) is (equal.get("a", "") != other)


@given(st.text(alphabet="ab.=!\\, <(", max_size=12))
def test_any_text_raises_a_selector_error_or_keeps_its_meaning(text: str) -> None:
    try:
        selector = FieldSelector.parse(text)
    except SelectorError:
        return
    assert FieldSelector.parse(str(selector)) == selector


def test_built_in_code() -> None:
    selector = FieldSelector({"spec.nodeName": "n1"}, not_equal=[("status.phase", "Failed"), ("status.phase", "Lost")])
    assert str(selector) == "spec.nodeName=n1,status.phase!=Failed,status.phase!=Lost"
    assert selector.terms[0] == FieldTerm("spec.nodeName", "n1")
    assert selector.terms[1] == FieldTerm("status.phase", "Failed", negated=True)
    assert FieldSelector.of(selector) is selector
    assert FieldSelector.of("a=b") == FieldSelector({"a": "b"})
    assert FieldSelector.everything() == FieldSelector()
    assert repr(FieldSelector({"a": ","})) == r"FieldSelector.parse('a=\\,')"
    assert FieldSelector() != ""


@pytest.mark.parametrize("path", ["", " ", "a b", "a=b", "a,b", "a!", "a\\b", "a\n"])
def test_paths_that_no_field_has(path: str) -> None:
    with pytest.raises(SelectorError):
        FieldSelector({path: "x"})
    with pytest.raises(SelectorError):
        FieldTerm(path, "x")
