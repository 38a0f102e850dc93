"""In which order a queue hands out what waits: as it came, or by priority without ever starving the rest."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["FifoOrder", "Order", "PriorityOrder"]

T = TypeVar("T", bound=Hashable)


class Order(Protocol[T]):
    """What waits in a queue, in the order in which it is handed out (client-go: ``workqueue.Queue``).

    The queue sees to it that no item is in it twice, and calls everything under its own lock: be quick, do not call
    the queue.
    """

    def push(self, item: T) -> None:
        """The item is ready to be handed out."""
        ...

    def touch(self, item: T) -> None:
        """An item that waits here was added again; a place to move it forward."""
        ...

    def pop(self) -> T:
        """Takes out the next item. Called only where there is one."""
        ...

    def clear(self) -> None:
        """Drops all items."""
        ...

    def __len__(self) -> int:
        """How many items wait."""
        ...


class FifoOrder(Generic[T]):
    """First in, first out (client-go: ``workqueue.DefaultQueue``)."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()

    def push(self, item: T) -> None:
        """To the end."""
        self._items.append(item)

    def touch(self, item: T) -> None:
        """Nothing: the item keeps its place."""

    def pop(self) -> T:
        """The item that has waited longest."""
        return self._items.popleft()

    def clear(self) -> None:
        """Drops all items."""
        self._items.clear()

    def __len__(self) -> int:
        return len(self._items)


class PriorityOrder(Generic[T]):
    """The highest priority first, first in first out among equals, and a share of the turns for the rest.

    With strict priorities, a steady flow of urgent items starves the others for ever. Ageing by time would not do
    either: everything that an initial list brings is of one age, so it would all become urgent at once. So it goes by
    turns: as long as items of more than one priority wait, each ``share``-th hand-out takes, of those below the highest
    priority, the one that has waited longest. An item with n older ones before it is handed out after at most
    ``share * (n + 1)`` turns, whatever comes after it, and urgent ones lose one turn in ``share`` at the most.

    Args:
        share: One in how many turns goes to the lower priorities.
    """

    def __init__(self, share: int) -> None:
        if share < 2:
            raise ValueError(f"share must be at least 2, or the highest priority would never have its turn: {share}")
        self._share: Final = share
        self._turns = 0
        self._sequence = 0
        # For each priority in use its items in order, with the number of their arrival; and these priorities, sorted.
        self._levels: dict[int, OrderedDict[T, int]] = {}
        self._ranks: list[int] = []
        self._level_of: dict[T, int] = {}
        self._wanted: dict[T, int] = {}
        self.last_priority: int = 0
        """The priority of the item that was popped last."""

    def want(self, item: T, priority: int) -> None:
        """Says with which priority an item is about to be pushed or touched; of several the highest counts."""
        self._wanted[item] = max(priority, self._wanted.get(item, priority))

    def wanted(self, item: T) -> int:
        """With which priority an item will be pushed."""
        return self._wanted.get(item, 0)

    def push(self, item: T) -> None:
        """To the end of its priority."""
        self._place(item, self.wanted(item))

    def touch(self, item: T) -> None:
        """To the end of its new priority where that is higher; otherwise it keeps its place."""
        now, wanted = self._level_of[item], self.wanted(item)
        if wanted > now:
            self._take(item, now)
            self._place(item, wanted)

    def pop(self) -> T:
        """The next item by the rules above."""
        priority = self._ranks[-1]
        if len(self._ranks) > 1:
            self._turns += 1
            if self._turns >= self._share:
                self._turns = 0
                priority = min(self._ranks[:-1], key=lambda rank: next(iter(self._levels[rank].values())))
        else:
            self._turns = 0
        item = next(iter(self._levels[priority]))
        self._take(item, priority)
        self._wanted.pop(item, None)
        self.last_priority = priority
        return item

    def clear(self) -> None:
        """Drops all items."""
        for part in (self._levels, self._ranks, self._level_of, self._wanted):
            part.clear()

    def __len__(self) -> int:
        return len(self._level_of)

    def depths(self) -> dict[int, int]:
        """How many items wait with each priority that is in use."""
        return {rank: len(self._levels[rank]) for rank in self._ranks}

    def _place(self, item: T, priority: int) -> None:
        level = self._levels.get(priority)
        if level is None:
            level = self._levels[priority] = OrderedDict()
            insort(self._ranks, priority)
        self._sequence += 1
        level[item] = self._sequence
        self._level_of[item] = priority

    def _take(self, item: T, priority: int) -> None:
        level = self._levels[priority]
        del level[item]
        del self._level_of[item]
        if not level:
            del self._levels[priority]
            del self._ranks[bisect_left(self._ranks, priority)]
