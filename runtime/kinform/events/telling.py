"""What every recorder can do, the one for tests, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.events.occurrence import EventSeverity
    from kinform.events.reference import EventSubject, ObjectReference

__all__ = ["EventRecorderLike"]


class EventRecorderLike(Protocol):
    """Takes events: ``EventRecorder``, or in tests ``kinform.testing.FakeRecorder`` (client-go: ``EventRecorder``)."""

    def event(
        self,
        regarding: EventSubject | ObjectReference,
        type: EventSeverity,  # noqa: A002  (the name that users know)
        reason: str,
        message: str,
        *,
        action: str = "",
        related: EventSubject | ObjectReference | None = None,
        annotations: Mapping[str, str] | None = None,
        field_path: str = "",
    ) -> None:
        """Says what happened to an object; see ``EventRecorder.event``."""
        ...
