"""Label selectors: the grammar, what matches, construction in code, canonical text.

The tables were held against apimachinery v0.37.2: they differ in one row, a NUL, at which Go's lexer ends the text.
"""

from __future__ import annotations

import doctest
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.errors import KinformError, SelectorError
from kinform.selectors import LabelSelector, Operator, Requirement, labels

# text, canonical text
ACCEPTED = [
    ("", ""),
    ("  \t\r\n ", ""),
    ("x", "x"),
    ("!x", "!x"),
    ("! x", "!x"),
    (" x ", "x"),
    ("x=a", "x=a"),
    ("x==a", "x=a"),
    ("x = a", "x=a"),
    ("x\t==\na", "x=a"),
    ("x!=a", "x!=a"),
    ("x=", "x="),
    ("x= ,y", "x=,y"),
    ("x!=", "x!="),
    ("x=,y=", "x=,y="),
    ("x in (a)", "x=a"),
    ("x in(a)", "x=a"),
    ("x notin (a)", "x!=a"),
    ("x in (b,a)", "x in (a,b)"),
    ("x in ( b , a )", "x in (a,b)"),
    ("x in (a,a,a)", "x=a"),
    ("x notin (b,a,b)", "x notin (a,b)"),
    ("x in ()", "x="),
    ("x in (,)", "x="),
    ("x in (,,,)", "x="),
    ("x in (a,)", "x in (,a)"),
    ("x in (,a)", "x in (,a)"),
    ("x in (a,,b)", "x in (,a,b)"),
    ("x notin ()", "x!="),
    ("x>5", "x>5"),
    ("x > 5", "x>5"),
    ("x<0", "x<0"),
    ("x>007", "x>007"),
    ("x<9223372036854775807", "x<9223372036854775807"),
    ("y=b,x=a", "x=a,y=b"),
    ("x=b,x=a", "x=a,x=b"),
    ("x=a,x=a,x in (a)", "x=a"),
    ("x,!x", "!x,x"),
    ("example.com/app=web", "example.com/app=web"),
    ("a.b.c/D_e-f.g=H_i-j.k", "a.b.c/D_e-f.g=H_i-j.k"),
    ("in", "in"),
    ("!in", "!in"),
    ("in=in", "in=in"),
    ("in in (in,notin)", "in in (in,notin)"),
    ("notin notin (notin)", "notin!=notin"),
    ("notin=in", "notin=in"),
    ("notin in (a)", "notin=a"),
    ("x=" + "a" * 63, "x=" + "a" * 63),
    ("k" * 63, "k" * 63),
    ("p" * 253 + "/k", "p" * 253 + "/k"),
    ("1/2=3", "1/2=3"),
]

# text, the place (a character, counted from 1; the end is one past the last), a word of the message
REFUSED = [
    (",", 1, "label key"),
    ("=a", 1, "label key"),
    ("x,", 3, "label key"),
    ("x,,y", 3, "label key"),
    ("x=a,", 5, "label key"),
    ("!", 2, "label key"),
    ("!!x", 2, "label key"),
    ("x y", 3, "expected '='"),
    ("x=a b", 5, "expected ','"),
    ("x==a==b", 5, "expected ','"),
    ("x=a||y=b", 3, "label value"),
    ("!x=a", 3, "expected ','"),
    ("!x in (a)", 4, "expected ','"),
    ("x===a", 4, "expected ','"),
    ("x=(a)", 3, "expected ','"),
    ("x(a)", 2, "expected '='"),
    ("x in", 5, "expected '('"),
    ("x in a", 6, "expected '('"),
    ("x in (a", 8, "expected ','"),
    ("x in (a b)", 9, "expected ','"),
    ("x in (a,", 9, "expected ','"),
    ("x in (a=b)", 8, "expected ','"),
    ("x in (a))", 9, "expected ','"),
    ("x in (a)y", 9, "expected ','"),
    ("x in ((a))", 7, "expected ','"),
    ("x IN (a)", 3, "expected '='"),
    ("x>a", 3, "whole number"),
    ("x>", 3, "whole number"),
    ("x>1.5", 3, "whole number"),
    ("x>1_0", 3, "whole number"),
    ("x>9223372036854775808", 3, "whole number"),
    ("x>-1", 3, "label value"),
    ("x>=1", 3, "whole number"),
    ("x<>1", 3, "whole number"),
    ("x>5>6", 4, "expected ','"),
    ("-x", 1, "label key"),
    ("x-=a", 1, "label key"),
    ("x=-a", 3, "label value"),
    ("x=a-", 3, "label value"),
    ("x=a/b", 3, "label value"),
    ("a/b/c=d", 1, "one '/'"),
    ("/a", 1, "DNS name"),
    ("a/", 1, "63"),
    ("A/b", 1, "DNS name"),
    ("a..b/c", 1, "DNS name"),
    ("p" * 254 + "/k", 1, "253"),
    ("k" * 64, 1, "63"),
    ("x=" + "a" * 64, 3, "63"),
    ("x=é", 3, "ASCII"),
    ("ключ=a", 1, "ASCII"),
    ("x=٣", 3, "ASCII"),
    ("x\x00", 1, "label key"),
    ("x=a\x0bb", 3, "label value"),
    ("x=a\n\n,y=$", 9, "label value"),
]

