"""A text and how it was encoded: what all readers of definitions begin with."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from kinform_codegen.errors import SpecError

__all__ = ["Text", "decode_text"]

_BOMS: Final = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_BOM_OF_A_LINE: Final = re.compile("^\ufeff", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Text:
    """A text that may hold definitions.

    Attributes:
        name: The file, URL or ``standard input``, as complaints call it.
        content: The text, without byte order marks.
    """

    name: str
    content: str


def decode_text(data: bytes, source: str) -> str:
    """The text that bytes stand for: UTF-8, or UTF-16 where a byte order mark says so.

    Byte order marks go, also those amid the text that gluing files together leaves.

    Raises:
        SpecError: They are no text.
    """
    bom, encoding = next(((bom, name) for bom, name in _BOMS.items() if data.startswith(bom)), (b"", "utf-8"))
    try:
        text = data[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise SpecError(
            source,
            f"is no text: byte {error.start + len(bom) + 1} is not {error.encoding.upper()}",
            mend="give YAML or JSON in UTF-8, not packed",
        ) from error
    return _BOM_OF_A_LINE.sub("", text)
