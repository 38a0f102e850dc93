"""What is remembered of servers that cannot stream."""

from __future__ import annotations

from kinform.meta import Resource
from kinform.reflector import StreamingSupport

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)


def test_a_refusal_counts_for_an_hour_for_that_host_and_resource() -> None:
    support = StreamingSupport()
    assert not support.refused("a", PODS, 0)
    support.refuse("a", PODS, 100)
    assert support.refused("a", PODS, 100)
    assert support.refused("a", PODS, 3699)
    assert not support.refused("b", PODS, 200)
    assert not support.refused("a", NODES, 200)
    assert not support.refused("a", PODS, 3700)
    assert not support.refused("a", PODS, 3699), "once forgotten, it is forgotten"


def test_a_reading_of_another_clock_does_not_count() -> None:
    support = StreamingSupport()
    support.refuse("a", PODS, 50_000)
    assert not support.refused("a", PODS, 1000)
