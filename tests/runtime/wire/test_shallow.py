"""Taking JSON apart one level deep agrees with decoding it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.wire import shallow

_text = st.text(st.sampled_from('",:{}[]\\\n é𝄞x'), max_size=5)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)
_styles = st.sampled_from([{"separators": (",", ":")}, {"ensure_ascii": False}, {"indent": 2}])


@given(value=st.dictionaries(_text, _values, max_size=4), style=_styles)
def test_members_of_an_object(value: dict[str, Any], style: dict[str, Any]) -> None:
    found = shallow.members(json.dumps(value, **style).encode())
    assert {name: json.loads(data) for name, data in found.items()} == value


@given(value=st.lists(_values, max_size=4), style=_styles)
def test_items_of_an_array(value: list[Any], style: dict[str, Any]) -> None:
    assert [json.loads(data) for data in shallow.items(json.dumps(value, **style).encode())] == value


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"a":1}{}', b'{"a":[}', b'{"a":1]}', b'{"a":{}}}', b'{"a"}', b"x"]
)
def test_what_is_no_object(data: bytes) -> None:
    with pytest.raises(ValueError):
        shallow.members(data)


def test_text_is_empty_for_all_else() -> None:
    assert shallow.text(b'"a\\n"') == "a\n"
    assert [shallow.text(data) for data in (None, b"1", b"null", b'"\xff"', b'"', b'"\\ud800"')] == [""] * 6
