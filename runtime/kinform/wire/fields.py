"""Field paths such as ``spec.nodeName``: parsed once, then read from an object's bytes without building a model."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FieldPath", "read_field", "split_field_path"]

_SEGMENT = re.compile(
    r"""
    (?:^|\.) (?P<plain> (?: [^.\[\]\\] | \\. )+ )     # spec   or   example\.com/key
    | \[ (?: '(?P<single>[^']+)' | "(?P<double>[^"]+)" ) \]   # ['example.com/key']
    | \[ \* \]                                        # [*]: lists are walked anyway
    """,
    re.VERBOSE,
)
_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


def split_field_path(path: str) -> tuple[str, ...]:
    r"""The segments of a field path, in JSON names: ``"spec.nodeName"`` is ``("spec", "nodeName")``.

    A segment with dots in it is written as in kubectl's JSONPath, ``metadata.annotations['example.com/owner']`` or
    ``metadata.annotations.example\.com/owner``. ``[*]`` may follow a list and means nothing: lists are walked anyway.

    Raises:
        ValueError: The text is no such path; the message points at the place.
    """
    segments: list[str] = []
    at = 0
    while at < len(path):
        match = _SEGMENT.match(path, at)
        if match is None:
            raise ValueError(f"{path!r} is not a field path: cannot read {path[at:]!r}")
        plain = match["plain"]
        segment = re.sub(r"\\(.)", r"\1", plain) if plain is not None else match["single"] or match["double"]
        if segment:
            segments.append(segment)
        at = match.end()
    if not segments:
        raise ValueError(f"{path!r} is not a field path: it names no field")
    return tuple(segments)


class FieldPath:
    """One field path, compiled: reads its values from an object's JSON at the price of one scan.

    Immutable and thread-safe; equal by its segments.
    """

    __slots__ = ("_decode", "segments")

    def __init__(self, path: str | tuple[str, ...]) -> None:
        self.segments: tuple[str, ...] = split_field_path(path) if isinstance(path, str) else path
        if not self.segments:
            raise ValueError("a field path names at least one field")
        self._decode = msgspec.json.Decoder(_shape(self.segments)).decode

    def read(self, body: bytes) -> tuple[str, ...]:
        """The values at this path, as text, each once and in order.

        A string gives itself, a number its JSON text, a boolean ``"true"`` or ``"false"``; a list anywhere on the way
        gives the values of all its items. An absent or null field, an empty string and an object give nothing.

        Raises:
            ValueError: The bytes are not a JSON object.
        """
        try:
            try:
                texts = [text for leaf in _leaves(self._decode(body)) for text in _texts(leaf)]
            except msgspec.ValidationError:
                # Something on the way has another shape than objects and lists of objects: go step by step.
                texts = [
                    text
                    for name, value in _RAW_OBJECT.decode(body).items()
                    if name == self.segments[0]
                    for text in _walk(value, self.segments[1:])
                ]
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"not a JSON object that can be read: {error}") from error
        return tuple(dict.fromkeys(texts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldPath) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def __repr__(self) -> str:
        return f"FieldPath({self.segments!r})"


def read_field(body: bytes, path: str) -> tuple[str, ...]:
    """The values at ``path`` in an object's JSON; see ``FieldPath.read``.

    Raises:
        ValueError: The path does not parse, or the bytes are not a JSON object.
    """
    return _compiled(path).read(body)


@functools.lru_cache(maxsize=256)
def _compiled(path: str) -> FieldPath:
    return FieldPath(path)


def _shape(segments: tuple[str, ...]) -> Any:
    """A type that makes msgspec keep the leaf's bytes and skip all else: nested one-field structs."""
    shape: Any = msgspec.Raw
    level: Any = None
    for segment in reversed(segments):
        level = msgspec.defstruct("_Level", [("inner", shape, msgspec.UNSET)], rename={"inner": segment})
        shape = level | list[level] | None
    return level


def _leaves(found: Any) -> Iterator[msgspec.Raw]:
    if isinstance(found, msgspec.Raw):
        yield found
    elif isinstance(found, list):
        for item in found:  # pyright: ignore[reportUnknownVariableType]
            yield from _leaves(item)
    elif isinstance(found, msgspec.Struct):
        yield from _leaves(found.inner)  # type: ignore[attr-defined]


def _walk(raw: msgspec.Raw, segments: tuple[str, ...]) -> Iterator[str]:
    if not segments:
        yield from _texts(raw)
        return
    first = bytes(raw)[:1]
    if first == b"[":
        for item in _RAW_LIST.decode(raw):
            yield from _walk(item, segments)
    elif first == b"{":
        inner = _RAW_OBJECT.decode(raw).get(segments[0])
        if inner is not None:
            yield from _walk(inner, segments[1:])


def _texts(raw: msgspec.Raw) -> Iterator[str]:
    data = bytes(raw)
    first = data[:1]
    if first == b'"':
        text = _TEXT.decode(data)
        if text:
            yield text
    elif first == b"[":
        for item in _RAW_LIST.decode(data):
            yield from _texts(item)
    elif first not in {b"{", b"n", b""}:
        yield data.decode()
