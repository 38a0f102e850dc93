"""Descriptions of a specification, laid out as docstrings.

Only white space changes. Kubernetes' descriptions are Go comments: some keep their lines, in others a generator has
joined the lines of a paragraph, and often those of a list. What comes out reads alike in the source and in an editor's
hover, which takes a line that starts with a marker for an item, and an indented block after an empty line for code.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["docstring_text"]

_WIDTH: Final = 112
_TAB: Final = 4
_GLUE: Final = "\0"
"""Stands for a blank that no line may end at; no text holds one."""

_ITEM: Final = re.compile(r"(?P<marker>[-*•]|\d{1,2}[.)])\s+(?P<text>\S.*)")
_FENCE: Final = re.compile(r"```\w*")
# What would turn a line into an item, a heading, a quote, a table or a doctest if it came to stand at its start.
_BEFORE_MARKER: Final = re.compile(r" (?=(?:[-*•+#|]|>+|\d{1,2}[.)]|```\w*)(?: |$))")
_SENTENCE_END: Final = (".", ":", "!", "?", ";", ")")

# What a list looks like whose lines were joined: "Valid values are: - All: …", "- ipv4: … - 'ipv6' - …", "1. … 2. …".
_JOINED_LIST: Final = re.compile(r"(?<=:) +(?=- \S)")
_NEXT_ITEM: Final = re.compile(r" +(?=- \S)")
_NAMED_ITEM: Final = re.compile(
    r"""-[ ] (?: [`"'] [^`"'\s]+ [`"'] (?:[ ]\([^)]*\))? (?: : | [ ]- ) | [\w.-]+ (?:[ ]\([^)]*\))? : ) [ ]""",
    re.VERBOSE,
)
_NEXT_NAMED_ITEM: Final = re.compile(rf"[ ]+ (?={_NAMED_ITEM.pattern})", re.VERBOSE)
_FIRST_NUMBER: Final = re.compile(r"(?:^|(?<=: ))1(?P<after>[.)]) ")
_DEPRECATION: Final = re.compile(r"(?<=[.!?)]) +(?=Deprecated: )")


def docstring_text(text: str, indent: int = 4, *, closed: bool = False) -> str:
    """Text from a specification, made fit to stand inside a docstring.

    Paragraphs and items are filled anew; lists, indented or fenced blocks and tables keep their lines.

    Args:
        text: Plain text, of whatever origin.
        indent: Columns that every line but the first is indented by.
        closed: Whether the quotes follow at once; after several lines they then get a line of their own.
    """
    layout = _Layout()
    for line in _readable(text):
        for part in _unjoined(line):
            layout.add(part)
    lines = [line.replace("\\", "\\\\") for line in layout.finish()]
    margin = " " * indent
    if closed and len(lines) > 1:
        return "\n".join([lines[0], *(line and margin + line for line in lines[1:]), margin])
    if lines and lines[-1].endswith('"'):
        lines[-1] = lines[-1][:-1] + '\\"'
    return "\n".join([*lines[:1], *(line and margin + line for line in lines[1:])])


def _readable(text: str) -> list[str]:
    """Lines without what no Python source may hold, NUL, and what none should: it reorders the text that one sees."""
    seen = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in {"Cc", "Cf"})
    lines = seen.replace('"""', "'''").strip().splitlines()
    return ["".join(" " if char.isspace() and char != "\t" else char for char in line) for line in lines]


def _unjoined(line: str) -> Iterator[str]:
    """The lines that one line was joined of, as far as it shows."""
    body = line.lstrip()
    margin = line[: len(line) - len(body)]
    if len(margin.expandtabs(_TAB)) >= _TAB:  # code
        yield line
        return
    for number, paragraph in enumerate(_DEPRECATION.split(body)):
        if number:
            yield ""
        yield from (margin + part for part in _unjoined_items(paragraph))


def _unjoined_items(text: str) -> list[str]:
    number = _FIRST_NUMBER.search(text)
    if number is not None:
        return _numbered(text, number.start(), number["after"])
    if _NAMED_ITEM.match(text):
        return _NEXT_NAMED_ITEM.split(text)
    head, *items = _JOINED_LIST.split(text, maxsplit=1)
    return [head, *(each for item in items for each in _NEXT_ITEM.split(item))]


