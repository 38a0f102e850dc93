"""What a server has is found out from whatever it tells, and what it cannot tell spoils nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform.discovery import ApiGroup, ApiResource, discover
from kinform.errors import (
    AbortedError,
    DiscoveryError,
    ForbiddenError,
    ServiceUnavailableError,
    Status,
    TransportError,
    status_error,
)
from kinform.meta import Resource
from kinform.testing import Server
from kinform.testing.server import ServedResource
from kinform.transport import Transport

if TYPE_CHECKING:
    from tests.runtime.discovery.conftest import Documents

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
WIDGETS = Resource("example.com", "v1", "widgets", "Widget", namespaced=True)
OLD_WIDGETS = Resource("example.com", "v1beta1", "widgets", "Widget", namespaced=True)
DOWN = status_error(Status(code=503, reason="ServiceUnavailable", message="the server is down"))
FORBIDDEN = status_error(Status(code=403, reason="Forbidden", message="no"))

Make = Any


def found(transport: Documents) -> Any:
    return discover(transport)  # type: ignore[arg-type]


def names(resources: tuple[ApiResource, ...]) -> list[str]:
    return [str(each.resource) for each in resources]


def test_everything_in_two_requests(documents: Documents, make_resource: Make) -> None:
    widgets = make_resource(
        "widgets",
        "Widget",
        shortNames=["wd", "w"],
        categories=["all"],
        subresources=[{"subresource": "status", "verbs": ["get"]}, {"subresource": "scale"}],
    )
    documents.serve(
        {"v1": [make_resource("nodes", "Node", namespaced=False, verbs=["get"])]},
        {"example.com": {"v1": [widgets], "v1beta1": [make_resource("widgets", "Widget")]}},
    )
    result = found(documents)
    assert result.groups == (ApiGroup("", ("v1",)), ApiGroup("example.com", ("v1", "v1beta1")))
    assert result.api_versions == ("v1", "example.com/v1", "example.com/v1beta1")
    assert names(result.resources) == ["nodes/v1", "widgets.example.com/v1", "widgets.example.com/v1beta1"]
    assert result.resources[0] == ApiResource(NODES, "node", verbs=("get",))
    assert result.resources[1].resource == WIDGETS
    assert result.resources[1].short_names == ("wd", "w")
    assert result.resources[1].categories == ("all",)
    assert result.resources[1].subresources == ("status", "scale")
    assert result.resources[1].supports("list", "watch")
    assert not result.resources[0].supports("get", "list")
    assert result.failures == {}
    assert [path for path, _ in documents.asked] == ["/api", "/apis"]
    for _, accept in documents.asked:
        v2, v2beta1, plain = accept.split(",")
        assert v2 == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        assert v2beta1 == v2.replace("v=v2", "v=v2beta1")
        assert plain == "application/json"


def test_what_is_there_for_its_subresources_alone_is_no_resource(documents: Documents, make_resource: Make) -> None:
    alone = make_resource("pods", "", responseKind=None, subresources=[{"subresource": "exec"}])
    documents.serve({"v1": [alone, make_resource("nodes", "Node")]}, {})
    assert names(found(documents).resources) == ["nodes/v1"]


def test_what_is_null_or_missing_is_nothing(documents: Documents) -> None:
    bare = {"resource": "nodes", "responseKind": {"kind": "Node"}, "verbs": None, "subresources": None}
    documents.answers["/api"] = {
        "kind": "APIGroupDiscoveryList",
        "items": [{"metadata": None, "versions": [{"version": "v1", "resources": [bare, {}]}]}],
    }
    documents.answers["/apis"] = {"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "a.b"}}, {}]}
    assert found(documents).resources == (ApiResource(NODES, "node"),)


# ---- servers of old


def test_group_by_group(documents: Documents) -> None:
    documents.answers |= {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "groups": [
                {
                    "name": "example.com",
                    "versions": [{"version": "v1beta1"}, {"version": "v1"}, {}],
                    "preferredVersion": {"version": "v1"},
                }
            ],
        },
        "/api/v1": {
            "kind": "APIResourceList",
            "resources": [
                {"name": "nodes", "kind": "Node", "namespaced": False, "singularName": "", "verbs": ["get"]},
                {"name": "nodes/status", "kind": "Node"},
                {"name": "nodes/proxy", "kind": "NodeProxyOptions"},
                {"name": "orphans/scale", "kind": "Scale"},
                {"name": "", "kind": "Odd"},
                {"name": "odd"},
            ],
        },
        "/apis/example.com/v1": {
            "kind": "APIResourceList",
            "resources": [{"name": "widgets", "kind": "Widget", "namespaced": True, "shortNames": ["wd"]}],
        },
        "/apis/example.com/v1beta1": {"kind": "APIResourceList", "resources": None},
    }
    result = found(documents)
    assert result.groups == (ApiGroup("", ("v1",)), ApiGroup("example.com", ("v1", "v1beta1")))
    assert result.resources == (
        ApiResource(NODES, "node", verbs=("get",), subresources=("status", "proxy")),
        ApiResource(WIDGETS, "widget", short_names=("wd",)),
    )
    assert {accept for path, accept in documents.asked if path.count("/") > 1} == {"application/json"}


def test_both_ways_say_the_same() -> None:
    served: list[Resource | ServedResource] = [
        PODS,
        NODES,
        OLD_WIDGETS,
        WIDGETS,
        ServedResource.of(NODES, status=False),
    ]
    results = []
    for version in ("v1.29.0", "v1.30.0"):
        with Server(served, version=version) as server, Transport(server.client()) as transport:
            results.append(discover(transport))
            assert ("/api/v1" in {each.path for each in server.requests}) is (version == "v1.29.0")
    assert results[0] == results[1]
    assert len(results[0].resources) == 4


# ---- what cannot be found out


def test_a_server_behind_that_is_down_is_told_and_spoils_nothing(documents: Documents, make_resource: Make) -> None:
    known = {"version": "v2", "freshness": "Stale", "resources": [make_resource("nodes", "NodeMetrics")]}
    documents.serve(
        {"v1": []}, {"metrics.k8s.io": {"v1": None}, "example.com": {"v1": [make_resource("widgets", "W")]}}
    )
    documents.answers["/apis"]["items"][0]["versions"].append(known)  # type: ignore[index]
    result = found(documents)
    assert names(result.resources) == ["nodes.metrics.k8s.io/v2", "widgets.example.com/v1"], "what was known is kept"
    assert list(result.failures) == ["metrics.k8s.io/v1", "metrics.k8s.io/v2"]
    assert isinstance(result.failures["metrics.k8s.io/v1"], DiscoveryError)
    assert "not reached the server of metrics.k8s.io/v1" in str(result.failures["metrics.k8s.io/v1"])
    assert result.groups[1] == ApiGroup("metrics.k8s.io", ("v1", "v2"))


def listed(documents: Documents, *groups: str) -> None:
    documents.answers |= {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "groups": [{"name": each, "versions": [{"version": "v1"}]} for each in groups],
        },
        "/api/v1": {"kind": "APIResourceList", "resources": [{"name": "nodes", "kind": "Node"}]},
    }


@pytest.mark.parametrize(
    "answer", [DOWN, FORBIDDEN, TransportError("no bytes for 32 s"), b"<html>", b"\xff", {"kind": "Table"}, {}]
)
def test_a_group_that_fails_is_told_and_spoils_nothing(documents: Documents, answer: object) -> None:
    listed(documents, "a.example.com", "b.example.com")
    documents.answers["/apis/a.example.com/v1"] = answer
    documents.answers["/apis/b.example.com/v1"] = {
        "kind": "APIResourceList",
        "resources": [{"name": "bs", "kind": "B"}],
    }
    result = found(documents)
    assert names(result.resources) == ["nodes/v1", "bs.b.example.com/v1"]
    assert list(result.failures) == ["a.example.com/v1"]
    error = result.failures["a.example.com/v1"]
    assert error is answer if isinstance(answer, Exception) else isinstance(error, DiscoveryError)


@pytest.mark.parametrize("root", ["/api", "/apis"])
@pytest.mark.parametrize("answer", [None, FORBIDDEN])
def test_a_root_that_is_not_there_or_not_ours_to_see(documents: Documents, root: str, answer: object) -> None:
    listed(documents, "a.example.com")
    documents.answers["/apis/a.example.com/v1"] = {
        "kind": "APIResourceList",
        "resources": [{"name": "as", "kind": "A"}],
    }
    documents.answers[root] = answer
    result = found(documents)
    assert names(result.resources) == (["as.a.example.com/v1"] if root == "/api" else ["nodes/v1"])
    assert list(result.failures) == [root]


def test_an_abort_is_no_failure_of_a_group(documents: Documents) -> None:
    listed(documents, "a.example.com")
    documents.answers["/apis/a.example.com/v1"] = AbortedError("aborted")
    with pytest.raises(AbortedError):
        found(documents)


def test_nothing_at_all_is_an_error(documents: Documents) -> None:
    documents.answers = {"/api": FORBIDDEN, "/apis": None}
    with pytest.raises(ForbiddenError):
        found(documents)
    listed(documents, "a.example.com")
    documents.answers["/api/v1"] = documents.answers["/apis/a.example.com/v1"] = DOWN
    with pytest.raises(ServiceUnavailableError):
        found(documents)
    listed(documents)
    documents.answers["/api/v1"] = {"kind": "APIResourceList"}
    assert found(documents).resources == (), "an empty answer is one"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"<html>Sign in</html>", r"the answer to GET /apis cannot be read: it is no discovery document: .*<html>Sign"),
        ({"kind": "Status"}, "it is no discovery document, but a Status"),
        ({}, "but a thing without a kind"),
    ],
)
def test_what_is_no_api_server_is_said(documents: Documents, answer: object, said: str) -> None:
    listed(documents)
    documents.answers["/apis"] = answer
    with pytest.raises(DiscoveryError, match=said):
        found(documents)


@pytest.mark.parametrize("error", [DOWN, TransportError("connection refused")])
def test_a_server_that_fails_is_an_error(documents: Documents, error: Exception) -> None:
    documents.answers = {"/api": error}
    with pytest.raises(type(error)) as caught:
        found(documents)
    assert caught.value is error
