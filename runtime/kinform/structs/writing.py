"""From a struct to JSON: msgspec writes it; what it would write otherwise than we want it is mended before, on a copy.

msgspec leaves out fields that are still their default (`omit_defaults`). It does not know that a datetime made in
Python has a canonical text here, nor that structs and free-form objects can be left out, so the places where these may
stand are worked out from the class, and only these are visited.
"""

from __future__ import annotations

import types
from datetime import datetime
from functools import partial
from operator import is_not
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, Union, cast, get_args, get_origin

import msgspec

from kinform.scalars import MICRO_TIME, TIME, NumberText, TimeFormat, WireMicroTime, WireTime, escape_as_go
from kinform.structs.layout import is_struct, layout_of, unmarked
from kinform.structs.scalars import AbsentObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["encode"]

Mend: TypeAlias = "Callable[[Any], Any]"
"""Gives a value as it should be written; the same object where that is all right."""


class _Plan(NamedTuple):
    """How one class is mended.

    Attributes:
        type_meta: For kinds: attribute, default, and the default as JSON, which msgspec does not leave out.
        steps: Attribute and mender of the fields that may need it.
    """

    type_meta: tuple[tuple[str, object, msgspec.Raw], ...]
    steps: tuple[tuple[str, Mend], ...]


# Two threads may make the same one; either will do.
_PLANS: Final[dict[type, _Plan]] = {}
_TYPE_META: Final = ("apiVersion", "kind")
_FORMATS: Final[Mapping[type, TimeFormat]] = {WireTime: TIME, WireMicroTime: MICRO_TIME}


def encode(struct: msgspec.Struct) -> bytes:
    """The struct as compact JSON, escaped as Go does, apiVersion and kind first. Thread-safe if nobody changes it.

    Raises:
        ValueError: A datetime has no time zone.
        TypeError: A field holds what JSON cannot.
    """
    plan = _plan_of(type(struct))
    changes = _changes(plan, struct)
    for name, default, written in plan.type_meta:
        given = getattr(struct, name)
        if given is default or not given:
            changes[name] = written
    if changes:
        struct = msgspec.structs.replace(struct, **changes)
    return escape_as_go(_write(struct))


def _mend_struct(struct: Any) -> Any:
    if not isinstance(struct, msgspec.Struct):
        return struct
    changes = _changes(_plan_of(type(struct)), struct)
    return msgspec.structs.replace(struct, **changes) if changes else struct


def _changes(plan: _Plan, struct: msgspec.Struct) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, mend in plan.steps:
        value = getattr(struct, name)
        if value is not None:
            mended = mend(value)
            if mended is not value:
                changes[name] = mended
    return changes


def _plan_of(cls: type[msgspec.Struct]) -> _Plan:
    plan = _PLANS.get(cls)
    if plan is None:
        plan = _PLANS[cls] = _make_plan(cls)
    return plan


def _make_plan(cls: type[msgspec.Struct]) -> _Plan:
    layout = layout_of(cls)
    by_wire = {field.wire: field for field in layout}
    type_meta: tuple[tuple[str, object, msgspec.Raw], ...] = ()
    defaults = [by_wire[wire] for wire in _TYPE_META if wire in by_wire]
    if len(defaults) == 2 and all(field.zero for field in defaults):
        type_meta = tuple((each.name, each.zero, msgspec.Raw(_write(each.zero))) for each in defaults)
    steps: list[tuple[str, Mend]] = []
    for field in layout:
        mend = _mender(field.type, field.wire)
        if field.omit_zero:
            mend = partial(_leave_out, field.zero, mend)
        elif field.make is AbsentObject:
            mend = _mend_object  # whatever its annotation: free-form
        if mend is not None:
            steps.append((field.name, mend))
    return _Plan(type_meta, tuple(steps))


def _leave_out(zero: object, mend: Mend | None, value: Any) -> Any:
    if value == zero:
        return msgspec.UNSET
    return mend(value) if mend is not None else value


def _mend_object(value: Any) -> Any:
    if value.__class__ is not AbsentObject:
        return _mend_free_form(value)
    return dict(_mend_free_form(value)) if value else msgspec.UNSET


def _mend_free_form(value: Any) -> Any:
    """Any JSON, in which somebody may have put structs."""
    if isinstance(value, dict):
        return _mend_map(_mend_free_form, value)
    if isinstance(value, list | tuple):
        return _mend_list(_mend_free_form, value)
    return _mend_struct(value)


def _mender(tp: Any, wire: str) -> Mend | None:
    """What mends values of a type under a key, or None where there is nothing to mend."""
    tp, _ = unmarked(tp)
    if tp is Any:
        return _mend_free_form
    if is_struct(tp):
        return _mend_struct if _needs_mending(tp) else None
    if tp in _FORMATS:
        return partial(_mend_time, tp, wire)
    origin, args = get_origin(tp), get_args(tp)
    if origin is list and (mend := _mender(args[0], wire)) is not None:
        return partial(_mend_list, mend)
    if origin is dict and (mend := _mender(args[1], wire)) is not None:
        return partial(_mend_map, mend)
    if origin in {Union, types.UnionType}:
        menders = [mend for arg in args if (mend := _mender(arg, wire)) is not None]
        return partial(_mend_all, menders) if len(menders) > 1 else next(iter(menders), None)
    return None


def _needs_mending(cls: type[msgspec.Struct]) -> bool:
    """Whether anything in a class or in the classes of its fields may need it."""
    seen = {cls}
    waiting = [cls]
    while waiting:
        for field in layout_of(waiting.pop()):
            if field.omit_zero:
                return True
            for leaf in _leaves(field.type):
                if leaf is Any or leaf in _FORMATS:
                    return True
                if is_struct(leaf) and leaf not in seen:
                    seen.add(leaf)
                    waiting.append(leaf)
    return False


def _leaves(tp: Any) -> Iterator[Any]:
    tp, _ = unmarked(tp)
    args = get_args(tp)
    if not args:
        yield tp
    for arg in args:
        yield from _leaves(arg)


def _mend_time(kept: type[WireTime], wire: str, value: Any) -> Any:
    # The exact class: the text of a MicroTime is none for a Time, and the other way round.
    if value.__class__ is kept or not isinstance(value, datetime):
        return value
    try:
        return kept.read(_FORMATS[kept].write(value))
    except ValueError as error:
        raise ValueError(f"{wire}: {error}: {value}") from None


def _mend_list(mend: Mend, value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    items = cast("Sequence[Any]", value)
    mended = [None if item is None else mend(item) for item in items]
    return mended if any(map(is_not, mended, items)) else items


def _mend_map(mend: Mend, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    items = cast("dict[str, Any]", value)
    mended = {key: None if item is None else mend(item) for key, item in items.items()}
    return mended if any(map(is_not, mended.values(), items.values())) else items


def _mend_all(menders: list[Mend], value: Any) -> Any:
    for mend in menders:
        value = mend(value)
    return value


def _write_other(value: object) -> object:
    match value:
        case WireTime():
            return _FORMATS[type(value)].write(value)
        case NumberText():
            return msgspec.Raw(value.encode())
        case str():  # subclasses of what JSON has
            return str.__str__(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case _:
            raise TypeError(f"JSON has no {type(value).__name__}")


_write: Final[Callable[[object], bytes]] = msgspec.json.Encoder(enc_hook=_write_other).encode
