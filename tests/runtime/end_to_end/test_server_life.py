"""What becomes of informers while their server drains, restarts, forgets, loses a resource, or changes credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import Heard, let_it_retry, lists_asked_for, pod, watches_asked_for

from kinform import CacheSyncError, NotFoundError, ObjectKey
from kinform_k8s.models.core.v1 import Node, Pod
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import PODS

if TYPE_CHECKING:
    from tests.runtime.end_to_end.conftest import Connect, Errors

    from kinform.testing import Server, VirtualClock
    from kinform.transport import ApiClient
    from kinform_k8s import SharedInformerFactory

MANY = 8


def many(server: Server, connect: Connect, clock: VirtualClock) -> SharedInformerFactory:
    """A factory whose informers all watch, and have done so for a while."""
    factory = connect(server)
    for number in range(MANY):
        server.put(pod("a", f"n{number}"))
        factory.core().v1().pods(namespace=f"n{number}").informer()
    factory.start()
    factory.wait_for_cache_sync(10)
    server.wait_for_watches(MANY)
    clock.advance(200)
    server.clear_requests()
    return factory


def ask_again_one_by_one(server: Server, clock: VirtualClock) -> list[float]:
    """Lets all who wait make their next request, and tells after how many seconds each did."""
    began = clock.monotonic()
    before = len(server.requests)
    clock.wait_for_waiters(MANY)
    times = []
    for number in range(MANY):
        left = clock.next_deadline
        assert left is not None
        clock.advance(left)
        times.append(clock.monotonic() - began)
        server.wait_for_requests("*/pods", before + number + 1)
    return times


@pytest.mark.scenario("fault-drain")
@pytest.mark.scenario("trap-19")
def test_a_server_that_shuts_down_in_good_order_is_met_again_without_a_relist(
    server: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    """All watches end together, new requests get 429, then nobody answers, then another server resumes them."""
    factory = many(server, connect, clock)
    last = {}
    for namespace in (f"n{number}" for number in range(MANY)):
        server.put(pod("b", namespace))
        last[namespace] = server.resource_version
        factory.core().v1().pods(namespace=namespace).informer().wait_for(
            server.objects(PODS, Pod, namespace=namespace)[-1], 10
        )
    refused = server.fail_next("*/pods", 429, retry_after=5, times=MANY)
    server.disconnect_watches(how="clean")

    times = ask_again_one_by_one(server, clock)
    assert max(times) < 1
    assert len({round(each, 2) for each in times}) > MANY / 2, f"they come back in a herd: {times}"
    errors.wait_for("throttled", MANY)
    assert refused.remaining == 0
    clock.wait_for_waiters(MANY)
    with server.outage():
        left = clock.next_deadline
        assert left is not None
        assert left >= 5 - max(times)
        clock.advance(8)
        errors.wait_for("connection", MANY)
    clock.wait_for_waiters(MANY)
    clock.advance(60)
    server.wait_for_watches(MANY)

    assert lists_asked_for(server) == []
    asked = [each for each in server.requests if each.verb == "watch"]
    assert not any("sendInitialEvents" in each.query for each in asked)
    assert {(each.path.split("/")[4], each.query["resourceVersion"]) for each in asked} == set(last.items())
    assert {each.reason for each in errors.all} == {"throttled", "connection"}


@pytest.mark.scenario("invariant-4")
def test_all_informers_that_must_relist_at_once_do_not_do_so_together(
    server: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    many(server, connect, clock)
    server.compact()
    server.disconnect_watches(how="expired")
    errors.wait_for("expired", MANY)
    times = ask_again_one_by_one(server, clock)
    assert all(0.8 <= each < 1.6 for each in times)
    assert len({round(each, 2) for each in times}) > MANY / 2, f"they come back in a herd: {times}"
    server.wait_for_watches(MANY)
    full = len(lists_asked_for(server)) + sum("sendInitialEvents" in each for each in watches_asked_for(server))
    assert full == MANY, "one each"


@pytest.mark.scenario("fault-404")
def test_a_resource_that_vanishes_is_asked_for_slowly_and_is_there_again_when_it_comes_back(
    server: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    """A custom resource definition is removed under a running informer, and made again later."""
    server.put(pod("a"))
    server.put(pod("b"))
    factory, heard = connect(server), Heard()
    core = factory.core().v1()
    core.pods().informer().add_handler(heard)
    core.nodes().informer()
    with factory:
        assert len(heard.take(2)) == 2
        server.wait_for_watches(2)
        clock.advance(60)
        server.unregister(PODS)
        waits = []
        for count in range(1, 11):
            waits.append(let_it_retry(clock))
            assert isinstance(errors.wait_for("not-found", count).exception, NotFoundError)
        assert all(30 <= wait < 60 for wait in waits[-2:]), waits
        assert sorted(each.metadata.name for each in core.pods().lister().list()) == ["a", "b"], "still served"
        statistics = factory.statistics()
        assert (statistics.synced, statistics.connected) == (True, False)
        server.put(Node(metadata=ObjectMeta(name="n1")))  # the others are none the worse for it
        core.nodes().informer().wait_for(server.objects(core.nodes().resource, Node)[0], 10)

        server.register(PODS)
        server.put(pod("b"))
        server.put(pod("c"))
        let_it_retry(clock)
        told = heard.take(4)
        assert sorted(told[:2]) == ["DELETED a unknown", "DELETED b unknown"], "another b, another uid"
        assert sorted(told[2:]) == ["ADDED b", "ADDED c"]
        server.wait_for_watches(2)
    assert heard.nothing_more


def test_a_resource_that_is_missing_does_not_hide_that_the_others_have_synced(
    server: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    server.unregister(PODS)
    factory = connect(server)
    core = factory.core().v1()
    core.pods().informer()
    core.nodes().informer()
    with factory:
        errors.wait_for("not-found")
        core.nodes().informer().wait_for_sync(10)
        with pytest.raises(CacheSyncError) as caught:
            factory.wait_for_cache_sync(0)
        assert list(caught.value.missing) == ["pods/v1"]
        assert isinstance(caught.value.missing["pods/v1"], NotFoundError)
        server.register(PODS)
        let_it_retry(clock)
        core.pods().informer().wait_for_sync(10)
        factory.wait_for_cache_sync(0)


@pytest.mark.scenario("fault-401")
def test_refused_credentials_are_renewed_once_in_silence_and_then_waited_for(
    server: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    made: list[ApiClient] = []

    def source() -> ApiClient:
        made.append(server.client())
        return made[-1]

    server.put(pod("a"))
    factory, heard = connect(server, source=source), Heard()
    factory.core().v1().pods().informer().add_handler(heard)
    with factory:
        heard.take(1)
        server.wait_for_watches(1)
        last = watches_asked_for(server)[-1].get("resourceVersion") or server.resource_version
        clock.advance(60)
        server.clear_requests()
        server.fail_next("*/pods", 401)
        server.disconnect_watches()
        let_it_retry(clock)
        server.wait_for_watches(1)
        assert len(made) == 2
        assert errors.all == [], "a rotation is no error"
        server.fail_next("*/pods", 401, times=2)
        server.disconnect_watches()
        let_it_retry(clock)
        errors.wait_for("unauthorized")
        let_it_retry(clock)
        server.wait_for_watches(1)
        assert lists_asked_for(server) == []
        assert {each["resourceVersion"] for each in watches_asked_for(server)} == {last}
        assert not any("sendInitialEvents" in each for each in watches_asked_for(server))
    assert heard.nothing_more


@pytest.mark.scenario("fault-long-lines")
def test_an_object_of_ten_megabytes_comes_through_every_way(server: Server, connect: Connect) -> None:
    text = "ü𝄞" + "x" * 10_000_000
    server.put(pod("small"))
    server.put(pod("first", image=text))
    factory, heard = connect(server), Heard()
    pods = factory.core().v1().pods()
    pods.informer().add_handler(heard)
    with factory:
        assert len(heard.take(2)) == 2
        server.wait_for_watches(1)
        server.put(pod("live", image=text))
        server.put(pod("after"))
        assert heard.take(2) == ["ADDED live", "ADDED after"]
        for name in ("first", "live"):
            assert pods.lister().copy(ObjectKey("shop", name)).spec.containers[0].image == text
