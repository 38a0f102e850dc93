"""Time and MicroTime as fields of pydantic models."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic_core import PydanticCustomError, core_schema

from kinform.model.nulls import ZERO
from kinform.scalars import MicroTimeFormat, TimeFormat, zero_time

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

__all__ = ["MicroTime", "Time"]


class _TimeSchema(TimeFormat):
    def _validate(self, value: object) -> datetime:
        try:
            return self.accept(value)
        except ValueError as error:
            raise PydanticCustomError("time", "{said}", {"said": str(error)}) from None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._validate,
            metadata={ZERO: zero_time},
            json_schema_input_schema=core_schema.datetime_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.write, return_schema=core_schema.str_schema(), when_used="json-unless-none"
            ),
        )


class _MicroTimeSchema(_TimeSchema, MicroTimeFormat):
    pass


Time: TypeAlias = Annotated[datetime, _TimeSchema()]
"""A datetime with a time zone; ``meta/v1.Time``. Any aware datetime may be given; the server keeps whole seconds."""

MicroTime: TypeAlias = Annotated[datetime, _MicroTimeSchema()]
"""A datetime with a time zone and microseconds; ``meta/v1.MicroTime``. Any aware datetime may be given."""
