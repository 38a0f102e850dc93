"""The base class of generated models: reads as Go does, keeps what it does not know, writes back what it read."""

from __future__ import annotations

from inspect import Parameter, Signature
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from kinform.model.failures import describe, tidy
from kinform.model.nulls import read_null_as_zero
from kinform.model.writing import defaults_of, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

    from kinform.model.scalars import Json

__all__ = ["Model"]

_BUILDING: Final = RLock()
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class Model(BaseModel):
    """An object of the API, or a part of one.

    *Reading.* An attribute is never missing: what the wire does not have, or has as null, reads as Go's zero (``""``,
    ``0``, ``False``, an empty list, an empty struct), or as None where Go has a pointer. In a custom resource a scalar
    reads as the default that its schema has, and what the schema calls nullable keeps its null as None. No value is
    refused for its range, pattern or enumeration; fields that the class does not know are kept in ``model_extra``.

    *Making.* Constructors take the attributes' names, ``PodSpec(node_name="n1")``, and refuse others with a
    ``pydantic.ValidationError`` (a ``ValueError``), inner dicts included. Setting an attribute that is none raises
    AttributeError. A field newer than the class is set through ``model_extra["newField"]``.

    *Writing.* ``to_wire`` has every field that was given (by the wire, a constructor or an assignment) or that is no
    longer its zero or default, at any depth, so ``pod.metadata.labels["a"] = "b"`` counts on a fresh object, too.
    Deleting an attribute (``del pod.spec.node_name``) makes it its zero or default, and not given.

    Equal where all values are equal, whether given or zero. Copies, deep copies and pickles are whole. ``repr`` shows
    what would be written, without the values of secrets. Models are built when first used, by whichever thread comes
    first; an object that no thread changes may be read by any number of them.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        defer_build=True,
        extra="allow",
        hide_input_in_errors=True,
        protected_namespaces=(),
        validate_by_alias=True,
        validate_by_name=True,
    )

    if not TYPE_CHECKING:  # type checkers make each class's constructor from its fields

        def __init__(self, /, **data: Any) -> None:
            __tracebackhide__ = True
            cls = type(self)
            if not cls.__pydantic_complete__:
                cls._build()
            try:
                cls.__pydantic_validator__.validate_python(
                    data, self_instance=self, by_alias=False, by_name=True, extra="forbid"
                )
            except ValidationError as error:
                raise tidy(error) from None

        # pydantic's own mark: models read from the wire need not pass through here.
        __init__.__pydantic_base_init__ = True

        def __setattr__(self, name: str, value: Any) -> None:
            cls = type(self)
            if name not in cls.__pydantic_fields__ and not name.startswith("_") and not hasattr(cls, name):
                raise AttributeError(_no_such_field(cls, name))
            super().__setattr__(name, value)

        def __delattr__(self, name: str) -> None:
            info = type(self).__pydantic_fields__.get(name)
            if info is None:
                super().__delattr__(name)
                return
            self.__dict__[name] = info.get_default(call_default_factory=True, validated_data={})
            self.__pydantic_fields_set__.discard(name)

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        """Decodes one JSON object by its wire names only.

        Raises:
            ValueError: The bytes are no JSON object, or a field has a type that the class cannot hold. The message has
                the paths of the fields, and never their values.
        """
        if not cls.__pydantic_complete__:
            cls._build()
        try:
            model: Self = cls.__pydantic_validator__.validate_json(data, by_alias=True, by_name=False)
        except ValidationError as error:
            raise ValueError(describe(error)) from None
        return model

    def to_wire(self) -> bytes:
        """The object as compact JSON; that of a kind starts with ``apiVersion`` and ``kind``, given or not.

        Text is escaped as Go's, whose bytes the API server compares in places.

        Raises:
            ValueError: A datetime has no time zone.
            TypeError: A field was assigned what JSON cannot hold.
        """
        return encode(self)

    @property
    def model_extra(self) -> dict[str, Json]:
        """The fields that the class does not know, by wire name; written back with the others, and open to change."""
        extra: dict[str, Json] | None = self.__pydantic_extra__
        if extra is None:
            extra = {}
            object.__setattr__(self, "__pydantic_extra__", extra)
        return extra

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        given = self.__pydantic_fields_set__
        defaults = defaults_of(type(self))
        for name, info in type(self).__pydantic_fields__.items():
            value = self.__dict__.get(name)
            if name not in given and (
                value == defaults[name]
                if name in defaults
                else not value or (isinstance(value, Model) and not any(value.__repr_args__()))
            ):
                continue
            if value and not info.repr:
                yield name, _Hidden()
            elif isinstance(value, dict) and _LAST_APPLIED in value:
                yield name, value | {_LAST_APPLIED: _Hidden()}
            else:
                yield name, value
        yield from (self.__pydantic_extra__ or {}).items()

    @classmethod
    def _build(cls) -> None:
        """Builds what `defer_build` put off; one thread at a time, since each would do the whole work."""
        with _BUILDING:
            # Without a namespace given, pydantic would look for types among the callers' local variables.
            cls.model_rebuild(_types_namespace={})

    @classmethod
    def __pydantic_on_complete__(cls) -> None:
        # pydantic's own would have the wire names, which the constructor does not take.
        type.__setattr__(cls, "__signature__", _Signature())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /) -> CoreSchema:
        schema = handler(source)
        read_null_as_zero(handler.resolve_ref_schema(schema), cls.__pydantic_fields__)
        return schema


class _Signature:
    """The signature of a class's constructor, made when asked for."""

    def __get__(self, instance: object, owner: type[BaseModel]) -> Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        return Signature(
            [
                Parameter(
                    name,
                    Parameter.KEYWORD_ONLY,
                    default=info.get_default(call_default_factory=True, validated_data={}),
                    annotation=info.annotation,
                )
                for name, info in owner.__pydantic_fields__.items()
            ]
        )


class _Hidden:
    """Stands in a repr for a value that must not be seen."""

    def __repr__(self) -> str:
        return "<hidden>"


def _no_such_field(cls: type[BaseModel], name: str) -> str:
    said = f"{cls.__name__} has no field {name!r}"
    by_wire_name = next((own for own, info in cls.__pydantic_fields__.items() if info.alias == name), None)
    if by_wire_name is not None:
        return f"{said}; its attribute is {by_wire_name!r}"
    return f"{said}; a field newer than the class goes into model_extra[{name!r}]"
