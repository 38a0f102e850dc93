from __future__ import annotations

import jinja2
import pytest

from kinform_codegen.emit.environment import TEMPLATES, template


def test_a_name_that_a_template_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        template("package/folder.py").render(header="x")


def test_every_template_parses() -> None:
    names = [path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.glob("*/*.jinja2")]
    assert len(names) >= 12
    for name in names:
        if not name.startswith("models/"):
            template(name.removesuffix(".jinja2"))