def _numbered(text: str, start: int, after: str) -> list[str]:
    """The items of ``1. … 2. … 3. …``, with what stands before them."""
    cuts = [start]
    while (cut := text.find(f" {len(cuts) + 1}{after} ", cuts[-1])) >= 0:
        cuts.append(cut)
    if len(cuts) == 1:
        return [text]
    parts = [text[begin:end].strip() for begin, end in zip([0, *cuts], [*cuts, None], strict=True)]
    return [part for part in parts if part]


class _Level(NamedTuple):
    """A list that is open.

    Attributes:
        column: Where its items' markers stand in the source.
        text: Where their texts stand in the docstring.
    """

    column: int
    text: int


@dataclass(slots=True)
class _Layout:
    """Reads lines, and lays them out."""

    _lines: list[str] = field(default_factory=list)
    _words: list[str] = field(default_factory=list)  # of the paragraph or item that is open
    _prefix: str = ""
    _apart: bool = False  # whether an empty line goes before it
    _levels: list[_Level] = field(default_factory=list)  # outermost first
    _block: list[str] = field(default_factory=list)  # indented lines, kept as they are
    _fence: int | None = None  # the open fence's column
    _gap: bool = False  # whether an empty line was the last that was read

    def add(self, raw: str) -> None:
        """Takes the next line."""
        line = raw.expandtabs(_TAB).rstrip()
        body = line.lstrip()
        column = len(line) - len(body)
        if self._fence is not None:
            self._lines.append(line[min(column, self._fence) :])
            if body == "```":
                self._fence = None
        elif body:
            self._add_text(line, column, body)
        self._gap = not body

    def finish(self) -> list[str]:
        """All lines, laid out."""
        self._close()
        return self._lines

    def _add_text(self, line: str, column: int, body: str) -> None:
        if self._block and column > 1:
            self._block += [""] * self._gap + [line]
        elif _FENCE.fullmatch(body):
            self._close(end_list=True)
            self._emit([body], apart=True)
            self._fence = column
        elif item := _ITEM.fullmatch(body):
            self._begin_item(column, item["marker"], item["text"])
        elif self._levels and self._belongs_to_item(column, body):
            if self._gap:
                self._close()
                self._begin(body, " " * self._levels[-1].text, apart=True)
            else:
                self._words.append(body)
        elif column > 1 and (self._gap or not self._words or self._words[-1].endswith(":")):
            self._close(end_list=True)
            self._block.append(line)
        elif body.startswith("|"):  # a table's row
            self._close(end_list=True)
            self._emit([body], apart=self._gap)
        elif self._words and not self._levels and not self._gap:
            self._words.append(body)
        else:
            apart = self._gap or bool(self._levels or self._block) or self._lines[-1:] == ["```"]
            self._close(end_list=True)
            self._begin(body, "", apart=apart)

    def _begin_item(self, column: int, marker: str, text: str) -> None:
        nested = bool(self._levels)
        self._close()
        while self._levels and column < self._levels[-1].column + 2:  # a column more or less is sloppiness
            self._levels.pop()
        start = self._levels[-1].text if self._levels else 0
        self._levels.append(_Level(column, start + len(marker) + 1))
        self._begin(text, f"{' ' * start}{marker} ", apart=not nested)

    def _belongs_to_item(self, column: int, body: str) -> bool:
        """Whether a line goes on with the list's last item. Many are not indented, though they do."""
        if column > self._levels[-1].column:
            return True
        ended = not self._words or self._words[-1].endswith(_SENTENCE_END)
        return not self._gap and not (ended and body[0].isupper())

    def _begin(self, text: str, prefix: str, *, apart: bool) -> None:
        self._words = [text]
        self._prefix = prefix
        self._apart = apart

    def _close(self, *, end_list: bool = False) -> None:
        """Lays out what is open: a paragraph, an item or a block."""
        if self._words:
            text = _BEFORE_MARKER.sub(_GLUE, " ".join(" ".join(self._words).split()))
            filled = textwrap.wrap(
                text,
                _WIDTH,
                initial_indent=self._prefix,
                subsequent_indent=" " * len(self._prefix),
                break_long_words=False,
                break_on_hyphens=False,
            )
            self._emit([line.replace(_GLUE, " ") for line in filled], apart=self._apart)
            self._words = []
        if self._block:
            block = textwrap.dedent("\n".join(self._block)).split("\n")
            self._emit([line and " " * _TAB + line for line in block], apart=True)
            self._block = []
        if end_list:
            self._levels.clear()

    def _emit(self, lines: list[str], *, apart: bool) -> None:
        if apart and self._lines and self._lines[-1]:
            self._lines.append("")
        self._lines += lines
