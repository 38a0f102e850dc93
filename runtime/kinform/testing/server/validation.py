"""Validation of custom resources by their schema, worded as a kube-apiserver's. No CEL rules."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final, cast

from kinform.testing.server.documents import child, encode
from kinform.testing.server.refusals import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.testing.server.documents import Json, JsonObject

__all__ = ["problems"]

_NOWHERE: Final = "<nil>"
_INT_OR_STRING: Final = "x-kubernetes-int-or-string"
_TYPE_META: Final = frozenset({"apiVersion", "kind", "metadata"})

_FORMATS: Final = {
    "byte": re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)"),
    "duration": re.compile(r"[+-]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h|d|w))(?:\d+(?:\.\d*)?\w+)*"),
    "ipv4": re.compile(r"\d{1,3}(?:\.\d{1,3}){3}"),
    "uuid": re.compile(r"(?i)[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"),
}


def problems(obj: JsonObject, schema: JsonObject) -> list[Cause]:
    """What is wrong with an object. Its apiVersion, kind and metadata are not the schema's business."""
    content: JsonObject = {name: value for name, value in obj.items() if name not in _TYPE_META}
    properties = {name: node for name, node in child(schema, "properties").items() if name not in _TYPE_META}
    required = schema.get("required")
    wanted = [name for name in required if name not in _TYPE_META] if isinstance(required, list) else []
    root: JsonObject = {**schema, "properties": properties, "required": cast("Json", wanted)}
    found = [*_of_value(content, root, ""), *_duplicates(content, root, "")]
    return list(dict.fromkeys(found))


def _type_name(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def _shown(value: Json) -> str:
    return encode(value).decode()


def _wrong(path: str, value: str, rule: str, reason: str = "FieldValueInvalid") -> Cause:
    return Cause(reason, path, f"Invalid value: {value}: {path} in body {rule}")


def _of_value(value: Json, schema: JsonObject, path: str) -> Iterator[Cause]:
    if value is None and schema.get("nullable") is True:
        return
    wanted = schema.get("type")
    kind = _type_name(value)
    if schema.get(_INT_OR_STRING) is True:
        wanted = "integer,string"
    if isinstance(wanted, str) and wanted and kind not in wanted.split(",") and (wanted, kind) != ("number", "integer"):
        yield _wrong(path, f'"{kind}"', f'must be of type {wanted}: "{kind}"', "FieldValueTypeInvalid")
        return
    match value:
        case str():
            yield from _of_string(value, schema, path)
        case bool() | None:
            pass
        case int() | float():
            yield from _of_number(value, schema, path)
        case list():
            yield from _of_list(value, schema, path)
        case dict():
            yield from _of_object(value, schema, path)
    known = schema.get("enum")
    if isinstance(known, list) and value not in known:
        listed = ", ".join(_shown(each) for each in known)
        yield Cause("FieldValueNotSupported", path, f"Unsupported value: {_shown(value)}: supported values: {listed}")
    yield from _of_combinations(value, schema, path)


def _of_combinations(value: Json, schema: JsonObject, path: str) -> Iterator[Cause]:
    def fitting(branches: Json) -> int:
        listed = branches if isinstance(branches, list) else []
        return sum(isinstance(each, dict) and not any(_of_value(value, each, path)) for each in listed)

    if "oneOf" in schema and (count := fitting(schema["oneOf"])) != 1:
        found = f"Found {count} valid alternatives" if count else "Found none valid"
        what = f'"{path}" must validate one and only one schema (oneOf). {found}'
        yield Cause("FieldValueInvalid", _NOWHERE, f'Invalid value: "": {what}')
    if "anyOf" in schema and not fitting(schema["anyOf"]):
        what = f'"{path}" must validate at least one schema (anyOf)'
        yield Cause("FieldValueInvalid", _NOWHERE, f'Invalid value: "": {what}')
    every = schema.get("allOf")
    for each in every if isinstance(every, list) else []:
        if isinstance(each, dict):
            yield from _of_value(value, each, path)
    if isinstance(never := schema.get("not"), dict) and not any(_of_value(value, never, path)):
        yield Cause("FieldValueInvalid", _NOWHERE, f'Invalid value: "": "{path}" must not validate the schema (not)')


@functools.lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str] | None:
    """Go's regular expression as Python's; None where Python has no such thing."""
    try:
        return re.compile(text.replace(r"\z", r"\Z"))
    except re.error:
        return None


