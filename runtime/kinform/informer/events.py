"""What a handler of the general form is given: one change to one object, inflated when read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.meta import ObjectKey
    from kinform.wire import Entry, EventType, Owner

__all__ = ["Event"]

T_co = TypeVar("T_co", covariant=True)


class Event(Generic[T_co]):
    """One change to one object, as a handler hears of it.

    ``old`` and ``new`` are inflated when first read; a handler that looks only at ``key`` and ``type`` never pays for
    a model. Objects are shared with the cache and other handlers: read-only.

    Attributes:
        type: ``ADDED``, ``MODIFIED`` or ``DELETED``, as the cache saw it. A resync is ``MODIFIED`` with ``old`` and
            ``new`` equal.
        key: The object's key.
        initial: True on ``ADDED`` where the object was there when the handler began to listen
            (client-go: ``isInInitialList``).
        final_state_unknown: True on ``DELETED`` where the deletion itself was missed and ``old`` may be stale
            (client-go: ``DeletedFinalStateUnknown``).
    """

    __slots__ = ("_entries", "_inflate", "_new", "_old", "final_state_unknown", "initial", "key", "type")

    def __init__(
        self,
        type_: EventType,
        key: ObjectKey,
        old: Entry | None,
        new: Entry | None,
        inflate: Callable[[Entry], T_co],
        *,
        initial: bool = False,
        final_state_unknown: bool = False,
    ) -> None:
        self.type: EventType = type_
        self.key: ObjectKey = key
        self.initial: bool = initial
        self.final_state_unknown: bool = final_state_unknown
        self._inflate = inflate
        self._entries = (old, new)
        self._old: T_co | None = None
        self._new: T_co | None = None

    @property
    def old(self) -> T_co | None:
        """The object before; None on ``ADDED``.

        Raises:
            UndecodableObjectError: The object cannot be read as its model.
        """
        entry = self._entries[0]
        if self._old is None and entry is not None:
            self._old = self._inflate(entry)
        return self._old

    @property
    def new(self) -> T_co | None:
        """The object after; None on ``DELETED``.

        Raises:
            UndecodableObjectError: The object cannot be read as its model.
        """
        entry = self._entries[1]
        if self._new is None and entry is not None:
            self._new = self._inflate(entry)
        return self._new

    @property
    def object(self) -> T_co:
        """The object as last known: ``new``, or ``old`` on ``DELETED``; never None.

        Raises:
            UndecodableObjectError: The object cannot be read as its model.
        """
        known = self.old if self._entries[1] is None else self.new
        assert known is not None, "an event has an old or a new object"
        return known

    def owners(self) -> tuple[Owner, ...]:
        """The controlling owners of the old and the new object, each once; nothing is inflated."""
        return tuple(
            dict.fromkeys(entry.owner for entry in self._entries if entry is not None and entry.owner is not None)
        )

    @property
    def resync(self) -> bool:
        """Whether nothing has changed: the object is told of again, by a resync. Nothing is inflated."""
        old, new = self._entries
        return old is not None and old is new

    def __repr__(self) -> str:
        flags = [name for name in ("initial", "resync", "final_state_unknown") if getattr(self, name)]
        return f"<{' '.join([type(self).__name__, self.type.value, str(self.key), *flags])}>"
