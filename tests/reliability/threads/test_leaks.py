"""Started and stopped again and again, a factory leaves nothing behind: no thread, no file, no memory."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from tests.conftest import open_files

from kinform.testing import Server
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import Container, Pod, PodSpec
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import NODES, PODS

if TYPE_CHECKING:
    from collections import Counter

WARM_UP, ROUNDS = 20, 200
ALLOWED = 1000  # bytes that may stay of each round; a factory with its client takes sixty times as many


def once(server: Server) -> None:
    """The life of a factory: two informers, handlers of all forms, an index, reads, an end."""
    factory = SharedInformerFactory(server.client())
    pods, nodes = factory.core().v1().pods(), factory.core().v1().nodes()
    heard = threading.Event()
    pods.informer().add_event_handler(on_add=lambda pod: heard.set())
    pods.informer().add_key_handler(lambda key: None)
    nodes.informer().add_handler(lambda event: None)
    with factory:
        factory.wait_for_cache_sync(60)
        assert heard.wait(60)
        assert [pod.metadata.name for pod in pods.lister().list()] == ["web-0"]
    server.stop()  # closes the client's idle connections, and forgets it
    server.start()
    server.clear_requests()


@pytest.mark.timeout(300)
def test_a_factory_started_and_stopped_200_times(figures: Counter[str]) -> None:
    sys.setswitchinterval(0.005)  # here it is not about that
    pod = Pod(
        metadata=ObjectMeta(name="web-0", namespace="shop"),
        spec=PodSpec(containers=[Container(name="main", image="nginx")]),
    )
    with Server([PODS, NODES]) as server:
        server.put(pod)
        for _ in range(WARM_UP):
            once(server)
        gc.collect()
        threads, files = threading.active_count(), sum(open_files().values())
        tracemalloc.start()
        try:
            once(server)
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(ROUNDS):
                once(server)
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert threading.active_count() == threads
        assert sum(open_files().values()) == files
    figures["leaks: bytes that stay of each factory"] += max(0, after - before) // ROUNDS
    assert after - before < ALLOWED * ROUNDS
