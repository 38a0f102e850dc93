"""Reads YAML as kubectl does, and refuses what would hide a mistake or mean harm: twice the same key, tags, bombs.

The values are built from libyaml's events, without PyYAML's constructors: no tag can name a Python type, keys become
JSON's, and nothing recurs, so that no nesting exhausts the stack.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from kinform_codegen.crd.yaml_scalars import plain_scalar, tagged_scalar
from kinform_codegen.errors import SpecError
from kinform_codegen.spec.depth import TOO_DEEP

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["YamlDocument", "read_yaml"]

# libyaml reads the largest CRDs that are in use (830 KB) in 0.05 s, PyYAML's own scanner in 0.6 s: good enough for a
# Python without libyaml.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_DEEPEST: Final = 100
"""Open lists and maps. libyaml's time grows with the square of it; `check_depth` is stricter, and names the path."""

_MOST_VALUES: Final = 1_000_000
"""In one document, all aliases followed. The largest CRDs hold 20,000."""

_TAB: Final = re.compile(r" *\t")
_MERGE_KEY: Final = object()
_NO_KEY: Final = object()
_COLLECTION_TAGS: Final = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class YamlDocument(NamedTuple):
    """One document of a stream.

    Attributes:
        number: Its place among the stream's documents, from 1.
        value: Its content as JSON has it; None where the document is empty.
    """

    number: int
    value: object


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not come yet.

    Attributes:
        value: The list, or the map's own members.
        anchor: Its name for aliases.
        size: How many values it holds, at any depth, itself included.
        key: The key that waits for its value.
        lines: Where the keys stand that it has of its own.
    """

    value: dict[str, object] | list[object]
    anchor: str | None
    size: int = 1
    key: object = _NO_KEY
    lines: dict[str, int] = field(default_factory=dict)


class _Anchored(NamedTuple):
    """What an alias stands for."""

    value: object
    size: int


def read_yaml(text: str, source: str) -> Iterator[YamlDocument]:
    """The documents of a YAML stream, empty ones included, as they are read.

    Args:
        text: The stream.
        source: What complaints call it.

    Raises:
        SpecError: It is no YAML, or no JSON can be made of it; document and line are named.
    """
    reader = _Reader(source)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            reader.take(event)
            if isinstance(event, yaml.DocumentEndEvent):
                yield YamlDocument(reader.number, reader.root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark is not None else 0
        said = " ".join(part for part in (error.context, error.problem) if part)
        # Other line breaks than \n count for YAML, too: there may be fewer lines than it says.
        tab = any(map(_TAB.match, text.split("\n")[line : line + 1]))
        mend = "indent by spaces: YAML takes no tabs" if tab else "mend the YAML there"
        raise reader.error(line, f"is no YAML: {said}", mend=mend) from error
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n")
        raise reader.error(
            line,
            f"is no YAML: the character U+{int(error.character):04X} is not allowed",
            mend="take the character out",
        ) from error


class _Reader:
    """Builds the values of one stream."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.number = 0
        self.root: object = None
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._size = 0

    def error(self, line: int, problem: str, *, mend: str) -> SpecError:
        """A complaint about a line of the current document, counted from 0."""
        return SpecError(self._source, f"document {max(self.number, 1)}, line {line + 1}: {problem}", mend=mend)

    def take(self, event: yaml.Event) -> None:
        """Goes one event on."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self.number += 1
                self.root, self._size = None, 0
                self._anchors.clear()

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        value: object
        if event.tag is not None:
            try:
                value = tagged_scalar(event.tag, event.value)
            except ValueError as error:
                raise self._tag_error(event) from error
        elif not event.implicit[0]:
            value = event.value
        elif event.value == "<<" and self._awaits_key():
            value = _MERGE_KEY
        else:
            value = plain_scalar(event.value)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error(
                _line(event), f"{event.value} is no number in JSON", mend="quote it, or write a finite number"
            )
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(event.value if value is _MERGE_KEY else value, 1)
        self._add(value, 1, event)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        line = _line(event)
        if event.tag not in _COLLECTION_TAGS:
            raise self._tag_error(event)
        if self._awaits_key():
            raise self.error(
                line, "a list or a map stands as a key", mend="JSON's keys are strings: quote it, if it is text"
            )
        if len(self._open) >= _DEEPEST:
            raise self.error(line, TOO_DEEP, mend="check that this is the file you mean")
        if event.anchor:
            self._anchors[event.anchor] = None
        is_map = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Open({} if is_map else [], event.anchor))

    def _end(self, event: yaml.Event) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = _Anchored(done.value, done.size)
        self._add(done.value, done.size, event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line = _line(event)
        if event.anchor not in self._anchors:
            raise self.error(
                line, f"*{event.anchor} stands for nothing: the document has no &{event.anchor} before it",
                mend="write out what it stands for",
            )  # fmt: skip
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise self.error(line, f"*{event.anchor} stands inside of what it stands for", mend="write it out")
        self._add(anchored.value, anchored.size, event)

    def _add(self, value: object, size: int, event: yaml.Event) -> None:
        """Puts a value where it belongs: into the open list or map, or it is the document."""
        if isinstance(event, (yaml.ScalarEvent, yaml.AliasEvent)):
            self._size += size
            if self._size > _MOST_VALUES:
                raise self.error(
                    _line(event),
                    f"unfolds to more than {_MOST_VALUES} values",
                    mend="write out what the aliases (*name) stand for; an honest document is smaller",
                )
        if not self._open:
            self.root = value
            return
        into = self._open[-1]
        into.size += size
        if isinstance(into.value, list):
            into.value.append(value)
        elif into.key is _NO_KEY:
            into.key = self._key(value, into, event)
        elif into.key is _MERGE_KEY:
            # Keys further up are overwritten, those further down overwrite: so kubectl does it, not as the merge key's
            # own specification has it, where place does not count. Of several maps the first has the last word.
            for each in reversed(self._mergeable(value, event)):
                into.value.update(each)
            into.key = _NO_KEY
        else:
            assert isinstance(into.key, str)
            into.value[into.key] = value
            into.key = _NO_KEY

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is _NO_KEY

    def _key(self, value: object, into: _Open, event: yaml.Event) -> object:
        """The key of a map, as JSON's text: ``on:`` is ``"true"``, ``1:`` is ``"1"``."""
        line = _line(event)
        match value:
            case str():
                key = value
            case bool():
                key = "true" if value else "false"
            case int() | float():
                key = str(value)
            case None:
                raise self.error(line, "null stands as a key", mend="JSON's keys are strings: quote it, or name it")
            case dict() | list():
                raise self.error(line, "a list or a map stands as a key", mend="JSON's keys are strings")
            case _:
                return _MERGE_KEY
        if key in into.lines:
            raise self.error(
                line,
                f"the key {key[:60]!r} stands here again; it was on line {into.lines[key] + 1}",
                mend="keep one of the two: only the last would count",
            )
        into.lines[key] = line
        return key

    def _mergeable(self, value: object, event: yaml.Event) -> list[dict[str, object]]:
        """The maps that a merge key takes in."""
        given = value if isinstance(value, list) else [value]
        maps = [each for each in given if isinstance(each, dict)]
        if len(maps) < len(given):
            raise self.error(
                _line(event), "<< takes maps only", mend="give it an alias (*name) of a map, or a list of them"
            )
        return maps

    def _tag_error(self, event: yaml.ScalarEvent | yaml.MappingStartEvent | yaml.SequenceStartEvent) -> SpecError:
        tag = (event.tag or "").replace("tag:yaml.org,2002:", "!!")
        return self.error(_line(event), f"the tag {tag[:60]!r} does not fit data", mend="take the tag out")


def _line(event: yaml.Event) -> int:
    """The line that an event begins on, from 0."""
    return event.start_mark.line if event.start_mark is not None else 0
