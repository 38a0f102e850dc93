"""The four work queues against one naive model, by a clock that is moved by hand; where a worker would wait is seen, too."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from tests.reliability.model.threadless import HandClock, IdleError

from kinform.workqueue import (
    LOW_PRIORITY,
    DelayingQueue,
    ItemExponentialFailureRateLimiter,
    PriorityQueue,
    RateLimitingQueue,
    ShutDown,
    WorkQueue,
)

if TYPE_CHECKING:
    from collections import Counter

_ITEMS = st.sampled_from("abcdef")
_DELAYS = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 5.0])
_PRIORITIES = st.sampled_from([LOW_PRIORITY, 0, 0, 7])


class Kind(StrEnum):
    """Which queue."""

    PLAIN = "plain"
    DELAYING = "delaying"
    RATE_LIMITING = "rate limiting"
    PRIORITY = "priority"


@dataclass
class _Waiting:
    """An item in the queue."""

    item: str
    priority: int


@dataclass
class _Model:
    """What a queue is, told as simply as possible: lists that are searched from end to end."""

    waiting: list[_Waiting] = field(default_factory=list)
    """In the order in which they came; one that is raised in priority comes anew."""
    in_work: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Since when, and with which priority."""
    again: dict[str, int] = field(default_factory=dict)
    """Of those in work the ones that were added meanwhile, with which priority."""
    delayed: dict[str, tuple[float, int, int]] = field(default_factory=dict)
    """Until when, the how manieth delay it was, and with which priority."""
    failures: dict[str, int] = field(default_factory=dict)
    shut: bool = False
    adds: int = 0
    delays: int = 0
    retries: int = 0
    turns: int = 0

    def add(self, item: str, priority: int) -> None:
        if self.shut:
            return
        if item in self.in_work:
            self.adds += item not in self.again
            self.again[item] = max(priority, self.again.get(item, priority))
            return
        there = next((each for each in self.waiting if each.item == item), None)
        if there is None:
            self.adds += 1
            self.waiting.append(_Waiting(item, priority))
        elif priority > there.priority:
            self.waiting.remove(there)
            self.waiting.append(_Waiting(item, priority))

    def add_after(self, item: str, now: float, delay: float, priority: int) -> None:
        if self.shut:
            return
        self.retries += 1
        if delay <= 0:
            self.add(item, priority)
            return
        until, number, highest = self.delayed.get(item, (float("inf"), 0, priority))
        if now + delay < until:
            self.delays += 1
            until, number = now + delay, self.delays
        self.delayed[item] = (until, number, max(priority, highest))

    def promote(self, now: float) -> None:
        for item, (until, _, priority) in sorted(self.delayed.items(), key=lambda each: each[1][:2]):
            if until <= now:
                del self.delayed[item]
                self.add(item, priority)

    def take(self, now: float) -> str:
        highest = max(each.priority for each in self.waiting)
        lower = [each for each in self.waiting if each.priority < highest]
        self.turns = self.turns + 1 if lower else 0
        if self.turns == 8:
            self.turns = 0
            taken = lower[0]
        else:
            taken = next(each for each in self.waiting if each.priority == highest)
        self.waiting.remove(taken)
        self.in_work[taken.item] = (now, taken.priority)
        return taken.item

    def done(self, item: str) -> None:
        if item not in self.in_work:
            return
        del self.in_work[item]
        if item in self.again:
            self.waiting.append(_Waiting(item, self.again.pop(item)))

    def shut_down(self) -> None:
        self.shut = True
        self.delayed.clear()


