"""The shape of a value: what a property becomes for the class generator, and the zero that absence reads as."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from kinform_codegen.spec.references import SCHEMAS, schema_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kinform_codegen.models.places import ClassRef, Place

__all__ = ["STRUCT", "Schema", "Shape", "ShapeReader", "is_class", "unwrapped"]

Schema: TypeAlias = dict[str, object]

STRUCT: Final = ""
"""The zero of a class: made by calling it."""


class Shape(NamedTuple):
    """How the values of a property are held.

    Attributes:
        schema: For the class generator: types only, nothing that could reject a value.
        zero: The source of what absence reads as, where Go holds a value and not a pointer; `STRUCT` for classes; None
            where absence is None whatever Go holds.
        never_none: Absence reads as the zero whatever Go holds: lists, maps, free-form values.
    """

    schema: Schema
    zero: str | None
    never_none: bool = False


def _runtime_type(name: str) -> Schema:
    return {"customTypePath": f"kinform.model.{name}"}


_TIME: Final = Shape(_runtime_type("Time"), None)
_INT_OR_STRING: Final = Shape(_runtime_type("IntOrString"), "0")
_JSON: Final = Shape(_runtime_type("Json"), "None", never_none=True)
_FREE_FORM: Final = Shape(_runtime_type("RawExtension"), "{}", never_none=True)

_SCALARS: Final[Mapping[str, Shape]] = {
    "string": Shape({"type": "string"}, '""'),
    "integer": Shape({"type": "integer"}, "0"),
    "boolean": Shape({"type": "boolean"}, "False"),
    "number": Shape(_runtime_type("Number"), "0.0"),
}

_APIEXTENSIONS: Final = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_JSON_SCHEMA: Final = f"{_APIEXTENSIONS}JSONSchemaProps"

# Schemas that the runtime has types for.
_SPECIAL: Final[Mapping[str, Shape]] = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": _TIME,
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": Shape(_runtime_type("MicroTime"), None),
    "io.k8s.apimachinery.pkg.apis.meta.v1.Duration": Shape(_runtime_type("Duration"), '""'),
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": _FREE_FORM,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": _FREE_FORM,
    "io.k8s.apimachinery.pkg.api.resource.Quantity": Shape(_runtime_type("Quantity"), '""'),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _INT_OR_STRING,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": _FREE_FORM,
    f"{_APIEXTENSIONS}JSON": _JSON,
}
# Of these OpenAPI says nothing at all, though their names in Go have the alternatives to JSONSchemaProps.
_UNIONS: Final[Mapping[str, Schema]] = {
    f"{_APIEXTENSIONS}JSONSchemaPropsOrArray": {"type": "array", "items": {"$ref": SCHEMAS + _JSON_SCHEMA}},
    f"{_APIEXTENSIONS}JSONSchemaPropsOrBool": {"type": "boolean"},
    f"{_APIEXTENSIONS}JSONSchemaPropsOrStringArray": {"type": "array", "items": {"type": "string"}},
}


def unwrapped(schema: Mapping[str, object]) -> Schema:
    """The schema with a lone member of ``allOf`` merged in, which is how OpenAPI says things beside a ``$ref``."""
    members = schema.get("allOf")
    if isinstance(members, list) and len(members) == 1 and isinstance(members[0], dict):
        return {**members[0], **{key: value for key, value in schema.items() if key != "allOf"}}
    return dict(schema)


def is_class(name: str, schema: Mapping[str, object]) -> bool:
    """Whether a named schema becomes a class: an object that is no map and that the runtime has no type for."""
    if name in _SPECIAL or name in _UNIONS:
        return False
    schema = unwrapped(schema)
    return bool(schema.get("properties")) or (
        schema.get("type") == "object"
        and not schema.get("additionalProperties")
        and not schema.get("x-kubernetes-preserve-unknown-fields")
    )


class ShapeReader:
    """Reads shapes of one document.

    Args:
        schemas: All its schemas.
        places: The places of those that become classes.
        hoist: Makes a class of an object that stands inside another schema; gets its schema and the path that names
            it, returns the new class's key.
        reused: Classes of another package, by the schema that they stand for.
    """

    def __init__(
        self,
        schemas: Mapping[str, Mapping[str, object]],
        places: Mapping[str, Place],
        hoist: Callable[[Schema, tuple[str, ...]], str],
        reused: Mapping[str, ClassRef] = MappingProxyType({}),
    ) -> None:
        self._schemas = schemas
        self._places = places
        self._hoist = hoist
        self._reused = reused
        self._open: set[str] = set()

    def read(self, schema: Mapping[str, object], path: tuple[str, ...]) -> Shape:
        """The shape of what stands at a path: the key of the outer class, then names of properties."""
        schema = unwrapped(schema)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._read_reference(reference, path)
        if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
            return _INT_OR_STRING
        match _type_of(schema):
            case "array":
                return Shape(
                    {"type": "array", "items": self._element(schema.get("items"), path)}, "[]", never_none=True
                )
            case "object":
                return self._read_object(schema, path)
            case "string":
                return _TIME if schema.get("format") == "date-time" else _SCALARS["string"]
            case str() as scalar if scalar in _SCALARS:
                return _SCALARS[scalar]
        return _JSON

    def _read_reference(self, reference: str, path: tuple[str, ...]) -> Shape:
        name = schema_name(reference) or reference
        if name in _SPECIAL:
            return _SPECIAL[name]
        if name in _UNIONS:
            alternative = self.read(_UNIONS[name], path).schema
            return Shape({"anyOf": [self._read_reference(SCHEMAS + _JSON_SCHEMA, path).schema, alternative]}, None)
        if name in self._reused:
            return Shape({"customTypePath": ".".join(self._reused[name])}, STRUCT)
        if name in self._places:
            return Shape({"$ref": SCHEMAS + self._places[name].key}, STRUCT)
        if name in self._open:
            return _JSON  # a list of lists of …, without end: no annotation can say that
        self._open.add(name)
        try:
            return self.read(self._schemas[name], path)
        finally:
            self._open.discard(name)

    def _read_object(self, schema: Schema, path: tuple[str, ...]) -> Shape:
        if schema.get("x-kubernetes-embedded-resource"):
            return _FREE_FORM
        if schema.get("properties"):
            return Shape({"$ref": SCHEMAS + self._hoist(schema, path)}, STRUCT)
        values = schema.get("additionalProperties")
        if isinstance(values, dict) and values:
            return Shape({"type": "object", "additionalProperties": self._element(values, path)}, "{}", never_none=True)
        return _FREE_FORM

    def _element(self, schema: object, path: tuple[str, ...]) -> Schema:
        """What a list or a map holds."""
        element = cast("Schema", schema) if isinstance(schema, dict) else {}
        shape = self.read(element, path).schema
        return {"anyOf": [shape, {"type": "null"}]} if element.get("nullable") is True else shape


def _type_of(schema: Schema) -> object:
    """The JSON type, also where only members or values tell it."""
    listed = schema.get("type")
    if isinstance(listed, list):  # OpenAPI 3.1
        named = [each for each in listed if each != "null"]
        return named[0] if len(named) == 1 else None
    if listed is not None:
        return listed
    if schema.get("properties") or schema.get("x-kubernetes-preserve-unknown-fields"):
        return "object"
    values = schema.get("enum")
    return "string" if isinstance(values, list) and values and all(isinstance(each, str) for each in values) else None
