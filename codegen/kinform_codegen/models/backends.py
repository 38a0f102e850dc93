"""What models can be made of, and how the class generator is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform_codegen.models.shapes import Schema
    from kinform_codegen.settings import ModelKind

__all__ = ["BACKENDS", "Backend"]

_ROOM: Final = "kinform.model."
_NULL: Final = {"type": "null"}


@dataclass(frozen=True, slots=True)
class Backend:
    """One kind of models.

    Attributes:
        name: What docstrings call them.
        room: The room of the runtime that has the base class and the types of fields.
        base: The base class.
        output: datamodel-code-generator's name for the kind; the template is called after it.
        imports: What the template may use beside the types of fields.
        impossible: What a JSON key must not match.
        keeps_unknown: Whether a class keeps fields that it does not know.
        explicit_null: Whether what can be None must say so: for msgspec, datamodel-code-generator takes a field that is
            not required for one that can be missing, which none of ours is.
    """

    name: str
    room: str
    base: str
    output: str
    imports: tuple[str, ...]
    impossible: re.Pattern[str]
    keeps_unknown: bool
    explicit_null: bool

    def adapt(self, schema: Schema) -> Schema:
        """A prepared schema as the class generator should have it for this kind."""
        if not self.explicit_null:
            return schema
        properties: dict[str, Any] = self._in_room(schema["properties"])
        required: Any = schema["required"]
        return {
            **schema,
            "properties": {
                name: inner if name in required else {"anyOf": [*inner.get("anyOf", [inner]), _NULL]}
                for name, inner in properties.items()
            },
            "required": list(properties),
        }

    def _in_room(self, value: Any) -> Any:
        """With the types of this kind's room, at any depth."""
        if isinstance(value, list):
            return [self._in_room(item) for item in value]
        if not isinstance(value, dict):
            return value
        path = value.get("customTypePath")
        if isinstance(path, str) and path.startswith(_ROOM):
            return {**value, "customTypePath": f"{self.room}.{path.removeprefix(_ROOM)}"}
        return {key: self._in_room(inner) for key, inner in value.items()}


BACKENDS: Final[Mapping[ModelKind, Backend]] = {
    "pydantic": Backend(
        name="Pydantic models",
        room="kinform.model",
        base="Model",
        output="PydanticV2BaseModel",
        imports=("pydantic.Field", "typing.Annotated"),
        impossible=re.compile(r"(?!)"),
        keeps_unknown=True,
        explicit_null=False,
    ),
    "msgspec": Backend(
        name="Msgspec structs",
        room="kinform.structs",
        base="Struct",
        output="MsgspecStruct",
        imports=(
            *(f"kinform.structs.{name}" for name in ("AbsentObject", "Default", "Field", "Hidden", "OmitZero")),
            "typing.Annotated",
        ),
        impossible=re.compile(r'["\\\x00-\x1f]'),
        keeps_unknown=False,
        explicit_null=True,
    ),
}
