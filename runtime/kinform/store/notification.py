"""What the store says of a write: which entry was there before, and which is there now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from kinform.meta import ObjectKey
    from kinform.wire import Entry

__all__ = ["Notification"]


class Notification(msgspec.Struct, frozen=True, gc=False, eq=False):
    """One change as handlers learn of it. Exactly one of three: add, update (both entries are there), delete.

    Attributes:
        old: The entry before; for a delete the last state known: that of the deletion, or, where the deletion itself
            was missed, what the cache held. None for an add.
        new: The entry that is in the store now; None for a delete.
        initial: It belongs to the partition's first complete list (client-go: ``isInInitialList``).
        final_state_unknown: The deletion was inferred, by a relist or by another object under the same key, so ``old``
            may be stale (client-go: ``DeletedFinalStateUnknown``).
        known: For a delete that was seen: what the store held until then, and handlers have heard of, where ``old`` is
            what the server showed with the deletion. Otherwise None.
    """

    old: Entry | None
    new: Entry | None
    initial: bool = False
    final_state_unknown: bool = False
    known: Entry | None = None

    @property
    def key(self) -> ObjectKey:
        """The key of the object that this is about."""
        entry = self.old if self.new is None else self.new
        assert entry is not None
        return entry.key
