"""The server in a test's hands: objects past the API, the log, faults, outages, resources that come and go."""

from __future__ import annotations

import http.client
import importlib
import json
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest

import kinform.testing
from kinform.meta import Resource
from kinform.testing.server import ServedResource, Server, resources_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runtime.testing.server.conftest import Api

PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)
WIDGETS = Resource(group="example.com", version="v1", plural="widgets", kind="Widget", namespaced=True)
SHOP_PODS = "/api/v1/namespaces/shop/pods"


class PodModel:
    """The least that is a model."""

    def __init__(self, wire: bytes) -> None:
        self.wire = wire

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        return cls(data)

    def to_wire(self) -> bytes:
        return self.wire


# ---- objects


def test_put_creates_as_given(api: Api, pod: Callable[..., Any]) -> None:
    given = pod("a", nodeName="n1")
    given["status"] = {"phase": "Running"}
    given["metadata"] |= {"finalizers": ["x/y"], "deletionTimestamp": "2024-01-01T00:00:00Z", "resourceVersion": "999"}
    stored: Any = api.server.put(given)
    assert stored["status"] == {"phase": "Running"}
    metadata = stored["metadata"]
    assert metadata["deletionTimestamp"] == "2024-01-01T00:00:00Z"
    assert metadata["resourceVersion"] == api.server.resource_version != "999"
    assert metadata["uid"]
    assert metadata["creationTimestamp"]
    assert metadata["generation"] == 1
    assert given["metadata"]["resourceVersion"] == "999"  # the caller's own is not touched
    assert api.server.get(PODS, "a", "shop") == stored
    assert api.get(f"{SHOP_PODS}/a").json == stored


def test_put_replaces_whole(api: Api, pod: Callable[..., Any]) -> None:
    first: Any = api.server.put({**pod("a", nodeName="n1"), "status": {"phase": "Running"}})
    assert api.server.put({**pod("a", nodeName="n1"), "status": {"phase": "Running"}}) == first
    second: Any = api.server.put(pod("a", nodeName="n2"))
    assert "status" not in second
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert second["metadata"]["creationTimestamp"] == first["metadata"]["creationTimestamp"]
    assert (first["metadata"]["generation"], second["metadata"]["generation"]) == (1, 2)
    watch = api.watch(SHOP_PODS, resourceVersion=first["metadata"]["resourceVersion"])
    assert watch.types(1) == ["MODIFIED a"]


def test_put_of_another_uid_is_a_deletion_and_a_creation(api: Api, pod: Callable[..., Any]) -> None:
    first: Any = api.server.put(pod("a"))
    again = pod("a")
    again["metadata"]["uid"] = "another"
    api.server.put(again)
    watch = api.watch(SHOP_PODS, resourceVersion=first["metadata"]["resourceVersion"])
    events = [watch.event() for _ in range(2)]
    assert [event["type"] for event in events] == ["DELETED", "ADDED"]
    uids = [event["object"]["metadata"]["uid"] for event in events]
    assert uids == [first["metadata"]["uid"], "another"]


