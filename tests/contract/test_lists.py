"""Lists: resourceVersion and its match, pages and their tokens, selectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.conftest import Api


def fill(api: Api, count: int) -> list[str]:
    """So many leases; their resourceVersions."""
    return [
        api.post(api.leases, {"metadata": {"name": f"l{n}", "labels": {"even": str(n % 2 == 0)}}}).revision
        for n in range(count)
    ]


def test_a_list_and_its_resource_version(api: Api) -> None:
    revisions = fill(api, 3)
    listed = api.get(api.leases)
    assert (listed.json["kind"], listed.json["apiVersion"]) == ("LeaseList", "coordination.k8s.io/v1")
    assert listed.names == ["l0", "l1", "l2"]
    assert int(listed.revision) >= int(revisions[-1])
    assert all("kind" not in item for item in listed.json["items"])
    assert api.get(api.leases, resourceVersion=revisions[0], resourceVersionMatch="Exact").names == ["l0"]
    assert api.get(api.leases, resourceVersion=revisions[0], resourceVersionMatch="NotOlderThan").names == listed.names
    assert api.get(api.leases, resourceVersion=revisions[0]).names == listed.names
    assert api.get(api.leases, resourceVersion=revisions[1], limit=5).names == ["l0", "l1"]
    assert api.get(api.leases, resourceVersion="0").names == listed.names


def test_pages(api: Api) -> None:
    fill(api, 5)
    first = api.get(api.leases, limit=2)
    assert (first.names, first.metadata["remainingItemCount"]) == (["l0", "l1"], 3)
    api.delete(f"{api.leases}/l4")
    second = api.get(api.leases, limit=2, continue_=first.metadata["continue"])
    assert (second.names, second.metadata["remainingItemCount"]) == (["l2", "l3"], 1)
    third = api.get(api.leases, limit=2, continue_=second.metadata["continue"])
    assert third.names == ["l4"]
    assert not third.metadata.get("continue")
    assert first.revision == second.revision == third.revision
    selected = api.get(api.leases, limit=1, labelSelector="even=True")
    assert "remainingItemCount" not in selected.metadata


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ({"resourceVersionMatch": "Exact"}, [("FieldValueForbidden", "resourceVersionMatch")]),
        (
            {"resourceVersionMatch": "Exact", "resourceVersion": "0"},
            [("FieldValueForbidden", "resourceVersionMatch")],
        ),
        (
            {"resourceVersionMatch": "Newest", "resourceVersion": "1"},
            [("FieldValueNotSupported", "resourceVersionMatch")],
        ),
        ({"sendInitialEvents": "true"}, [("FieldValueForbidden", "sendInitialEvents")]),
    ],
)
def test_parameters_that_contradict_each_other(api: Api, query: dict[str, str], causes: list[tuple[str, str]]) -> None:
    assert api.get(api.leases, **query).refusal == (422, "Invalid", causes)


@pytest.mark.parametrize(
    "query",
    [
        {"continue": "nonsense"},
        {"labelSelector": "a in"},
        {"labelSelector": "=="},
        {"fieldSelector": "nothing"},
        {"fieldSelector": "spec.holderIdentity=me"},
        {"limit": "many"},
        {"resourceVersion": "abc"},
    ],
)
def test_parameters_that_do_not_parse(api: Api, query: dict[str, str]) -> None:
    assert api.get(api.leases, **query).refusal == (400, "BadRequest", [])


def test_a_resource_version_still_to_come(api: Api) -> None:
    far = str(int(api.get(api.leases).revision) + 1_000_000)
    answer = api.get(api.leases, resourceVersion=far, resourceVersionMatch="NotOlderThan")
    assert answer.refusal == (504, "Timeout", [("ResourceVersionTooLarge", "")])
    assert answer.json["details"]["retryAfterSeconds"] == 1


def test_selectors(api: Api) -> None:
    fill(api, 4)
    assert api.get(api.leases, labelSelector="even=True").names == ["l0", "l2"]
    assert api.get(api.leases, labelSelector="even!=True").names == ["l1", "l3"]
    assert api.get(api.leases, labelSelector="even in (True,False),!odd").names == ["l0", "l1", "l2", "l3"]
    assert api.get(api.leases, labelSelector="odd").names == []
    assert api.get(api.leases, fieldSelector="metadata.name=l1").names == ["l1"]
    assert api.get(api.leases, fieldSelector="metadata.name!=l1").names == ["l0", "l2", "l3"]
    assert api.get(
        "/apis/coordination.k8s.io/v1/leases", fieldSelector=f"metadata.namespace={api.namespace}"
    ).names == [
        "l0",
        "l1",
        "l2",
        "l3",
    ]
