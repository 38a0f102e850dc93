"""Evictions of pods, with and without disruption budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.conftest import Answer
from tests.contract.test_subresources import pod

if TYPE_CHECKING:
    from tests.contract.conftest import Api


def make(api: Api, name: str, phase: str = "Running", ready: str = "True") -> Answer:
    """A pod in that phase; nobody runs it."""
    account = f"{api.core}/serviceaccounts"
    if not api.is_box:
        api.post(account, {"metadata": {"name": "default"}})  # which a controller would make
    made = api.post(api.pods, pod(name))
    assert made.code == 201, made
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]}
    return api.patch(f"{api.pods}/{name}/status", {"status": status})


def evict(api: Api, name: str, *, named: str = "", **options: Any) -> Answer:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": named or name}}
    return api.post(f"{api.pods}/{name}/eviction", {**eviction, **({"deleteOptions": options} if options else {})})


def budget(api: Api, name: str = "b", *, observed: int = 1, policy: str = "", **status: Any) -> None:
    path = f"/apis/policy/v1/namespaces/{api.namespace}/poddisruptionbudgets"
    spec: dict[str, Any] = {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}
    if policy:
        spec["unhealthyPodEvictionPolicy"] = policy
    api.post(path, {"metadata": {"name": name}, "spec": spec})
    counts = {"expectedPods": 2, "currentHealthy": 2, "desiredHealthy": 1, "disruptionsAllowed": 0, **status}
    done = api.patch(f"{path}/{name}/status", {"status": {"observedGeneration": observed, **counts}})
    assert done.code == 200, done


def gone(api: Api, name: str) -> bool:
    answer = api.get(f"{api.pods}/{name}")
    return answer.code == 404 or "deletionTimestamp" in answer.metadata


def test_a_pod_without_a_budget_goes(api: Api) -> None:
    make(api, "a")
    answer = evict(api, "a", gracePeriodSeconds=0)
    assert answer.code == 201
    assert answer.json == {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    assert gone(api, "a")


@pytest.mark.parametrize(
    ("healthy", "why"),
    [
        (1, "needs 1 healthy pods and has 1 currently"),
        (0, "needs 1 healthy pods and has 0 currently"),
        (2, "does not allow evicting pods currently"),
    ],
)
def test_a_budget_that_allows_none(api: Api, healthy: int, why: str) -> None:
    make(api, "a")
    budget(api, currentHealthy=healthy)
    refused = evict(api, "a")
    assert refused.refusal == (429, "TooManyRequests", [("DisruptionBudget", "")])
    assert refused.json["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    (cause,) = refused.json["details"]["causes"]
    assert cause["message"] == f"The disruption budget b {why}"
    assert not gone(api, "a")


def test_a_budget_that_allows_one(api: Api) -> None:
    for name in ("a", "b"):
        make(api, name)
    budget(api, disruptionsAllowed=1)
    assert evict(api, "a", gracePeriodSeconds=0).code == 201
    assert evict(api, "b").code == 429
    found = api.get(f"/apis/policy/v1/namespaces/{api.namespace}/poddisruptionbudgets/b").json["status"]
    assert (found["disruptionsAllowed"], list(found["disruptedPods"])) == (0, ["a"])


def test_a_budget_that_nobody_has_looked_at(api: Api) -> None:
    make(api, "a")
    budget(api, observed=0, disruptionsAllowed=1)
    refused = evict(api, "a")
    assert refused.code == 429
    assert refused.json["details"]["retryAfterSeconds"] == 10
    assert (
        refused.json["details"]["causes"][0]["message"]
        == "The disruption budget b is still being processed by the server."
    )


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_a_pod_that_disrupts_nothing_goes_all_the_same(api: Api, phase: str) -> None:
    make(api, "a", phase)
    budget(api)
    assert evict(api, "a", gracePeriodSeconds=0).code == 201
    assert gone(api, "a")


@pytest.mark.parametrize(("policy", "healthy", "code"), [("", 1, 201), ("", 0, 429), ("AlwaysAllow", 0, 201)])
def test_a_pod_that_is_not_ready_counts_for_nothing(api: Api, policy: str, healthy: int, code: int) -> None:
    make(api, "a", ready="False")
    budget(api, policy=policy, currentHealthy=healthy)
    assert evict(api, "a", gracePeriodSeconds=0).code == code


def test_several_budgets(api: Api) -> None:
    make(api, "a")
    for name in ("b", "c"):
        budget(api, name, disruptionsAllowed=1)
    refused = evict(api, "a")
    assert (refused.code, "more than one PodDisruptionBudget" in refused.json["message"]) == (500, True)


def test_evictions_of_nothing(api: Api) -> None:
    make(api, "a")
    assert evict(api, "x").refusal == (404, "NotFound", [])
    assert evict(api, "a", named="b").refusal == (400, "BadRequest", [])
    assert api.get(f"{api.pods}/a/eviction").code == 405
    assert evict(api, "a", preconditions={"uid": "other"}).refusal == (409, "Conflict", [])


def test_a_dry_run(api: Api) -> None:
    make(api, "a")
    budget(api, disruptionsAllowed=1)
    assert evict(api, "a", dryRun=["All"]).code == 201
    assert not gone(api, "a")
    found = api.get(f"/apis/policy/v1/namespaces/{api.namespace}/poddisruptionbudgets/b").json["status"]
    assert found["disruptionsAllowed"] == 1


def test_discovery_knows_of_it(api: Api) -> None:
    listed = {each["name"]: each for each in api.get("/api/v1").json["resources"]}
    assert listed["pods/eviction"] == {
        "name": "pods/eviction",
        "singularName": "",
        "namespaced": True,
        "group": "policy",
        "version": "v1",
        "kind": "Eviction",
        "verbs": ["create"],
    }