# text, labels, does it match
MATCHES = [
    ("", {}, True),
    ("", {"x": "y"}, True),
    ("x", {"x": ""}, True),
    ("x", {"y": ""}, False),
    ("!x", {}, True),
    ("!x", {"x": ""}, False),
    ("x=y", {"x": "y"}, True),
    ("x=y", {"x": "Y"}, False),
    ("x=y", {}, False),
    ("x=", {"x": ""}, True),
    ("x=", {}, False),
    ("x!=y", {"x": "z"}, True),
    ("x!=y", {"x": "y"}, False),
    ("x!=y", {}, True),
    ("x!=", {}, True),
    ("x!=", {"x": ""}, False),
    ("x in (a,b)", {"x": "b"}, True),
    ("x in (a,b)", {"x": "c"}, False),
    ("x in (a,b)", {}, False),
    ("x in (,a)", {"x": ""}, True),
    ("x notin (a,b)", {"x": "c"}, True),
    ("x notin (a,b)", {"x": "a"}, False),
    ("x notin (a,b)", {}, True),
    ("x notin (a,b)", {"y": "a"}, True),
    ("x>5", {"x": "6"}, True),
    ("x>5", {"x": "5"}, False),
    ("x>5", {"x": "10"}, True),
    ("x<5", {"x": "4"}, True),
    ("x<5", {"x": "5"}, False),
    ("x<10", {"x": "9"}, True),
    ("x>5", {}, False),
    ("x<5", {}, False),
    ("x<5", {"x": "four"}, False),
    ("x<5", {"x": ""}, False),
    ("x>5", {"x": "9223372036854775808"}, False),
    ("x>5", {"x": "1_0"}, False),
    ("x<5", {"x": "-3"}, True),
    ("x>5", {"x": "+6"}, True),
    ("x>5", {"x": " 6"}, False),
    ("x=a,y=b", {"x": "a", "y": "b", "z": "c"}, True),
    ("x=a,y=b", {"x": "a"}, False),
    ("x=a,x=b", {"x": "a"}, False),
    ("x>1,x<5", {"x": "3"}, True),
    ("x>1,x<5", {"x": "5"}, False),
    ("notin=in", {"notin": "in"}, True),
    ("a.b/c=d", {"a.b/c": "d", "c": "e"}, True),
]


@pytest.mark.parametrize(("text", "canonical"), ACCEPTED)
def test_what_parses(text: str, canonical: str) -> None:
    selector = LabelSelector.parse(text)
    assert str(selector) == canonical
    assert LabelSelector.parse(canonical) == selector
    assert hash(LabelSelector.parse(canonical)) == hash(selector)
    assert selector.empty is (canonical == "")


