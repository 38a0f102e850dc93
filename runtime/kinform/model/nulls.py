"""Reads null as a field's zero: done in pydantic's core schema, where it costs nothing until a null comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import core_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic.fields import FieldInfo

__all__ = ["NULL", "VALUE", "ZERO", "read_null_as_zero"]

VALUE: Final = "(value)"
NULL: Final = "(null)"
"""The two branches of a field, as pydantic names them in an error's location; see `kinform.model.failures`."""

ZERO: Final = "kinform_zero"
"""In a core schema's metadata: what makes the zero of such values, where the schema's type alone does not tell; or
None, where the schema itself reads null."""

_DONE: Final = "kinform_nulls"

_ZERO_OF: Final[Mapping[str, Callable[[], object]]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "dict": dict,
}
_CONTAINERS: Final[Mapping[type, Callable[[], object]]] = {list: list, dict: dict}


def read_null_as_zero(schema: Any, fields: Mapping[str, FieldInfo]) -> None:
    """Changes a model's core schema in place: each field's null becomes its default, each container default is new.

    A field whose default is None keeps its None. Empty lists and maps that stand as literal defaults become factories,
    since pydantic copies a literal deeply at each use. Null in a list or as a map's value reads as the zero of what
    the list or map holds, as in Go.
    """
    while schema["type"] != "model-fields":
        if "schema" not in schema:
            return
        schema = schema["schema"]
    if _DONE in schema.setdefault("metadata", {}):
        return
    schema["metadata"][_DONE] = True
    for name, field in schema["fields"].items():
        default = field["schema"]
        if default["type"] == "default":
            _read_field(default, fields[name].annotation)


def _read_field(default: Any, tp: object) -> None:
    inner = default["schema"]
    literal: object = default.get("default")
    _read_items(inner, tp)
    if (factory := default.get("default_factory")) is not None:
        zero = factory
    elif literal is None:
        return
    elif (container := _CONTAINERS.get(type(literal))) is not None:
        zero = container
        del default["default"]
        default["default_factory"] = zero
        default["default_factory_takes_data"] = False
    else:
        zero = _constant(literal)
    default["schema"] = _or_null(inner, zero)


def _read_items(schema: Any, tp: object) -> None:
    """Changes what a list or map holds, at any depth, so that null reads as its zero."""
    if schema["type"] == "nullable":
        schema = schema["schema"]
    key = {"list": "items_schema", "dict": "values_schema"}.get(schema["type"])
    if key is None or (items := schema.get(key)) is None:
        return
    item_type = _item_type(tp)
    _read_items(items, item_type)
    zero: Callable[[], object] | None
    if isinstance(item_type, type) and issubclass(item_type, BaseModel):
        zero = item_type
    else:
        zero = items.get("metadata", {}).get(ZERO) or _ZERO_OF.get(items["type"])
    if zero is not None:
        schema[key] = _or_null(items, zero)


def _item_type(tp: object) -> object:
    """What a list holds, or a map under its keys; of ``list[X] | None``, too."""
    while get_origin(tp) is Annotated:
        tp = get_args(tp)[0]
    args = get_args(tp)
    if get_origin(tp) in {list, dict}:
        item = args[-1]
        return get_args(item)[0] if get_origin(item) is Annotated else item
    return next((item for arg in args if (item := _item_type(arg)) is not None), None)


def _or_null(schema: Any, zero: Callable[[], object]) -> Any:
    if schema["type"] in {"any", "nullable"} or schema.get("metadata", {}).get(ZERO, True) is None:
        return schema
    null = core_schema.no_info_after_validator_function(lambda _: zero(), core_schema.none_schema())
    return core_schema.union_schema([(schema, VALUE), (null, NULL)], mode="left_to_right")


def _constant(value: object) -> Callable[[], object]:
    return lambda: value
