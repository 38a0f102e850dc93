"""The whole way: generated factory, informers and clients against an API server in memory, and what goes wrong between.

Time is virtual where the reflector waits, so that nothing here sleeps; the network is real.
"""

from __future__ import annotations

import queue
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import Heard, let_it_retry, lists_asked_for, pod, watches_asked_for

from kinform import (
    CacheMutationError,
    CacheNotSyncedError,
    CacheResetError,
    ForbiddenError,
    IndexFunctionError,
    InformerNotStartedError,
    ListOptions,
    NotCachedError,
    NotFoundError,
    ObjectKey,
    TransportError,
    UndecodableObjectError,
    drop,
    field_index,
    index,
    label_index,
)
from kinform.testing import Server
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import Node, Pod
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import PODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.end_to_end.conftest import Connect, Errors

    from kinform import Event
    from kinform.testing import VirtualClock

# ---- the first fetch


def test_streaming_and_paging_fill_the_cache_alike(connect: Connect) -> None:
    bodies: list[dict[ObjectKey, bytes]] = []
    for mode in ("on", "off"):
        with Server([PODS], watch_list=mode) as server:
            for number in range(1201):
                server.put(
                    {
                        "apiVersion": "v1",
                        "kind": "Pod",
                        "metadata": {
                            "name": f"p{number}",
                            "namespace": "shop",
                            "uid": f"u{number}",
                            "creationTimestamp": "2024-01-01T00:00:00Z",
                            "annotations": {"text": 'ü "quoted" \\ \n'},
                            "managedFields": [{"manager": "kubectl"}],
                        },
                        "spec": {"containers": [{"name": "main"}], "unheardOf": {"kept": [1, 2.50, None]}},
                    }
                )
            factory = connect(server)
            informer = factory.core().v1().pods().informer()
            with factory:
                factory.wait_for_cache_sync(30)
                server.wait_for_watches(1)
                bodies.append({entry.key: entry.body for entry in informer.read_entries()})
                if mode == "on":
                    assert lists_asked_for(server) == []
                    assert [query["sendInitialEvents"] for query in watches_asked_for(server)] == ["true"]
                else:
                    assert [query.get("limit") for query in lists_asked_for(server)] == ["500"] * 3
                    assert all("resourceVersion" not in query for query in lists_asked_for(server))
                    refused, live = watches_asked_for(server)
                    assert (refused["sendInitialEvents"], "sendInitialEvents" in live) == ("true", False)
                    assert live["allowWatchBookmarks"] == "true"
                assert 300 <= int(watches_asked_for(server)[-1]["timeoutSeconds"]) < 600
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) == 1201
    assert all(b"managedFields" not in body and b'"unheardOf"' in body for body in bodies[0].values())


