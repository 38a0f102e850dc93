"""Custom resources as tables: the columns of their definition, in lists, of one object and in watches."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.contract.test_definitions import DEFINITIONS, definition

if TYPE_CHECKING:
    from tests.contract.conftest import Api

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

COLUMNS: list[dict[str, Any]] = [
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "How large", "priority": 1},
    {"name": "Color", "type": "string", "jsonPath": ".spec['color']"},
    {"name": "First", "type": "string", "jsonPath": ".spec.parts[0].id"},
    {"name": "Last", "type": "string", "jsonPath": ".spec.parts[-1].id"},
    {"name": "Each", "type": "string", "jsonPath": ".spec.parts[*].id"},
    {"name": "Chosen", "type": "integer", "jsonPath": '.spec.parts[?(@.id=="b")].n'},
    {"name": "Absent", "type": "string", "jsonPath": ".spec.any.deep.value"},
    {"name": "Label", "type": "string", "jsonPath": r".metadata.labels.example\.com/tier"},
    {"name": "When", "type": "date", "jsonPath": ".spec.when"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def columns_of(table: Any) -> list[tuple[str, str, int]]:
    return [(each["name"], each["type"], each["priority"]) for each in table["columnDefinitions"]]


def made(api: Api, group: str, name: str, spec: dict[str, Any]) -> None:
    metadata = {"name": name, "labels": {"example.com/tier": "edge"}}
    body = {"apiVersion": f"{group}/v1", "kind": "Gadget", "metadata": metadata, "spec": spec}
    assert api.post(f"/apis/{group}/v1/namespaces/{api.namespace}/gadgets", body).code == 201


def test_the_columns_of_a_definition(api: Api) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    path = f"/apis/{group}/v1/namespaces/{api.namespace}/gadgets"
    assert api.post(DEFINITIONS, definition(group, additionalPrinterColumns=COLUMNS)).code == 201
    api.eventually(path, 200)
    try:
        made(
            api, group, "full", {"size": 3, "parts": [{"id": "a"}, {"id": "b", "n": 7}], "when": "2020-01-01T00:00:00Z"}
        )
        made(api, group, "bare", {"size": 1, "parts": []})
        table = api.call("GET", path, accept=TABLE).json
        assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
        assert columns_of(table) == [
            ("Name", "string", 0),
            ("Size", "integer", 1),
            *((name, "string", 0) for name in ("Color", "First", "Last", "Each")),
            ("Chosen", "integer", 0),
            *((name, "string", 0) for name in ("Absent", "Label")),
            *((name, "date", 0) for name in ("When", "Age")),
        ]
        bare, full = table["rows"]
        assert full["cells"][:9] == ["full", 3, "red", "a", "b", "a", 7, None, "edge"]
        assert bare["cells"][:9] == ["bare", 1, "red", None, None, None, None, None, "edge"]
        assert full["cells"][9].endswith(("d", "y"))
        assert bare["cells"][9] is None
        assert full["cells"][10].endswith("s")
        assert full["object"]["kind"] == "PartialObjectMetadata"
        assert full["object"]["metadata"]["name"] == "full"
        one = api.call("GET", f"{path}/full", accept=TABLE).json
        assert [row["cells"][0] for row in one["rows"]] == ["full"]
        watch = api.watch(path, accept=TABLE, resourceVersion=table["metadata"]["resourceVersion"])
        api.delete(f"{path}/bare")
        event = watch.event()
        assert (event["type"], event["object"]["kind"]) == ("DELETED", "Table")
        assert event["object"]["rows"][0]["cells"][0] == "bare"
    finally:
        api.delete(f"{DEFINITIONS}/gadgets.{group}")


def test_without_columns_it_is_name_and_age(api: Api) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.com"
    path = f"/apis/{group}/v1/namespaces/{api.namespace}/gadgets"
    assert api.post(DEFINITIONS, definition(group)).code == 201
    api.eventually(path, 200)
    try:
        made(api, group, "a", {"size": 1})
        table = api.call("GET", path, accept=TABLE).json
        assert columns_of(table) == [("Name", "string", 0), ("Age", "date", 0)]
    finally:
        api.delete(f"{DEFINITIONS}/gadgets.{group}")
