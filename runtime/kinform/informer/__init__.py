"""The shared informer: turns changes into cache writes, and into notifications for each handler's own queue."""

from kinform.informer.events import Event
from kinform.informer.options import ListOptions
from kinform.informer.predicates import (
    Predicate,
    annotations_changed,
    generation_changed,
    labels_changed,
    matches_labels,
    resource_version_changed,
    satisfies,
)
from kinform.informer.registration import Registration
from kinform.informer.reports import ErrorReport, InformerReason
from kinform.informer.shared import SharedInformer
from kinform.informer.statistics import (
    HandlerStatistics,
    InformerState,
    InformerStatistics,
    StopResult,
)

__all__ = [
    "ErrorReport",
    "Event",
    "HandlerStatistics",
    "InformerReason",
    "InformerState",
    "InformerStatistics",
    "ListOptions",
    "Predicate",
    "Registration",
    "SharedInformer",
    "StopResult",
    "annotations_changed",
    "generation_changed",
    "labels_changed",
    "matches_labels",
    "resource_version_changed",
    "satisfies",
]
