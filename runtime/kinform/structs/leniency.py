"""Reads what msgspec refuses and a server may well send: null as zero, 1.0 as 1, a number as a quantity.

Takes what `kinform.model` takes, and tells the faults that are left in its words. Slower than msgspec, and used only
after it.
"""

from __future__ import annotations

import types
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from kinform.scalars import NumberText, WireMicroTime, WireTime, int_or_string, zero_time
from kinform.structs.layout import is_struct, layout_of, unmarked
from kinform.structs.scalars import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kinform.structs.layout import FieldLayout

__all__ = ["read_leniently"]

S = TypeVar("S", bound=msgspec.Struct)


class _Fault:
    """What is wrong in one place; never with the value: it may be a secret.

    Each reader that the fault passes on its way out adds the step that leads to it, so that nothing is made of the way
    to a value that is right.
    """

    __slots__ = ("said", "way")

    def __init__(self, said: str, value: object = ...) -> None:
        self.said = said if value is ... else f"{said}, not {type(value).__name__}"
        self.way: list[str | int] = []

    def __str__(self) -> str:
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in reversed(self.way))
        return f"{path.removeprefix('.')}: {self.said}" if path else self.said


Read: TypeAlias = "Callable[[Any, list[_Fault]], Any]"
"""Reads a value; null as the zero of its type. What it returns after a fault does not matter."""


class _Reader(NamedTuple):
    """How one field is read.

    Attributes:
        name: The attribute.
        plain: What JSON has for it, if that can be taken as it is.
        read: Reads the rest.
        is_nullable: Whether null is a value, and not the same as absent.
    """

    name: str
    plain: type | None
    read: Read
    is_nullable: bool


def read_leniently(cls: type[S], data: bytes) -> S:
    """Reads one JSON object, whatever a server might send for it.

    Raises:
        ValueError: The bytes are no JSON object, or a field has a type that the class cannot hold.
    """
    try:
        tree = msgspec.json.decode(data)
        faults: list[_Fault] = []
        if tree is not None:
            made = _read_struct(cls, tree, faults)
            if not faults:
                return made
        else:
            faults.append(_Fault("Input should be an object", tree))
    except RecursionError:
        raise ValueError(f"{cls.__name__}: Invalid JSON: nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{cls.__name__}: Invalid JSON: {error}") from None
    raise ValueError(f"{cls.__name__}: {'; '.join(map(str, faults))}")


_READERS: Final[dict[type, dict[str, _Reader]]] = {}
"""By class and JSON key."""


def _read_struct(cls: type[S], value: Any, faults: list[_Fault]) -> S:
    if value.__class__ is not dict:
        if value is not None:
            faults.append(_Fault("Input should be an object", value))
        return cls()
    readers = _READERS.get(cls)
    if readers is None:
        readers = _READERS[cls] = {field.wire: _field_reader(field) for field in layout_of(cls)}
    values: dict[str, object] = {}
    for wire, inner in value.items():
        reader = readers.get(wire)
        if reader is None:
            continue
        name, plain, read, is_nullable = reader
        if inner.__class__ is plain:
            values[name] = inner
        elif inner is not None or is_nullable:  # else null is the same as absent: the default
            count = len(faults)
            values[name] = read(inner, faults)
            if len(faults) > count:
                _lead_to(wire, faults[count:])
    return cls(**values)


def _lead_to(step: str | int, faults: list[_Fault]) -> None:
    for fault in faults:
        fault.way.append(step)


def _field_reader(field: FieldLayout) -> _Reader:
    tp, _ = unmarked(field.type)
    is_nullable = tp is Any or types.NoneType in get_args(tp)
    return _Reader(field.name, _plain(field.type), _reader(field.type), is_nullable)


def _plain(tp: Any) -> type | None:
    """The class of JSON values that are what the type says without being looked at; None if there are none."""
    tp, _ = unmarked(tp)
    left = [arg for arg in get_args(tp) if arg is not types.NoneType]
    if get_origin(tp) in {Union, types.UnionType} and len(left) == 1:
        tp, _ = unmarked(left[0])
    return tp if tp in {str, int, bool} else None


def _reader(tp: Any) -> Read:
    tp, marks = unmarked(tp)
    for mark in marks & _MARKED.keys():
        return _MARKED[mark]
    if is_struct(tp):
        return partial(_read_struct, tp)
    if tp in _PLAIN:
        return _PLAIN[tp]
    origin, args = get_origin(tp), get_args(tp)
    if origin is list:
        return partial(_read_list, _reader(args[0]), _plain(args[0]))
    if origin is dict:
        return partial(_read_map, _reader(args[1]), _plain(args[1]))
    if origin in {Union, types.UnionType}:
        return _union_reader(args)
    return _read_any


def _union_reader(args: tuple[Any, ...]) -> Read:
    left = [arg for arg in args if arg is not types.NoneType]
    if len(left) == 1:
        return partial(_read_nullable, _reader(left[0]))
    branches = {_json_type(unmarked(arg)[0]): _reader(arg) for arg in left}
    return partial(_read_branch, branches)


