"""The shape of a value: what a property becomes for the class generator, and the zero that absence reads as."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from kinform_codegen.models.places import kinds_of
from kinform_codegen.spec.references import SCHEMAS, schema_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kinform_codegen.models.places import ClassRef, Place

__all__ = ["EMBEDDED", "PRESERVES", "STRUCT", "Schema", "Shape", "ShapeReader", "is_class", "unwrapped"]

Schema: TypeAlias = dict[str, object]

STRUCT: Final = ""
"""The zero of a class: made by calling it."""

EMBEDDED: Final = "x-kubernetes-embedded-resource"

PRESERVES: Final = "x-kubernetes-preserve-unknown-fields"
_INTEGER_OR_STRING: Final = "x-kubernetes-int-or-string"


class Shape(NamedTuple):
    """How the values of a property are held.

    Attributes:
        schema: For the class generator: types only, nothing that could reject a value.
        zero: The source of what absence reads as, where Go holds a value and not a pointer; `STRUCT` for classes; None
            where absence is None whatever Go holds.
        never_none: Absence reads as the zero whatever Go holds: lists, maps, free-form values.
        default_types: What a default may be (see `kinform_codegen.models.defaults`), as Python reads JSON.
    """

    schema: Schema
    zero: str | None
    never_none: bool = False
    default_types: tuple[type, ...] = ()


def _runtime_type(name: str) -> Schema:
    return {"customTypePath": f"kinform.model.{name}"}


_TIME: Final = Shape(_runtime_type("Time"), None)
_DURATION: Final = Shape(_runtime_type("Duration"), '""', default_types=(str,))
_QUANTITY: Final = Shape(_runtime_type("Quantity"), '""', default_types=(int, float, str))
_INT_OR_STRING: Final = Shape(_runtime_type("IntOrString"), "0", default_types=(int, str))
_JSON: Final = Shape(_runtime_type("Json"), "None", never_none=True, default_types=(bool, int, float, str, list, dict))
_FREE_FORM: Final = Shape(_runtime_type("RawExtension"), "{}", never_none=True, default_types=(dict,))

_SCALARS: Final[Mapping[str, Shape]] = {
    "string": Shape({"type": "string"}, '""', default_types=(str,)),
    "integer": Shape({"type": "integer"}, "0", default_types=(int,)),
    "boolean": Shape({"type": "boolean"}, "False", default_types=(bool,)),
    "number": Shape(_runtime_type("Number"), "0.0", default_types=(int, float)),
}
# Formats of strings that mean something. All others (byte, date, uuid, ipv4, what nobody knows) are text as it came.
_FORMATS: Final[Mapping[object, Shape]] = {"date-time": _TIME, "duration": _DURATION}

# What controller-gen writes for a resource.Quantity: of all patterns, the one that tells a type.
_QUANTITY_PATTERN: Final = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)

_OF_ANY_OBJECT: Final = {"apiVersion", "kind", "metadata"}
_APIEXTENSIONS: Final = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_JSON_SCHEMA: Final = f"{_APIEXTENSIONS}JSONSchemaProps"

# Schemas that the runtime has types for.
_SPECIAL: Final[Mapping[str, Shape]] = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": _TIME,
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": Shape(_runtime_type("MicroTime"), None),
    "io.k8s.apimachinery.pkg.apis.meta.v1.Duration": _DURATION,
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": _FREE_FORM,
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": _FREE_FORM,
    "io.k8s.apimachinery.pkg.api.resource.Quantity": _QUANTITY,
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
    """The schema with a reference that is wrapped in ``allOf`` merged in: so OpenAPI says things beside a ``$ref``.

    Any other ``allOf`` only restricts the values of a type that is told elsewhere.
    """
    members = schema.get("allOf")
    lone = members[0] if isinstance(members, list) and len(members) == 1 else None
    if isinstance(lone, dict) and isinstance(lone.get("$ref"), str):
        return {**lone, **{key: value for key, value in schema.items() if key != "allOf"}}
    return dict(schema)


def is_class(name: str, schema: Mapping[str, object]) -> bool:
    """Whether a named schema becomes a class: an object that is no map and that the runtime has no type for."""
    if name in _SPECIAL or name in _UNIONS:
        return False
    schema = unwrapped(schema)
    return bool(schema.get("properties") or kinds_of(schema)) or (
        schema.get("type") == "object" and not schema.get("additionalProperties") and not schema.get(PRESERVES)
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
        if schema.get(_INTEGER_OR_STRING) or schema.get("format") == "int-or-string":
            return _QUANTITY if _is_quantity(schema) else _INT_OR_STRING
        match _type_of(schema):
            case "array":
                items = self._element(schema.get("items"), path)
                return Shape({"type": "array", "items": items}, "[]", never_none=True, default_types=(list,))
            case "object":
                return self._read_object(schema, path)
            case "string":
                return _FORMATS.get(schema.get("format"), _SCALARS["string"])
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
            return _struct({"customTypePath": ".".join(self._reused[name])})
        if name in self._places:
            return _struct({"$ref": SCHEMAS + self._places[name].key})
        if name in self._open:
            return _JSON  # a list of lists of …, without end: no annotation can say that
        self._open.add(name)
        try:
            return self.read(self._schemas[name], path)
        finally:
            self._open.discard(name)

    def _read_object(self, schema: Schema, path: tuple[str, ...]) -> Shape:
        properties = cast("Mapping[str, object]", schema.get("properties") or {})
        # The API server adds the properties that any object has. Those alone say nothing of what is embedded.
        if properties.keys() - (_OF_ANY_OBJECT if schema.get(EMBEDDED) else set()):
            return _struct({"$ref": SCHEMAS + self._hoist(schema, path)})
        values = schema.get("additionalProperties")
        if isinstance(values, dict) and values:
            return Shape(
                {"type": "object", "additionalProperties": self._element(values, path)},
                "{}",
                never_none=True,
                default_types=(dict,),
            )
        return _FREE_FORM

    def _element(self, schema: object, path: tuple[str, ...]) -> Schema:
        """What a list or a map holds."""
        element = cast("Schema", schema) if isinstance(schema, dict) else {}
        shape = self.read(element, path).schema
        nullable = element.get("nullable") is True and shape != _JSON.schema
        return {"anyOf": [shape, {"type": "null"}]} if nullable else shape


def _struct(schema: Schema) -> Shape:
    """The shape of what a class is made for."""
    return Shape(schema, STRUCT, default_types=(dict,))


def _is_quantity(schema: Schema) -> bool:
    """Whether an integer or string is a quantity: its own pattern says so, or one of several that all must match."""
    members = schema.get("allOf")
    return any(
        isinstance(each, dict) and each.get("pattern") == _QUANTITY_PATTERN
        for each in (schema, *(members if isinstance(members, list) else ()))
    )


def _type_of(schema: Schema) -> object:
    """The JSON type, also where only members or values tell it; None where any value may stand."""
    listed = schema.get("type")
    if isinstance(listed, list):  # OpenAPI 3.1
        named = [each for each in listed if each != "null"]
        return named[0] if len(named) == 1 else None
    if listed is not None:
        return listed
    if schema.get(EMBEDDED):
        return "object"
    if schema.get(PRESERVES):
        return None  # whatever its properties: these are looked at where the value happens to be an object
    if schema.get("properties"):
        return "object"
    values = schema.get("enum")
    return "string" if isinstance(values, list) and values and all(isinstance(each, str) for each in values) else None
