"""What an event may say, and how it is named."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.runtime.events.conftest import POD, said

from kinform.events import ObjectReference, reference_to
from kinform.events.occurrence import clipped, event_name
from kinform_k8s.models.core.v1 import Node, Pod
from kinform_k8s.models.meta.v1 import ObjectMeta

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_a_model_is_referred_to_by_all_that_tells_it_apart() -> None:
    pod = Pod(metadata=ObjectMeta(name="web-0", namespace="shop", uid="u1", resource_version="7"))
    assert reference_to(pod) == POD
    part = reference_to(pod, field_path="spec.containers{web}")
    assert part.field_path == "spec.containers{web}"
    assert reference_to(POD) is POD
    assert reference_to(POD, field_path="spec.containers{web}") == part
    assert part.identity != POD.identity


@pytest.mark.parametrize(
    "subject", [Pod(), ObjectReference(kind="", name="a"), Pod(kind="", metadata=ObjectMeta(name="a"))]
)
def test_what_nobody_could_find_is_refused(subject: Any) -> None:
    with pytest.raises(ValueError, match="an object with a kind and a name, not"):
        reference_to(subject)


@pytest.mark.scenario("V07a")
def test_an_event_lives_beside_its_object_or_in_default() -> None:
    assert said().namespace == "shop"
    of_node = said(regarding=reference_to(Node(metadata=ObjectMeta(name="n1"))))
    assert (of_node.namespace, of_node.regarding.namespace) == ("default", "")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"type": "Error"}, "'Normal' or 'Warning', not 'Error'"),
        ({"reason": ""}, "needs a reason"),
        ({"reason": "R" * 129}, "reason is one word of at most 128 bytes"),
        ({"action": "ä" * 65}, "action is one word of at most 128 bytes"),
    ],
)
def test_what_servers_refuse_is_refused_at_once(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        said(**changed)


def test_the_longest_words_pass() -> None:
    assert said(reason="R" * 128, action="A" * 128).reason == "R" * 128


def test_a_message_has_1024_bytes_at_most() -> None:
    assert clipped("x" * 1024) == "x" * 1024
    assert clipped("x" * 1025) == "x" * 1021 + "…"
    assert clipped("ä" * 600) == "ä" * 510 + "…", "no character is cut in two"
    assert clipped("half a pair \udc80") == "half a pair ?"


@pytest.mark.scenario("V10")
@pytest.mark.scenario("V11a")
def test_names_are_the_objects_and_the_time_or_random() -> None:
    assert event_name("web-0", 0x1849_2F5B) == "web-0.18492f5b"
    for impossible in ("x" * 300, "UPPER", "a_b", "--a", "system:node", ""):
        assert UUID.fullmatch(event_name(impossible, 1)), impossible
    assert event_name("x" * 251, 1) == f"{'x' * 251}.1"
    assert UUID.fullmatch(event_name("x" * 252, 1))
