"""Handlers of all three forms that know the cache by what they are told, and insist that the story makes sense."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from tests.reliability.model.cluster import Pod

    from kinform import Event, ObjectKey, SharedInformer
    from kinform.informer import Registration

__all__ = ["CallbackWitness", "EventWitness", "KeyWitness", "Witness"]

Known = tuple[str, int]
"""A uid and a resourceVersion."""


class Witness(ABC):
    """One handler, and its own picture of the cache.

    Args:
        app: Only of objects of this app it wants to hear; ``""``: of all.
        max_pending: How many notifications may wait for it before they are merged.
        resync: How often it wants to be told of everything again.
    """

    def __init__(self, app: str, max_pending: int, resync: timedelta | None) -> None:
        self.app = app
        self.max_pending = max_pending
        self.resync = resync
        self.known: dict[ObjectKey, Known] = {}
        self.calls = 0
        self.repeated = 0
        self.raises = False
        self.synced = False
        self.registration: Registration

    @abstractmethod
    def register(self, informer: SharedInformer[Pod]) -> None:
        """Becomes a handler of the informer's."""

    @property
    def where(self) -> Callable[[Pod], bool] | None:
        return (lambda pod: pod.app == self.app) if self.app else None

    def wants(self, app: str) -> bool:
        return self.app in {"", app}

    def called(self) -> None:
        self.calls += 1
        assert not self.registration.statistics().running_for, "the clock stands still during a call"
        if self.raises:
            self.raises = False
            raise OSError("a handler's own trouble")

    # ---- the story, for those who are told of objects

    def added(self, pod: Pod) -> None:
        assert pod.complete
        assert self.wants(pod.app)
        assert pod.key not in self.known, f"{pod} was added twice"
        self.known[pod.key] = (pod.uid, pod.version)

    def updated(self, old: Pod, new: Pod) -> None:
        assert new.complete
        assert old.key == new.key
        assert old.uid == new.uid, f"{old} became {new}: another object"
        assert self.known.get(old.key) == (old.uid, old.version), f"{old} is not what was last told"
        assert self.wants(new.app)
        self.repeated += old.version == new.version
        self.known[new.key] = (new.uid, new.version)

    def deleted(self, pod: Pod) -> None:
        known = self.known.pop(pod.key, None)
        assert known is not None, f"{pod} was deleted without having been added"
        assert known[0] == pod.uid, f"{pod} was deleted, but it was {known[0]} that was known"


class CallbackWitness(Witness):
    """Three functions."""

    def register(self, informer: SharedInformer[Pod]) -> None:
        self.registration = informer.add_event_handler(
            on_add=self._on_add,
            on_update=self._on_update,
            on_delete=self._on_delete,
            where=self.where,
            max_pending=self.max_pending,
            resync=self.resync,
        )

    def _on_add(self, pod: Pod) -> None:
        self.added(pod)
        self.called()

    def _on_update(self, old: Pod, new: Pod) -> None:
        self.updated(old, new)
        self.called()

    def _on_delete(self, pod: Pod) -> None:
        self.deleted(pod)
        self.called()


class EventWitness(Witness):
    """One function for events."""

    def register(self, informer: SharedInformer[Pod]) -> None:
        self.registration = informer.add_handler(
            self._on_event, where=self.where, max_pending=self.max_pending, resync=self.resync
        )

    def _on_event(self, event: Event[Pod]) -> None:
        old, new = event.old, event.new
        assert event.key == event.object.key
        if event.resync:  # not the other way round: what went and came again as it was may be merged into an update
            assert old is not None
            assert new is not None
            assert old.version == new.version
        assert not (event.initial and (old is not None or self.registration.has_synced())), f"{event} is not initial"
        assert not (event.final_state_unknown and new is not None)
        if new is None:
            assert old is not None
            if not event.final_state_unknown and not self.app:
                # What leaves a selection is told of with its last state in there; a deletion has a version of its own.
                assert old.version > self.known[event.key][1], f"{event} does not show the deletion"
            self.deleted(old)
        elif old is None:
            self.added(new)
        else:
            self.updated(old, new)
        self.called()


class KeyWitness(Witness):
    """One function for keys, which looks into the cache as a reconciler does, and another for those without news."""

    def __init__(self, app: str, max_pending: int, resync: timedelta | None) -> None:
        super().__init__("", max_pending, resync)  # what leaves a selection it would not hear of in a way to check here

    def register(self, informer: SharedInformer[Pod]) -> None:
        self.informer = informer
        self.registration = informer.add_key_handler(self._on_key, background=self._on_background, resync=self.resync)

    def _on_key(self, key: ObjectKey) -> None:
        self._look(key)
        self.called()

    def _on_background(self, key: ObjectKey) -> None:
        self.repeated += 1
        self._look(key)
        self.called()

    def _look(self, key: ObjectKey) -> None:
        entry = self.informer.read_entry(key, allow_unsynced=True)
        if entry is None:
            self.known.pop(key, None)
        else:
            self.known[key] = (entry.uid, int(entry.resource_version))
