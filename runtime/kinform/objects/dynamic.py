"""An object of any kind, as the JSON that it is."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

import msgspec

from kinform.objects.dynamic_metadata import DynamicMetadata
from kinform.objects.values import copied, described, text_of
from kinform.wire import Json, split_field_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.meta import Resource

__all__ = ["DynamicObject"]

T = TypeVar("T")

_decode: Final[Callable[[bytes], dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any]).decode
_segments: Final = functools.lru_cache(maxsize=1024)(split_field_path)


class DynamicObject(MutableMapping[str, Json]):
    """An object of any kind, without a class of its own (client-go: ``unstructured.Unstructured``).

    A mutable mapping of its JSON, whose types a checker does not know: ``nested_string`` and its kin read values that
    lie deeper and say what they are, ``set_nested_field`` writes them. ``metadata`` is typed. Nothing is lost between
    ``from_wire`` and ``to_wire``; a number keeps its value, not its spelling. Equal to any mapping of the same content.

    Paths are those of ``field_index`` and ``drop``: JSON names with dots between them, ``"spec.template.spec"``; a name
    with dots in brackets, ``"metadata.annotations['example.com/owner']"``. They do not lead into lists.

    Objects from a cache are shared and read-only. Those that no thread changes may be read by any number of them.

    Args:
        fields: The object's fields, which are copied; models may stand in them.

    Raises:
        TypeError: They hold what JSON cannot.
    """

    __slots__ = ("__weakref__", "_fields")

    def __init__(self, fields: Mapping[str, object] | None = None) -> None:
        self._fields: dict[str, Json] = {name: copied(value) for name, value in (fields or {}).items()}

    @classmethod
    def new(cls, resource: Resource, name: str, namespace: str = "") -> Self:
        """An object of that kind and name, to be filled and created.

        Raises:
            ValueError: A namespace for a cluster-scoped kind.
        """
        resource.path(namespace)
        made = cls({"apiVersion": resource.api_version, "kind": resource.kind})
        made.metadata.name = name
        made.metadata.namespace = namespace
        return made

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        """Decodes one JSON object.

        Raises:
            ValueError: The bytes are no JSON object, or its metadata is none.
        """
        made = cls()
        try:
            made._fields = _decode(data)
        except RecursionError:
            raise ValueError(f"{cls.__name__}: Invalid JSON: nested too deeply") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{cls.__name__}: Invalid JSON: {error}") from None
        metadata = made._fields.get("metadata")
        if metadata is not None and not isinstance(metadata, dict):
            raise ValueError(f"{cls.__name__}: metadata: Input should be an object, not {described(metadata)}")
        return made

    def to_wire(self) -> bytes:
        """The object as compact JSON, its fields in their order.

        Raises:
            TypeError: Something was put into it, deeper down, that JSON has not.
        """
        return msgspec.json.encode(self._fields, enc_hook=copied)

    # ---- what every object has

    @property
    def api_version(self) -> str:
        """``"apps/v1"``; ``""`` where it is missing.

        Raises:
            TypeError: It is no string.
        """
        return text_of(self._fields.get("apiVersion"), "apiVersion")

    @api_version.setter
    def api_version(self, value: str) -> None:
        self._fields["apiVersion"] = value

    @property
    def kind(self) -> str:
        """``"Deployment"``; ``""`` where it is missing.

        Raises:
            TypeError: It is no string.
        """
        return text_of(self._fields.get("kind"), "kind")

    @kind.setter
    def kind(self, value: str) -> None:
        self._fields["kind"] = value

    @property
    def metadata(self) -> DynamicMetadata:
        """The object's metadata, typed: a view, so that what is changed in it is changed in the object."""
        return DynamicMetadata(self._fields)

    # ---- what lies deeper

    def nested_field(self, path: str) -> Json:
        """The value at a path; None where there is none, or null.

        The value itself, not a copy (client-go: ``NestedFieldNoCopy``).

        Raises:
            ValueError: The text is no path.
            TypeError: The path leads through something that is no object.
        """
        value: Json = self._fields
        segments = _segments(path)
        for depth, segment in enumerate(segments):
            if value is None:
                return None
            if not isinstance(value, dict):
                raise TypeError(f"{'.'.join(segments[:depth])} is {described(value)}: {path} cannot lead through it")
            value = value.get(segment)
        return value

    def nested_string(self, path: str) -> str | None:
        """The string at a path, or None; as for all of these, where there is none, or null.

        Raises:
            TypeError: There is something else; or as ``nested_field``.
            ValueError: As ``nested_field``.
        """
        return self._nested(path, str, "a string")

    def nested_int(self, path: str) -> int | None:
        """The integer at a path, or None; 3.0 is one. Raises as ``nested_string`` does."""
        value = self.nested_field(path)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool):
            raise TypeError(_other(path, value, "an integer"))
        return self._nested(path, int, "an integer")

    def nested_float(self, path: str) -> float | None:
        """The number at a path, or None. Raises as ``nested_string`` does."""
        value = self.nested_field(path)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        raise TypeError(_other(path, value, "a number"))

    def nested_bool(self, path: str) -> bool | None:
        """The boolean at a path, or None. Raises as ``nested_string`` does."""
        return self._nested(path, bool, "a boolean")

    def nested_list(self, path: str) -> list[Json] | None:
        """The list at a path, or None; itself, not a copy. Raises as ``nested_string`` does."""
        return cast("list[Json] | None", self._nested(path, list, "a list"))

    def nested_map(self, path: str) -> dict[str, Json] | None:
        """The object at a path, or None; itself, not a copy. Raises as ``nested_string`` does."""
        return cast("dict[str, Json] | None", self._nested(path, dict, "an object"))

    def _nested(self, path: str, type_: type[T], name: str) -> T | None:
        value = self.nested_field(path)
        if value is None or isinstance(value, type_):
            return value
        raise TypeError(_other(path, value, name))

    def set_nested_field(self, path: str, value: object) -> None:
        """Puts a copy of a value at a path, and makes the objects that lead to it.

        Raises:
            ValueError: The text is no path.
            TypeError: The path leads through something that is no object, or JSON has no such value.
        """
        *outer, last = segments = _segments(path)
        into = self._fields
        for depth, segment in enumerate(outer, 1):
            inner = into.get(segment)
            if inner is None:
                inner = into[segment] = {}
            if not isinstance(inner, dict):
                raise TypeError(f"{'.'.join(segments[:depth])} is {described(inner)}: {path} cannot lead through it")
            into = inner
        into[last] = copied(value)

    def remove_nested_field(self, path: str) -> None:
        """Takes away what is at a path, if anything is.

        Raises:
            ValueError: The text is no path.
        """
        *outer, last = _segments(path)
        into: Json = self._fields
        for segment in outer:
            into = into.get(segment) if isinstance(into, dict) else None
        if isinstance(into, dict):
            into.pop(last, None)

    # ---- a mapping

    def __getitem__(self, name: str) -> Json:
        return self._fields[name]

    def __setitem__(self, name: str, value: object) -> None:
        self._fields[name] = copied(value)

    def __delitem__(self, name: str) -> None:
        del self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        # Never the fields: they may be a Secret's, and representations end in logs.
        said = [self._fields.get("apiVersion"), self._fields.get("kind")]
        metadata = self._fields.get("metadata")
        if isinstance(metadata, dict):
            said.append("/".join(str(metadata[each]) for each in ("namespace", "name") if metadata.get(each)))
        return f"<{' '.join([type(self).__name__, *(str(each) for each in said if each)])}>"


def _other(path: str, value: Json, wanted: str) -> str:
    return f"{path} is {described(value)}, not {wanted}"
