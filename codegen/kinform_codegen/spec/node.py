"""A cursor over a JSON document that knows where it stands, so that every complaint can name the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinform_codegen.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Node"]


class Node:
    """A value of a JSON document, with its place in it.

    Attributes:
        value: The decoded value.
        path: The keys that lead to it from the document's root.
        source: The file, URL or cluster that the document came from.
    """

    __slots__ = ("path", "source", "value")

    def __init__(self, value: object, source: str, path: tuple[str, ...] = ()) -> None:
        self.value: object = value
        self.source: str = source
        self.path: tuple[str, ...] = path

    def mapping(self) -> dict[str, object]:
        """The value as a JSON object.

        Raises:
            SpecError: It is something else.
        """
        if isinstance(self.value, dict):
            return self.value
        raise self.error(f"expected an object, found {_described(self.value)}")

    def text(self) -> str:
        """The value as a string.

        Raises:
            SpecError: It is something else.
        """
        if isinstance(self.value, str):
            return self.value
        raise self.error(f"expected a string, found {_described(self.value)}")

    def boolean(self) -> bool:
        """The value as a boolean.

        Raises:
            SpecError: It is something else.
        """
        if isinstance(self.value, bool):
            return self.value
        raise self.error(f"expected true or false, found {_described(self.value)}")

    def number(self) -> int | float:
        """The value as a number.

        Raises:
            SpecError: It is something else.
        """
        if isinstance(self.value, (int, float)) and not isinstance(self.value, bool):
            return self.value
        raise self.error(f"expected a number, found {_described(self.value)}")

    def items(self) -> Iterator[tuple[str, Node]]:
        """The members of an object, in the document's order."""
        for key, value in self.mapping().items():
            yield key, Node(value, self.source, (*self.path, key))

    def elements(self) -> Iterator[Node]:
        """The elements of an array.

        Raises:
            SpecError: It is no array.
        """
        if not isinstance(self.value, list):
            raise self.error(f"expected an array, found {_described(self.value)}")
        for index, value in enumerate(self.value):
            yield Node(value, self.source, (*self.path, str(index)))

    def get(self, key: str) -> Node | None:
        """A member of an object, or None."""
        members = self.mapping()
        return Node(members[key], self.source, (*self.path, key)) if key in members else None

    def at(self, *keys: str) -> Node | None:
        """A member of a member of …, or None where one of them is missing."""
        node: Node | None = self
        for key in keys:
            node = node.get(key) if node is not None else None
        return node

    def error(self, problem: str, *, mend: str = "check that the file is whole, or make it again") -> SpecError:
        """A complaint about this place."""
        return SpecError(self.source, problem, mend=mend, at=self.path)


def _described(value: object) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case str():
            return f"the string {value[:40]!r}"
        case None:
            return "null"
        case _:
            return f"{value!r}"
