"""From what waits to a call: a handler's predicate, its form, and the function that the user gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from kinform.errors import UndecodableObjectError
from kinform.informer.events import Event
from kinform.wire import EventType

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.informer.backlog import KeyWork, Pending
    from kinform.informer.predicates import Predicate
    from kinform.meta import ObjectKey
    from kinform.wire import Entry

__all__ = ["CallbackHandler", "EventHandler", "KeyHandler", "Verdict", "judge"]

T = TypeVar("T")


class Verdict(NamedTuple):
    """What a handler is to be told, after its predicate has spoken."""

    type: EventType
    old: Entry | None
    new: Entry | None
    initial: bool = False
    final_state_unknown: bool = False


def judge(pending: Pending, predicate: Predicate[T] | None, inflate: Callable[[Entry], T]) -> Verdict | None:
    """What to tell the handler of a change; None: nothing.

    As client-go's ``FilteringResourceEventHandler``: an update that moves the object in is told as an addition (never
    an initial one), one that moves it out as a deletion with the old state. A deletion into which updates were merged
    is judged by what the handler last heard of, so that it hears the end of what it heard the beginning of.
    """
    seen, new = pending.seen, pending.new
    knew = seen is not None and (predicate is None or _selects(predicate, seen, inflate))
    belongs = new is not None and (predicate is None or _selects(predicate, new, inflate))
    if knew and belongs:
        assert seen is not None
        assert new is not None
        if predicate is not None and not _concerns(predicate, seen, new, inflate):
            return None
        return Verdict(EventType.MODIFIED, seen, new)
    if belongs:
        return Verdict(EventType.ADDED, None, new, initial=pending.initial and seen is None)
    if knew:
        if new is not None:
            return Verdict(EventType.DELETED, seen, None)
        return Verdict(EventType.DELETED, pending.old, None, final_state_unknown=pending.final_state_unknown)
    return None


def _selects(predicate: Predicate[T], entry: Entry, inflate: Callable[[Entry], T]) -> bool:
    try:
        return predicate.selects(entry, inflate)
    except UndecodableObjectError:
        # Nobody can tell whether it belongs: it is never skipped, and its reader meets the error.
        return True


def _concerns(predicate: Predicate[T], old: Entry, new: Entry, inflate: Callable[[Entry], T]) -> bool:
    try:
        return predicate.concerns(old, new, inflate)
    except UndecodableObjectError:
        return True


class CallbackHandler(Generic[T]):
    """Tells three functions of objects; an object is inflated only for a function that was given."""

    def __init__(
        self,
        on_add: Callable[[T], object] | None,
        on_update: Callable[[T, T], object] | None,
        on_delete: Callable[[T], object] | None,
        predicate: Predicate[T] | None,
        inflate: Callable[[Entry], T],
    ) -> None:
        self._on_add = on_add
        self._on_update = on_update
        self._on_delete = on_delete
        self._predicate = predicate
        self._inflate = inflate

    def __call__(self, pending: Pending) -> None:
        """Tells the handler of one change; what its function or predicate raises comes out here."""
        verdict = judge(pending, self._predicate, self._inflate)
        if verdict is None:
            return
        old, new = verdict.old, verdict.new
        if new is None:
            assert old is not None, "a deletion has a last state"
            if self._on_delete is not None:
                self._on_delete(self._inflate(old))
        elif old is None:
            if self._on_add is not None:
                self._on_add(self._inflate(new))
        elif self._on_update is not None:
            after = self._inflate(new)
            try:
                before = self._inflate(old)
            except UndecodableObjectError:
                # The object could not be read before and now can: on_update has no old state to be called with.
                if self._on_add is None:
                    raise
                self._on_add(after)
            else:
                self._on_update(before, after)


class EventHandler(Generic[T]):
    """Tells one function of events, which inflate when read."""

    def __init__(
        self,
        function: Callable[[Event[T]], object],
        predicate: Predicate[T] | None,
        inflate: Callable[[Entry], T],
    ) -> None:
        self._function = function
        self._predicate = predicate
        self._inflate = inflate

    def __call__(self, pending: Pending) -> None:
        """Tells the handler of one change; what its function or predicate raises comes out here."""
        verdict = judge(pending, self._predicate, self._inflate)
        if verdict is not None:
            self._function(
                Event(
                    verdict.type,
                    pending.key,
                    verdict.old,
                    verdict.new,
                    self._inflate,
                    initial=verdict.initial,
                    final_state_unknown=verdict.final_state_unknown,
                )
            )


class KeyHandler(Generic[T]):
    """Tells one function of keys, or another where there is no news; nothing is inflated, unless the predicate does."""

    def __init__(
        self,
        function: Callable[[ObjectKey], object],
        background: Callable[[ObjectKey], object],
        predicate: Predicate[T] | None,
        inflate: Callable[[Entry], T],
    ) -> None:
        self._function = function
        self._background = background
        self._predicate = predicate
        self._inflate = inflate

    def __call__(self, work: KeyWork) -> None:
        """Tells the handler of one key; what its function or predicate raises comes out here."""
        if work.changes is None or any(self._concerns(change) for change in work.changes):
            (self._background if work.background else self._function)(work.key)

    def _concerns(self, change: Pending) -> bool:
        return judge(change, self._predicate, self._inflate) is not None
