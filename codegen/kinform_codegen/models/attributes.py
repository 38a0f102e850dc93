"""Names of attributes: Python's spelling of wire names, no two alike in a class, none that means something else."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from kinform_codegen.naming import python_name, snake_case

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RESERVED", "attribute_names"]

RESERVED: Final = frozenset(
    {
        # What pydantic's BaseModel and kinform's Model have of their own. Written out, so that another pydantic
        # renames nothing; a test compares.
        "construct", "copy", "dict", "from_orm", "from_wire", "json", "parse_file", "parse_obj", "parse_raw", "schema",
        "schema_json", "to_wire", "update_forward_refs", "validate",
        "model_computed_fields", "model_config", "model_construct", "model_copy", "model_dump", "model_dump_json",
        "model_extra", "model_fields", "model_fields_set", "model_json_schema", "model_parametrized_name",
        "model_post_init", "model_rebuild", "model_validate", "model_validate_json", "model_validate_strings",
        # Types that annotations of the same class name: an attribute would hide them.
        "bool", "float", "int", "list", "object", "str",
    }
)  # fmt: skip
"""Names that no attribute may have."""

_CONVENTIONAL: Final = re.compile(r"[a-z][A-Za-z0-9]*")


def attribute_names(wire_names: Iterable[str]) -> dict[str, str]:
    """The attribute for each property of one schema.

    ``nodeName`` → ``node_name``; a trailing underscore for keywords and for names that mean something else in a class
    (``from`` → ``from_``, ``schema`` → ``schema_``). Where two properties want one name (``fooBar`` and ``foo_bar``),
    the one that is spelt as the API's conventions have it gets it, then the first by name; the others get underscores
    until they are alone. So the names depend on the set of properties only, not on their order.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for wire in sorted(wire_names, key=lambda name: (_CONVENTIONAL.fullmatch(name) is None, name)):
        name = _attribute(wire)
        while name in taken:
            name += "_"
        taken.add(name)
        names[wire] = name
    return names


def _attribute(wire: str) -> str:
    wire = unicodedata.normalize("NFKC", wire)  # as Python reads identifiers
    name = snake_case(wire) if wire.isascii() else re.sub(r"\W", "_", wire).strip("_").lower()
    if not name.isidentifier() and not f"_{name}".isidentifier():
        name = ""
    if not name or not (name[0].isalpha()):
        # An underscore in front would make it private to pydantic.
        name = f"field_{name}".rstrip("_")
    return python_name(name, reserved=RESERVED)
