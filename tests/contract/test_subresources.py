"""Status and scale of built-in kinds, and strategic merge patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.conftest import STRATEGIC
from tests.contract.test_objects import deployment, named

if TYPE_CHECKING:
    from tests.contract.conftest import Api


def pod(name: str) -> dict[str, Any]:
    main = {"name": "main", "image": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}
    return {**named(name, labels={"app": "a"}), "spec": {"containers": [main, {"name": "side", "image": "b"}]}}


def brief(containers: Any) -> list[tuple[str, str]]:
    return [(each["name"], each["image"]) for each in containers]


def test_the_scale_of_a_deployment(api: Api) -> None:
    api.post(api.deployments, deployment("a", replicas=2))
    scale = api.get(f"{api.deployments}/a/scale")
    assert (scale.json["kind"], scale.json["spec"]) == ("Scale", {"replicas": 2})
    assert scale.json["status"] == {"replicas": 0, "selector": "app=a"}
    changed = api.put(f"{api.deployments}/a/scale", {**scale.json, "spec": {"replicas": 3}})
    assert changed.json["spec"] == {"replicas": 3}
    found = api.get(f"{api.deployments}/a")
    assert (found.json["spec"]["replicas"], found.metadata["generation"]) == (3, 2)
    assert api.put(f"{api.deployments}/a/scale", {**scale.json, "spec": {"replicas": 4}}).refusal[:2] == (
        409,
        "Conflict",
    )


def test_the_status_of_a_deployment(api: Api) -> None:
    made = api.post(api.deployments, deployment("a", replicas=2)).json
    made["status"] = {"replicas": 2, "observedGeneration": 1}
    made["spec"]["replicas"] = 9
    put = api.put(f"{api.deployments}/a/status", made)
    assert (put.json["status"], put.json["spec"]["replicas"]) == (made["status"], 2)
    condition = {"type": "Available", "status": "True", "reason": "x", "message": "y"}
    patched = api.patch(f"{api.deployments}/a/status", {"status": {"conditions": [condition]}}, STRATEGIC)
    other = {"type": "Progressing", "status": "True", "reason": "x", "message": "y"}
    patched = api.patch(f"{api.deployments}/a/status", {"status": {"conditions": [other]}}, STRATEGIC)
    assert sorted(each["type"] for each in patched.json["status"]["conditions"]) == ["Available", "Progressing"]


def test_items_are_merged_by_their_key(api: Api) -> None:
    api.post(api.deployments, template(pod("a")))
    path = f"{api.deployments}/a"
    changed = patch(api, path, {"containers": [{"name": "side", "image": "c"}, {"name": "new", "image": "d"}]})
    assert sorted(brief(changed)) == [("main", "a"), ("new", "d"), ("side", "c")]
    env = patch(api, path, {"containers": [{"name": "main", "env": [{"name": "Y", "$patch": "delete"}]}]})
    assert [c.get("env") for c in env if c["name"] == "main"] == [[{"name": "X", "value": "1"}]]
    gone = patch(api, path, {"containers": [{"name": "side", "$patch": "delete"}]})
    assert sorted(brief(gone)) == [("main", "a"), ("new", "d")]
    order = {"$setElementOrder/containers": [{"name": "new"}, {"name": "main"}], "containers": []}
    assert brief(patch(api, path, order)) == [("new", "d"), ("main", "a")]
    replaced = patch(api, path, {"containers": [{"$patch": "replace"}, {"name": "only", "image": "z"}]})
    assert brief(replaced) == [("only", "z")]


def template(pod: dict[str, Any]) -> dict[str, Any]:
    made = deployment("a")
    made["spec"]["template"]["spec"] = pod["spec"]
    return made


def patch(api: Api, path: str, spec: dict[str, Any]) -> Any:
    answer = api.patch(path, {"spec": {"template": {"spec": spec}}}, STRATEGIC)
    assert answer.code == 200, answer
    return answer.json["spec"]["template"]["spec"]["containers"]


def test_sets_and_maps_and_atomic_lists(api: Api) -> None:
    api.post(api.deployments, deployment("a"))
    path = f"{api.deployments}/a"
    api.patch(path, {"metadata": {"finalizers": ["example.com/a"], "labels": {"x": "1", "y": "2"}}}, STRATEGIC)
    more = api.patch(path, {"metadata": {"finalizers": ["example.com/b"], "labels": {"x": None}}}, STRATEGIC)
    assert more.metadata["finalizers"] == ["example.com/b", "example.com/a"]
    assert more.metadata["labels"] == {"y": "2"}
    less = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}
    assert api.patch(path, less, STRATEGIC).metadata["finalizers"] == ["example.com/b"]
    api.patch(path, {"metadata": {"finalizers": None}}, STRATEGIC)
    strategy: dict[str, Any] = {"type": "Recreate", "$retainKeys": ["type"]}
    assert api.patch(path, {"spec": {"strategy": strategy}}, STRATEGIC).json["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    ("patched", "order", "expected"),
    [
        ("x", None, "xabcd"),
        ("cx", None, "abcxd"),
        ("xc", None, "xabcd"),
        ("ca", None, "bcad"),
        ("xy", None, "xyabcd"),
        ("dbx", None, "acdbx"),
        ("x", "dxa", "bcdxa"),
        ("", "dcba", "dcba"),
        ("", "ca", "bcad"),
    ],
)
def test_where_the_items_of_a_strategic_patch_come_to_stand(
    api: Api, patched: str, order: str | None, expected: str
) -> None:
    made = deployment("a")
    made["spec"]["template"]["spec"]["containers"] = [{"name": name, "image": "i"} for name in "abcd"]
    api.post(api.deployments, made)
    spec: dict[str, Any] = {"containers": [{"name": name, "image": "j"} for name in patched]}
    if order is not None:
        spec["$setElementOrder/containers"] = [{"name": name} for name in order]
    containers = patch(api, f"{api.deployments}/a", spec)
    assert "".join(each["name"] for each in containers) == expected


def test_strategic_patches_that_make_no_sense(api: Api) -> None:
    api.post(api.deployments, deployment("a"))
    keyless = {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}
    strange = {"spec": {"template": {"spec": {"$patch": "nope"}}}}
    for patch in (keyless, strange):
        assert api.patch(f"{api.deployments}/a", patch, STRATEGIC).refusal == (500, "", [])


def test_a_merge_patch_replaces_lists(api: Api) -> None:
    api.post(api.deployments, template(pod("a")))
    spec = {"template": {"spec": {"containers": [{"name": "only", "image": "z"}]}}}
    assert brief(api.patch(f"{api.deployments}/a", {"spec": spec}).json["spec"]["template"]["spec"]["containers"]) == [
        ("only", "z")
    ]
