"""A watch whose events a test makes by hand."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final, final

from kinform.testing.server.documents import child, decode, encode, wire_of
from kinform.testing.server.rendering import error_frame

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from kinform.meta import Resource, WireObject
    from kinform.testing.fake_clientset.call import Call
    from kinform.testing.server import Refuse
    from kinform.testing.server.documents import JsonObject

__all__ = ["FakeWatch"]

_INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"


@final
class FakeWatch:
    """What a watch reactor returns: its events are what the test makes them (client-go: ``watch.NewFake``).

    Events wait until they are read; each is read once. Thread-safe; nothing here blocks. Objects are taken as they are,
    with uid and resourceVersion, and copied.
    """

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._stopped = False
        self._changed = threading.Condition()

    # ---- for tests

    def add(self, obj: WireObject | Mapping[str, object]) -> None:
        """An ``ADDED`` event."""
        self._send("ADDED", wire_of(obj))

    def modify(self, obj: WireObject | Mapping[str, object]) -> None:
        """A ``MODIFIED`` event."""
        self._send("MODIFIED", wire_of(obj))

    def delete(self, obj: WireObject | Mapping[str, object]) -> None:
        """A ``DELETED`` event, with the object's last state."""
        self._send("DELETED", wire_of(obj))

    def bookmark(self, resource_version: str | int, *, ends_initial_events: bool = False) -> None:
        """A ``BOOKMARK``; ``ends_initial_events``: the one that informers wait for at the end of a streaming list."""
        metadata: JsonObject = {"resourceVersion": str(resource_version)}
        if ends_initial_events:
            metadata["annotations"] = {_INITIAL_EVENTS_END: "true"}
        self._send("BOOKMARK", encode({"metadata": metadata}))

    def error(self, refusal: Refuse) -> None:
        """An ``ERROR`` event, such as ``Refuse(410, reason="Expired")``; clients take it for the end."""
        self._put(error_frame(refusal.refusal()))

    def stop(self) -> None:
        """The watch ends, behind the events so far, as a server ends it after its time."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _send(self, kind: str, wire: bytes) -> None:
        self._put(b'{"type":"%b","object":%b}\n' % (kind.encode(), wire))

    def _put(self, frame: bytes) -> None:
        with self._changed:
            if self._stopped:
                raise RuntimeError("this watch has been stopped: nothing can follow")
            self._frames.append(frame)
            self._changed.notify_all()

    # ---- for the fake clientset

    def pieces(self, call: Call, resource: Resource) -> Generator[bytes]:
        """The events as they come, for the one who asks.

        Raises:
            ConnectionAbortedError: Nobody waits for them any more.
        """
        call.wake_with(self._look)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frames or self._stopped or call.abandoned)
                if call.abandoned:
                    raise ConnectionAbortedError
                if not self._frames:
                    return
                frame = self._frames.popleft()
            yield _typed(frame, resource)

    def _look(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _typed(frame: bytes, resource: Resource) -> bytes:
    """A bookmark's frame, whose object is of the watch's kind, as those of servers are."""
    event = decode(frame)
    if not isinstance(event, dict) or event["type"] != "BOOKMARK":
        return frame
    kind: JsonObject = {"kind": resource.kind, "apiVersion": resource.api_version}
    return encode({"type": "BOOKMARK", "object": {**kind, **child(event, "object")}}) + b"\n"