_WORDS: Final[Mapping[type, str]] = {dict: "an object", list: "a list", bool: "a boolean", str: "a string"}


def _json_type(tp: Any) -> type:
    """What msgspec makes of the JSON of a value of this type."""
    if is_struct(tp):
        return dict
    json_type: type = get_origin(tp) or tp
    return json_type


def _read_nullable(read: Read, value: Any, faults: list[_Fault]) -> Any:
    return None if value is None else read(value, faults)


def _read_branch(branches: Mapping[type, Read], value: Any, faults: list[_Fault]) -> Any:
    if value is None:
        return None
    read = branches.get(value.__class__)
    if read is None:
        faults.append(
            _Fault(f"Input should be {' or '.join(_WORDS.get(each, each.__name__) for each in branches)}", value)
        )
        return None
    return read(value, faults)


def _read_list(read: Read, plain: type | None, value: Any, faults: list[_Fault]) -> list[Any]:
    if value.__class__ is not list:
        if value is not None:
            faults.append(_Fault("Input should be a valid list", value))
        return []
    items: list[Any] = []
    count = len(faults)
    for item in value:
        items.append(item if item.__class__ is plain else read(item, faults))
        if len(faults) > count:
            _lead_to(len(items) - 1, faults[count:])
            count = len(faults)
    return items


def _read_map(read: Read, plain: type | None, value: Any, faults: list[_Fault]) -> dict[str, Any]:
    if value.__class__ is not dict:
        if value is not None:
            faults.append(_Fault("Input should be an object", value))
        return {}
    items: dict[str, Any] = {}
    count = len(faults)
    for key, item in value.items():
        items[key] = item if item.__class__ is plain else read(item, faults)
        if len(faults) > count:
            _lead_to(key, faults[count:])
            count = len(faults)
    return items


def _read_any(value: Any, faults: list[_Fault]) -> Any:  # noqa: ARG001 - it takes anything
    return value


def _read_raw(value: Any, faults: list[_Fault]) -> Any:  # noqa: ARG001 - it takes anything
    # The API calls these objects, but nothing stops a server from keeping a list or a string there.
    return {} if value is None else value


def _read_str(value: Any, faults: list[_Fault]) -> str:
    if isinstance(value, str):
        return value
    if value is not None:
        faults.append(_Fault("Input should be a valid string", value))
    return ""


def _read_int(value: Any, faults: list[_Fault]) -> int:
    match value:
        case int():  # true is 1, as in a pydantic model
            return int(value)
        case None:
            return 0
        case float() if value.is_integer():
            return int(value)
        case float():
            faults.append(_Fault("Input should be a valid integer, got a number with a fractional part"))
        case str():
            try:
                return int(value)
            except ValueError:
                faults.append(_Fault("Input should be a valid integer, unable to parse string as an integer"))
        case _:
            faults.append(_Fault("Input should be a valid integer", value))
    return 0


_TRUTH: Final[Mapping[object, bool]] = {
    **dict.fromkeys((1, "1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys((0, "0", "off", "f", "false", "n", "no"), False),
}


def _read_bool(value: Any, faults: list[_Fault]) -> bool:
    if isinstance(value, bool):
        return value
    match value:
        case None:
            pass
        case str() if value.lower() in _TRUTH:
            return _TRUTH[value.lower()]
        case int() | float() if value in _TRUTH:
            return _TRUTH[value]
        case int() | float() | str():
            faults.append(_Fault("Input should be a valid boolean, unable to interpret input"))
        case _:
            faults.append(_Fault("Input should be a valid boolean", value))
    return False


def _read_number(value: Any, faults: list[_Fault]) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if value is not None:
        faults.append(_Fault("Input should be a number", value))
    return 0


def _read_quantity(value: Any, faults: list[_Fault]) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return NumberText.of(value)
    except ValueError:
        faults.append(_Fault("Input should be a quantity: a string or a number", value))
        return ""


def _read_int_or_string(value: Any, faults: list[_Fault]) -> int | str:
    if value is None:
        return 0
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    try:
        return int_or_string(value)
    except ValueError:
        faults.append(_Fault("Input should be an integer or a string", value))
        return 0


def _read_time(cls: type[WireTime], value: Any, faults: list[_Fault]) -> object:
    if isinstance(value, str):
        try:
            return cls.read(value)
        except ValueError as error:
            faults.append(_Fault(str(error)))
    elif value is not None:
        faults.append(_Fault("Input should be a time as in RFC 3339"))
    return zero_time()


_PLAIN: Final[Mapping[Any, Read]] = {
    str: _read_str,
    int: _read_int,
    bool: _read_bool,
    float: _read_number,
    WireTime: partial(_read_time, WireTime),
    WireMicroTime: partial(_read_time, WireMicroTime),
}
_MARKED: Final[Mapping[Mark, Read]] = {
    Mark.QUANTITY: _read_quantity,
    Mark.INT_OR_STRING: _read_int_or_string,
    Mark.NUMBER: _read_number,
    Mark.RAW: _read_raw,
}
