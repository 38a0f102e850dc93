"""Reads JSON as kubectl does: one value after the other, without anything between them. No key twice."""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn

from kinform_codegen.crd.yaml_scalars import json_number
from kinform_codegen.errors import SpecError
from kinform_codegen.spec.depth import TOO_DEEP

__all__ = ["read_json"]

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_TOKEN: Final = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")\s*(?P<colon>:)?|[{}\[\]]')
_LONGEST_INTEGER: Final = 400
"""Digits. Python's own conversion refuses thousands of them, and takes quadratic time."""
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _DuplicateKeyError(Exception):
    """An object has a key twice."""


def read_json(text: str, source: str) -> list[object]:
    """The values of a JSON text.

    Args:
        text: The text, ``{…}{…}``.
        source: What complaints call it.

    Raises:
        SpecError: It is not JSON, or holds a key twice; the line is named.
    """
    decoder = json.JSONDecoder(
        object_pairs_hook=_object, parse_constant=_no_number, parse_float=_number, parse_int=_integer
    )
    values: list[object] = []
    position = _after_space(text, 0)
    try:
        while position < len(text):
            value, position = decoder.raw_decode(text, position)
            values.append(value)
            position = _after_space(text, position)
        if _SURROGATE.search(text):
            json.dumps(values, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise SpecError(source, f"line {error.lineno}: is not JSON: {error.msg}", mend="mend the JSON there") from error
    except RecursionError as error:
        raise SpecError(source, TOO_DEEP, mend="check that this is the file you mean") from error
    except UnicodeEncodeError as error:
        raise SpecError(source, "holds half of a surrogate pair (\\ud…)", mend="write the character itself") from error
    except _DuplicateKeyError as error:
        again, first = _lines_of_duplicate(text)
        raise SpecError(
            source,
            f"line {again}: the key {str(error)[:60]!r} stands here again; it was on line {first}",
            mend="keep one of the two: only the last would count",
        ) from error
    except ValueError as error:
        mend = "write a finite number, or quote it"
        raise SpecError(
            source, f"holds {str(error)[:60]}, which is no number that JSON can carry", mend=mend
        ) from error
    return values


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match is not None else position


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(key)
            seen.add(key)
    return members


def _lines_of_duplicate(text: str) -> tuple[int, int]:
    """Where the first key stands that its object has already, and where it stood. The decoder does not tell."""
    objects: list[dict[str, int]] = []
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            objects.append({})
        elif token[0] in "]}":
            objects.pop()
        elif token["colon"]:
            key, line = json.loads(token["string"]), text.count("\n", 0, token.start()) + 1
            if key in objects[-1]:
                return line, objects[-1][key]
            objects[-1][key] = line
    return 0, 0


def _number(text: str) -> int | float:
    number = json_number(text)
    return number if math.isfinite(number) else _no_number(text)


def _integer(text: str) -> int:
    return int(text) if len(text) <= _LONGEST_INTEGER else _no_number(text)


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)
