"""Ways to keep objects: each answers alike, whatever happens; they differ in what they take."""

from __future__ import annotations

import json
import random
import threading
from typing import TYPE_CHECKING, Any, get_args

import pytest
from tests.runtime.end_to_end.conftest import pod

from kinform import ConflictingInformerError, ObjectKey, StoreMode, field_index
from kinform_k8s.models.core.v1 import EnvVar, Pod

if TYPE_CHECKING:
    from tests.runtime.end_to_end.conftest import Connect

    from kinform import SharedInformer
    from kinform.testing import Server, VirtualClock

MODES = get_args(StoreMode)
FAMILIES = 20


def large_pod(number: int, image: str = "nginx") -> Pod:
    """A pod of some 6 KB; those of one family differ in their names."""
    chance = random.Random(number % FAMILIES)
    made = pod(f"web-{number}", node=f"n{number % 7}", image=image)
    made.spec.containers[0].env = [EnvVar(name=f"E{n}", value=f"{chance.getrandbits(900):x}") for n in range(24)]
    return made


def settle(informer: SharedInformer[Any], clock: VirtualClock) -> None:
    """Lets what is to be packed be packed."""
    packer = informer._packer
    while packer is not None and not packer.wait_until_idle(0.05):
        clock.advance(1.0)


@pytest.mark.parametrize("mode", MODES)
def test_whatever_the_mode_the_cache_holds_what_the_server_has(
    server: Server, connect: Connect, clock: VirtualClock, mode: StoreMode
) -> None:
    for number in range(1000):
        server.put(large_pod(number))
    factory = connect(server, store=mode)
    pods = factory.core().v1().pods()
    by_node = pods.informer().add_index(field_index("spec.nodeName"))
    factory.start()
    factory.wait_for_cache_sync(30)
    settle(pods.informer(), clock)

    def check() -> None:
        held = {each.metadata.name: each for each in pods.lister().list()}
        assert held == {each.metadata.name: each for each in server.objects(pods.informer().resource, Pod)}
        assert {each.metadata.name for each in by_node["n3"]} == {
            name for name, each in held.items() if each.spec.node_name == "n3"
        }

    check()
    size = sum(len(each.to_wire()) for each in pods.lister().list())
    bytes_held = factory.statistics().bytes
    assert (bytes_held < size / 5) if mode != "raw" else (bytes_held > size * 0.8)

    for number in range(0, 1000, 3):
        server.put(large_pod(number, image="nginx:2"))
    for number in range(0, 1000, 10):
        server.delete(pods.informer().resource, f"web-{number}", "shop")
    last = server.put(large_pod(5000))
    pods.informer().wait_for(Pod.from_wire(json.dumps(last).encode()), 30)
    settle(pods.informer(), clock)
    check()

    fetched_anew = threading.Event()
    pods.informer().add_key_handler(lambda key: fetched_anew.set() if key.name == "web-6000" else None)
    server.restart(keep_history=False)
    server.put(large_pod(6000))
    while not fetched_anew.wait(0.05):
        clock.advance(1.0)
    settle(pods.informer(), clock)
    check()


def test_in_auto_mode_few_objects_stay_as_they_came(server: Server, connect: Connect) -> None:
    for number in range(50):
        server.put(large_pod(number))
    factory = connect(server)
    pods = factory.core().v1().pods()
    pods.informer()
    with factory:
        factory.wait_for_cache_sync(30)
        assert {entry.unpacker for entry in pods.informer().read_entries()} == {None}


def test_kept_objects_are_the_same_for_ever(streaming: Server, connect: Connect) -> None:
    for number in range(200):
        streaming.put(large_pod(number))
    factory = connect(streaming)
    kept = factory.core().v1().pods(store="inflated")
    kept.informer()
    with factory:
        factory.wait_for_cache_sync(30)
        first = [id(each) for each in kept.lister().list()]
        assert [id(each) for each in kept.lister().list()] == first


def test_an_informer_has_one_mode(streaming: Server, connect: Connect) -> None:
    factory = connect(streaming, store="raw")
    pods = factory.core().v1().pods()
    assert factory.core().v1().pods(store="raw").informer() is pods.informer()
    with pytest.raises(ConflictingInformerError, match="another store"):
        factory.core().v1().pods(store="packed")


@pytest.mark.parametrize("mode", ["zip", "metadata", ""])
def test_an_unknown_mode_is_named_with_those_there_are(streaming: Server, connect: Connect, mode: Any) -> None:
    with pytest.raises(ValueError, match=r"one of auto, packed, raw, inflated") as caught:
        connect(streaming, store=mode)
    assert ("factory.metadata()" in str(caught.value)) is (mode == "metadata")
    factory = connect(streaming)
    with pytest.raises(ValueError, match=r"one of auto"):
        factory.core().v1().pods(store=mode)


def test_stopping_while_everything_is_being_packed(streaming: Server, connect: Connect) -> None:
    for number in range(1500):
        streaming.put(large_pod(number))
    factory = connect(streaming, store="packed")
    pods = factory.core().v1().pods()
    pods.informer()
    factory.start()
    factory.wait_for_cache_sync(30)
    assert factory.stop(10).clean
    assert len(pods.lister()) == 1500
    assert pods.lister().copy(ObjectKey("shop", "web-7")).metadata.name == "web-7"
