"""The recorder for tests of controllers."""

from __future__ import annotations

import threading

import pytest

from kinform.events import EventRecorderLike
from kinform.testing import FakeRecorder, VirtualClock
from kinform_k8s.models.core.v1 import Node, Pod
from kinform_k8s.models.meta.v1 import ObjectMeta

POD = Pod(metadata=ObjectMeta(name="web-0", namespace="shop"))


def controller(recorder: EventRecorderLike) -> None:
    recorder.event(POD, "Normal", "Scheduled", "it has a place")
    node = Node(metadata=ObjectMeta(name="n1"))
    recorder.event(POD, "Warning", "Crowded", "x" * 2000, related=node, action="Look", annotations={"a": "b"})


def test_it_remembers_what_was_said() -> None:
    recorder = FakeRecorder(VirtualClock(wall=5.0))
    controller(recorder)
    assert recorder.events == ["Normal Scheduled it has a place", f"Warning Crowded {'x' * 1021}…"]
    _, said = recorder.occurrences
    assert (said.regarding.name, said.action, said.annotations, said.at) == ("web-0", "Look", {"a": "b"}, 5.0)
    assert said.related is not None
    assert said.related.kind == "Node"


def test_it_refuses_what_the_real_one_refuses() -> None:
    recorder = FakeRecorder()
    with pytest.raises(ValueError, match="needs a reason"):
        recorder.event(POD, "Normal", "", "m")
    assert recorder.events == []


def test_a_test_can_wait() -> None:
    recorder = FakeRecorder()
    thread = threading.Thread(target=controller, args=(recorder,))
    thread.start()
    assert len(recorder.wait_for(2)) == 2
    thread.join()
    with pytest.raises(TimeoutError, match=r"2 events within 0\.01 s, not 3"):
        recorder.wait_for(3, timeout=0.01)
