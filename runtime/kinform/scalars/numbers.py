"""Numbers that stand where the API has text, or text or an integer."""

from __future__ import annotations

__all__ = ["NumberText", "int_or_string"]


class NumberText(str):
    """The text of a JSON number that stands where a string was expected; goes back as the number it was."""

    __slots__ = ()

    @classmethod
    def of(cls, value: object) -> NumberText:
        """Reads a number.

        Raises:
            ValueError: The value is no number.
        """
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("Input should be a string or a number")  # noqa: TRY004 - what validators raise
        return cls(repr(value))


def int_or_string(value: object) -> int | str:
    """Reads what is neither an integer nor a string: 1.0 is an integer, 1.5 keeps its text and goes back a number.

    Raises:
        ValueError: The value is no number.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return NumberText.of(value)
