"""Turns a model back into what the wire holds: every field that was given, or that is no longer its zero or default."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias, get_args, get_origin

import msgspec
from pydantic import BaseModel

from kinform.scalars import NumberText, TimeFormat, escape_as_go

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic.fields import FieldInfo

__all__ = ["defaults_of", "encode"]

Convert: TypeAlias = "Callable[[Any], object]"


class _Step(NamedTuple):
    """How one field is written.

    Attributes:
        name: The attribute.
        wire: The JSON key.
        convert: What makes JSON of a value; None where the value is JSON already.
        is_model: Whether the field holds a model, which is zero while all its fields are.
    """

    name: str
    wire: str
    convert: Convert | None
    is_model: bool


class _Plan(NamedTuple):
    """How one class is written.

    Attributes:
        type_meta: For kinds: attribute, key and value of ``apiVersion`` and ``kind``; empty for what is no kind.
        defaulted: Attribute, key and default of the fields whose default is true: those, and the scalars that have one
            in a custom resource's schema.
        defaults: The defaults of those scalars, by attribute.
        steps: The other fields, whose zero is false.
    """

    type_meta: tuple[tuple[str, str, str], ...]
    defaulted: tuple[tuple[str, str, object], ...]
    defaults: Mapping[str, object]
    steps: tuple[_Step, ...]


# Plans are made when first wanted. Two threads may make the same one; either will do.
_PLANS: Final[dict[type, _Plan]] = {}
_TYPE_META: Final = ("apiVersion", "kind")


def encode(model: BaseModel) -> bytes:
    """The model as compact JSON, escaped as Go does, apiVersion and kind first.

    Raises:
        ValueError: A datetime has no time zone.
        TypeError: A field holds what JSON cannot.
    """
    tree = _tree(model)
    type_meta = _PLANS[model.__class__].type_meta
    if type_meta:
        tree = {wire: tree.pop(wire, None) or default for _, wire, default in type_meta} | tree
    return escape_as_go(msgspec.json.encode(tree, enc_hook=_encode_other))


def _tree(value: Any) -> Any:
    """A model as JSON's own types; anything else stays as it is."""
    plan = _PLANS.get(value.__class__)
    if plan is None:
        if not isinstance(value, BaseModel):
            return value
        plan = _make_plan(value.__class__)
    values = value.__dict__
    given = value.__pydantic_fields_set__
    tree: dict[str, object] = {}
    for name, wire, default in plan.defaulted:
        if name in given or values.get(name, default) != default:
            tree[wire] = values.get(name)
    for name, wire, convert, is_model in plan.steps:
        field = values.get(name)
        if not field:  # as every zero; no zero is true
            if name in given:
                tree[wire] = field
        elif convert is None:
            tree[wire] = field
        elif is_model:
            inner = _tree(field)
            if inner or name in given:
                tree[wire] = inner
        else:
            tree[wire] = convert(field)
    if value.__pydantic_extra__:
        for wire, field in value.__pydantic_extra__.items():
            tree.setdefault(wire, field)
    return tree


def _make_plan(model: type[BaseModel]) -> _Plan:
    fields = {
        name if info.alias is None else info.alias: (name, info) for name, info in model.__pydantic_fields__.items()
    }
    type_meta: tuple[tuple[str, str, str], ...] = ()
    if all(wire in fields and fields[wire][1].default for wire in _TYPE_META):
        type_meta = tuple((fields[wire][0], wire, fields[wire][1].default) for wire in _TYPE_META)
    defaulted = tuple((name, wire, info.default) for wire, (name, info) in fields.items() if _is_default(info.default))
    defaults = {name: default for name, wire, default in defaulted if not (type_meta and wire in _TYPE_META)}
    zeros = fields.keys() - {wire for _, wire, _ in defaulted}
    plan = _Plan(type_meta, defaulted, defaults, tuple(_step(wire, *fields[wire]) for wire in fields if wire in zeros))
    _PLANS[model] = plan
    return plan


def _is_default(value: object) -> bool:
    """Whether a field's default is a scalar that is no zero."""
    return isinstance(value, str | int | float) and bool(value)


def defaults_of(model: type[BaseModel]) -> Mapping[str, object]:
    """What is left out while it has its default, though that is no zero: default by attribute."""
    return (_PLANS.get(model) or _make_plan(model)).defaults


def _step(wire: str, name: str, info: FieldInfo) -> _Step:
    convert = _converter(Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation, wire)
    return _Step(name, wire, convert, is_model=convert is _tree)


def _converter(tp: Any, wire: str) -> Convert | None:
    """How values of a type are written under a key, or None where JSON has them already."""
    if isinstance(tp, type) and issubclass(tp, BaseModel):
        return _tree
    origin, args = get_origin(tp), get_args(tp)
    if origin is Annotated:
        formats = [data for data in args[1:] if isinstance(data, TimeFormat)]
        return _time(formats[0], wire) if formats else _converter(args[0], wire)
    if origin is list and (convert := _converter(args[0], wire)) is not None:
        return _each_item(convert)
    if origin is dict and (convert := _converter(args[1], wire)) is not None:
        return _each_value(convert)
    # A union: of something and None; or of a model and other things, and then `_encode_other` meets the models.
    return next((convert for arg in args if (convert := _converter(arg, wire)) is not None), None)


def _time(form: TimeFormat, wire: str) -> Convert:
    def convert(value: Any) -> object:
        if not isinstance(value, datetime):
            return value
        try:
            return form.write(value)
        except ValueError as error:
            raise ValueError(f"{wire}: {error}: {value}") from None

    return convert


def _each_item(convert: Convert) -> Convert:
    def convert_items(value: Any) -> object:
        return list(map(convert, value)) if isinstance(value, list | tuple) else value  # pyright: ignore[reportUnknownArgumentType]

    return convert_items


def _each_value(convert: Convert) -> Convert:
    def convert_values(value: Any) -> object:
        return {key: convert(value[key]) for key in value} if isinstance(value, dict) else value  # pyright: ignore[reportUnknownVariableType]

    return convert_values


def _encode_other(value: object) -> object:
    if isinstance(value, NumberText):
        return msgspec.Raw(value.encode())
    if isinstance(value, BaseModel):  # in a free-form value, or in a union
        return _tree(value)
    raise TypeError(f"JSON has no {type(value).__name__}")