@pytest.mark.parametrize(("text", "place", "message"), REFUSED)
def test_what_does_not_parse_raises_and_tells_the_place(text: str, place: int, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        LabelSelector.parse(text)
    said = str(caught.value)
    assert f"character {place}:" in said
    assert message in said
    assert repr(text) in said


@pytest.mark.parametrize(("text", "having", "expected"), MATCHES)
def test_what_matches(text: str, having: dict[str, str], expected: bool) -> None:
    assert LabelSelector.parse(text).matches(having) is expected


def test_a_refused_selector_is_never_one_that_selects_everything() -> None:
    """The defect of a peer (python-peers C5): what it does not understand, it takes for "all"."""
    with pytest.raises(SelectorError):
        LabelSelector.parse("x ~ 1")
    with pytest.raises(ValueError):
        LabelSelector.of("x in (1")
    assert issubclass(SelectorError, KinformError)


# ---- any text at all

_WORDS = st.sampled_from(["a", "b", "in", "notin", "5", "x.y/z", "-", "A_b", "a/b/c", "é", "007", "9" * 30])
_MARKS = st.sampled_from(["=", "==", "!=", "!", "<", ">", "(", ")", ",", " ", "\t"])
_LABEL_SETS = st.dictionaries(
    st.sampled_from(["a", "b", "in", "x.y/z", "5"]), st.sampled_from(["", "a", "b", "in", "5", "6", "x"])
)


@given(st.one_of(st.text(max_size=30), st.lists(st.one_of(_WORDS, _MARKS), max_size=10).map("".join)), _LABEL_SETS)
def test_any_text_raises_a_selector_error_or_keeps_its_meaning_in_canonical_form(
    text: str, having: dict[str, str]
) -> None:
    try:
        selector = LabelSelector.parse(text)
    except SelectorError:
        return
    again = LabelSelector.parse(str(selector))
    assert again == selector
    assert str(again) == str(selector)
    assert again.matches(having) is selector.matches(having)


_NAME = st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9_.-]{0,5}[A-Za-z0-9])?\Z")
_KEY = st.one_of(_NAME, st.builds("{}/{}".format, st.sampled_from(["a", "example.com", "x-1.y"]), _NAME))
_VALUE = st.one_of(st.just(""), _NAME)
_NUMBER = st.integers(0, 2**63 - 1).map(str)


@st.composite
def _requirements(draw: st.DrawFn) -> Requirement:
    operator = draw(st.sampled_from(list(Operator)))
    values: list[str] = []
    if operator in {Operator.IN, Operator.NOT_IN}:
        values = draw(st.lists(_VALUE, min_size=1, max_size=4))
    elif operator in {Operator.GREATER_THAN, Operator.LESS_THAN}:
        values = [draw(_NUMBER)]
    return Requirement(draw(_KEY), operator, values)


def _judged(requirement: Requirement, having: dict[str, str]) -> bool:
    """The meaning of a requirement, written down plainly."""
    there, value = requirement.key in having, having.get(requirement.key, "")
    if requirement.operator is Operator.IN:
        return there and value in requirement.values
    if requirement.operator is Operator.NOT_IN:
        return not there or value not in requirement.values
    if requirement.operator is Operator.EXISTS:
        return there
    if requirement.operator is Operator.DOES_NOT_EXIST:
        return not there
    if not there or not value.isdecimal():
        return False
    bound = int(requirement.values[0])
    return int(value) > bound if requirement.operator is Operator.GREATER_THAN else int(value) < bound


@given(st.lists(_requirements(), max_size=5), st.data())
def test_what_is_built_in_code_goes_through_its_text_unchanged(
    requirements: list[Requirement], data: st.DataObject
) -> None:
    selector = LabelSelector(match_expressions=requirements)
    assert LabelSelector.parse(str(selector)) == selector
    keys = st.sampled_from([each.key for each in requirements] or ["k"])
    values = st.sampled_from(["", "5", *(value for each in requirements for value in each.values)])
    having = data.draw(st.dictionaries(keys, values))
    assert selector.matches(having) is all(_judged(each, having) for each in requirements)


# ---- built in code


