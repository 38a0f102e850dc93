"""Texts that users and servers hand in: selectors, names, keys, times, a server's Status. Right, or one clear error."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.support import broken, inputs, within

from kinform.errors import ApiStatusError, SelectorError, Status, status_error
from kinform.meta import ObjectKey, Resource
from kinform.scalars import MICRO_TIME, TIME, WireTime
from kinform.selectors import FieldSelector, LabelSelector
from kinform.status import read_status
from kinform.transport.failures import refusal, retry_after

# ---- label selectors, beside a reference that goes letter by letter, as Go's lexer does

_KEY: Final = re.compile(
    r"(?:(?=.{1,253}/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(?=.{1,63}\Z)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\Z"
)
_VALUE: Final = re.compile(r"(?:(?=.{1,63}\Z)[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?\Z")
_SYMBOLS: Final = "=!(),><"

Term = tuple[str, str, frozenset[str]]


class RefusedError(Exception):
    """The reference does not take the text."""


def tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter in " \t\r\n":
            at += 1
        elif letter in _SYMBOLS:
            size = 2 if text[at : at + 2] in {"==", "!="} else 1
            found.append(text[at : at + size])
            at += size
        else:
            end = at
            while end < len(text) and text[end] not in _SYMBOLS + " \t\r\n":
                end += 1
            found.append(text[at:end])
            at = end
    return found


def terms(text: str) -> list[Term]:
    left = tokens(text)

    def take(*wanted: str) -> str:
        if not left or left[0] not in wanted:
            raise RefusedError
        return left.pop(0)

    def word(grammar: re.Pattern[str]) -> str:
        if not left or left[0][0] in _SYMBOLS or not grammar.match(left[0]):
            raise RefusedError
        return left.pop(0)

    def value() -> str:
        return "" if not left or left[0][0] in _SYMBOLS else word(_VALUE)

    def one() -> Term:
        if left[:1] == ["!"]:
            left.pop(0)
            return word(_KEY), "!", frozenset()
        key = word(_KEY)
        if not left or left[0] == ",":
            return key, "exists", frozenset()
        operator = take("=", "==", "!=", "in", "notin", "<", ">")
        if operator in {"in", "notin"}:
            take("(")
            values = {value()}
            while take(",", ")") == ",":
                values.add(value())
            return key, operator, frozenset(values)
        found = value()
        if operator in {"<", ">"} and not (re.fullmatch(r"[+-]?[0-9]+", found) and -(2**63) <= int(found) < 2**63):
            raise RefusedError
        return key, {"=": "in", "==": "in", "!=": "notin"}.get(operator, operator), frozenset({found})

    read: list[Term] = []
    while left:
        read.append(one())
        if left:
            take(",")
            if not left:
                raise RefusedError
    return read


def holds(term: Term, labels: dict[str, str]) -> bool:
    key, operator, values = term
    has = labels.get(key)
    match operator:
        case "exists":
            return has is not None
        case "!":
            return has is None
        case "in":
            return has in values
        case "notin":
            return has not in values
    number = int(has) if has is not None and re.fullmatch(r"[+-]?[0-9]+", has) else None
    bound = int(next(iter(values)))
    return number is not None and (number > bound if operator == ">" else number < bound)


WORDS: Final = (
    "app",
    "tier",
    "a.io/b",
    "web",
    "1",
    "-3",
    "007",
    "in",
    "notin",
    "x_y.z",
    "-",
    "a/b/c",
    "é",
    "a" * 64,
    "",
)
_PIECES = st.lists(
    st.one_of(
        st.sampled_from(WORDS),
        st.sampled_from(
            ["=", "==", "!=", "!", ",", "(", ")", " in (", " notin (", "<", ">", " ", "\t", "\n", "\x00", "\\"]
        ),
    ),
    max_size=9,
).map("".join)
_GOOD_TERMS = st.one_of(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(WORDS[:3]),
        st.sampled_from(["=", "==", "!=", " = "]),
        st.sampled_from(WORDS[3:7]),
    ),
    st.builds(
        "{} {} ({})".format,
        st.sampled_from(WORDS[:3]),
        st.sampled_from(["in", "notin"]),
        st.lists(st.sampled_from([*WORDS[3:7], ""]), min_size=1, max_size=3).map(",".join),
    ),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(WORDS[:3]),
        st.sampled_from("<>"),
        st.sampled_from(["1", "-3", "007", "9" * 18]),
    ),
    st.builds("{}{}".format, st.sampled_from(["", "!", "! "]), st.sampled_from(WORDS[:3])),
)
SELECTORS = st.one_of(
    _PIECES,
    st.lists(_GOOD_TERMS, max_size=4).map(",".join),
    broken(st.lists(_GOOD_TERMS, min_size=1, max_size=4).map(lambda found: ",".join(found).encode())).map(
        lambda data: data.decode("utf-8", "replace")
    ),
    st.text(max_size=20),
)
LABELS = st.dictionaries(st.sampled_from(WORDS[:3]), st.sampled_from([*WORDS[3:7], "", "999"]), max_size=3)


@inputs(4)
@given(SELECTORS, st.lists(LABELS, max_size=3))
def test_label_selectors_beside_the_reference(text: str, several: list[dict[str, str]]) -> None:
    try:
        expected = terms(text)
    except RefusedError:
        with within(2), pytest.raises(SelectorError) as caught:
            LabelSelector.parse(text)
        assert "character" in str(caught.value)
        return
    with within(2):
        selector = LabelSelector.parse(text)
    for labels in several:
        assert selector.matches(labels) == all(holds(term, labels) for term in expected)
    again = LabelSelector.parse(str(selector))
    assert (again, str(again), hash(again)) == (selector, str(selector), hash(selector))


# ---- field selectors

_FIELD: Final = st.sampled_from(["metadata.name", "spec.nodeName", "a", "status.phase"])
_FIELD_VALUE = st.one_of(st.sampled_from(["", "n1", "a,b", "a=b", "\\", "a\\,b", "é", "!="]), st.text(max_size=6))


def escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\,=" else letter for letter in text)


@inputs(2)
@given(
    st.lists(st.tuples(_FIELD, st.sampled_from(["=", "==", "!="]), _FIELD_VALUE), max_size=4),
    st.lists(st.dictionaries(_FIELD, _FIELD_VALUE, max_size=4), max_size=3),
)
def test_field_selectors_beside_the_reference(
    wanted: list[tuple[str, str, str]], several: list[dict[str, str]]
) -> None:
    selector = FieldSelector.parse(",".join(f"{field}{sign}{escaped(value)}" for field, sign, value in wanted))
    assert FieldSelector.parse(str(selector)) == selector
    for fields in [*several, {field: value for field, _, value in wanted}]:
        expected = all((fields.get(field, "") == value) is (sign != "!=") for field, sign, value in wanted)
        assert selector.matches(fields) is expected


@inputs(2)
@given(
    st.one_of(
        st.text(max_size=20),
        st.lists(
            st.sampled_from(["a", ".b", "=", "==", "!=", "!", ",", "\\", "\\,", "\\=", " ", "é", "(", "<", "\n"]),
            max_size=9,
        ).map("".join),
    )
)
def test_any_text_as_a_field_selector(text: str) -> None:
    with within(2):
        try:
            selector = FieldSelector.parse(text)
        except SelectorError as error:
            assert "character" in str(error)
            return
    assert FieldSelector.parse(str(selector)) == selector
    assert str(FieldSelector.parse(str(selector))) == str(selector)


# ---- names in paths

_SEGMENT = st.one_of(
    st.sampled_from(
        [
            "..",
            ".",
            "../secrets",
            "a/b",
            "%2e%2e",
            "%2F",
            "a?watch=1",
            "a#b",
            "a\r\nX: y",
            "a b",
            "é",
            "a;b",
            "\x00",
            "..%2f",
            "\u2024\u2024",
            "\\..\\",
            "system:a",
            "a&b",
            "a@b",
            "",
            "//",
            "a\x7f",
            "\ud800",
        ]
    ),
    st.text(max_size=8),
    st.text("./%\\:?#", max_size=5),
)
NAMESPACED: Final = Resource("apps", "v1", "deployments", "Deployment", namespaced=True)


@inputs(3)
@given(_SEGMENT, _SEGMENT, st.one_of(st.just(""), st.just("status"), _SEGMENT))
def test_a_name_never_leaves_its_place_in_a_path(namespace: str, name: str, subresource: str) -> None:
    try:
        path = NAMESPACED.path(namespace, name, subresource)
    except ValueError:
        return
    assert path.isascii()
    assert path.isprintable()
    assert " " not in path
    parsed = urlsplit(f"https://host{path}")
    assert (parsed.path, parsed.query, parsed.fragment) == (path, "", "")
    parts = path.split("/")
    assert not {".", ".."} & set(parts)
    expected = ["", "apis", "apps", "v1", *(["namespaces", namespace] if namespace else []), "deployments"]
    expected += [each for each in (name, subresource) if each]
    assert [unquote(part) for part in parts] == expected
    assert unquote(path) == unquote(unquote(path)), "what unquotes twice is where a proxy and the server part ways"


@inputs(3)
@given(st.text(max_size=12))
def test_keys_are_read_as_they_were_written(text: str) -> None:
    try:
        key = ObjectKey.parse(text)
    except ValueError:
        assert text.count("/") > 1
        return
    assert str(key) == text.removeprefix("/")


# ---- times

_TIMES = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(lambda value: value.isoformat()),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]{0,12})?(Z|z|[+-][0-9]{2}:?[0-9]{2})?",
        fullmatch=True,
    ),
    st.text(max_size=30),
)


@inputs(2)
@given(
    st.one_of(
        _TIMES,
        broken(_TIMES.map(lambda text: text.encode("utf-8", "replace"))).map(
            lambda data: data.decode("utf-8", "replace")
        ),
    )
)
def test_times_are_kept_or_refused(text: str) -> None:
    for format_ in (TIME, MICRO_TIME):
        with within(2):
            try:
                value = format_.accept(text)
            except ValueError:
                continue
        assert isinstance(value, WireTime)
        assert value.tzinfo is not None
        assert format_.write(value) == text
        try:
            plain = datetime.fromisoformat(text)
        except ValueError:
            continue
        assert plain.tzinfo is None or value == plain


# ---- a server's Status, and refusals

_ANY = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(10**300, 10**400),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=5,
)
_STATUS = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.one_of(st.just("Status"), _ANY),
        "apiVersion": _ANY,
        "status": _ANY,
        "code": st.one_of(st.integers(0, 999), _ANY),
        "reason": st.one_of(st.sampled_from(["NotFound", "Expired", "Conflict"]), _ANY),
        "message": _ANY,
        "details": st.one_of(
            _ANY,
            st.fixed_dictionaries(
                {},
                optional={
                    "name": _ANY,
                    "causes": st.one_of(
                        _ANY, st.lists(st.one_of(_ANY, st.fixed_dictionaries({"reason": _ANY, "field": _ANY})))
                    ),
                    "retryAfterSeconds": st.one_of(st.integers(-5, 100), _ANY),
                },
            ),
        ),
    },
).map(lambda value: json.dumps(value).encode())


@inputs(2)
@given(
    st.one_of(_STATUS, broken(_STATUS), st.binary(max_size=50)),
    st.integers(100, 999),
    st.dictionaries(
        st.sampled_from(["retry-after", "date", "location"]),
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(
                [
                    "1",
                    "-1",
                    "9" * 400,
                    "9" * 5000,
                    "Wed, 21 Oct 2015 07:28:00 GMT",
                    "Wed, 21 Oct 99999 07:28:00 GMT",
                    "²",
                    "inf",
                    "nan",
                ]
            ),
        ),
    ),
)
def test_refusals_of_all_kinds(body: bytes, code: int, headers: dict[str, str]) -> None:
    with within(3):
        status = read_status(body)
        assert status is None or isinstance(status, Status)
        error = refusal(code, headers, body, "GET /api/v1/pods")
        assert isinstance(error, ApiStatusError)
        assert error.code == code
        wait = retry_after(headers)
        assert wait is None or wait >= 0
        assert error.retry_after is None or 0 <= error.retry_after <= 86_400
        if status is not None:
            assert isinstance(status_error(status), ApiStatusError)
    assert "GET /api/v1/pods" in str(error)


@inputs(1)
@given(_ANY)
def test_values_of_the_status(value: Any) -> None:
    body = json.dumps({"kind": "Status", "code": value, "details": {"retryAfterSeconds": value}, "message": "m"})
    error = refusal(500, {}, body.encode(), "GET /")
    assert error.status.message == "m"
