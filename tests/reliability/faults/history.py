"""What a handler was told, from the first object to the last: kept, and held against what the cache holds in the end."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kinform.wire import EventType

if TYPE_CHECKING:
    from kinform import Event, ObjectKey
    from kinform.wire import Entry

__all__ = ["MADE_UP", "History", "Version", "version_of"]

MADE_UP: Final = "uid-"
"""How the uids of objects begin that the server never had."""


@dataclass(frozen=True, slots=True)
class Version:
    """One state of one object, to the byte."""

    uid: str
    resource_version: int
    body: bytes

    def __repr__(self) -> str:
        return f"<{self.uid[:8]} at {self.resource_version}>"


def version_of(entry: Entry) -> Version:
    return Version(entry.uid, int(entry.resource_version), entry.body)


@dataclass(frozen=True, slots=True)
class _Told:
    type: EventType
    key: ObjectKey
    old: Version | None
    new: Version | None
    initial: bool
    unknown: bool


class History:
    """A handler that remembers. Called on the handler's thread, read by the test's."""

    def __init__(self) -> None:
        self._told: list[_Told] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event[object]) -> None:
        old, new = (None if entry is None else version_of(entry) for entry in event._entries)
        told = _Told(event.type, event.key, old, new, event.initial, event.final_state_unknown)
        with self._changed:
            self._told.append(told)
            self._changed.notify_all()

    def await_version(self, key: ObjectKey, resource_version: str, timeout: float) -> None:
        """Blocks until the handler has been told of this state."""

        def heard() -> bool:
            wanted = int(resource_version)
            return any(
                each.key == key and each.new and each.new.resource_version == wanted for each in reversed(self._told)
            )

        with self._changed:
            assert self._changed.wait_for(heard, timeout), f"{key} at {resource_version} was never told of"

    def check(self, cache: dict[ObjectKey, Version]) -> None:
        """The history is one that can have been, and leads to what is in the cache.

        By key and uid: an addition, updates, a deletion. Each update begins where the last state ended. No object goes
        back in time, none comes back from the dead, nothing is told twice; and the first fetch is told as a whole.
        """
        held: dict[ObjectKey, Version] = {}
        newest: dict[str, int] = {}
        gone: set[str] = set()
        first_fetch, first_version = True, 0
        for told in self._told:
            here = held.get(told.key)
            last = told.old if told.new is None else told.new
            assert last is not None
            assert newest.get(last.uid, 0) <= last.resource_version, f"{told} goes back in time"
            newest[last.uid] = last.resource_version
            first_fetch = first_fetch and told.initial
            assert told.initial is first_fetch, f"{told} is not of the first fetch"
            if told.initial:
                first_version = max(first_version, last.resource_version)
            elif told.new is not None and not last.uid.startswith(MADE_UP):
                assert last.resource_version > first_version, f"{told} was there already in the first fetch"
            match told.type:
                case EventType.ADDED:
                    assert here is None, f"{told}, but it is held already: {here}"
                    assert last.uid not in gone, f"{told} had been deleted"
                    held[told.key] = last
                case EventType.MODIFIED:
                    assert told.old == here, f"{told}, but what was there is {here}"
                    assert here is not None
                    assert here.uid == last.uid, f"{told} is another object"
                    assert here.resource_version < last.resource_version, f"{told} is no change"
                    held[told.key] = last
                case _:
                    assert here is not None, f"{told} is not there"
                    assert here.uid == last.uid, f"{told}, but what was there is {here}"
                    assert not told.unknown or last == here, f"{told} is not the last state known"
                    assert told.unknown or last.resource_version > here.resource_version, f"{told} has no end"
                    gone.add(last.uid)
                    del held[told.key]
        assert held == cache, "the history does not lead to what is in the cache"
