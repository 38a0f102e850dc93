"""Events on the wire, in both APIs, and the requests that write them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from kinform.errors import AlreadyExistsError, NotFoundError
from kinform.meta import Resource
from kinform.scalars import MICRO_TIME, TIME

if TYPE_CHECKING:
    from kinform.events.occurrence import Series
    from kinform.transport import Abort, Transport

__all__ = ["EVENTS", "EventSink", "EventsApi", "Reporter"]

EventsApi: TypeAlias = Literal["events.k8s.io/v1", "v1"]
"""Which API events are written to; either shows what was written to the other."""

EVENTS: Final[dict[str, Resource]] = {
    "events.k8s.io/v1": Resource("events.k8s.io", "v1", "events", "Event", namespaced=True),
    "v1": Resource("", "v1", "events", "Event", namespaced=True),
}

_MERGE_PATCH: Final = "application/merge-patch+json"
_REQUEST_TIMEOUT: Final = 10.0  # seconds of silence


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who says it.

    Attributes:
        component: The controller's name, such as ``"rollup-controller"`` or ``"example.com/rollup"``.
        instance: Which of several, such as the pod's name.
        host: The machine.
    """

    component: str
    instance: str
    host: str


class EventSink:
    """Creates events and raises their counts (client-go: ``recordEvent``). Blocks; keeps no state.

    Args:
        api: Which API.
        transport: The way to the server.
        reporter: Who says it.
    """

    def __init__(self, api: EventsApi, transport: Transport, reporter: Reporter) -> None:
        self._resource = EVENTS[api]
        self._legacy = api == "v1"
        self._transport = transport
        self._reporter = reporter

    def write(self, series: Series, abort: Abort) -> bool:
        """Makes the server's event what the series is: creates it, or patches the one that it has; notes that it did.

        Returns:
            Whether it was created.

        Raises:
            ApiStatusError: The server refuses.
            TransportError: It cannot be reached; it may have done it nevertheless.
            AbortedError: The switch was thrown.
        """
        namespace, count = series.first.namespace, series.count
        if series.told:
            path = self._resource.path(namespace, series.name)
            try:
                self._send("PATCH", path, self._progress(series), _MERGE_PATCH, abort)
            except NotFoundError:  # events are kept for an hour only
                pass
            else:
                series.told = count
                return False
        with contextlib.suppress(AlreadyExistsError):  # it is from a try whose answer was lost: no name is used twice
            self._send("POST", self._resource.path(namespace), self._whole(series), "application/json", abort)
        series.told = count
        return True

    def _send(self, method: str, path: str, content: object, content_type: str, abort: Abort) -> None:
        body = msgspec.json.encode(content)
        self._transport.request(
            method, path, body=body, content_type=content_type, timeout=_REQUEST_TIMEOUT, abort=abort
        )

    def _progress(self, series: Series) -> dict[str, object]:
        """What changes when something happens again. Of ``events.k8s.io`` all else cannot be changed, even the note."""
        if self._legacy:
            return {"count": series.count, "lastTimestamp": _time(series.last), "message": series.message}
        return {"series": {"count": series.count, "lastObservedTime": _micro_time(series.last)}}

    def _whole(self, series: Series) -> dict[str, object]:
        first, who = series.first, self._reporter
        event: dict[str, object] = {
            "apiVersion": self._resource.api_version,
            "kind": self._resource.kind,
            "metadata": {"name": series.name, "namespace": first.namespace},
            "type": first.type,
            "reason": first.reason,
            "reportingInstance": who.instance,
        }
        if first.annotations:
            event["metadata"] = {"name": series.name, "namespace": first.namespace, "annotations": first.annotations}
        if first.related is not None:
            event["related"] = first.related
        if self._legacy:
            if first.action:
                event["action"] = first.action
            return event | {
                "involvedObject": first.regarding,
                "source": {"component": who.component, "host": who.host},
                "reportingComponent": who.component,
                "firstTimestamp": _time(first.at),
                **self._progress(series),
            }
        if series.count > 1:
            event |= self._progress(series)
        return event | {
            "regarding": first.regarding,
            "action": first.action or first.reason,
            "note": series.message,
            "reportingController": who.component,
            "eventTime": _micro_time(first.at),
        }


def _time(at: float) -> str:
    return TIME.write(datetime.fromtimestamp(at, UTC))


def _micro_time(at: float) -> str:
    return MICRO_TIME.write(datetime.fromtimestamp(at, UTC))
