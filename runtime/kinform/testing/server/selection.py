"""Which objects a list or watch is about: its namespace and its selectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinform.selectors import FieldSelector, LabelSelector
    from kinform.testing.server.storage import Change, StoredObject

__all__ = ["Selection"]


class Selection:
    """A namespace (``""``: all) and selectors. Immutable."""

    __slots__ = ("_labels", "_terms", "namespace")

    def __init__(self, namespace: str, labels: LabelSelector, fields: FieldSelector) -> None:
        self.namespace: str = namespace
        self._labels = None if labels.empty else labels
        self._terms = fields.terms

    @property
    def selective(self) -> bool:
        """Whether there are selectors: then nobody counts what remains behind a page."""
        return self._labels is not None or bool(self._terms)

    def matches(self, obj: StoredObject) -> bool:
        """Whether the object is one of them."""
        if self.namespace and obj.namespace != self.namespace:
            return False
        if self._labels is not None and not self._labels.matches(obj.labels):
            return False
        return all((obj.field(term.field) == term.value) is not term.negated for term in self._terms)

    def event_of(self, change: Change) -> str:
        """The type of event that a change is to a watch of this selection; ``""`` where it is none.

        An object that begins to match is ADDED, one that ceases to is DELETED.
        """
        before = change.before is not None and self.matches(change.before)
        after = change.after is not None and self.matches(change.after)
        if after:
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else ""
