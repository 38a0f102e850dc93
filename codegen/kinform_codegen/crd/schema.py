"""Turns the schema of a definition into the one that the API server publishes for it, and refuses what it refuses.

A definition holds a *structural* schema: types and descriptions stand outside of ``allOf``, ``anyOf``, ``oneOf`` and
``not``, which only narrow values further. tests/real/test_crd_openapi.py compares with what real servers publish:
unknown keywords, nulls and empty values go; integers or strings are spelt out; apiVersion, kind and metadata of the
object, and of objects embedded in it, are the API's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from kinform_codegen.crd.type_meta import add_embedded_type_meta, add_type_meta

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform_codegen.spec.node import Node

__all__ = ["Schema", "published_schema"]

Schema: TypeAlias = "dict[str, object]"

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED: Final = "x-kubernetes-embedded-resource"
_INT_OR_STRING: Final = "x-kubernetes-int-or-string"

_Form: TypeAlias = Literal["text", "number", "boolean", "texts", "values", "value"]

_VALIDATIONS: Final[Mapping[str, _Form]] = {
    "format": "text", "pattern": "text", "enum": "values", "required": "texts",
    "maximum": "number", "exclusiveMaximum": "boolean", "minimum": "number", "exclusiveMinimum": "boolean",
    "multipleOf": "number", "maxLength": "number", "minLength": "number", "maxItems": "number", "minItems": "number",
    "maxProperties": "number", "minProperties": "number", "uniqueItems": "boolean",
    "example": "value", "externalDocs": "value",
}  # fmt: skip
"""What may stand anywhere."""

_SHAPES: Final[Mapping[str, _Form]] = {
    "type": "text", "title": "text", "description": "text", "nullable": "boolean", "default": "value",
    _PRESERVE: "boolean", _EMBEDDED: "boolean", _INT_OR_STRING: "boolean", "x-kubernetes-list-type": "text",
    "x-kubernetes-list-map-keys": "texts", "x-kubernetes-map-type": "text", "x-kubernetes-validations": "values",
}  # fmt: skip
"""What may not stand inside of junctors."""

_UNSUPPORTED: Final = ("$ref", "$schema", "id", "definitions", "dependencies", "patternProperties", "additionalItems")

_EITHER: Final[list[object]] = [{"type": "integer"}, {"type": "string"}]
"""The only types that may stand inside of a junctor: an integer or a string."""


def published_schema(root: Node) -> Schema:
    """The schema of a kind's objects.

    Args:
        root: ``openAPIV3Schema`` of a version; no deeper than `check_depth` allows, since it is walked by recursion.

    Raises:
        SpecError: The API server would refuse it.
    """
    out = _structural(root)
    # The server asks no type of what may hold anything, and publishes none.
    if out.get("type", "object") != "object":
        raise root.error("the schema of a kind is not of type object", mend="give it `type: object`")
    if "nullable" in out:
        raise root.error("an object cannot be null as a whole", mend="take nullable out")
    if "additionalProperties" in out:
        raise root.error("a kind is no map, it has fields", mend="name them under properties, not additionalProperties")
    add_type_meta(out)
    return out


def _structural(schema: Node) -> Schema:
    """The schema of a value."""
    _refuse_unsupported(schema)
    out = _copied(schema, {**_SHAPES, **_VALIDATIONS})
    _check_type(schema, out)
    if (items := _given(schema, "items")) is not None:
        out["items"] = _structural(items)
    if (properties := _given(schema, "properties")) is not None and properties.mapping():
        out["properties"] = {name: _structural(member) for name, member in properties.items()}
    if (values := _given(schema, "additionalProperties")) is not None:
        # Beside properties the server takes `true`, which adds nothing, and refuses both `false` and a schema.
        if "properties" in out and values.value is not True:
            raise values.error("stands beside properties", mend="keep one of the two: a value is an object or a map")
        out["additionalProperties"] = values.value if isinstance(values.value, bool) else _structural(values)
    out |= _junctors(schema, telling=2)
    if _INT_OR_STRING in out:
        _spell_out(out)
    if _EMBEDDED in out:
        _check_embedded(schema, out)
        add_embedded_type_meta(out)
    return out


def _validation(schema: Node, *, typed: bool = False, telling: int = 0) -> Schema:
    """The schema inside of a junctor.

    Args:
        schema: ``not``, or a member of ``allOf``, ``anyOf`` or ``oneOf``.
        typed: Whether it may have a type.
        telling: As `_junctors` has it.
    """
    _refuse_unsupported(schema)
    misplaced = [key for key in _copied(schema, _SHAPES) if not (typed and key == "type")]
    if (values := _given(schema, "additionalProperties")) is not None and values.value is not False:
        misplaced.append("additionalProperties")
    if misplaced:
        raise schema.error(
            f"{misplaced[0]} stands inside of allOf, anyOf, oneOf or not",
            mend=f"put {misplaced[0]} beside them: inside, a structural schema only narrows values further",
        )
    out = _copied(schema, {"type": "text", **_VALIDATIONS})
    if (items := _given(schema, "items")) is not None:
        out["items"] = _validation(items)
    if (properties := _given(schema, "properties")) is not None and properties.mapping():
        out["properties"] = {name: _validation(member) for name, member in properties.items()}
    return out | _junctors(schema, telling=telling)


def _junctors(schema: Node, *, telling: int) -> Schema:
    """The junctors of a schema.

    Args:
        schema: The schema.
        telling: Where an ``anyOf`` may tell an integer or a string by types: 2 in this schema and in the first member
            of its ``allOf``, 1 in this one, 0 nowhere. The server asks no ``x-kubernetes-int-or-string`` for it.
    """
    out: Schema = {}
    for key in ("allOf", "anyOf", "oneOf"):
        members = _given(schema, key)
        if members is None or members.value == []:
            continue
        typed = key == "anyOf" and telling > 0 and members.value == _EITHER
        out[key] = [
            _validation(member, typed=typed, telling=1 if key == "allOf" and telling == 2 and index == 0 else 0)
            for index, member in enumerate(members.elements())
        ]
    if (refused := _given(schema, "not")) is not None:
        out["not"] = _validation(refused)
    return out


def _spell_out(out: Schema) -> None:
    """Adds ``anyOf`` integer or string to what is either, where it does not stand already."""
    every = out.get("allOf")
    members = every if isinstance(every, list) else []
    if out.get("anyOf") == _EITHER or (members and members[0].get("anyOf") == _EITHER):
        return
    if "anyOf" in out:
        out["allOf"] = [{"anyOf": _EITHER}, *members]
    else:
        out["anyOf"] = _EITHER


def _copied(schema: Node, forms: Mapping[str, _Form]) -> Schema:
    """The members of a schema that are not empty: what is null, ``""``, false or ``[]`` is as if it were absent."""
    out: Schema = {}
    for key, member in schema.items():
        if (form := forms.get(key)) is None or member.value is None:
            continue
        match form:
            case "text":
                kept = member.text() != ""
            case "boolean":
                kept = member.boolean()
            case "number":
                kept = member.number() == member.value
            case "texts":
                kept = [each.text() for each in member.elements()] != []
            case "values":
                kept = list(member.elements()) != []
            case "value":
                kept = True
        if kept:
            out[key] = member.value
    return out


def _given(schema: Node, key: str) -> Node | None:
    """A member, or None where it is absent or null."""
    member = schema.get(key)
    return member if member is not None and member.value is not None else None


def _refuse_unsupported(schema: Node) -> None:
    """Complains about keywords of JSON schema that a structural schema has not."""
    for key in _UNSUPPORTED:
        member = _given(schema, key)
        if member is not None and (member.value or key in {"$ref", "additionalItems"}):
            mend = "write the schema out in its place" if key == "$ref" else f"describe the values without {key}"
            raise member.error(f"{key} has no place in a structural schema", mend=mend)
    if (unique := _given(schema, "uniqueItems")) is not None and unique.boolean():
        raise unique.error("uniqueItems cannot be true", mend="say x-kubernetes-list-type: set")
    if (preserve := _given(schema, _PRESERVE)) is not None and not preserve.boolean():
        raise preserve.error(f"{_PRESERVE} can only be true", mend="take it out: without it unknown fields are dropped")


def _check_type(schema: Node, out: Schema) -> None:
    """Complains about a type that is unknown, missing, or at odds with what stands beside it."""
    kind = out.get("type")
    if kind is not None and kind not in _TYPES:
        mend = "say nullable: true for what can be null" if kind == "null" else f"use one of {', '.join(_TYPES)}"
        raise schema.error(f"{kind!r} is no type", mend=mend)
    # Properties alone tell no type: the server refuses them, too.
    if kind is None and _INT_OR_STRING not in out and _PRESERVE not in out:
        raise schema.error(
            "has no type", mend=f"give it a type, or {_INT_OR_STRING}: true, or {_PRESERVE}: true for anything at all"
        )
    items = _given(schema, "items")
    if kind == "array" and items is None:
        raise schema.error("is an array without items", mend="give it items: the schema of its elements")
    if items is not None and isinstance(items.value, list):
        raise items.error("holds several schemas", mend="give one schema, which all elements have")
    for other in (_PRESERVE, _EMBEDDED):
        if _INT_OR_STRING in out and other in out:
            raise schema.error(f"{_INT_OR_STRING} and {other} exclude each other", mend="keep one of the two")


def _check_embedded(schema: Node, out: Schema) -> None:
    """Complains about an embedded object that is none."""
    if out.get("type") != "object":
        raise schema.error(f"{_EMBEDDED} stands on what is no object", mend="give it `type: object`")
    if "additionalProperties" in out:
        raise schema.error(f"{_EMBEDDED} stands on a map", mend="name its fields under properties")
    if "properties" not in out and _PRESERVE not in out:
        raise schema.error(
            f"{_EMBEDDED} stands on an object without fields", mend=f"name them under properties, or say {_PRESERVE}"
        )
