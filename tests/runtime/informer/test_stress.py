"""Many threads at once, switched as often as Python can: nothing is lost, repeated, reordered or left behind."""

from __future__ import annotations

import random
import sys
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import InformerStoppedError
from kinform.meta import ObjectKey
from kinform.testing.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.informer.conftest import MakeInformer, MakePod, Pod

    from kinform.informer import ErrorReport, Event, SharedInformer
    from kinform.testing.fake_source import FakeFeed, FakeSource

SECONDS = 1.0


@pytest.fixture(autouse=True)
def frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Mirror:
    """A handler's own picture of the cache, built from what it is told, that checks every step."""

    def __init__(self) -> None:
        self.known: dict[ObjectKey, tuple[str, int]] = {}
        self.problems: list[str] = []
        self.resyncs = 0
        self.fence = threading.Event()
        self.thread: threading.Thread | None = None

    def __call__(self, event: Event[Pod]) -> None:
        if self.thread is None:
            self.thread = threading.current_thread()
        if self.thread is not threading.current_thread():
            self.problems.append("called on two threads")
        old, new = ((pod.uid, int(pod.rv)) if pod is not None else None for pod in (event.old, event.new))
        knew = self.known.get(event.key)
        where = f"{event!r} after {knew}: {old} -> {new}"
        if new is None:
            assert old is not None
            if knew is None or knew[0] != old[0] or old[1] < knew[1]:
                self.problems.append(f"odd deletion: {where}")
            self.known.pop(event.key, None)
        elif old is None:
            if knew is not None:
                self.problems.append(f"odd addition: {where}")
            self.known[event.key] = new
        else:
            if knew != old or new[1] < old[1] or new[0] != old[0]:
                self.problems.append(f"odd update: {where}")
            self.resyncs += old == new
            self.known[event.key] = new
        if event.key.name == "fence":
            self.fence.set()


class Writer(threading.Thread):
    """Random changes of one namespace: watch events, relists, deletions that are missed, recreations."""

    def __init__(self, feed: FakeFeed, make_pod: MakePod, seed: int, stop: threading.Event) -> None:
        super().__init__()
        self.feed, self.make_pod, self.stop = feed, make_pod, stop
        self.random = random.Random(seed)
        self.namespace = feed.request.namespace
        self.rv = 1
        self.there: dict[str, tuple[str, int]] = {}
        self.events = 0
        self.error: BaseException | None = None

    def pod(self, name: str) -> Pod:
        uid, rv = self.there[name]
        return self.make_pod(name, rv, uid=uid, namespace=self.namespace)

    def step(self) -> None:
        dice = self.random.random()
        name = f"p{self.random.randrange(40)}"
        self.rv += 1
        self.events += 1
        if dice < 0.02:
            for lost in [each for each in self.there if self.random.random() < 0.3]:
                del self.there[lost]
            for each in list(self.there):
                if self.random.random() < 0.3:
                    self.there[each] = (f"{each}-{self.rv}", self.rv)
            self.feed.replace(*map(self.pod, self.there), resource_version=self.rv)
        elif dice < 0.3 and name in self.there:
            uid, _ = self.there[name]
            self.there[name] = (uid, self.rv)
            self.feed.remove(self.pod(name))
            del self.there[name]
        else:
            uid = self.there[name][0] if name in self.there else f"{name}-{self.rv}"
            self.there[name] = (uid, self.rv)
            self.feed.upsert(self.pod(name))

    def run(self) -> None:
        try:
            self.feed.replace(resource_version=1)
            while not self.stop.is_set():
                self.step()
        except BaseException as error:  # noqa: BLE001
            self.error = error


def settle(
    informer: SharedInformer[Pod], writers: list[Writer], mirrors: list[Mirror]
) -> dict[ObjectKey, tuple[str, int]]:
    for writer in writers:
        writer.join(30)
        assert writer.error is None
    writers[0].there["fence"] = ("fence", writers[0].rv + 1)
    writers[0].feed.upsert(writers[0].pod("fence"))
    cache = {entry.key: (entry.uid, int(entry.resource_version)) for entry in informer.read_entries()}
    for mirror in mirrors:
        assert mirror.fence.wait(20)
    return cache


