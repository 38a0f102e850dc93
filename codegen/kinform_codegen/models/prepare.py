"""Prepares an OpenAPI document for the class generator: every name, type and zero decided, nothing left to guess."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from kinform_codegen.emit.docstrings import docstring_text
from kinform_codegen.models.attributes import attribute_names
from kinform_codegen.models.places import Place, assign_places, kinds_of
from kinform_codegen.models.shapes import STRUCT, Schema, Shape, ShapeReader, is_class, unwrapped
from kinform_codegen.spec.references import SCHEMAS
from kinform_codegen.spec.values import EXTENSION, ZEROS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform_codegen.models.places import ClassRef

__all__ = ["ClassFacts", "Member", "Prepared", "prepare"]

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_BUILTIN: Final = re.compile(r"io\.k8s\.(api|apimachinery|apiextensions-apiserver|kube-aggregator)\.")
_FIRST: Final = ("apiVersion", "kind", "metadata")

# What must not be seen in a log: repr() writes these fields without their values.
_SECRETS: Final[Mapping[str, frozenset[str]]] = {
    "io.k8s.api.core.v1.Secret": frozenset({"data", "stringData"}),
    "io.k8s.api.authentication.v1.TokenRequestStatus": frozenset({"token"}),
    "io.k8s.api.authentication.v1.TokenReviewSpec": frozenset({"token"}),
}


class Member(NamedTuple):
    """What the template writes of one attribute, beside its name and type.

    Attributes:
        arguments: The source of ``Field``'s arguments, ``alias="nodeName"``; empty where the name is the wire's.
        zero: The source of the default; empty for a class's zero, made by calling the class.
        documentation: The text of the docstring below it, or empty.
    """

    arguments: str
    zero: str
    documentation: str


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What the template writes of one class.

    Attributes:
        documentation: The text of the docstring, or empty.
        members: Its attributes.
    """

    documentation: str
    members: dict[str, Member]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the class generator needs.

    Attributes:
        schemas: Its input, by key (``core.v1.Pod``).
        facts: What the template adds, by key.
        places: Where the document's schemas went.
    """

    schemas: dict[str, Schema] = field(default_factory=dict)
    facts: dict[str, ClassFacts] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)


def prepare(document: Mapping[str, object], reused: Mapping[str, ClassRef] = MappingProxyType({})) -> Prepared:
    """Decides everything about the document's classes.

    Lists of objects (``PodList``) are left out unless something refers to them: clients read any list into one generic
    class.

    Args:
        document: OpenAPI v3.
        reused: Classes of another package, by the schema that they stand for: none is made for these.
    """
    components = cast("dict[str, dict[str, Schema]]", document.get("components") or {})
    schemas = components.get("schemas", {})
    paths = document.get("paths")
    kept = _kept({name: each for name, each in schemas.items() if is_class(name, each) and name not in reused})
    places = assign_places(
        kept, paths if isinstance(paths, dict) else (), imported=frozenset(ref.name for ref in reused.values())
    )
    return _Preparer(schemas, places, reused).run()


def _kept(classes: dict[str, Schema]) -> dict[str, Schema]:
    """The classes without the lists of objects that none of the others refers to."""
    kept = {name: schema for name, schema in classes.items() if not _is_list(schema)}
    waiting = list(kept)
    while waiting:
        for name in _REFERENCE.findall(json.dumps(classes[waiting.pop()])):
            if name in classes and name not in kept:
                kept[name] = classes[name]
                waiting.append(name)
    return kept


_REFERENCE: Final = re.compile(f'"{re.escape(SCHEMAS)}([^"]+)"')


def _is_list(schema: Schema) -> bool:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not kinds_of(schema):
        return False
    items, metadata = properties.get("items"), properties.get("metadata")
    return (
        isinstance(items, dict)
        and items.get("type") == "array"
        and isinstance(metadata, dict)
        and unwrapped(metadata).get("$ref") == f"{SCHEMAS}{_META}ListMeta"
    )


class _Source(NamedTuple):
    """Where a class comes from.

    Attributes:
        path: For classes made of inner objects: what names them.
        builtin: Whether Go types stand behind it.
        secrets: The properties whose values must not be seen.
    """

    path: tuple[str, ...] = ()
    builtin: bool = False
    secrets: frozenset[str] = frozenset()

    @classmethod
    def of(cls, name: str) -> _Source:
        return cls(builtin=_BUILTIN.match(name) is not None, secrets=_SECRETS.get(name, frozenset()))

    def default_tells(self, schema: Schema) -> bool:
        """Whether a property's default tells that it is never absent in what a server sends.

        For the built-in types the API server writes the zero as default of what Go holds by value; another default may
        well stand on a pointer. Custom resources are read with their defaults filled in.
        """
        return "default" in schema and (not self.builtin or schema["default"] in ZEROS)


class _Preparer:
    """Prepares the classes of one document."""

    def __init__(self, schemas: Mapping[str, Schema], places: dict[str, Place], reused: Mapping[str, ClassRef]) -> None:
        self._schemas = schemas
        self._out = Prepared(places=places)
        self._taken = set(places.values())
        self._reader = ShapeReader(schemas, places, self._hoist, reused)

    def run(self) -> Prepared:
        for name in sorted(self._out.places):
            self._add(self._out.places[name], unwrapped(self._schemas[name]), _Source.of(name))
        return self._out

    def _hoist(self, schema: Schema, path: tuple[str, ...]) -> str:
        """Makes a class of an inner object, named by its path: ``WidgetSpecItemsSelector``."""
        folder, module, root = path[0].split(".")
        steps = (unicodedata.normalize("NFKC", step) for step in path[1:])  # as Python reads identifiers
        name = root + "".join(re.sub(r"\W", "", step[:1].upper() + step[1:]) for step in steps)
        place = Place(folder, module, name)
        while place in self._taken:
            place = place._replace(name=f"{place.name}_")
        self._taken.add(place)
        self._add(place, schema, _Source(path=path))
        return place.key

    def _add(self, place: Place, schema: Schema, source: _Source) -> None:
        properties = cast("dict[str, Schema]", schema.get("properties") or {})
        never_none = {*cast("list[str]", schema.get("required", [])), *cast("list[str]", schema.get(EXTENSION, []))}
        defaults = _type_meta(schema)
        if defaults:
            never_none.add("metadata")
        names = attribute_names(properties)
        prepared: dict[str, Schema] = {}
        required: list[str] = []
        members: dict[str, Member] = {}
        for wire in sorted(properties, key=lambda each: (each not in _FIRST, each)):
            inner = properties[wire]
            shape = self._reader.read(inner, (*(source.path or (place.key,)), wire))
            value = wire in never_none or source.default_tells(inner)
            zero = _zero(shape, defaults.get(wire), value=value and inner.get("nullable") is not True)
            name = names[wire]
            prepared[name] = shape.schema
            if zero is None:
                zero = "None"
            else:
                required.append(name)
            members[name] = Member(
                ", ".join(_arguments(wire, name, secret=wire in source.secrets)), zero, _documentation(inner)
            )
        self._out.schemas[place.key] = {"type": "object", "properties": prepared, "required": required}
        self._out.facts[place.key] = ClassFacts(_documentation(schema), members)


def _type_meta(schema: Schema) -> dict[str, str]:
    """The apiVersion and kind of a kind's objects; of several (``DeleteOptions`` serves every group) the core group's.

    Empty for schemas that are no object of their own.
    """
    kinds = kinds_of(schema)
    properties = cast("dict[str, Schema]", schema.get("properties") or {})
    if not kinds or not {"apiVersion", "kind"} <= properties.keys():
        return {}
    group, version, kind = (
        kinds[0] if len(kinds) == 1 else min(kinds, key=lambda each: (each[0], each[1] != "v1", each))
    )
    return {"apiVersion": f"{group}/{version}" if group else version, "kind": kind}


def _zero(shape: Shape, default: str | None, *, value: bool) -> str | None:
    """The source of what absence reads as, or None for None."""
    if default is not None:
        return repr(default)
    return shape.zero if value or shape.never_none else None


def _arguments(wire: str, name: str, *, secret: bool) -> list[str]:
    arguments = [] if wire == name else [f"alias={wire!r}"]
    return [*arguments, "repr=False"] if secret else arguments


def _documentation(schema: Schema) -> str:
    text = schema.get("description")
    return docstring_text(text, closed=True) if isinstance(text, str) and text.strip() else ""


assert STRUCT == ""  # the template tells a class's zero by it