@pytest.mark.scenario("X15")
def test_what_happens_between_the_list_and_the_watch_is_neither_lost_nor_told_twice(
    connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    """client-go's row is about its fake client; here the API server in memory replays what the watch has missed."""
    with Server([PODS], watch_list="off") as server:
        server.put(pod("one"))
        listed = server.resource_version
        server.fail_next(lambda request: request.verb == "watch" and "resourceVersion" in request.query, 429)
        factory, heard = connect(server), Heard()
        registration = factory.core().v1().pods().informer().add_handler(heard)
        with factory:
            errors.wait_for("throttled")
            server.put(pod("two"))
            let_it_retry(clock)
            assert heard.take(2) == ["ADDED one initial", "ADDED two"]
            registration.wait_for_sync(10)
            server.wait_for_watches(1)
            assert [query.get("resourceVersion") for query in watches_asked_for(server)] == [None, listed, listed]
            assert heard.nothing_more


# ---- the watch, and what ends it


def test_bookmarks_move_the_point_to_resume_from(streaming: Server, connect: Connect, clock: VirtualClock) -> None:
    server = streaming
    factory = connect(server, namespace="shop")
    informer = factory.core().v1().pods().informer()
    with factory:
        factory.wait_for_cache_sync(10)
        server.wait_for_watches(1)
        server.put(pod("elsewhere", "other"))
        seen = pod("last")
        server.put(seen)
        server.put(pod("elsewhere", "other", app="changed"))
        assert server.send_bookmarks(PODS) == 1
        here = Pod(metadata=ObjectMeta(name="x", namespace="shop", uid="u", resource_version=server.resource_version))
        informer.wait_for(here)  # only the bookmark can tell that this version has gone by
        clock.advance(60)
        server.compact()
        server.disconnect_watches()
        let_it_retry(clock)
        server.wait_for_watches(1)
        assert watches_asked_for(server)[-1]["resourceVersion"] == server.resource_version
        assert factory.statistics().informers[informer.name].restarts == {"closed": 1}


@pytest.mark.scenario("K12")
def test_a_relist_after_410_tells_of_the_differences_only(
    server: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    for name in ("same", "changed", "gone", "replaced"):
        server.put(pod(name))
    factory, heard = connect(server), Heard()
    pods = factory.core().v1().pods()
    pods.informer().add_handler(heard)
    with factory:
        assert len(heard.take(4)) == 4
        server.wait_for_watches(1)
        clock.advance(60)
        with server.outage(keep_history=False):
            errors.wait_for("connection")
            server.put(pod("changed", image="busybox"))
            server.put(pod("new"))
            server.delete(PODS, "gone", "shop")
            server.delete(PODS, "replaced", "shop")
            server.put(pod("replaced"))
            same = pods.lister().pods("shop").get("same")
        let_it_retry(clock)
        errors.wait_for("expired")
        assert len(pods.lister()) == 4, "what is known stays readable"
        let_it_retry(clock)
        told = heard.take(5)
        assert sorted(told[:2]) == ["DELETED gone unknown", "DELETED replaced unknown"]
        assert sorted(told[2:]) == ["ADDED new", "ADDED replaced", "MODIFIED changed"]
        assert pods.lister().pods("shop").get("same") is same, "unchanged entries are the same ones"
        assert sorted(each.metadata.name for each in pods.lister().list()) == ["changed", "new", "replaced", "same"]
    assert heard.nothing_more


def test_a_restart_of_the_server_is_survived(
    server: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    server.put(pod("a"))
    factory, heard = connect(server), Heard()
    factory.core().v1().pods().informer().add_handler(heard)
    factory.core().v1().nodes().informer()
    with factory:
        heard.take(1)
        server.wait_for_watches(2)
        with server.outage():
            errors.wait_for("connection", 2)
            clock.wait_for_waiters(2)  # both back off, and meet a closed port
            clock.advance(2)
            errors.wait_for("connection", 4)
        server.put(pod("b"))
        clock.wait_for_waiters(2)
        clock.advance(60)
        assert heard.take(1) == ["ADDED b"]
        server.wait_for_watches(2)
    assert heard.nothing_more
    assert all(isinstance(each.exception, TransportError) for each in errors.all)


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_refusals_are_heard_named_and_tried_again_more_and_more_slowly(
    server: Server, connect: Connect, clock: VirtualClock, errors: Errors, status: int
) -> None:
    server.fail_next("*/pods", status, times=5)
    factory = connect(server)
    factory.core().v1().pods().informer()
    waits = []
    with factory:
        for _ in range(5):
            clock.wait_for_waiters(1)
            left = clock.next_deadline
            assert left is not None
            waits.append(left)
            clock.advance(left)
        factory.wait_for_cache_sync(10)
        server.wait_for_watches(1)
    assert all(0.8 * 2**n <= wait < 1.6 * 2**n for n, wait in enumerate(waits)), waits
    assert len(errors.all) == 5
    if status == 403:
        assert isinstance(factory.core().v1().pods().informer().last_error, ForbiddenError)


def test_a_server_restored_to_an_older_state_is_believed_and_waits_end(
    connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    """Its resourceVersions went back, as after an etcd restore: who waits for a write of his is told so."""
    with Server([PODS]) as before:
        for version in range(20):
            before.put(pod("a", image=f"v{version}"))
        factory = connect(before)
        pods = factory.core().v1().pods()
        factory.start()
        pods.informer().wait_for_sync(10)
        before.wait_for_watches(1)
    errors.wait_for("connection")
    written = pods.lister().copy(ObjectKey("shop", "a"))
    written.metadata.resource_version = "1000"
    ended: queue.Queue[BaseException | None] = queue.Queue()

    def wait() -> None:
        try:
            pods.informer().wait_for(written)
        except CacheResetError as error:
            ended.put(error)
        else:
            ended.put(None)

    waiting = threading.Thread(target=wait)
    waiting.start()
    with Server([PODS], port=int(before.url.rpartition(":")[2]), freshness_timeout=0.05) as after:
        after.put(pod("a", image="restored"))
        let_it_retry(clock)
        after.wait_for_watches(1)  # as an API server, it lets a watch begin in its future, and tells nothing
        after.disconnect_watches(how="expired")
        errors.wait_for("expired")
        let_it_retry(clock)  # not older than what we have: the server waits for that version in vain
        errors.wait_for("too-large-resource-version")
        let_it_retry(clock)
        assert isinstance(ended.get(timeout=10), CacheResetError)
        waiting.join(10)
        assert pods.lister().pods("shop").get("a").spec.containers[0].image == "restored"
        after.wait_for_watches(1)
        assert factory.stop(10).clean


# ---- handlers


def test_handlers_of_all_three_forms(streaming: Server, connect: Connect) -> None:
    server = streaming
    server.put(pod("a", image="v1"))
    calls: queue.Queue[str] = queue.Queue()
    factory = connect(server)
    informer = factory.core().v1().pods().informer()
    informer.add_event_handler(
        on_add=lambda new: calls.put(f"add {new.metadata.name}"),
        on_update=lambda old, new: calls.put(f"{old.spec.containers[0].image} > {new.spec.containers[0].image}"),
        on_delete=lambda last: calls.put(f"delete {last.spec.containers[0].image}"),
    )
    heard, keys = Heard(), queue.Queue[ObjectKey]()
    informer.add_handler(heard)
    informer.add_key_handler(keys.put)
    with factory:
        assert (calls.get(timeout=10), heard.take(1)) == ("add a", ["ADDED a initial"])
        assert keys.get(timeout=10) == ObjectKey("shop", "a")
        server.wait_for_watches(1)
        server.put(pod("a", image="v2"))
        assert (calls.get(timeout=10), heard.take(1)) == ("v1 > v2", ["MODIFIED a"])
        server.delete(PODS, "a", "shop")
        assert (calls.get(timeout=10), heard.take(1)) == ("delete v2", ["DELETED a"])


@pytest.mark.scenario("trap-12")
def test_a_slow_handler_holds_up_nobody_and_its_backlog_is_bounded(streaming: Server, connect: Connect) -> None:
    server = streaming
    entered, gate = threading.Event(), threading.Event()
    slow_told: list[str] = []

    def slow(event: Event[Pod]) -> None:
        entered.set()
        assert gate.wait(30)
        slow_told.append(f"{event.type} {event.new.spec.containers[0].image if event.new else ''}")

    factory, heard = connect(server), Heard()
    informer = factory.core().v1().pods().informer()
    registration = informer.add_handler(slow, max_pending=3)
    informer.add_handler(heard)
    with factory:
        factory.wait_for_cache_sync(10)
        server.wait_for_watches(1)
        for version in range(50):
            server.put(pod("a", image=f"v{version}"))
        assert entered.wait(10)
        assert len(heard.take(50)) == 50
        statistics = registration.statistics()
        assert statistics.running_for is not None
        assert statistics.pending <= 4
        assert statistics.pending + statistics.coalesced == 49
        gate.set()
        latest = factory.core().v1().pods().lister().copy(ObjectKey("shop", "a"))
        informer.wait_for(latest, 10)
        assert registration.remove(10)
    assert slow_told[0] == "ADDED v0"


def test_what_goes_wrong_in_users_code_is_heard_and_delivery_goes_on(
    streaming: Server, connect: Connect, errors: Errors
) -> None:
    server = streaming
    for name in ("a", "b"):
        server.put(pod(name))
    factory, heard = connect(server), Heard()
    pods = factory.core().v1().pods()

    def images(each: Pod) -> list[str]:
        if each.metadata.name == "a":
            raise LookupError("not this one")
        return [container.image for container in each.spec.containers]

    def broken(event: Event[Pod]) -> None:
        raise RuntimeError(event.key.name)

    by_image = pods.informer().add_index(index("image", images))
    registration = pods.informer().add_handler(broken, name="broken")
    pods.informer().add_handler(heard)
    with factory:
        registration.wait_for_sync(10)
        assert len(heard.take(2)) == 2
        assert [each.metadata.name for each in by_image["nginx"]] == ["b"]
        assert isinstance(errors.wait_for("index-function").exception, IndexFunctionError)
        errors.wait_for("handler", 2)
    assert {(each.handler, each.key) for each in errors.all if each.reason == "handler"} == {
        ("broken", "shop/a"),
        ("broken", "shop/b"),
    }


def test_a_poison_object_is_met_by_its_readers_only(server: Server, connect: Connect, errors: Errors) -> None:
    server.put(pod("good"))
    server.put(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad", "namespace": "shop"}, "spec": {"containers": 7}}
    )
    factory = connect(server)
    pods = factory.core().v1().pods()
    told: queue.Queue[str] = queue.Queue()
    keys: queue.Queue[ObjectKey] = queue.Queue()
    pods.informer().add_event_handler(on_add=lambda new: told.put(new.metadata.name))
    pods.informer().add_key_handler(keys.put)
    with factory:
        assert {keys.get(timeout=10).name, keys.get(timeout=10).name} == {"good", "bad"}
        assert told.get(timeout=10) == "good"
        report = errors.wait_for("undecodable")
        assert isinstance(report.exception, UndecodableObjectError)
        assert report.key == "shop/bad"
        snapshot = pods.lister().list()
        assert len(snapshot) == 2
        with pytest.raises(UndecodableObjectError):
            pods.lister().pods("shop").get("bad")
        assert pods.lister().pods("shop").get("good").metadata.name == "good"
        server.wait_for_watches(1)
        server.put(pod("later"))
        assert told.get(timeout=10) == "later", "the watch goes on"


def test_who_changes_a_cached_object_is_found_out(streaming: Server, connect: Connect, errors: Errors) -> None:
    streaming.put(pod("a"))
    factory = connect(streaming)
    pods = factory.core().v1().pods()
    pods.informer()
    with factory:
        factory.wait_for_cache_sync(10)
        shared = pods.lister().pods("shop").get("a")
        private = pods.lister().copy(ObjectKey("shop", "a"))
        private.metadata.labels["mine"] = "yes"
        assert pods.lister().pods("shop").get("a") is shared
        shared.metadata.labels["oops"] = "yes"
        assert "oops" not in pods.lister().pods("shop").get("a").metadata.labels
    report = errors.wait_for("cache-mutation")
    assert isinstance(report.exception, CacheMutationError)
    assert "metadata.labels" in str(report.exception)


# ---- reads


def test_reads_raise_until_they_can_be_answered(
    streaming: Server, connect: Connect, clock: VirtualClock, errors: Errors
) -> None:
    streaming.put(pod("a"))
    streaming.fail_next("*/pods", 403)
    factory = connect(streaming, namespace="shop")
    pods = factory.core().v1().pods()
    lister = pods.lister()
    by_node = pods.informer().add_index(field_index("spec.nodeName"))
    reads: list[Callable[[], object]] = [
        lister.list,
        lister.keys,
        lambda: len(lister),
        lambda: lister.pods("shop").get("a"),
        lambda: lister.copy(ObjectKey("shop", "a")),
        lambda: by_node["n1"],
        by_node.index_values,
    ]
    for read in reads:
        with pytest.raises(InformerNotStartedError):
            read()
    with factory:
        errors.wait_for("forbidden")
        for read in reads:
            with pytest.raises(CacheNotSyncedError):
                read()
        assert list(pods.lister(allow_unsynced=True).list()) == []
        let_it_retry(clock)
        factory.wait_for_cache_sync(10)
        for read in reads:
            read()
        with pytest.raises(NotCachedError):
            lister.pods("other").get("a")
        with pytest.raises(NotFoundError, match='pod "b" not found'):
            lister.pods("shop").get("b")
    assert [each.metadata.name for each in lister.list()] == ["a"], "the cache stays readable after the stop"


def test_indexes_snapshots_and_own_writes(server: Server, connect: Connect) -> None:
    clientset = Clientset(server.client())
    server.put(pod("a", node="n1"))
    factory = connect(server)
    pods = factory.core().v1().pods()
    by_node = pods.informer().add_index(field_index("spec.nodeName"))
    by_app = pods.informer().add_index(label_index("app"))
    with clientset, factory:
        factory.wait_for_cache_sync(10)
        late = pods.informer().add_index(index("image", lambda each: [c.image for c in each.spec.containers]))
        before = pods.lister().list("app=web")
        created = clientset.core_v1().pods("shop").create(pod("b", node="n1", app="db", image="postgres"))
        pods.informer().wait_for(created, 10)
        assert by_node.object_keys("n1") == [ObjectKey("shop", "a"), ObjectKey("shop", "b")]
        assert by_app.index_values() == ["db", "web"]
        assert [each.metadata.name for each in late["postgres"]] == ["b"]
        assert [each.metadata.name for each in before] == ["a"], "a snapshot is of one moment"
        clientset.core_v1().pods("shop").delete("b")
        pods.informer().wait_for_deleted(created, 10)
        assert pods.lister().pods("shop").find("b") is None
        assert by_app.index_values() == ["web"]


# ---- scopes


def test_namespaces_selectors_and_tweaks_reach_the_server_and_its_answers_the_right_cache(
    streaming: Server, connect: Connect, clock: VirtualClock
) -> None:
    server = streaming
    for namespace in ("a", "b", "c"):
        server.put(pod("web", namespace, node="n1"))
        server.put(pod("db", namespace, app="db", node="n1"))
    server.put(Node(metadata=ObjectMeta(name="n1")))

    def tweak(options: ListOptions) -> ListOptions:
        assert options.label_selector == "app=db"
        return ListOptions("app=web", options.field_selector, (("pretty", "false"),))

    factory = connect(server, namespace=["a", "b"], label_selector="app=web", field_selector="spec.nodeName=n1")
    core = factory.core().v1()
    core.pods().informer()
    assert core.pods() is core.pods()
    assert core.pods(label_selector="app in (web)").informer() is not None
    everywhere = core.pods(namespace=None, label_selector="app=db", tweak=tweak)
    nodes = core.nodes(label_selector=None, field_selector=None)
    everywhere.informer()
    nodes.informer()
    with factory:
        factory.wait_for_cache_sync(10)
        assert sorted(map(str, core.pods().lister().keys())) == ["a/web", "b/web"]
        assert sorted(map(str, everywhere.lister().keys())) == ["a/web", "b/web", "c/web"]
        assert [each.metadata.name for each in nodes.lister().list()] == ["n1"]
        server.wait_for_requests("*/nodes")
        asked = {each.path: each.query for each in server.requests}
        assert asked["/api/v1/namespaces/a/pods"]["fieldSelector"] == "spec.nodeName=n1"
        assert asked["/api/v1/pods"]["labelSelector"] == "app=web"
        assert asked["/api/v1/pods"]["pretty"] == "false"
        assert "labelSelector" not in asked["/api/v1/nodes"]


def test_an_object_that_ceases_to_match_is_gone_from_the_filtered_cache(server: Server, connect: Connect) -> None:
    server.put(pod("a", app="web"))
    factory, heard = connect(server, label_selector="app=web"), Heard()
    factory.core().v1().pods().informer().add_handler(heard)
    with factory:
        heard.take(1)
        server.wait_for_watches(1)
        server.put(pod("a", app="db"))
        server.put(pod("a", app="web"))
        assert heard.take(2) == ["DELETED a", "ADDED a"]


def test_transform_and_resync(server: Server, connect: Connect, clock: VirtualClock) -> None:
    server.put(pod("a"))
    factory, heard = connect(server, transform=drop("spec.containers"), resync=timedelta(minutes=1)), Heard()
    pods = factory.core().v1().pods()
    registration = pods.informer().add_handler(heard)
    with factory:
        registration.wait_for_sync(10)
        assert pods.lister().pods("shop").get("a").spec.containers == []
        clock.wait_for_deadline(60)
        clock.advance(60)
        assert heard.take(2) == ["ADDED a initial", "MODIFIED a"]
