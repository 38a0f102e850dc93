"""The forms that a client can ask for: metadata alone, and discovery in one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.conftest import Api

PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def partial(obj: Any) -> Any:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def test_metadata_alone(api: Api) -> None:
    made = api.post(api.maps, {"metadata": {"name": "a", "labels": {"b": "c"}}, "data": {"d": "e"}}).json
    assert api.call("GET", f"{api.maps}/a", accept=PARTIAL).json == partial(made)
    listed = api.call("GET", api.maps, accept=f"{PARTIAL_LIST},application/json", labelSelector="b=c")
    assert (listed.json["kind"], listed.json["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert listed.json["items"] == [partial(made)]
    first = api.call("GET", api.maps, accept=f"application/json,{PARTIAL_LIST}", labelSelector="b=c")
    assert first.json["items"][0]["data"] == {"d": "e"}, "the first wish that can be fulfilled"
    options = {"resourceVersion": listed.revision, "allowWatchBookmarks": "true"}
    watch = api.watch(api.maps, accept=f"{PARTIAL},application/json", **options)
    changed = api.patch(f"{api.maps}/a", {"data": {"d": "f"}}).json
    assert watch.event() == {"type": "MODIFIED", "object": partial(changed)}
    api.delete(f"{api.maps}/a")
    event = watch.event()
    assert (event["type"], event["object"]["kind"]) == ("DELETED", "PartialObjectMetadata")
    assert "data" not in event["object"]


def test_a_streaming_list_of_metadata(api: Api) -> None:
    made = api.post(api.leases, {"metadata": {"name": "a"}}).json
    options = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    watch = api.watch(api.leases, accept=f"{PARTIAL},application/json", **options)
    assert watch.event() == {"type": "ADDED", "object": partial(made)}
    bookmark = watch.event()
    assert (bookmark["type"], bookmark["object"]["kind"]) == ("BOOKMARK", "PartialObjectMetadata")
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_metadata_of_the_wrong_form(api: Api) -> None:
    api.post(api.maps, {"metadata": {"name": "a"}})
    for path, accept in ((api.maps, PARTIAL), (f"{api.maps}/a", PARTIAL_LIST)):
        assert api.call("GET", path, accept=f"{accept},application/json").refusal == (406, "NotAcceptable", [])


def test_discovery_in_one_document(api: Api) -> None:
    core = api.call("GET", "/api", accept=AGGREGATED).json
    assert (core["kind"], core["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
    ((group,), (version,)) = core["items"], core["items"][0]["versions"]
    assert not group["metadata"].get("name")
    assert (version["version"], version["freshness"]) == ("v1", "Current")
    pods = next(each for each in version["resources"] if each["resource"] == "pods")
    for name in ("shortNames", "categories"):  # which the box does not know
        pods.pop(name, None)
    subresources = {each["subresource"]: each for each in pods.pop("subresources")}
    kind = {"group": "", "version": "", "kind": "Pod"}
    assert pods == {
        "resource": "pods",
        "responseKind": kind,
        "scope": "Namespaced",
        "singularResource": "pod",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    }
    assert subresources["status"] == {
        "subresource": "status",
        "responseKind": kind,
        "verbs": ["get", "patch", "update"],
    }
    groups = {each["metadata"]["name"]: each for each in api.call("GET", "/apis", accept=AGGREGATED).json["items"]}
    assert [each["version"] for each in groups["apps"]["versions"]] == ["v1"]
    assert api.get("/apis").json["kind"] == "APIGroupList"
