"""Informers in the hands of many threads: nothing is lost, told twice, out of order or left behind."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from kinform import ObjectKey
from kinform.store import index, label_index
from kinform.testing import Server, VirtualClock
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.core.v1 import Container, Pod, PodSpec
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import PODS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from tests.reliability.threads.conftest import AllAtOnce

    from kinform import ErrorReport, Event, Index

pytestmark = pytest.mark.timeout(300)

APPS = ("web", "db", "queue")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server([PODS]) as server:
        yield server


class Mirror:
    """A handler's picture of the cache, by what it is told; it checks each step. Called by one thread."""

    def __init__(self) -> None:
        self.known: dict[ObjectKey, tuple[str, str]] = {}
        self.problems: list[str] = []
        self.resyncs = 0
        self.fence = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, event: Event[Pod]) -> None:
        self._thread = self._thread or threading.current_thread()
        if self._thread is not threading.current_thread():
            self.problems.append("called by two threads")
        old, new = (
            None if pod is None else (pod.metadata.uid, pod.metadata.resource_version) for pod in (event.old, event.new)
        )
        knew = self.known.pop(event.key, None)
        if new is not None:
            self.known[event.key] = new
        if new is None or old is None:
            fits = (knew is None) == (old is None) and (knew is None or old is None or knew[0] == old[0])
        else:
            fits = knew == old and old[0] == new[0] and int(old[1]) <= int(new[1])
            self.resyncs += old == new
        if not fits:
            self.problems.append(f"{event!r}: {old} to {new}, where {knew} was known")
        if event.key.name == "fence":
            self.fence.set()


def pod(name: str, app: str) -> Pod:
    return Pod(
        metadata=ObjectMeta(name=name, namespace="shop", labels={"app": app}),
        spec=PodSpec(containers=[Container(name="main", image="nginx")]),
    )


@pytest.mark.parametrize("max_pending", [10_000, 2], ids=["every change", "merged"])
def test_an_informer_in_everybody_s_hands(
    server: Server, all_at_once: AllAtOnce, rounds: int, max_pending: int, figures: Counter[str]
) -> None:
    clock = VirtualClock()  # wound on all the time, so that resyncs and back-off take none
    errors: list[ErrorReport] = []
    factory = SharedInformerFactory(server.client(), clock=clock)
    factory.on_error(errors.append)
    pods = factory.core().v1().pods()
    informer, lister = pods.informer(), pods.lister()
    steady = [Mirror(), Mirror(), Mirror()]
    informer.add_handler(steady[0], max_pending=max_pending)
    informer.add_handler(steady[1], max_pending=max_pending, resync=timedelta(seconds=1))
    by_app = informer.add_index(label_index("app"))
    added: list[Index[Pod]] = []
    written = threading.Event()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        there: dict[str, Pod] = {}
        with Clientset(server.client()) as clientset:
            client = clientset.core_v1().pods("shop")
            for number in range(60 * rounds):
                name = f"p{seed}-{chance.randrange(6)}"
                if name not in there:
                    there[name] = client.create(pod(name, chance.choice(APPS)))
                elif chance.random() < 0.3:
                    client.delete(name)
                    del there[name]
                else:
                    there[name].metadata.labels = {"app": chance.choice(APPS)}
                    there[name].metadata.annotations["number"] = str(number)
                    there[name] = client.update(there[name])
                if name in there and chance.random() < 0.1:
                    pods.informer().wait_for(there[name])
                    assert lister.pods("shop").find(name) is not None

    def read(seed: int) -> None:
        chance = random.Random(seed)
        while not written.is_set():
            app = chance.choice(APPS)
            for found in by_app[app]:
                assert found.metadata.labels == {"app": app}
            for found in lister.list(f"app!={app}"):
                assert found.metadata.labels["app"] != app
            for key in [*lister.keys()]:
                got = lister.pods(key.namespace).find(key.name)
                assert got is None or got.metadata.name == key.name
            for each in added[-3:]:
                assert all(len(name) == 4 for name in each.index_values())

    def come_and_go(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(8 * rounds):
            mirror = Mirror()
            registration = informer.add_handler(
                mirror, max_pending=chance.choice([1, 10_000]), resync=timedelta(seconds=1)
            )
            if chance.random() < 0.7:
                registration.wait_for_sync()
            assert registration.remove(60)
            assert mirror.problems == []
            figures["threads: handlers that came and went"] += 1

    def add_indexes() -> None:
        for number in range(min(5 * rounds, 20)):
            added.append(informer.add_index(index(f"name {number}", lambda pod: [pod.metadata.name])))

    def make_trouble() -> None:
        for number in range(5 * rounds):
            server.wait_for_watches(1, timeout=60)
            if number % 4 == 3:
                server.compact()
            server.disconnect_watches(how=("clean", "cut", "expired")[number % 3])
            figures["threads: watches broken"] += 1

    def wind(until: threading.Event) -> None:
        while not until.wait(0.001):
            clock.advance(0.5)

    over = threading.Event()
    winding = threading.Thread(target=wind, args=(over,))
    winding.start()
    try:
        factory.start()
        informer.wait_for_sync()

        def write_all() -> None:
            try:
                all_at_once(*(partial(write, seed) for seed in range(3)))
            finally:
                written.set()

        all_at_once(
            write_all,
            *(partial(read, seed) for seed in range(2)),
            *(partial(come_and_go, seed) for seed in range(2)),
            add_indexes,
            make_trouble,
        )
        informer.add_handler(steady[2], max_pending=max_pending)
        with Clientset(server.client()) as clientset:
            informer.wait_for(clientset.core_v1().pods("shop").create(pod("fence", "web")))
        there = {
            ObjectKey(each.metadata.namespace, each.metadata.name): (each.metadata.uid, each.metadata.resource_version)
            for each in server.objects(PODS, Pod)
        }
        for mirror in steady:
            assert mirror.fence.wait(60)
    finally:
        stopped = factory.stop(10)
        over.set()
        winding.join(10)
    assert stopped.clean, stopped
    assert {
        ObjectKey("shop", found.metadata.name): (found.metadata.uid, found.metadata.resource_version)
        for found in lister.list()
    } == there
    for each in (by_app, *added):
        assert sorted(key for value in each.index_values() for key in each.object_keys(value)) == sorted(there)
    for mirror in steady:
        assert mirror.problems == []
        assert mirror.known == there
    assert {str(each.reason) for each in errors} <= {"connection", "expired", "frame", "short-watch"}
    figures["threads: writes"] += 180 * rounds


def test_factories_start_and_stop_from_several_threads(server: Server, all_at_once: AllAtOnce, rounds: int) -> None:
    """Stopped twice at once, before and after they have synced, while others write and start."""
    for number in range(10):
        server.put(pod(f"p{number}", "web"))

    def come_and_go(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(10 * rounds):
            factory = SharedInformerFactory(server.client())
            pods = factory.core().v1().pods()
            heard = Mirror()
            pods.informer().add_handler(heard)
            factory.start()
            if chance.random() < 0.6:
                factory.wait_for_cache_sync(60)
                assert len(pods.lister()) == 10
            server.put(pod(f"p{chance.randrange(10)}", chance.choice(APPS)))
            stopping = threading.Thread(target=factory.stop, args=(10,))
            stopping.start()
            assert factory.stop(10).clean
            stopping.join(10)
            assert heard.problems == []

    all_at_once(*(partial(come_and_go, seed) for seed in range(3)))
