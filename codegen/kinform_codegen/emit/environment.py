"""The templates' surroundings: where they are, how strict they are, and the filters that they use."""

from __future__ import annotations

import textwrap
import unicodedata
from functools import cache
from pathlib import Path

import jinja2

__all__ = ["TEMPLATES", "docstring_text", "template"]

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
_DOCSTRING_WIDTH = 112


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701  (Python is rendered here, not HTML)
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["docstring"] = docstring_text
    return environment


def template(name: str) -> jinja2.Template:
    """The template of that name, ``clients/resource.py`` for ``templates/clients/resource.py.jinja2``."""
    return _environment().get_template(f"{name}.jinja2")


def docstring_text(text: str, indent: int = 4) -> str:
    """Text from a specification, made fit to stand inside a docstring.

    Args:
        text: Plain text; paragraphs are kept, lines are filled anew.
        indent: Columns that every line but the first is indented by.
    """
    # No Python source may hold a NUL, and none should hold what reorders the text that a reader sees.
    seen = "".join(char for char in text if char.isspace() or unicodedata.category(char) not in {"Cc", "Cf"})
    safe = seen.replace("\\", "\\\\").replace('"""', "'''").strip()
    if safe.endswith('"'):
        safe = safe[:-1] + '\\"'
    margin = " " * indent
    paragraphs = (" ".join(paragraph.split()) for paragraph in safe.split("\n\n"))
    filled = ("\n".join(textwrap.wrap(each, _DOCSTRING_WIDTH, break_long_words=False)) for each in paragraphs if each)
    return "\n\n".join(filled).replace("\n", f"\n{margin}").replace(f"\n{margin}\n", "\n\n")
