"""What paths lead to: discovery, health, resources, and nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kinform.testing.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.testing.server.conftest import Api

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def test_groups_and_versions(api: Api) -> None:
    answer = api.get("/api").json
    assert (answer["kind"], answer["versions"]) == ("APIVersions", ["v1"])
    assert answer["serverAddressByClientCIDRs"][0]["serverAddress"] in api.server.url
    groups = api.get("/apis").json
    assert groups["kind"] == "APIGroupList"
    assert [group["name"] for group in groups["groups"]] == [
        "apps",
        "coordination.k8s.io",
        "example.com",
        "rbac.authorization.k8s.io",
    ]
    versions = [{"groupVersion": f"example.com/{version}", "version": version} for version in ("v1", "v1beta1")]
    assert groups["groups"][2] == {"name": "example.com", "versions": versions, "preferredVersion": versions[0]}
    assert api.get("/apis/example.com").json == {"kind": "APIGroup", "apiVersion": "v1", **groups["groups"][2]}


def test_resources_of_a_version(api: Api) -> None:
    answer = api.get("/apis/apps/v1").json
    assert (answer["kind"], answer["groupVersion"]) == ("APIResourceList", "apps/v1")
    common = {"namespaced": True, "kind": "Deployment"}
    assert answer["resources"] == [
        {"name": "deployments", "singularName": "deployment", **common, "verbs": VERBS, **NAMES},
        {"name": "deployments/status", "singularName": "", **common, "verbs": LESS},
        {"name": "deployments/scale", "singularName": "", **common, **SCALE, "verbs": LESS},
    ]
    core = {resource["name"]: resource for resource in api.get("/api/v1").json["resources"]}
    assert core["nodes"]["namespaced"] is False
    assert "configmaps/status" not in core


NAMES = {"shortNames": ["deploy"], "categories": ["all"]}
LESS = ["get", "patch", "update"]
SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def test_aggregated_discovery(api: Api) -> None:
    answer = api.call("GET", "/apis", accept=f"{AGGREGATED},application/json")
    assert answer.headers["content-type"] == AGGREGATED
    assert (answer.json["kind"], answer.json["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
    groups = {item["metadata"]["name"]: item["versions"] for item in answer.json["items"]}
    assert list(groups) == ["apps", "coordination.k8s.io", "example.com", "rbac.authorization.k8s.io"]
    assert [each["version"] for each in groups["example.com"]] == ["v1", "v1beta1"]
    kind = {"group": "", "version": "", "kind": "Deployment"}
    assert groups["apps"] == [
        {
            "version": "v1",
            "freshness": "Current",
            "resources": [
                {
                    "resource": "deployments",
                    "responseKind": kind,
                    "scope": "Namespaced",
                    "singularResource": "deployment",
                    "verbs": VERBS,
                    "subresources": [
                        {"subresource": "status", "responseKind": kind, "verbs": LESS},
                        {"subresource": "scale", "responseKind": SCALE, "verbs": LESS},
                    ],
                    **NAMES,
                }
            ],
        }
    ]
    core = api.call("GET", "/api", accept=AGGREGATED).json["items"]
    assert [item["metadata"] for item in core] == [{}]
    scopes = {each["resource"]: each["scope"] for each in core[0]["versions"][0]["resources"]}
    assert (scopes["nodes"], scopes["pods"]) == ("Cluster", "Namespaced")


def test_no_aggregated_discovery_of_old(serve: Callable[..., Api]) -> None:
    answer = serve(version="v1.29.3").call("GET", "/apis", accept=f"{AGGREGATED},application/json")
    assert answer.json["kind"] == "APIGroupList"


def test_version(serve: Callable[..., Api]) -> None:
    version = serve(version="v1.30.14").get("/version").json
    assert (version["major"], version["minor"], version["gitVersion"]) == ("1", "30", "v1.30.14")
    with pytest.raises(ValueError, match="is not a version"):
        Server(version="new")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health(api: Api, path: str) -> None:
    answer = api.get(path)
    assert (answer.code, answer.body) == (200, b"ok")


def test_openapi_without_a_document_knows_paths_alone(api: Api) -> None:
    paths = api.get("/openapi/v3").json["paths"]
    assert paths["apis/apps/v1"]["serverRelativeURL"].startswith("/openapi/v3/apis/apps/v1?hash=")
    for each in paths.values():
        document = api.get(each["serverRelativeURL"]).json
        assert document["openapi"] == "3.0.0"
        assert document["paths"]
    deployments = api.get("/openapi/v3/apis/apps/v1").json
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale" in deployments["paths"]
    schema = deployments["components"]["schemas"]["apps.v1.Deployment"]
    assert schema["x-kubernetes-preserve-unknown-fields"] is True
    swagger = api.get("/openapi/v2").json
    assert swagger["swagger"] == "2.0"
    assert swagger["definitions"]["apps.v1.DeploymentList"]["properties"]["items"]["items"] == {
        "$ref": "#/definitions/apps.v1.Deployment"
    }


@pytest.mark.parametrize("path", ["/", "/foo", "/apis/none.example.com", "/apis/none.example.com/v1/x", "/openapi/v4"])
def test_paths_that_lead_nowhere(api: Api, path: str) -> None:
    answer = api.get(path)
    assert (answer.code, answer.body) == (404, b"404 page not found\n")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/foos",
        "/apis/apps/v9",
        "/api/v1/namespaces/shop/foos",
        "/api/v1/namespaces/shop/nodes",
        "/api/v1/namespaces/shop/pods/a/exec",
        "/api/v1/namespaces/shop/pods/a/status/more",
        "/api/v1/namespaces/shop//",
        "/api/v1/pods/a",
        "/api/v1/nodes/a/b/c",
    ],
)
def test_resources_that_are_not_served(api: Api, path: str) -> None:
    answer = api.get(path)
    assert answer.code == 404
    assert answer.json["message"] == "the server could not find the requested resource"
    assert answer.json["details"] == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/pods"),
        ("DELETE", "/api/v1/pods"),
        ("PUT", "/api/v1/namespaces/shop/pods"),
        ("POST", "/api/v1/namespaces/shop/pods/a"),
        ("DELETE", "/api/v1/namespaces/shop/pods/a/status"),
        ("OPTIONS", "/api/v1/pods"),
        ("POST", "/version"),
    ],
)
def test_methods_that_are_not_allowed(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path, {})
    assert (answer.code, answer.json["reason"]) == (405, "MethodNotAllowed")


def test_namespaces_are_objects_too(api: Api) -> None:
    created = api.post("/api/v1/namespaces", {"metadata": {"name": "shop"}}).json
    assert api.get("/api/v1/namespaces/shop").json == created
    assert api.get("/api/v1/namespaces/shop/status").json == created
    assert api.delete("/api/v1/namespaces/shop").json["kind"] == "Namespace"
