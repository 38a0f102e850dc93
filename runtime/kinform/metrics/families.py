"""What is exported: names, labels and buckets, client-go's and controller-runtime's wherever they have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["ALL", "READ", "Family"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric, with all its series.

    Attributes:
        kind: What its numbers are.
        name: As Prometheus shows it.
        text: What it means.
        labels: What tells its series apart.
        buckets: The upper bounds of a histogram's.
    """

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    text: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()


_QUEUE = ("name", "controller")
_CONTROLLER = ("controller",)
_INFORMER = ("name", "group", "version", "resource")
_HANDLER = ("name", "handler")
_REQUEST = ("verb", "host")

_QUEUE_BUCKETS = tuple(10.0**power for power in range(-8, 4))
_REQUEST_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_RECONCILE_BUCKETS = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    *(1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0, 25.0, 30.0),
    *(40.0, 50.0, 60.0),
)

# ---- work queues

DEPTH: Final = Family(
    "gauge",
    "workqueue_depth",
    "Items that wait, by queue and priority (empty: a queue without).",
    (*_QUEUE, "priority"),
)
ADDS: Final = Family("counter", "workqueue_adds_total", "Items added; one that waited already is not.", _QUEUE)
QUEUE_DURATION: Final = Family(
    "histogram",
    "workqueue_queue_duration_seconds",
    "How long an item waits before it is handed out.",
    _QUEUE,
    _QUEUE_BUCKETS,
)
WORK_DURATION: Final = Family(
    "histogram", "workqueue_work_duration_seconds", "How long an item is in work.", _QUEUE, _QUEUE_BUCKETS
)
UNFINISHED: Final = Family(
    "gauge",
    "workqueue_unfinished_work_seconds",
    "How long all items in work have been so, together. If it grows by n each second, n workers are stuck.",
    _QUEUE,
)
LONGEST: Final = Family(
    "gauge",
    "workqueue_longest_running_processor_seconds",
    "How long the longest-running item has been in work.",
    _QUEUE,
)
RETRIES: Final = Family("counter", "workqueue_retries_total", "Items added to come later.", _QUEUE)

# ---- controllers

RECONCILES: Final = Family(
    "counter",
    "controller_runtime_reconcile_total",
    "Reconciles by result: success, requeue_after or error.",
    (*_CONTROLLER, "result"),
)
RECONCILE_ERRORS: Final = Family(
    "counter", "controller_runtime_reconcile_errors_total", "Reconciles that raised.", _CONTROLLER
)
TERMINAL_ERRORS: Final = Family(
    "counter",
    "controller_runtime_terminal_reconcile_errors_total",
    "Reconciles that raised a TerminalError.",
    _CONTROLLER,
)
RECONCILE_TIMEOUTS: Final = Family(
    "counter",
    "controller_runtime_reconcile_timeouts_total",
    "Reconciles that took longer than the controller's reconcile_timeout.",
    _CONTROLLER,
)
RECONCILE_TIME: Final = Family(
    "histogram",
    "controller_runtime_reconcile_time_seconds",
    "How long a reconcile takes.",
    _CONTROLLER,
    _RECONCILE_BUCKETS,
)
MAX_CONCURRENT: Final = Family(
    "gauge", "controller_runtime_max_concurrent_reconciles", "How many workers a controller has.", _CONTROLLER
)
ACTIVE_WORKERS: Final = Family(
    "gauge", "controller_runtime_active_workers", "How many workers are in a reconcile.", _CONTROLLER
)

# ---- requests

REQUESTS: Final = Family(
    "counter",
    "rest_client_requests_total",
    "Requests by HTTP status (<error>: none came), method and host.",
    ("code", "method", "host"),
)
REQUEST_DURATION: Final = Family(
    "histogram",
    "rest_client_request_duration_seconds",
    "How long a request takes until its answer has been read; watches are not measured.",
    _REQUEST,
    _REQUEST_BUCKETS,
)
LIMITER_DURATION: Final = Family(
    "histogram",
    "rest_client_rate_limiter_duration_seconds",
    "How long a request waits for the client's own rate limit.",
    _REQUEST,
    _REQUEST_BUCKETS,
)

# ---- informers

QUEUED_ITEMS: Final = Family(
    "gauge", "informer_queued_items", "Notifications that wait for the informer's handlers.", _INFORMER
)
STORE_VERSION: Final = Family(
    "gauge",
    "informer_store_resource_version",
    "The last 15 digits of the resourceVersion that the cache has reached.",
    _INFORMER,
)
LISTS: Final = Family("counter", "reflector_lists_total", "Pages of lists asked for.", ("name",))
WATCHES: Final = Family("counter", "reflector_watches_total", "Watches asked for, streaming lists too.", ("name",))
EVENTS: Final = Family("counter", "kinform_reflector_events_total", "Watch events taken.", ("name",))
RESTARTS: Final = Family(
    "counter", "kinform_reflector_restarts_total", "Requests begun anew, by reason.", ("name", "reason")
)
POISON: Final = Family(
    "counter", "kinform_reflector_poison_total", "Objects that could not be taken as they are.", ("name",)
)
OBJECTS: Final = Family("gauge", "kinform_informer_objects", "Objects in the cache.", _INFORMER)
BYTES: Final = Family(
    "gauge", "kinform_informer_bytes", "Bytes of objects in the cache, in the form in which they are kept.", _INFORMER
)
SYNCED: Final = Family("gauge", "kinform_informer_synced", "1 once the first sync is complete.", _INFORMER)
CONNECTED: Final = Family("gauge", "kinform_informer_connected", "1 while all its watches are open.", _INFORMER)
SILENCE: Final = Family(
    "gauge", "kinform_informer_silence_seconds", "How long the server has sent nothing on any watch.", _INFORMER
)
INFORMER_ERRORS: Final = Family(
    "counter", "kinform_informer_errors_total", "Errors that were swallowed and reported.", _INFORMER
)
DELIVERED: Final = Family("counter", "kinform_handler_calls_total", "Calls that returned or raised.", _HANDLER)
FAILED: Final = Family("counter", "kinform_handler_failures_total", "Calls that raised.", _HANDLER)
COALESCED: Final = Family(
    "counter", "kinform_handler_coalesced_total", "Notifications merged into one that was waiting.", _HANDLER
)
RUNNING: Final = Family(
    "gauge", "kinform_handler_running_seconds", "How long the call has been running; 0: there is none.", _HANDLER
)

# ---- leader election

LEADER: Final = Family(
    "gauge", "leader_election_master_status", "1 while this process leads, 0 while another may.", ("name",)
)
SLOW_PATH: Final = Family(
    "counter", "leader_election_slowpath_total", "Renewals that had to read the lease first.", ("name",)
)

# ---- events

EVENT_OUTCOMES: Final = Family(
    "counter",
    "kinform_events_total",
    "Events by what became of them: created, patched, filtered, dropped or failed.",
    (*_CONTROLLER, "outcome"),
)
EVENTS_WAITING: Final = Family("gauge", "kinform_events_waiting", "Events that wait to be written.", _CONTROLLER)
EVENT_RETRIES: Final = Family(
    "counter", "kinform_event_retries_total", "Tries to write an event after the first.", _CONTROLLER
)

ALL: Final = tuple(value for value in list(globals().values()) if isinstance(value, Family))
"""Every family, in the order above."""

READ: Final = tuple(family for family in ALL if family.kind != "histogram" and family is not REQUESTS)
"""Those read from statistics when they are asked for; the others are counted as things happen."""
