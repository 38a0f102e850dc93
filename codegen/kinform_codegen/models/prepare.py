"""Prepares an OpenAPI document for the class generator: every name, type and zero decided, nothing left to guess."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import deque
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from kinform_codegen.models.attributes import attribute_names
from kinform_codegen.models.defaults import default_source
from kinform_codegen.models.documentation import documentation, member_documentation
from kinform_codegen.models.places import TAKEN_CLASS_NAMES, Place, assign_places, kinds_of
from kinform_codegen.models.shapes import EMBEDDED, PRESERVES, STRUCT, Schema, Shape, ShapeReader, is_class, unwrapped
from kinform_codegen.spec.references import SCHEMAS
from kinform_codegen.spec.shared import is_builtin
from kinform_codegen.spec.values import EXTENSION, ZEROS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform_codegen.models.places import ClassRef

__all__ = ["ClassFacts", "Member", "Prepared", "prepare"]

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
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
        wire: The JSON key.
        required: Whether the API requires it, and absence reads as what may be written: no None save where null may.
        hidden: Whether its value must not be seen.
    """

    arguments: str
    zero: str
    documentation: str
    wire: str
    required: bool
    hidden: bool


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What the template writes of one class.

    Attributes:
        documentation: The text of the docstring, or empty.
        members: Its attributes.
        is_open: Whether the API keeps fields that the schema does not name.
    """

    documentation: str
    members: dict[str, Member]
    is_open: bool

    @property
    def is_kind(self) -> bool:
        """Whether it is a kind, which says so in apiVersion and kind."""
        told = (self.members.get(name) for name in ("api_version", "kind"))
        return all(member is not None and member.zero not in {'""', "None"} for member in told)


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
    hidden = TAKEN_CLASS_NAMES.union(ref.name for ref in reused.values())
    places = assign_places(kept, paths if isinstance(paths, dict) else (), hidden=hidden)
    return _Preparer(schemas, places, reused, hidden).run()


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
        schema: What it is made of.
        path: For classes made of inner objects: what names them.
        builtin: Whether Go types stand behind it.
        secrets: The properties whose values must not be seen.
    """

    schema: Schema
    path: tuple[str, ...]
    builtin: bool
    secrets: frozenset[str] = frozenset()

    def absence(self, shape: Shape, schema: Schema, *, never_none: bool) -> str | None:
        """The source of what a property reads as where it is absent; None for None.

        For the built-in types the API server writes the zero as default of what Go holds by value; another default may
        well stand on a pointer. Custom resources are read with their defaults filled in. What is nullable is None
        unless it has a default.
        """
        if "default" in schema:
            default = schema["default"]
            if not self.builtin and (source := default_source(shape, default)) is not None:
                return source
            never_none = never_none or (self.builtin and default in ZEROS)
        if _may_be_null(shape, schema):
            return None
        return shape.zero if never_none or shape.never_none else None


class _Preparer:
    """Prepares the classes of one document."""

    def __init__(
        self,
        schemas: Mapping[str, Schema],
        places: dict[str, Place],
        reused: Mapping[str, ClassRef],
        hidden: frozenset[str],
    ) -> None:
        self._schemas = schemas
        self._reused = reused
        self._hidden = hidden
        self._out = Prepared(places=places)
        self._taken = set(places.values())
        self._reader = ShapeReader(schemas, places, self._hoist, reused)
        self._builtin: dict[str, bool] = {}
        self._waiting: deque[tuple[Place, _Source]] = deque()

    def run(self) -> Prepared:
        for name, place in sorted(self._out.places.items()):
            builtin = self._builtin[place.key] = is_builtin(name)
            schema = unwrapped(self._schemas[name])
            source = _Source(schema, (place.key,), builtin, _SECRETS.get(name, frozenset()))
            self._waiting.append((place, source if builtin else source._replace(schema=self._completed(schema))))
        while self._waiting:
            self._add(*self._waiting.popleft())
        return self._out

    def _completed(self, schema: Schema) -> Schema:
        """A kind of which its specification says nothing, with what any object has."""
        if schema.get("properties") or not kinds_of(schema):
            return schema
        properties: Schema = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
        metadata = f"{_META}ObjectMeta"
        if metadata in self._out.places or metadata in self._reused:
            properties["metadata"] = {"$ref": SCHEMAS + metadata}
        return {**schema, "properties": properties}

    def _hoist(self, schema: Schema, path: tuple[str, ...]) -> str:
        """Makes a class of an inner object, named by its path: ``WidgetSpecItemsSelector``.

        So what is added elsewhere renames nothing. Two paths can spell one name (``spec.foo`` of Widget, ``foo`` of a
        kind WidgetSpec): then kinds come first and shorter paths before longer ones, since classes wait in line until
        those above them are named; the later one gets an underscore.
        """
        folder, module, root = path[0].split(".")
        steps = (unicodedata.normalize("NFKC", step) for step in path[1:])  # as Python reads identifiers
        name = root + "".join(re.sub(r"\W", "", step[:1].upper() + step[1:]) for step in steps)
        place = Place(folder, module, name)
        while place in self._taken or place.name in self._hidden:
            place = place._replace(name=f"{place.name}_")
        self._taken.add(place)
        self._waiting.append((place, _Source(schema, path, self._builtin[path[0]])))
        return place.key

    def _add(self, place: Place, source: _Source) -> None:
        schema = source.schema
        properties = cast("dict[str, Schema]", schema.get("properties") or {})
        by_api = cast("list[str]", schema.get("required", []))
        never_none = {*by_api, *cast("list[str]", schema.get(EXTENSION, []))}
        type_meta = _type_meta(schema)
        if type_meta or schema.get(EMBEDDED):
            never_none.add("metadata")
        names = attribute_names(properties)
        # In the order of the names, so that of two inner objects of one name the same gets it as of two attributes.
        shapes = {wire: self._reader.read(properties[wire], (*source.path, wire)) for wire in names}
        prepared: dict[str, Schema] = {}
        required: list[str] = []
        members: dict[str, Member] = {}
        for wire in sorted(properties, key=lambda each: (each not in _FIRST, each)):
            inner, shape, name = unwrapped(properties[wire]), shapes[wire], names[wire]
            if wire in type_meta:
                absent: str | None = repr(type_meta[wire])
            else:
                absent = source.absence(shape, inner, never_none=wire in never_none)
            prepared[name] = shape.schema
            if absent is not None and not _may_be_null(shape, inner):
                required.append(name)
            members[name] = Member(
                ", ".join(_arguments(wire, name, secret=wire in source.secrets)),
                "None" if absent is None else absent,
                documentation(inner) if source.builtin else member_documentation(inner),
                wire=wire,
                required=wire in by_api and (absent not in {None, "None"} or inner.get("nullable") is True),
                hidden=wire in source.secrets,
            )
        self._out.schemas[place.key] = {"type": "object", "properties": prepared, "required": required}
        self._out.facts[place.key] = ClassFacts(documentation(schema), members, is_open=schema.get(PRESERVES) is True)


def _may_be_null(shape: Shape, schema: Schema) -> bool:
    """Whether None stands beside what the type says, which of any JSON it is a value anyway."""
    return schema.get("nullable") is True and shape.zero != "None"


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


def _arguments(wire: str, name: str, *, secret: bool) -> list[str]:
    arguments = [] if wire == name else [f"alias={wire!r}"]
    return [*arguments, "repr=False"] if secret else arguments


assert STRUCT == ""  # the template tells a class's zero by it
