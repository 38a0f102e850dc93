"""Objects, lists and watch frames as bytes: joined from what is already rendered, never encoded anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform.testing.server.documents import encode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.refusals import Refusal
    from kinform.testing.server.resources import ServedResource
    from kinform.testing.server.storage import Change, StoredObject

__all__ = ["END_OF_INITIAL_EVENTS", "Renderer", "error_frame"]

END_OF_INITIAL_EVENTS: Final = "k8s.io/initial-events-end"
"""The annotation of the bookmark that ends a streaming list."""

_PARTIAL_VERSION: Final = "meta.k8s.io/v1"
_PARTIAL_KIND: Final = "PartialObjectMetadata"


class Renderer:
    """Writes the objects of one served resource. Immutable.

    Go writes kind and apiVersion of its own types first; custom resources have all members sorted, so apiVersion comes
    before kind, and they carry both in lists, too.

    Args:
        served: Whose objects these are.
        partial: Show them as ``PartialObjectMetadata``, which is a type of Go's own and carries its type in lists.
    """

    def __init__(self, served: ServedResource, *, partial: bool = False) -> None:
        self._version = _PARTIAL_VERSION if partial else served.resource.api_version
        self._kind = _PARTIAL_KIND if partial else served.resource.kind
        self._custom = served.custom and not partial
        self._partial = partial
        self._prefix = self._type_of(self._kind)
        self._list_kind = f"{self._kind}List" if partial else served.list_kind

    def _type_of(self, kind: str) -> bytes:
        named: JsonObject = {"kind": kind, "apiVersion": self._version}
        return encode(named, sort=self._custom)[:-1] + b","

    def object(self, obj: StoredObject) -> bytes:
        """One object."""
        return self._prefix + self._body(obj)[1:]

    def _body(self, obj: StoredObject) -> bytes:
        return encode({"metadata": obj.tree()["metadata"]}) if self._partial else obj.body

    def list(self, objects: Iterable[StoredObject], metadata: JsonObject) -> bytes:
        """A list. Its metadata comes before the items or, with custom resources, behind them: readers meet both."""
        if self._custom:
            items = b",".join(map(self.object, objects))
            rest: JsonObject = {"kind": self._list_kind, "metadata": {"continue": "", **metadata}}
            head = encode({"apiVersion": self._version})[:-1]
            return b"".join((head, b',"items":[', items, b"],", encode(rest, sort=True)[1:], b"\n"))
        items = b",".join(self.object(obj) if self._partial else obj.body for obj in objects)
        head = self._type_of(self._list_kind)
        return b"".join((head, b'"metadata":', encode(metadata), b',"items":[', items, b"]}\n"))

    def frame(self, event: str, obj: StoredObject) -> bytes:
        """One line of a watch."""
        return b"".join((b'{"type":"', event.encode(), b'","object":', self.object(obj), b"}\n"))

    def change_frame(self, event: str, change: Change) -> bytes:
        """The line that tells of a change; rendered once for all watches of this version."""
        frame = change.frames.get((self._version, event))
        if frame is None:
            obj = change.departed() if event == "DELETED" else change.after
            assert obj is not None
            frame = change.frames[self._version, event] = self.frame(event, obj)
        return frame

    def bookmark(self, resource_version: int, *, ends_initial_events: bool = False) -> bytes:
        """A BOOKMARK line."""
        metadata: JsonObject = {"resourceVersion": str(resource_version)}
        if ends_initial_events:
            metadata["annotations"] = {END_OF_INITIAL_EVENTS: "true"}
        obj: JsonObject = {"kind": self._kind, "apiVersion": self._version, "metadata": metadata}
        return encode({"type": "BOOKMARK", "object": obj}) + b"\n"


def error_frame(refusal: Refusal) -> bytes:
    """An ERROR line."""
    return b'{"type":"ERROR","object":' + refusal.body + b"}\n"
