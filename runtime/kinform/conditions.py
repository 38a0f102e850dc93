"""Conditions: what a controller says of an object in its status, and since when it is so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from kinform.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableSequence

    from kinform.clock import Clock

__all__ = [
    "ConditionLike",
    "find_condition",
    "is_condition_equal",
    "is_condition_false",
    "is_condition_true",
    "remove_condition",
    "set_condition",
]


class ConditionLike(Protocol):
    """A condition, as ``meta/v1.Condition``, ``DeploymentCondition`` and those of custom resources are."""

    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102
    @property
    def message(self) -> str | None: ...  # noqa: D102
    @property
    def last_transition_time(self) -> datetime | None: ...  # noqa: D102


C = TypeVar("C", bound=ConditionLike)

_MIRRORED = ("reason", "message", "observed_generation")  # taken over from the new one, whatever the status


def find_condition(conditions: Iterable[C], type: str) -> C | None:  # noqa: A002  (the name that users know)
    """The condition of a type, or None (apimachinery: ``meta.FindStatusCondition``)."""
    return next((condition for condition in conditions if condition.type == type), None)


def is_condition_equal(conditions: Iterable[ConditionLike], type: str, status: str) -> bool:  # noqa: A002
    """Whether there is one of this type with this status (``meta.IsStatusConditionPresentAndEqual``)."""
    found = find_condition(conditions, type)
    return found is not None and found.status == status


def is_condition_true(conditions: Iterable[ConditionLike], type: str) -> bool:  # noqa: A002
    """Whether there is one of this type and it is ``"True"`` (``meta.IsStatusConditionTrue``)."""
    return is_condition_equal(conditions, type, "True")


def is_condition_false(conditions: Iterable[ConditionLike], type: str) -> bool:  # noqa: A002
    """Whether there is one of this type and it is ``"False"``, not missing (``meta.IsStatusConditionFalse``)."""
    return is_condition_equal(conditions, type, "False")


def set_condition(conditions: MutableSequence[C], new: C, *, clock: Clock = SYSTEM_CLOCK) -> bool:
    """Makes the condition of this type be so (apimachinery: ``meta.SetStatusCondition``).

    One that is there already stays the same object, so that fields which only its own kind has are kept; it takes over
    status, reason, message and, where it has one, ``observed_generation``. ``last_transition_time`` changes with the
    status only: to that of ``new``, or to now where it has none. A condition that is not there yet is appended.

    Objects of the cache are shared: change the status of a ``lister.copy(key)``, or of what a client returned.

    Args:
        conditions: The list in the object's status, which is changed.
        new: The condition, such as ``Condition(type="Ready", status="True", reason="Synced", message="")``. Belongs to
            the list from then on.
        clock: For tests.

    Returns:
        Whether anything changed, so that the status has to be written. Not counted: another time alone.
    """
    now = datetime.fromtimestamp(clock.wall(), UTC).replace(microsecond=0)
    found = find_condition(conditions, new.type)
    if found is None:
        _assign(new, "last_transition_time", new.last_transition_time or now)
        conditions.append(new)
        return True
    changed = found.status != new.status
    if changed:
        _assign(found, "status", new.status)
        _assign(found, "last_transition_time", new.last_transition_time or now)
    for name in _MIRRORED:
        if hasattr(new, name) and getattr(found, name) != getattr(new, name):
            _assign(found, name, getattr(new, name))
            changed = True
    return changed


def remove_condition(conditions: MutableSequence[C], type: str) -> bool:  # noqa: A002
    """Takes the conditions of a type out of the list; whether there were any (``meta.RemoveStatusCondition``)."""
    kept = [condition for condition in conditions if condition.type != type]
    removed = len(kept) < len(conditions)
    if removed:
        conditions[:] = kept
    return removed


def _assign(condition: ConditionLike, name: str, value: object) -> None:
    # Protocols with attributes to assign would be invariant: no class whose fields are narrower could be given.
    setattr(condition, name, value)