class QueueMachine(RuleBasedStateMachine):
    """One queue, any number of workers, and time."""

    figures: ClassVar[Counter[str]]

    @initialize(kind=st.sampled_from(Kind))
    def begin(self, kind: Kind) -> None:
        self.clock = HandClock()
        self.model = _Model()
        self.kind = kind
        limiter: ItemExponentialFailureRateLimiter = ItemExponentialFailureRateLimiter(1.0, 6.0)
        self.queue: WorkQueue[str]
        if kind is Kind.PRIORITY:
            self.queue = PriorityQueue(limiter, clock=self.clock)
        elif kind is Kind.RATE_LIMITING:
            self.queue = RateLimitingQueue(limiter, clock=self.clock)
        elif kind is Kind.DELAYING:
            self.queue = DelayingQueue(clock=self.clock)
        else:
            self.queue = WorkQueue(clock=self.clock)
        self.figures["queues: examples"] += 1

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    @rule(item=_ITEMS, priority=_PRIORITIES)
    def add(self, item: str, priority: int) -> None:
        self._step()
        if isinstance(self.queue, PriorityQueue):
            self.queue.add(item, priority=priority)
            self.model.add(item, priority)
        else:
            self.queue.add(item)
            self.model.add(item, 0)

    @precondition(lambda self: self.kind is not Kind.PLAIN)
    @rule(item=_ITEMS, delay=_DELAYS, priority=_PRIORITIES)
    def add_after(self, item: str, delay: float, priority: int) -> None:
        self._step()
        if isinstance(self.queue, PriorityQueue):
            self.queue.add_after(item, delay, priority=priority)
            self.model.add_after(item, self.now, delay, priority)
        else:
            assert isinstance(self.queue, DelayingQueue)
            self.queue.add_after(item, delay)
            self.model.add_after(item, self.now, delay, 0)

    @precondition(lambda self: self.kind in {Kind.RATE_LIMITING, Kind.PRIORITY})
    @rule(item=_ITEMS)
    def add_rate_limited(self, item: str) -> None:
        """With the priority that it has in its worker's hands."""
        self._step()
        assert isinstance(self.queue, RateLimitingQueue)
        self.queue.add_rate_limited(item)
        failures = self.model.failures.get(item, 0)
        self.model.failures[item] = failures + 1
        _, priority = self.model.in_work.get(item, (0.0, 0))
        self.model.add_after(item, self.now, min(2.0**failures, 6.0), priority)
        assert self.queue.num_requeues(item) == failures + 1

    @precondition(lambda self: self.kind in {Kind.RATE_LIMITING, Kind.PRIORITY})
    @rule(item=_ITEMS)
    def forget(self, item: str) -> None:
        self._step()
        assert isinstance(self.queue, RateLimitingQueue)
        self.queue.forget(item)
        self.model.failures.pop(item, None)

    @rule(times=st.integers(1, 4))
    def get(self, times: int) -> None:
        """Workers come; the one for whom there is nothing waits, or ends."""
        for _ in range(times):
            self._step()
            self.model.promote(self.now)
            if self.model.waiting:
                item = self.queue.get()
                assert item not in self.model.in_work, "no item is with two workers"
                assert item == self.model.take(self.now)
                if isinstance(self.queue, PriorityQueue):
                    assert self.queue.priority_of(item) == self.model.in_work[item][1]
                self.figures["queues: items handed out"] += 1
            elif self.model.shut:
                with pytest.raises(ShutDown):
                    self.queue.get()
            else:
                with pytest.raises(IdleError):
                    self.queue.get()
                with pytest.raises(TimeoutError):
                    self.queue.get(timeout=0)

    @rule(item=_ITEMS)
    def done(self, item: str) -> None:
        """Harmless where it is in nobody's hands."""
        self._step()
        self.queue.done(item)
        self.model.done(item)

    @precondition(lambda self: self.model.in_work)
    @rule(number=st.integers(0, 5))
    def finish(self, number: int) -> None:
        items = [*self.model.in_work]
        self.done(items[number % len(items)])

    @rule(seconds=st.sampled_from([0.25, 0.5, 1.0, 4.0]))
    def pass_time(self, seconds: float) -> None:
        self._step()
        self.clock.advance(seconds)

    @rule()
    def look(self) -> None:
        """Statistics say what the model holds; asking moves what is due."""
        self._step()
        model, now = self.model, self.now
        found = self.queue.statistics()
        model.promote(now)
        assert found.depth == len(self.queue) == len(model.waiting)
        assert found.processing == len(model.in_work)
        assert found.added_again == len(model.again)
        assert found.delayed == len(model.delayed)
        assert (found.adds, found.retries) == (model.adds, model.retries)
        running = [now - since for since, _ in model.in_work.values()]
        assert found.longest_processing == max(running, default=0.0)
        assert found.unfinished == pytest.approx(sum(running))
        assert found.shutting_down == self.queue.shutting_down == model.shut
        if self.kind is Kind.PRIORITY:
            priorities = [each.priority for each in model.waiting] + [*model.again.values()]
            assert dict(found.priorities) == {each: priorities.count(each) for each in priorities}

    @rule(how=st.sampled_from(["", "", "", "", "shut down", "drain", "discard"]))
    def end(self, how: str) -> None:
        self._step()
        model = self.model
        if how == "shut down":
            self.queue.shut_down()
            model.shut_down()
        elif how == "drain":
            model.shut_down()
            assert self.queue.shut_down_with_drain(timeout=0) == (not model.waiting and not model.in_work)
        elif how == "discard":
            model.shut_down()
            assert self.queue.discard() == len(model.waiting) + len(model.again)
            model.waiting.clear()
            model.again.clear()

    def teardown(self) -> None:
        """Everything that was added comes out, once each, and in the end the queue is empty."""
        if not hasattr(self, "queue"):
            return
        for item in [*self.model.in_work]:
            self.done(item)
        self.clock.advance(1000)
        self.model.promote(self.now)
        while self.model.waiting:
            self.get(1)
            self.done(next(iter(self.model.in_work)))
        self.look()

    def _step(self) -> None:
        self.figures["queues: steps"] += 1


@pytest.mark.hypothesis
def test_queues_are_what_they_say(monkeypatch: pytest.MonkeyPatch, figures: Counter[str]) -> None:
    monkeypatch.setattr(QueueMachine, "figures", figures, raising=False)
    run_state_machine_as_test(
        QueueMachine, settings=settings(max_examples=settings().max_examples * 12, stateful_step_count=40)
    )
