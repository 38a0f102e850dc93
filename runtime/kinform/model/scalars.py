"""The scalars and free-form values of the API that JSON writes in more than one way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic_core import core_schema

from kinform.model.nulls import ZERO
from kinform.scalars import NumberText, int_or_string

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

__all__ = ["Duration", "IntOrString", "Json", "Number", "Quantity", "RawExtension"]


class _QuantitySchema:
    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.str_schema(strict=True),
                core_schema.no_info_plain_validator_function(
                    NumberText.of, json_schema_input_schema=core_schema.float_schema()
                ),
            ],
            mode="left_to_right",
            custom_error_type="quantity_type",
            custom_error_message="Input should be a quantity: a string or a number",
            metadata={ZERO: str},
        )


class _IntOrStringSchema:
    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.int_schema(strict=True),
                core_schema.str_schema(strict=True),
                core_schema.no_info_plain_validator_function(
                    int_or_string, json_schema_input_schema=core_schema.float_schema()
                ),
            ],
            mode="left_to_right",
            custom_error_type="int_or_string_type",
            custom_error_message="Input should be an integer or a string",
            metadata={ZERO: int},
        )


class _NumberSchema:
    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        # 100 stays 100: read as 100.0 it would go back as another text.
        return core_schema.union_schema(
            [core_schema.int_schema(strict=True), core_schema.float_schema(strict=True)],
            mode="left_to_right",
            custom_error_type="number_type",
            custom_error_message="Input should be a number",
            metadata={ZERO: int},
        )


class _RawSchema:
    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        # The API calls these objects, but nothing stops a server from keeping a list or a string there: those are
        # kept as they came, too. Null comes before "any", which would take it for a value.
        return core_schema.union_schema(
            [
                core_schema.dict_schema(),
                core_schema.no_info_after_validator_function(_empty, core_schema.none_schema()),
                core_schema.any_schema(),
            ],
            mode="left_to_right",
            metadata={ZERO: None},
        )


class _AnySchema:
    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.any_schema(metadata={ZERO: None})


def _empty(_: None) -> dict[str, object]:
    return {}


if TYPE_CHECKING:
    Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
    """Any JSON value, as Python reads it."""
else:
    # pydantic cannot look into a recursive alias, and need not: whatever it parsed is right.
    Json = Annotated[object, _AnySchema()]

RawExtension: TypeAlias = Annotated[dict[str, Json], _RawSchema()]
"""A free-form object (``runtime.RawExtension``, ``FieldsV1``, preserve-unknown-fields): kept whole."""

Quantity: TypeAlias = Annotated[str, _QuantitySchema()]
"""An amount such as ``"500m"`` or ``"2Gi"`` (``resource.Quantity``); a bare number reads as its text and is written
back as the number."""

IntOrString: TypeAlias = Annotated[int | str, _IntOrStringSchema()]
"""A port number or name, a count or percentage (``intstr.IntOrString``)."""

Duration: TypeAlias = str
"""A duration in Go's notation, such as ``"1h30m"`` (``meta/v1.Duration``)."""

Number: TypeAlias = Annotated[float, _NumberSchema()]
"""A JSON number; one without a fraction stays an int."""
