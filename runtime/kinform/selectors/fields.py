"""Field selectors: which objects, by the few fields that the API server can select on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from kinform.errors import SelectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["FieldSelector", "FieldTerm"]

# Go's parser takes anything up to the operator as the field; what is refused here no server knows as a field.
_NOT_IN_FIELDS: Final = re.compile(r"[\s!<>()\\,=]")
_ESCAPED: Final = re.compile(r"[\\,=]")
_PIECE: Final = re.compile(r"[^\\,=]+|\\[\\,=]")
_OPERATOR: Final = re.compile(r"!=|==|=")


@final
@dataclass(frozen=True, slots=True, order=True)
class FieldTerm:
    r"""One condition on one field: equal to a value, or not. A field that is not there counts as ``""``.

    Attributes:
        field: The path, such as ``"spec.nodeName"``.
        value: The value, without escapes.
        negated: True for ``!=``.

    Raises:
        SelectorError: The field is empty, or holds a blank or one of ``! < > ( ) \ , =``.
    """

    field: str
    value: str
    negated: bool = False

    def __post_init__(self) -> None:
        if not self.field or _NOT_IN_FIELDS.search(self.field):
            raise SelectorError(f"{self.field!r} cannot be a field's path")

    def matches(self, fields: Mapping[str, str]) -> bool:
        """True where the fields satisfy this term."""
        return (fields.get(self.field, "") == self.value) is not self.negated

    def __str__(self) -> str:
        return f"{self.field}{'!=' if self.negated else '='}" + _ESCAPED.sub(r"\\\g<0>", self.value)


@final
class FieldSelector:
    r"""Which objects, by fields that the server can select on: ``spec.nodeName=n1,status.phase!=Failed``.

    Which fields those are differs by kind; every kind has ``metadata.name`` and (if namespaced) ``metadata.namespace``.
    Immutable, hashable, equal by its terms; ``str()`` is the canonical text: terms sorted, each once, and ``\``, ``,``
    and ``=`` in values escaped with a backslash (apimachinery: ``fields.Selector``).

    Args:
        equal: Fields that must have these values.
        not_equal: Pairs of a field and a value that it must not have; a field may stand in several.

    Raises:
        SelectorError: A field's path cannot be one.
    """

    __slots__ = ("_terms", "_text")

    def __init__(
        self,
        equal: Mapping[str, str] | None = None,
        *,
        not_equal: Iterable[tuple[str, str]] = (),
    ) -> None:
        terms = {FieldTerm(field, value) for field, value in (equal or {}).items()}
        terms.update(FieldTerm(field, value, negated=True) for field, value in not_equal)
        self._set(terms)

    def _set(self, terms: Iterable[FieldTerm]) -> None:
        self._terms = tuple(sorted(set(terms)))
        self._text = ",".join(map(str, self._terms))

    @classmethod
    def parse(cls, text: str) -> FieldSelector:
        r"""Reads the text form: terms ``field=value``, ``field==value`` or ``field!=value``, with commas between.

        In values ``\\``, ``\,`` and ``\=`` stand for the characters themselves. Empty terms are passed over; empty
        text selects everything (apimachinery: ``fields.ParseSelector``).

        Raises:
            SelectorError: The text does not parse; the message tells the place.
        """
        selector = cls()
        if text:
            selector._set(_parse(text))
        return selector

    @classmethod
    def everything(cls) -> FieldSelector:
        """The selector without terms, which matches all objects."""
        return cls()

    @classmethod
    def of(cls, selector: str | FieldSelector) -> FieldSelector:
        """Text or selector as a selector.

        Raises:
            SelectorError: The text does not parse.
        """
        return selector if isinstance(selector, FieldSelector) else cls.parse(selector)

    @property
    def terms(self) -> tuple[FieldTerm, ...]:
        """What must hold, sorted by field."""
        return self._terms

    @property
    def empty(self) -> bool:
        """True where it selects everything."""
        return not self._terms

    def matches(self, fields: Mapping[str, str]) -> bool:
        """True where an object with these fields is selected; a field that is left out counts as ``""``."""
        return all(term.matches(fields) for term in self._terms)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"FieldSelector.parse({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return self._terms == other._terms if isinstance(other, FieldSelector) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._terms)


def _parse(text: str) -> Iterator[FieldTerm]:
    for start, term in _split(text):
        found = _OPERATOR.search(term)
        if found is None:
            raise _error(text, start, f"expected '=', '==' or '!=' after {term!r}")
        value = _unescaped(text, start + found.end(), term[found.end() :])
        try:
            parsed = FieldTerm(term[: found.start()], value, found[0] == "!=")
        except SelectorError as error:
            raise _error(text, start, str(error)) from None
        yield parsed


def _split(text: str) -> Iterator[tuple[int, str]]:
    """The terms between unescaped commas, each with its place, empty ones left out."""
    start, escaped = 0, False
    for place, character in enumerate(f"{text},"):
        if character == "," and (not escaped or place == len(text)):
            if term := text[start:place]:
                yield start, term
            start = place + 1
        escaped = character == "\\" and not escaped


def _unescaped(text: str, start: int, value: str) -> str:
    pieces: list[str] = []
    place = 0
    while place < len(value):
        found = _PIECE.match(value, place)
        if found is None:
            if value[place] == "\\":
                raise _error(text, start + place, r"a backslash stands before '\', ',' or '=' only")
            raise _error(text, start + place, rf"{value[place]!r} in a value is written '\{value[place]}'")
        piece = found[0]
        pieces.append(piece[1:] if piece[0] == "\\" else piece)
        place = found.end()
    return "".join(pieces)


def _error(text: str, place: int, message: str) -> SelectorError:
    return SelectorError(f"field selector {text!r}, character {place + 1}: {message}")