@pytest.mark.scenario("S14")
@pytest.mark.scenario("S05")
@pytest.mark.scenario("trap-10")
@pytest.mark.scenario("invariant-9")
def test_handlers_come_and_go_while_two_namespaces_change(
    make: MakeInformer, source: FakeSource, pod: MakePod, errors: list[ErrorReport]
) -> None:
    informer = make(namespaces=("shop", "test"), clock=SYSTEM_CLOCK)
    stop = threading.Event()
    steady = [Mirror(), Mirror()]
    informer.add_handler(steady[0])
    informer.add_handler(steady[1], max_pending=3)
    keys: set[ObjectKey] = set()
    informer.add_key_handler(keys.add)
    informer.start()
    writers = [Writer(feed, pod, seed, stop) for seed, feed in enumerate(source.feeds)]
    passing: list[Mirror] = []
    problems: list[BaseException] = []

    def come_and_go(seed: int) -> None:
        chance = random.Random(seed)
        try:
            while not stop.is_set():
                mirror = Mirror()
                registration = informer.add_handler(mirror, max_pending=chance.choice([1, 5, 10_000]))
                if chance.random() < 0.5:
                    registration.wait_for_sync(20)
                assert registration.remove(20)
                passing.append(mirror)
        except BaseException as error:  # noqa: BLE001
            problems.append(error)

    coming = [threading.Thread(target=come_and_go, args=(seed,)) for seed in range(4)]
    for thread in (*writers, *coming):
        thread.start()
    time.sleep(SECONDS)  # how long to stress, not what to wait for
    late = Mirror()
    registration = informer.add_handler(late, max_pending=50)
    stop.set()
    for thread in coming:
        thread.join(30)
    cache = settle(informer, writers, [*steady, late])
    registration.wait_for_sync(20)
    assert problems == []
    assert errors == []
    # The fence of the other namespace's changes is that it comes after them in each queue.
    for mirror in (*steady, late):
        assert mirror.problems == []
        assert mirror.known == cache
    for mirror in passing:
        assert mirror.problems == []
    assert len(passing) > 10
    assert min(writer.events for writer in writers) > 100
    assert set(cache) <= keys | {ObjectKey("shop", "fence")}


@pytest.mark.scenario("trap-06")
def test_resyncs_amid_changes_tell_nothing_old(
    make: MakeInformer, source: FakeSource, pod: MakePod, errors: list[ErrorReport]
) -> None:
    """The clock is wound on by another thread, so that resyncs are under way nearly always."""
    clock = VirtualClock()
    informer = make(clock=clock)
    mirrors = [Mirror(), Mirror()]
    informer.add_handler(mirrors[0], resync=timedelta(seconds=1))
    informer.add_handler(mirrors[1], resync=timedelta(seconds=1), max_pending=2)
    informer.start()
    stop = threading.Event()
    writer = Writer(source.feed(), pod, 7, stop)
    writer.start()
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        clock.advance(1)
    stop.set()
    cache = settle(informer, [writer], mirrors)
    for mirror in mirrors:
        assert mirror.problems == []
        assert mirror.known == cache
        assert mirror.resyncs > 10
    assert errors == []


@pytest.mark.parametrize("seed", range(3))
def test_a_stop_amid_everything_leaves_nothing(make: MakeInformer, source: FakeSource, pod: MakePod, seed: int) -> None:
    informer = make(clock=SYSTEM_CLOCK)
    informer.start()
    stop, refused = threading.Event(), threading.Event()
    writer = Writer(source.feed(), pod, seed, stop)

    def register() -> None:
        try:
            while True:
                informer.add_handler(Mirror())
                informer.add_key_handler(lambda key: None)
        except InformerStoppedError:
            refused.set()

    registering = threading.Thread(target=register)
    writer.start()
    registering.start()
    began = time.monotonic()
    while len(informer.statistics().handlers) < 10:
        assert time.monotonic() - began < 20
    result = informer.stop(10)
    assert result.clean, result
    assert refused.wait(10)
    stop.set()
    writer.join(10)
    registering.join(10)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("kinform")]