def _number(schema: JsonObject, name: str) -> int | float | None:
    value = schema.get(name)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _of_string(value: str, schema: JsonObject, path: str) -> Iterator[Cause]:
    longest, shortest = _number(schema, "maxLength"), _number(schema, "minLength")
    if longest is not None and len(value) > longest:
        yield Cause("FieldValueTooLong", path, f"Too long: may not be more than {longest} bytes")
    if shortest is not None and len(value) < shortest:
        yield _wrong(path, _shown(value), f"should be at least {shortest} chars long")
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and (compiled := _pattern(pattern)) and not compiled.search(value):
        yield _wrong(path, _shown(value), f"should match '{pattern}'")
    form = schema.get("format")
    if isinstance(form, str) and form in _FORMATS and not _FORMATS[form].fullmatch(value):
        yield _wrong(path, _shown(value), f"must be of type {form}: {_shown(value)}", "FieldValueTypeInvalid")


def _of_number(value: float, schema: JsonObject, path: str) -> Iterator[Cause]:
    least, most, step = (_number(schema, name) for name in ("minimum", "maximum", "multipleOf"))
    if least is not None and (value < least or (value == least and schema.get("exclusiveMinimum") is True)):
        also = "" if schema.get("exclusiveMinimum") is True else " or equal to"
        yield _wrong(path, _shown(value), f"should be greater than{also} {least}")
    if most is not None and (value > most or (value == most and schema.get("exclusiveMaximum") is True)):
        also = "" if schema.get("exclusiveMaximum") is True else " or equal to"
        yield _wrong(path, _shown(value), f"should be less than{also} {most}")
    if step and (value / step) % 1:
        yield _wrong(path, _shown(value), f"should be a multiple of {step}")


def _too_many(path: str, count: int, most: float) -> Cause:
    noun = "item" if most == 1 else "items"
    return Cause("FieldValueTooMany", path, f"Too many: {count}: must have at most {most} {noun}")


def _of_list(value: list[Json], schema: JsonObject, path: str) -> Iterator[Cause]:
    least, most = _number(schema, "minItems"), _number(schema, "maxItems")
    if most is not None and len(value) > most:
        yield _too_many(path, len(value), most)
    if least is not None and len(value) < least:
        yield _wrong(path, str(len(value)), f"should have at least {least} items")
    items = child(schema, "items")
    for place, item in enumerate(value):
        yield from _of_value(item, items, f"{path}[{place}]")


def _of_object(value: JsonObject, schema: JsonObject, path: str) -> Iterator[Cause]:
    least, most = _number(schema, "minProperties"), _number(schema, "maxProperties")
    if most is not None and len(value) > most:
        yield _too_many(path, len(value), most)
    if least is not None and len(value) < least:
        yield _wrong(path, str(len(value)), f"should have at least {least} properties")
    required = schema.get("required")
    for name in required if isinstance(required, list) else []:
        if name not in value:
            yield Cause("FieldValueRequired", _below(path, str(name)), "Required value")
    properties, values = child(schema, "properties"), schema.get("additionalProperties")
    for name, item in value.items():
        node = properties.get(name, values)
        if isinstance(node, dict):
            yield from _of_value(item, node, _below(path, name))


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _duplicates(value: Json, schema: JsonObject, path: str) -> Iterator[Cause]:
    """Items that sets and lists of keyed items have twice."""
    if isinstance(value, dict):
        properties, values = child(schema, "properties"), schema.get("additionalProperties")
        for name, item in value.items():
            node = properties.get(name, values)
            if isinstance(node, dict):
                yield from _duplicates(item, node, _below(path, name))
    if not isinstance(value, list):
        return
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys")
    seen: set[bytes] = set()
    for place, item in enumerate(value):
        mark: Json = item
        if kind == "map" and isinstance(item, dict) and isinstance(keys, list):
            mark = {str(key): item[str(key)] for key in keys if key in item}
        if kind in {"set", "map"} and encode(mark, sort=True) in seen:
            yield Cause("FieldValueDuplicate", f"{path}[{place}]", f"Duplicate value: {_shown(mark)}")
        seen.add(encode(mark, sort=True))
        yield from _duplicates(item, child(schema, "items"), f"{path}[{place}]")
