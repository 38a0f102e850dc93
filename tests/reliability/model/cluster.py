"""A cluster as a dictionary: objects, the log of their changes, every state there has been, and how they look as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kinform.meta import ObjectKey, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NAMESPACES", "PODS", "Cluster", "Pod", "State"]

PODS: Final = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)
NAMESPACES: Final = ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class State:
    """One object at one resourceVersion. Everything that is compared is in here."""

    key: ObjectKey
    uid: str
    version: int
    app: str
    number: int = 0
    held: bool = False
    going: bool = False

    def json(self, version: int = 0) -> bytes:
        """As it comes over the wire, under its own resourceVersion or, in a deletion, under that of the deletion."""
        metadata: dict[str, object] = {
            "name": self.key.name,
            "namespace": self.key.namespace,
            "uid": self.uid,
            "resourceVersion": str(version or self.version),
            "generation": self.number + 1,
        }
        if self.app:
            metadata["labels"] = {"app": self.app}
        if self.held:
            metadata["finalizers"] = ["example.com/held"]
        if self.going:
            metadata["deletionTimestamp"] = "2025-01-01T00:00:00Z"
        metadata["managedFields"] = [{"manager": "test", "operation": "Update"}]
        # Characters of two, three and four bytes, for cuts to fall into.
        spec = {"number": self.number, "nodeName": f"n{self.number % 3}", "note": "ä€𝄞", "secret": "x" * self.number}
        document = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


class Pod:
    """The least that a model can be."""

    def __init__(self, document: dict[str, object]) -> None:
        self.document = document
        metadata, spec = document["metadata"], document["spec"]
        assert isinstance(metadata, dict)
        assert isinstance(spec, dict)
        self.key: ObjectKey = ObjectKey(metadata["namespace"], metadata["name"])
        self.uid: str = metadata["uid"]
        self.version: int = int(metadata["resourceVersion"])
        self.app: str = metadata.get("labels", {}).get("app", "")
        self.number: int = spec["number"]
        self.complete: bool = "managedFields" not in metadata and spec["note"] == "ä€𝄞"
        self.secret: str | None = spec.get("secret")

    @classmethod
    def from_wire(cls, data: bytes) -> Pod:
        return cls(json.loads(data))

    def to_wire(self) -> bytes:
        return json.dumps(self.document).encode()

    def __repr__(self) -> str:
        return f"<{self.key} {self.uid} at {self.version}: {self.app or 'no app'}, {self.number}>"


class Cluster:
    """The truth. Written by rules, read by the network, and compared with what an informer holds."""

    def __init__(self) -> None:
        self.revision: int = 100
        self.floor: int = 100
        """The oldest resourceVersion from which a watch can be resumed, and of which a page can be had."""
        self.objects: dict[ObjectKey, State] = {}
        self.states: dict[int, dict[ObjectKey, State]] = {100: {}}
        self._log: list[tuple[int, State | None, State | None]] = []
        self._uids = 0

    # ---- writes

    def create(self, key: ObjectKey, app: str, *, held: bool = False) -> None:
        self._uids += 1
        self._write(None, State(key, f"uid-{self._uids}", self.revision + 1, app, held=held))

    def change(self, key: ObjectKey, **changes: object) -> None:
        before = self.objects[key]
        self._write(before, replace(before, version=self.revision + 1, **changes))  # type: ignore[arg-type]  # fields of State

    def delete(self, key: ObjectKey) -> None:
        """Removes it, or marks it where a finalizer holds it."""
        before = self.objects[key]
        if not before.held:
            self._write(before, None)
        elif not before.going:
            self.change(key, going=True)

    def release(self, key: ObjectKey) -> None:
        """Takes the finalizer off; what was only held by it goes."""
        before = self.objects[key]
        if before.going:
            self._write(before, None)
        else:
            self.change(key, held=False)

    def _write(self, before: State | None, after: State | None) -> None:
        self.revision += 1
        self._log.append((self.revision, before, after))
        objects = dict(self.objects)
        if after is not None:
            objects[after.key] = after
        elif before is not None:
            del objects[before.key]
        self.objects = self.states[self.revision] = objects

    def compact(self) -> None:
        self.floor = self.revision

    def restore(self, revision: int) -> None:
        """Goes back to an earlier state as from a backup, and forgets what led there; the revision is moved on."""
        self.objects = self.states[revision]
        self.revision += 1000
        self.states[self.revision] = self.objects
        self._log.clear()
        self.floor = self.revision

    # ---- reads

    def selected(self, namespace: str, app: str, revision: int = 0) -> dict[ObjectKey, State]:
        """The objects of a namespace (``""``: all) and app (``""``: all), now or at a revision."""
        return {
            key: state
            for key, state in self.states[revision or self.revision].items()
            if namespace in {"", key.namespace} and app in {"", state.app}
        }

    def events(self, after: int, namespace: str, app: str) -> Iterator[tuple[int, bytes]]:
        """What a watch with these selectors is told of the changes after a revision; each with its own revision."""

        def selected(state: State | None) -> bool:
            return state is not None and namespace in {"", state.key.namespace} and app in {"", state.app}

        for revision, before, now in self._log:
            if revision <= after:
                continue
            if selected(now):
                assert now is not None
                yield revision, _event("MODIFIED" if selected(before) else "ADDED", now.json())
            elif selected(before):
                assert before is not None
                yield revision, _event("DELETED", before.json(revision))


def _event(kind: str, document: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), document)
