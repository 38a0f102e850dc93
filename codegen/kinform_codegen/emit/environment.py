"""The templates' surroundings: where they are, how strict they are, and the filters that they use."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from kinform_codegen.emit.docstrings import docstring_text

__all__ = ["TEMPLATES", "template"]

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


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