def test_put_and_read_models(api: Api, pod: Callable[..., Any]) -> None:
    api.server.put(PodModel(json.dumps(pod("a")).encode()))
    api.server.put(pod("b", namespace="other"))
    models = api.server.objects(PODS, PodModel)
    assert [json.loads(model.wire)["metadata"]["name"] for model in models] == ["b", "a"]
    assert api.server.objects(PODS, namespace="shop") == [api.server.get(PODS, "a", "shop")]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"kind": "Gadget"}, LookupError, "no 'Gadget' of 'v1' is served"),
        ({"apiVersion": "v2"}, LookupError, "no 'Pod' of 'v2' is served"),
        ({"metadata": {"namespace": "shop"}}, ValueError, "needs metadata.name"),
        ({"metadata": {"name": "a"}}, ValueError, "needs metadata.namespace"),
        ({"kind": "Node", "metadata": {"name": "a", "namespace": "shop"}}, ValueError, "cluster-scoped"),
    ],
)
def test_what_put_refuses(
    api: Api, pod: Callable[..., Any], change: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        api.server.put({**pod("a"), **change})


def test_delete_at_once(api: Api, pod: Callable[..., Any]) -> None:
    given = pod("a")
    given["metadata"]["finalizers"] = ["x/y"]
    api.server.put(given)
    watch = api.watch(SHOP_PODS)
    assert watch.types(1) == ["ADDED a"]
    api.server.delete(PODS, "a", "shop")
    assert watch.types(1) == ["DELETED a"]
    assert api.server.get(PODS, "a", "shop") is None
    with pytest.raises(LookupError, match="there is no Pod 'shop/a'"):
        api.server.delete(PODS, "a", "shop")


# ---- resources


def test_resources_come_and_go(serve: Callable[..., Api]) -> None:
    api = serve(resources=[NODES])
    widgets = "/apis/example.com/v1/namespaces/shop/widgets"
    assert api.get(widgets).code == 404
    with pytest.raises(LookupError, match="register"):
        api.server.objects(WIDGETS)
    api.server.register(WIDGETS)
    api.post(widgets, {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}})
    watch = api.watch(widgets)
    assert watch.types(1) == ["ADDED a"]
    api.server.unregister(WIDGETS)
    assert watch.ended()
    assert api.get(widgets).code == 404
    before = api.server.resource_version
    api.server.register(WIDGETS)
    answer = api.get(widgets)
    assert (answer.names, answer.revision) == ([], before)
    assert api.watch(widgets, resourceVersion="1").event()["object"]["code"] == 410


def test_a_version_goes_and_the_objects_stay(api: Api) -> None:
    old = Resource(group="example.com", version="v1beta1", plural="widgets", kind="Widget", namespaced=True)
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "namespace": "shop"}}
    api.server.put(body)
    api.server.unregister(old)
    assert len(api.server.objects(WIDGETS)) == 1


def test_versions_must_agree(api: Api) -> None:
    other = Resource(group="example.com", version="v2", plural="widgets", kind="Widget", namespaced=False)
    with pytest.raises(ValueError, match="differ in kind or scope"):
        api.server.register(other)


def test_how_a_resource_behaves_can_be_said(serve: Callable[..., Api]) -> None:
    api = serve(resources=[ServedResource.of(WIDGETS, status=False, custom=False, generation=False)])
    created = api.post("/apis/example.com/v1/namespaces/shop/widgets", {"metadata": {"name": "a"}, "status": {"x": 1}})
    assert created.json["status"] == {"x": 1}
    assert "generation" not in created.json["metadata"]
    assert "kind" not in api.get("/apis/example.com/v1/widgets").json["items"][0]


