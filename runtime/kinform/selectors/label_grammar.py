"""The text form of label selectors: cut into tokens, read into (key, operator, values), errors told by place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from kinform.errors import SelectorError
from kinform.selectors.names import label_key_problem, label_value_problem, parse_int64

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Term", "parse_terms"]

# A word is whatever stands between blanks and operators; whether it may be a key or value is judged later, so that
# the message can say what is wrong with it instead of "unexpected character".
_TOKEN: Final = re.compile(r"[ \t\r\n]*(?:(?P<word>[^ \t\r\n=!(),><]+)|(?P<operator>==|!=|[=!(),><]))")
_BLANK: Final = " \t\r\n"
_SETS: Final = {"in": "In", "notin": "NotIn"}
_RELATIONS: Final = {"=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt"}


class Term(NamedTuple):
    """One requirement as it was written."""

    key: str
    operator: str
    values: tuple[str, ...]


class _Token(NamedTuple):
    text: str
    place: int
    is_word: bool


class _Reader:
    """The tokens of one text, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan())
        self._at = 0

    def _scan(self) -> Iterator[_Token]:
        place = 0
        while found := _TOKEN.match(self._text, place):
            place = found.end()
            kind = found.lastgroup or ""
            yield _Token(found[kind], found.start(kind), kind == "word")
        # Only blanks can be left: every other character begins a token.
        yield _Token("", len(self._text.rstrip(_BLANK)), is_word=False)

    @property
    def next(self) -> _Token:
        return self._tokens[self._at]

    def take(self, *operators: str) -> bool:
        """Goes past the next token if it is one of these operators."""
        if not self.next.is_word and self.next.text in operators:
            self._at += 1
            return True
        return False

    def word(self, expected: str) -> _Token:
        token = self.next
        if not token.is_word:
            self.fail(token, f"expected {expected}, found {_shown(token)}")
        self._at += 1
        return token

    def key(self) -> _Token:
        token = self.word("a label key")
        if problem := label_key_problem(token.text):
            self.fail(token, f"{token.text!r} cannot be a label key: it {problem}")
        return token

    def value(self) -> _Token:
        """The next word as a value, or an empty one where the value is left out."""
        token = self.next
        if not token.is_word:
            return _Token("", token.place, is_word=True)
        self._at += 1
        if problem := label_value_problem(token.text):
            self.fail(token, f"{token.text!r} cannot be a label value: it {problem}")
        return token

    def fail(self, token: _Token, message: str) -> NoReturn:
        raise SelectorError(f"label selector {self._text!r}, character {token.place + 1}: {message}")


def _shown(token: _Token) -> str:
    return repr(token.text) if token.text else "the end"


def parse_terms(text: str) -> list[Term]:
    """Reads a label selector's text (apimachinery: ``labels.Parse``).

    Raises:
        SelectorError: The text does not parse, or names a key or value that no label can have.
    """
    reader = _Reader(text)
    terms: list[Term] = []
    if not reader.next.text:
        return terms
    while True:
        terms.append(_requirement(reader))
        if not reader.next.text:
            return terms
        if not reader.take(","):
            reader.fail(reader.next, f"expected ',' or the end, found {_shown(reader.next)}")


def _requirement(reader: _Reader) -> Term:
    if reader.take("!"):
        return Term(reader.key().text, "DoesNotExist", ())
    key = reader.key().text
    operator = reader.next
    if not operator.text or operator.text == ",":
        return Term(key, "Exists", ())
    if operator.is_word and operator.text in _SETS:
        reader.word("an operator")
        return Term(key, _SETS[operator.text], _value_set(reader))
    if not reader.take(*_RELATIONS):
        reader.fail(operator, f"expected '=', '==', '!=', 'in', 'notin', '>' or '<', found {_shown(operator)}")
    value = reader.value()
    if operator.text in {"<", ">"} and parse_int64(value.text) is None:
        reader.fail(value, f"expected a whole number of at most 64 bits after {operator.text!r}, found {value.text!r}")
    if reader.next.text not in {"", ","}:
        reader.fail(reader.next, f"expected ',' or the end, found {_shown(reader.next)}")
    return Term(key, _RELATIONS[operator.text], (value.text,))


def _value_set(reader: _Reader) -> tuple[str, ...]:
    """``(a,b)``. Values may be left out: ``()``, ``(,)`` and ``(a,)`` hold the empty value."""
    if not reader.take("("):
        reader.fail(reader.next, f"expected '(', found {_shown(reader.next)}")
    values: list[str] = []
    while True:
        values.append(reader.value().text)
        if reader.take(")"):
            return tuple(values)
        if not reader.take(","):
            reader.fail(reader.next, f"expected ',' or ')', found {_shown(reader.next)}")
