"""Says what is wrong with a value in the words of the API: paths as on the wire, each fault once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from kinform.model.nulls import NULL, VALUE

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["describe", "tidy"]


def _faults(error: ValidationError) -> list[ErrorDetails]:
    """The faults without those that only say "nor is it null", and paths without the names of branches."""
    faults = error.errors(include_url=False, include_context=False)
    real = [fault for fault in faults if NULL not in fault["loc"]] or faults
    for fault in real:
        fault["loc"] = tuple(step for step in fault["loc"] if step != VALUE)
    return real


def describe(error: ValidationError) -> str:
    """One line: ``Pod: spec.containers[0].image: Input should be a valid string, not an int; ...``.

    Values are left out: an object may hold secrets.
    """
    return f"{error.title}: " + "; ".join(_describe(fault) for fault in _faults(error))


def _describe(fault: ErrorDetails) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault["loc"]).removeprefix(".")
    said = fault["msg"]
    if fault["type"].endswith("_type"):
        said += f", not {type(fault['input']).__name__}"
    return f"{path}: {said}" if path else said


def tidy(error: ValidationError) -> ValidationError:
    """The same error as a constructor should raise it."""
    return ValidationError.from_exception_data(
        error.title,
        [
            InitErrorDetails(
                type=PydanticCustomError(fault["type"], fault["msg"]),  # pyright: ignore[reportArgumentType]
                loc=fault["loc"],
                input=fault["input"],
            )
            for fault in _faults(error)
        ],
        hide_input=True,
    )
