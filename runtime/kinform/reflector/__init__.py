"""Keeps a copy of one collection up to date: the state machine that decides, and the thread that does."""

from kinform.reflector.actions import Action, ListPage, Wait, Watch
from kinform.reflector.backoff import Backoff
from kinform.reflector.machine import Reflector
from kinform.reflector.queries import Query, ReflectorOptions
from kinform.reflector.reports import Reason, Report, reason_of
from kinform.reflector.statistics import ReflectorState, ReflectorStatistics
from kinform.reflector.support import STREAMING_SUPPORT, StreamingSupport
from kinform.reflector.thread import Pack, ReflectorThread

__all__ = [
    "STREAMING_SUPPORT",
    "Action",
    "Backoff",
    "ListPage",
    "Pack",
    "Query",
    "Reason",
    "Reflector",
    "ReflectorOptions",
    "ReflectorState",
    "ReflectorStatistics",
    "ReflectorThread",
    "Report",
    "StreamingSupport",
    "Wait",
    "Watch",
    "reason_of",
]
