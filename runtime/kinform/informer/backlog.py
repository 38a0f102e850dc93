"""What waits for one handler: notifications in order, and lazily walked snapshots for replay and resync."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Final, Generic, Literal, Protocol, TypeAlias, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kinform.meta import ObjectKey
    from kinform.store import Notification
    from kinform.wire import Entry

__all__ = ["Backlog", "EventBacklog", "KeyBacklog", "KeyWork", "Marker", "Pending", "Work"]


class Marker(Enum):
    """What a handler's thread finds to do where it finds no work."""

    SYNCED = "all that was there when the informer synced has been taken"
    SKIPPED = "a stretch of a resync held nothing to deliver: call again, but let go of the lock in between"
    RESYNC = "the time for a resync has come"


class Work(Protocol):
    """One thing to tell a handler of."""

    @property
    def key(self) -> ObjectKey:
        """The key of the object that it is about."""
        ...


_Synced: TypeAlias = Literal[Marker.SYNCED]


class Pending(msgspec.Struct, gc=False, eq=False):
    """What the handler is still to hear of one object.

    Attributes:
        key: The object's key.
        seen: The state that the handler last heard of; None where it does not know the object.
        old: The last state before ``new``; for a deletion the last state of all. Another than ``seen`` only in a
            deletion, or where notifications were merged.
        new: The state to tell of; None: it is gone.
        initial: The object was there when the handler began to listen.
        final_state_unknown: ``old`` may be stale: the deletion itself was missed.
        uid: The object's uid.
    """

    key: ObjectKey
    seen: Entry | None
    old: Entry | None
    new: Entry | None
    initial: bool
    final_state_unknown: bool
    uid: str

    @property
    def is_void(self) -> bool:
        """Nothing is left to tell: the handler never knew the object, and it is gone again."""
        return self.seen is None and self.new is None


class KeyWork(msgspec.Struct, gc=False, eq=False):
    """One key to tell a key handler of.

    Attributes:
        key: The key.
        changes: What happened to it, for the handler's predicate; None where it has none.
        background: Nothing has happened: the object was there when the handler began to listen, or a resync tells of
            it again.
    """

    key: ObjectKey
    changes: list[Pending] | None
    background: bool = False


W = TypeVar("W")


class Backlog(ABC, Generic[W]):
    """What waits for one handler; the caller holds the handler's lock around every call.

    Three things feed it. The *queue* holds notifications in the order in which the cache changed. A *replay* is what
    was there at first, a snapshot of what the handler found or of what the first fetch brought: it goes before
    everything in the queue. A *resync* is a snapshot that is
    told again; it takes turns with the queue, one and one, so that neither starves the other, and passes over objects
    with news in the queue and those that have changed since the snapshot: their handler hears of them anyway, and must
    never be told an older state after a newer one.

    Args:
        is_current: Whether the cache still holds this state of the object.
    """

    # How many objects of a resync are passed over before take() gives the lock back: the cache's writer may be waiting.
    _STRETCH: Final = 200

    def __init__(self, is_current: Callable[[Entry], bool]) -> None:
        self._is_current = is_current
        self._replay: Iterator[Entry] | None = None
        self._replay_left = 0
        self._resync: Iterator[Entry] | None = None
        self._resync_turn = False
        self.coalesced = 0

    # ---- for those who fill it

    @abstractmethod
    def put(self, notification: Notification) -> None:
        """Adds what the cache's writer noticed."""

    @abstractmethod
    def put_synced(self) -> None:
        """Marks the end of what was there at first: ``take()`` says so when it comes by."""

    def replay(self, entries: Sequence[Entry]) -> None:
        """Adds to what the handler begins with."""
        self._replay_left += len(entries)
        self._replay = iter(entries) if self._replay is None else chain(self._replay, entries)

    def resync(self, entries: Iterable[Entry]) -> None:
        """Sets what is to be told again."""
        self._resync = iter(entries)

    @property
    def resyncing(self) -> bool:
        """Whether a resync is under way."""
        return self._resync is not None

    @property
    def waiting(self) -> int:
        """How much the handler is still to be told: what it begins with, and the queue. A resync is not counted."""
        return self._replay_left + len(self)

    # ---- for the handler's thread

    def take(self) -> W | Marker | None:
        """The next thing to do; None: nothing waits."""
        if self._replay is not None:
            entry = next(self._replay, None)
            if entry is not None:
                self._replay_left -= 1
                return self._again(entry, seen=None)
            self._replay = None
        if self._resync is not None and (self._resync_turn or not len(self)):
            self._resync_turn = False
            for _ in range(self._STRETCH):
                entry = next(self._resync, None)
                if entry is None:
                    self._resync = None
                    break
                if not self._waiting(entry.key) and self._is_current(entry):
                    return self._again(entry, seen=entry)
            else:
                return Marker.SKIPPED
        self._resync_turn = True
        return self._pop()

    def clear(self) -> None:
        """Drops everything."""
        self._replay = self._resync = None
        self._replay_left = 0

    @abstractmethod
    def __len__(self) -> int:
        """How many notifications wait in the queue; snapshots are not counted."""

    @abstractmethod
    def _pop(self) -> W | _Synced | None:
        """The next of the queue."""

    @abstractmethod
    def _waiting(self, key: ObjectKey) -> bool:
        """Whether the queue holds news of this key."""

    @abstractmethod
    def _again(self, entry: Entry, seen: Entry | None) -> W:
        """One object of a snapshot, as work."""