def test_requirements_are_normalised() -> None:
    one = Requirement("app", "NotIn", ["b", "a", "b"])
    assert one == Requirement("app", Operator.NOT_IN, ("a", "b"))
    assert (one.key, one.operator, one.values) == ("app", Operator.NOT_IN, ("a", "b"))
    assert str(one) == "app notin (a,b)"
    assert hash(one) == hash(Requirement("app", Operator.NOT_IN, {"a", "b"}))


@pytest.mark.parametrize(
    ("key", "operator", "values"),
    [
        ("x", "in", ["a"]),
        ("x", "=", ["a"]),
        ("x", "", []),
        ("x", Operator.IN, []),
        ("x", Operator.NOT_IN, []),
        ("x", Operator.EXISTS, ["a"]),
        ("x", Operator.DOES_NOT_EXIST, [""]),
        ("x", Operator.GREATER_THAN, []),
        ("x", Operator.GREATER_THAN, ["1", "2"]),
        ("x", Operator.LESS_THAN, ["a"]),
        ("x", Operator.LESS_THAN, [""]),
        ("", Operator.EXISTS, []),
        ("a b", Operator.EXISTS, []),
        ("x", Operator.IN, ["a b"]),
        ("x", Operator.IN, ["a", "-"]),
    ],
)
def test_requirements_that_cannot_be(key: str, operator: str, values: list[str]) -> None:
    with pytest.raises(SelectorError):
        Requirement(key, operator, values)


def test_a_string_is_no_collection_of_values() -> None:
    with pytest.raises(TypeError, match=r"\['web'\]"):
        Requirement("app", Operator.IN, "web")


def test_a_requirement_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Requirement("app", Operator.EXISTS).key = "tier"  # type: ignore[misc]


def test_match_labels_and_expressions_all_hold() -> None:
    selector = LabelSelector({"app": "web"}, [Requirement("tier", Operator.NOT_IN, ["test"])])
    assert str(selector) == "app=web,tier!=test"
    assert selector == LabelSelector.parse("tier!=test,app=web")
    assert selector.requirements == (
        Requirement("app", Operator.IN, ["web"]),
        Requirement("tier", Operator.NOT_IN, ["test"]),
    )
    assert repr(selector) == "LabelSelector.parse('app=web,tier!=test')"
    with pytest.raises(SelectorError):
        LabelSelector({"app": "no blanks"})


def test_everything_is_empty_and_matches_all() -> None:
    assert LabelSelector.everything() == LabelSelector() == LabelSelector.parse("")
    assert LabelSelector.everything().empty
    assert LabelSelector.everything().matches({})
    assert LabelSelector() != ""  # a selector is no text


@dataclass
class _Expression:
    key: str
    operator: str
    values: list[str] = field(default_factory=list)


@dataclass
class _Model:
    """As a generated ``meta/v1.LabelSelector``."""

    match_labels: dict[str, str] = field(default_factory=dict)
    match_expressions: list[_Expression] = field(default_factory=list)


def test_models_stand_for_selectors() -> None:
    model = _Model({"app": "web"}, [_Expression("tier", "In", ["a", "b"]), _Expression("old", "DoesNotExist")])
    assert str(LabelSelector.of(model)) == "app=web,!old,tier in (a,b)"
    assert LabelSelector.of(_Model()).empty
    assert LabelSelector.of("a=b") == LabelSelector({"a": "b"})
    selector = LabelSelector({"a": "b"})
    assert LabelSelector.of(selector) is selector


@pytest.mark.parametrize("operator", ["Gt", "Lt", "in", "=", ""])
def test_models_may_use_four_operators_only(operator: str) -> None:
    with pytest.raises(SelectorError, match="DoesNotExist, Exists, In, NotIn"):
        LabelSelector.of(_Model({}, [_Expression("x", operator, ["1"])]))


def test_null_is_no_selector() -> None:
    with pytest.raises(TypeError, match="None"):
        LabelSelector.of(None)  # type: ignore[arg-type]


def test_the_example_of_the_documentation() -> None:
    assert doctest.testmod(labels).failed == 0
    assert doctest.testmod(labels).attempted > 0
