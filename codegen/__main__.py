"""``python -m codegen``: hands over to kinform_codegen, or says what is missing instead of failing in an import."""

import sys
from importlib.util import find_spec

NEEDED = ("kinform_codegen", "kinform", "datamodel_code_generator", "jinja2", "msgspec", "ruff", "urllib3", "yaml")


def missing() -> str:
    """What this Python lacks, in words; empty if nothing."""
    if sys.version_info < (3, 11):  # noqa: UP036  (an old Python is the very one that must be told)
        return "needs Python 3.11 or newer"
    absent = [name for name in NEEDED if find_spec(name) is None]
    return f"this Python lacks {', '.join(absent)}" if absent else ""


def main() -> int:
    """Runs the generator.

    Returns:
        The exit status.
    """
    lack = missing()
    if lack:
        sys.stderr.write(f"python -m codegen: {lack}\nrun `make setup` once, then `.venv/bin/python -m codegen …`\n")
        return 2
    from kinform_codegen.cli import main as run  # noqa: PLC0415  (only now is it known to be there)

    return run(prog="python -m codegen")


if __name__ == "__main__":
    sys.exit(main())