class EventBacklog(Backlog[Pending]):
    """For handlers that are told of objects: every change in order, up to a bound.

    From ``max_pending`` on, a notification is merged into the waiting one of the same key and uid, if there is one: the
    handler then hears of one change, from the oldest state to the newest (and of nothing where the object came and went
    in between). So the backlog holds at most ``max_pending`` and one for each object.
    """

    def __init__(self, is_current: Callable[[Entry], bool], max_pending: int) -> None:
        super().__init__(is_current)
        if max_pending < 1:
            raise ValueError(f"max_pending must be at least 1, not {max_pending}")
        self._max_pending = max_pending
        self._queue: deque[Pending | _Synced] = deque()
        self._newest: dict[ObjectKey, Pending] = {}
        self._void = 0
        self._markers = 0

    def put(self, notification: Notification) -> None:  # noqa: D102
        old, new = notification.old, notification.new
        entry = new if new is not None else old
        assert entry is not None, "a notification has an old or a new entry"
        key = entry.key
        if len(self) >= self._max_pending:
            waiting = self._newest.get(key)
            if waiting is not None and waiting.uid == entry.uid:
                self._merge(waiting, notification)
                return
        pending = _news(notification, entry)
        self._queue.append(pending)
        self._newest[key] = pending

    def _merge(self, waiting: Pending, notification: Notification) -> None:
        self.coalesced += 1
        if notification.new is not None:
            waiting.new = notification.new
            waiting.final_state_unknown = False
            return
        waiting.new = None
        waiting.old = notification.old
        waiting.final_state_unknown = notification.final_state_unknown
        if waiting.is_void:
            del self._newest[waiting.key]
            waiting.old = None
            self._void += 1
            if self._void > 16 and self._void * 2 > len(self._queue):
                self._queue = deque(p for p in self._queue if p is Marker.SYNCED or not p.is_void)
                self._void = 0

    def put_synced(self) -> None:  # noqa: D102
        self._queue.append(Marker.SYNCED)
        self._markers += 1

    def clear(self) -> None:  # noqa: D102
        super().clear()
        self._queue.clear()
        self._newest.clear()
        self._void = self._markers = 0

    def __len__(self) -> int:
        return len(self._queue) - self._void - self._markers

    def _pop(self) -> Pending | _Synced | None:
        while self._queue:
            pending = self._queue.popleft()
            if pending is Marker.SYNCED:
                self._markers -= 1
                return pending
            if pending.is_void:
                self._void -= 1
                continue
            if self._newest.get(pending.key) is pending:
                del self._newest[pending.key]
            return pending
        return None

    def _waiting(self, key: ObjectKey) -> bool:
        return key in self._newest

    def _again(self, entry: Entry, seen: Entry | None) -> Pending:
        return _again(entry, seen)


class KeyBacklog(Backlog[KeyWork]):
    """For handlers that are told of keys: equal keys waiting are one, in the order in which each came first.

    Args:
        is_current: As for all backlogs.
        keep_changes: Whether the handler has a predicate, which must see what happened. Otherwise no entry is kept.
    """

    def __init__(self, is_current: Callable[[Entry], bool], *, keep_changes: bool) -> None:
        super().__init__(is_current)
        self._keep_changes = keep_changes
        # None stands for Marker.SYNCED. An OrderedDict, since taking the first of a dict again and again is quadratic.
        self._queue: OrderedDict[ObjectKey | None, list[Pending] | None] = OrderedDict()
        self._news: set[ObjectKey] = set()  # those that are not there by the initial list alone

    def put(self, notification: Notification) -> None:  # noqa: D102
        old, new = notification.old, notification.new
        entry = new if new is not None else old
        assert entry is not None, "a notification has an old or a new entry"
        key = entry.key
        if old is not None or not notification.initial:
            self._news.add(key)
        if not self._keep_changes:
            if key in self._queue:
                self.coalesced += 1
            else:
                self._queue[key] = None
            return
        changes = self._queue.get(key)
        if changes is None:
            changes = self._queue[key] = []
        else:
            self.coalesced += 1
            waiting = changes[-1]
            if waiting.uid == entry.uid:
                waiting.new = new
                return
            # Objects that came and went while their key waited are of no interest to any predicate.
            changes[:] = [change for change in changes if not change.is_void]
        changes.append(_news(notification, entry))

    def put_synced(self) -> None:  # noqa: D102
        self._queue[None] = None

    def clear(self) -> None:  # noqa: D102
        super().clear()
        self._queue.clear()
        self._news.clear()

    def __len__(self) -> int:
        return len(self._queue) - (None in self._queue)

    def _pop(self) -> KeyWork | _Synced | None:
        if not self._queue:
            return None
        key, changes = self._queue.popitem(last=False)
        return Marker.SYNCED if key is None else KeyWork(key, changes, self._is_background(key))

    def _is_background(self, key: ObjectKey) -> bool:
        if key in self._news:
            self._news.remove(key)
            return False
        return True

    def _waiting(self, key: ObjectKey) -> bool:
        return key in self._queue

    def _again(self, entry: Entry, seen: Entry | None) -> KeyWork:
        # A key that waits as well is told of now: the cache already holds the news it waits for.
        waiting = self._queue.pop(entry.key, None)
        background = self._is_background(entry.key)
        if not self._keep_changes:
            return KeyWork(entry.key, None, background)
        return KeyWork(entry.key, [_again(entry, seen), *(waiting or ())], background)


def _news(notification: Notification, entry: Entry) -> Pending:
    old = notification.old
    # What was deleted may come again before the handler gets here: then it must be told of from where it last heard.
    seen = old if notification.known is None else notification.known
    return Pending(
        entry.key, seen, old, notification.new, notification.initial, notification.final_state_unknown, entry.uid
    )


def _again(entry: Entry, seen: Entry | None) -> Pending:
    return Pending(entry.key, seen, seen, entry, seen is None, False, entry.uid)
