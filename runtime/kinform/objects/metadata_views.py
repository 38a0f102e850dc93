"""Labels, annotations and finalizers of an object that is JSON: views, which hold nothing themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping, MutableSequence
from typing import TYPE_CHECKING, TypeAlias, overload

from kinform.objects.values import described, text_of

if TYPE_CHECKING:
    from kinform.wire import Json

__all__ = ["Fields", "TextList", "TextMap", "metadata_of"]

Fields: TypeAlias = "dict[str, Json]"
"""The fields of an object."""


def metadata_of(fields: Fields, *, make: bool = False) -> Fields:
    """The fields of an object's metadata; where there are none, empty ones: the object's own if ``make`` says so.

    Raises:
        TypeError: Its metadata is no object.
    """
    found = fields.get("metadata")
    if found is None:
        found = {}
        if make:
            fields["metadata"] = found
    if not isinstance(found, dict):
        raise TypeError(f"metadata is {described(found)}, not an object")
    return found


class TextMap(MutableMapping[str, str]):
    """A map of texts in an object's metadata, which is made when the first is written."""

    __slots__ = ("_name", "_object")

    def __init__(self, fields: Fields, name: str) -> None:
        self._object = fields
        self._name = name

    def _found(self) -> Fields:
        found = metadata_of(self._object).get(self._name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise TypeError(f"metadata.{self._name} is {described(found)}, not an object")
        return found

    def __getitem__(self, key: str) -> str:
        return text_of(self._found()[key], f"metadata.{self._name}[{key!r}]")

    def __setitem__(self, key: str, value: str) -> None:
        found = self._found()
        found[key] = value
        metadata_of(self._object, make=True)[self._name] = found

    def __delitem__(self, key: str) -> None:
        del self._found()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())

    def __repr__(self) -> str:
        return repr(dict(self))


class TextList(MutableSequence[str]):  # noqa: PLW1641  (as lists, it has no hash)
    """A list of texts in an object's metadata, which is there as long as it is not empty."""

    __slots__ = ("_name", "_object")

    def __init__(self, fields: Fields, name: str) -> None:
        self._object = fields
        self._name = name

    def _found(self) -> list[str]:
        """A copy."""
        found = metadata_of(self._object).get(self._name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise TypeError(f"metadata.{self._name} is {described(found)}, not a list")
        return [text_of(each, f"metadata.{self._name}[{number}]") for number, each in enumerate(found)]

    def _keep(self, texts: list[str]) -> None:
        if texts:
            metadata_of(self._object, make=True)[self._name] = [*texts]
        else:
            metadata_of(self._object).pop(self._name, None)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._found()[index]

    @overload
    def __setitem__(self, index: int, value: str) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[str]) -> None: ...
    def __setitem__(self, index: int | slice, value: str | Iterable[str]) -> None:
        found = self._found()
        found[index] = value  # type: ignore[index,assignment]  # the overloads say which goes with which
        self._keep(found)

    def __delitem__(self, index: int | slice) -> None:
        found = self._found()
        del found[index]
        self._keep(found)

    def __len__(self) -> int:
        return len(self._found())

    def insert(self, index: int, value: str) -> None:
        """Puts a text before that place."""
        found = self._found()
        found.insert(index, value)
        self._keep(found)

    def __eq__(self, other: object) -> bool:
        return self._found() == (other._found() if isinstance(other, TextList) else other)

    def __repr__(self) -> str:
        return repr(self._found())
