"""Events: what a controller tells people about an object; ``kubectl describe`` and ``kubectl get events`` show them."""

from kinform.events.occurrence import EventSeverity
from kinform.events.recorder import EventRecorder
from kinform.events.reference import EventSubject, ObjectReference, reference_to
from kinform.events.sink import EventsApi
from kinform.events.statistics import EventStatistics
from kinform.events.telling import EventRecorderLike

__all__ = [
    "EventRecorder",
    "EventRecorderLike",
    "EventSeverity",
    "EventStatistics",
    "EventSubject",
    "EventsApi",
    "ObjectReference",
    "reference_to",
]