def test_resources_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "toy_resources"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "__init__.py").write_text("")
    constant = "from kinform.meta import Resource\n{}: object = Resource('{}', 'v1', '{}', '{}', True)\n"
    (package / "core.py").write_text(constant.format("PODS", "", "pods", "Pod"))
    text = constant.format("WIDGETS", "example.com", "widgets", "Widget")
    (package / "inner" / "v1.py").write_text(text + "from toy_resources.core import PODS\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert resources_in("toy_resources") == [PODS, WIDGETS]
        assert resources_in(importlib.import_module("toy_resources.core")) == [PODS]
    finally:
        for name in [name for name in sys.modules if name.startswith("toy_resources")]:
            del sys.modules[name]


# ---- log


def test_requests_are_logged(api: Api) -> None:
    api.call("POST", SHOP_PODS, {"metadata": {"name": "a"}}, fieldManager="x")
    api.get(f"{SHOP_PODS}/none")
    api.watch(SHOP_PODS, resourceVersion="0")
    api.get("/version")
    api.call("PATCH", "/api/v1/pods", {})
    seen = [(r.method, r.verb, r.path, r.status) for r in api.server.requests]
    assert seen == [
        ("POST", "create", SHOP_PODS, 201),
        ("GET", "get", f"{SHOP_PODS}/none", 404),
        ("GET", "watch", SHOP_PODS, 200),
        ("GET", "", "/version", 200),
        ("PATCH", "", "/api/v1/pods", 405),
    ]
    first = api.server.requests[0]
    assert first.query == {"fieldManager": "x"}
    assert json.loads(first.body) == {"metadata": {"name": "a"}}
    assert first.headers["content-type"] == "application/json"
    api.server.clear_requests()
    assert api.server.requests == []


def test_verbs_of_requests(api: Api) -> None:
    for method, path in (("DELETE", SHOP_PODS), ("DELETE", f"{SHOP_PODS}/a"), ("PUT", f"{SHOP_PODS}/a")):
        api.call(method, path, {})
    api.merge(f"{SHOP_PODS}/a/status", {})
    api.get(SHOP_PODS)
    assert [r.verb for r in api.server.requests] == ["deletecollection", "delete", "update", "patch", "list"]


def test_credentials_are_not_logged(api: Api) -> None:
    connection = http.client.HTTPConnection(api.server.url.removeprefix("http://"), timeout=10)
    connection.request("GET", SHOP_PODS, headers={"Authorization": "Bearer secret"})
    connection.getresponse().read()
    connection.close()
    (request,) = api.server.requests
    assert "authorization" not in request.headers
    assert "secret" not in repr(request)


def test_waiting_in_vain(api: Api) -> None:
    with pytest.raises(TimeoutError, match="0 watches of pods/v1 are open, not 1"):
        api.server.wait_for_watches(1, resource=PODS, timeout=0)
    with pytest.raises(TimeoutError, match="0 such requests, not 1"):
        api.server.wait_for_requests("*", timeout=0)


def test_open_watches_are_listed(api: Api) -> None:
    api.watch(SHOP_PODS, resourceVersion="1", labelSelector="a=b")
    api.server.wait_for_watches(1, resource=PODS)
    (watch,) = api.server.watches
    assert (watch.resource, watch.namespace) == (PODS, "shop")
    assert watch.query["labelSelector"] == "a=b"


# ---- faults


def test_fail_next(api: Api) -> None:
    fault = api.server.fail_next("*/pods", 429, retry_after=7, times=2)
    other = api.get("/api/v1/nodes")
    answers = [api.get(SHOP_PODS), api.get("/api/v1/pods"), api.get(SHOP_PODS)]
    assert [other.code, *(answer.code for answer in answers)] == [200, 429, 429, 200]
    status = answers[0].json
    assert (status["reason"], status["details"]) == ("TooManyRequests", {"retryAfterSeconds": 7})
    assert answers[0].headers["retry-after"] == "7"
    assert fault.remaining == 0
    assert [r.status for r in api.server.requests] == [200, 429, 429, 200]


def test_fail_next_does_nothing_of_what_was_asked(api: Api) -> None:
    api.server.fail_next(lambda request: request.verb == "create", 500)
    assert api.post(SHOP_PODS, {"metadata": {"name": "a"}}).json["reason"] == "InternalError"
    assert api.server.objects(PODS) == []


def test_fail_next_of_watches_and_with_words(api: Api) -> None:
    api.server.fail_next(lambda request: request.verb == "watch", 410, reason="Gone", message="too late")
    assert api.get(SHOP_PODS).code == 200
    answer = api.get(SHOP_PODS, watch="1")
    assert (answer.code, answer.json["reason"], answer.json["message"]) == (410, "Gone", "too late")


def test_faults_wait_in_turn_and_can_be_taken_back(api: Api) -> None:
    first = api.server.fail_next("/version", 500)
    api.server.fail_next("/version", 503)
    first.cancel()
    assert [api.get("/version").code for _ in range(2)] == [503, 200]


def test_cut_before_the_answer(api: Api) -> None:
    api.server.cut_next("*/pods")
    with pytest.raises(http.client.RemoteDisconnected):
        api.post(SHOP_PODS, {"metadata": {"name": "a"}})
    assert api.server.objects(PODS) == []
    assert api.server.requests[-1].status is None


@pytest.mark.parametrize("size", [0, 1, 40])
def test_cut_in_an_answer(api: Api, size: int) -> None:
    api.server.cut_next("*/pods", after_bytes=size)
    with pytest.raises(http.client.IncompleteRead) as caught:
        api.get(SHOP_PODS)
    assert len(caught.value.partial) == size


def test_cut_in_a_watch(api: Api, pod: Callable[..., Any]) -> None:
    whole = api.watch(SHOP_PODS)
    api.server.cut_next("*/pods", after_bytes=100)
    cut = api.watch(SHOP_PODS)
    api.server.wait_for_watches(2)
    api.server.put(pod("a"))
    line = whole.response.readline()
    with pytest.raises(http.client.IncompleteRead) as caught:
        cut.response.read()
    assert caught.value.partial == line[:100]


# ---- life


def test_restart_keeps_port_objects_and_history(api: Api, pod: Callable[..., Any]) -> None:
    url = api.server.url
    api.server.put(pod("a"))
    watch = api.watch(SHOP_PODS)
    last = watch.next()[2]
    api.server.restart()
    with pytest.raises(http.client.IncompleteRead):
        watch.response.read()
    assert api.server.url == url
    api.server.put(pod("b"))
    assert api.watch(SHOP_PODS, resourceVersion=last).types(1) == ["ADDED b"]


def test_restart_without_history(api: Api, pod: Callable[..., Any]) -> None:
    for name in "ab":
        api.server.put(pod(name))
    api.server.restart(keep_history=False)
    assert api.watch(SHOP_PODS, resourceVersion="2").event()["object"]["code"] == 410
    assert api.get(SHOP_PODS).names == ["a", "b"]


def test_outage(api: Api, pod: Callable[..., Any]) -> None:
    with api.server.outage():
        with pytest.raises(ConnectionRefusedError):
            api.get(SHOP_PODS)
        api.server.put(pod("a"))
    assert api.get(SHOP_PODS).names == ["a"]


def test_life() -> None:
    server = Server()
    with pytest.raises(RuntimeError, match="no port before"):
        _ = server.url
    with server:
        with pytest.raises(RuntimeError, match="serving already"):
            server.start()
        with pytest.raises(OSError, match="in use"), Server(port=int(server.url.rpartition(":")[2])):
            pass
    with server:
        assert server.connections == 0


def test_writers_and_watchers_side_by_side(api: Api, pod: Callable[..., Any]) -> None:
    """Four writers over HTTP: each watch sees every change, once and in order."""
    watches = [api.watch("/api/v1/pods", resourceVersion="1") for _ in range(3)]

    def write(writer: int) -> None:
        for number in range(25):
            path = f"/api/v1/namespaces/n{writer}/pods"
            api.post(path, pod(f"p{number}", namespace=f"n{writer}"))
            api.delete(f"{path}/p{number}")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    seen = [[int(watch.next()[2]) for _ in range(200)] for watch in watches]
    for writer in writers:
        writer.join()
    assert seen == [list(range(2, 202))] * 3


# ---- the official client


def test_official_client(api: Api, pod: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    official = importlib.import_module("kubernetes.client")
    client = api.server.client()
    core = official.CoreV1Api(client)
    api.server.put(pod("a", containers=[]))
    assert [item.metadata.name for item in core.list_namespaced_pod("shop").items] == ["a"]
    body = official.V1ConfigMap(metadata=official.V1ObjectMeta(name="c"), data={"x": "y"})
    created = core.create_namespaced_config_map("shop", body)
    created.data["x"] = "z"
    assert core.replace_namespaced_config_map("c", "shop", created).data == {"x": "z"}
    core.delete_namespaced_config_map("c", "shop")
    with pytest.raises(official.ApiException) as caught:
        core.read_namespaced_config_map("c", "shop")
    assert caught.value.status == 404
    pools = client.rest_client.pool_manager.pools  # type: ignore[attr-defined]
    assert len(pools) == 1
    api.server.stop()
    assert len(pools) == 0


def test_kubeconfig(api: Api, tmp_path: Path) -> None:
    config = importlib.import_module("kubernetes.config")
    (tmp_path / "config").write_text(api.server.kubeconfig())
    client = config.new_client_from_config(str(tmp_path / "config"))
    try:
        assert client.configuration.host == api.server.url
    finally:
        client.close()


def test_lazy_exports() -> None:
    assert kinform.testing.Server is Server
    with pytest.raises(AttributeError):
        _ = kinform.testing.Serf  # type: ignore[attr-defined]
