"""Objects as API servers send them, through the generated models and back: nothing lost, nothing added."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.model import Model

OBJECTS = Path(__file__).parent / "objects"
SPEC = Path(__file__).parents[2] / "openapi" / "v1.30.json"
GVK = "x-kubernetes-group-version-kind"

GOLDEN = {
    "config_map_with_empty_maps": "core.v1.ConfigMap",
    "controller_revision": "apps.v1.ControllerRevision",
    "core_event": "core.v1.Event",
    "custom_resource_definition": "apiextensions.v1.CustomResourceDefinition",
    "deployment": "apps.v1.Deployment",
    "endpoint_slice": "discovery.v1.EndpointSlice",
    "events_event": "events.v1.Event",
    "horizontal_pod_autoscaler": "autoscaling.v2.HorizontalPodAutoscaler",
    "lease_with_zero_fraction": "coordination.v1.Lease",
    "network_policy": "networking.v1.NetworkPolicy",
    "node": "core.v1.Node",
    "pod": "core.v1.Pod",
    "pod_disruption_budget": "policy.v1.PodDisruptionBudget",
    "pod_with_integer_quantities": "core.v1.Pod",
    "pod_with_unknown_fields": "core.v1.Pod",
    "secret_with_binary_data": "core.v1.Secret",
    "service": "core.v1.Service",
    "stateful_set": "apps.v1.StatefulSet",
    "webhook_configuration": "admissionregistration.v1.ValidatingWebhookConfiguration",
}


def model(path: str) -> type[Model]:
    module, _, name = path.rpartition(".")
    return cast("type[Model]", getattr(importlib.import_module(f"kinform_k8s.models.{module}"), name))


def test_every_golden_object_is_tried() -> None:
    assert {path.stem for path in OBJECTS.glob("*.json")} == GOLDEN.keys()


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_objects(name: str) -> None:
    data = (OBJECTS / f"{name}.json").read_bytes()
    read = model(GOLDEN[name]).from_wire(data)
    written = read.to_wire()
    assert json.loads(written) == json.loads(data)
    assert list(json.loads(written))[:2] == ["apiVersion", "kind"]
    assert model(GOLDEN[name]).from_wire(written) == read


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],
    ids=["deepcopy", "pickle"],
)
def test_copies_of_golden_objects(name: str, duplicate: Callable[[Model], Model]) -> None:
    read = model(GOLDEN[name]).from_wire((OBJECTS / f"{name}.json").read_bytes())
    same = duplicate(read)
    assert same == read
    assert same.to_wire() == read.to_wire()


@pytest.mark.parametrize(
    ("path", "sent", "written"),
    [
        ("core.v1.Pod", {"spec": {"containers": None}}, {"spec": {"containers": []}}),
        ("core.v1.Pod", {"metadata": None, "spec": None}, {"metadata": {}, "spec": {}}),
        ("core.v1.Pod", {"spec": {"nodeName": None, "priority": None}}, {"spec": {"nodeName": "", "priority": None}}),
        ("core.v1.ConfigMap", {"data": None}, {"data": {}}),
        (
            "discovery.v1.EndpointSlice",
            {"endpoints": None, "addressType": "IPv4"},
            {"endpoints": [], "addressType": "IPv4"},
        ),
        ("discovery.v1.EndpointSlice", {"endpoints": [{"addresses": None}]}, {"endpoints": [{"addresses": []}]}),
        (
            "autoscaling.v2.HorizontalPodAutoscaler",
            {"status": {"currentMetrics": None}},
            {"status": {"currentMetrics": []}},
        ),
        ("apps.v1.ControllerRevision", {"data": None}, {"data": {}}),
        ("networking.v1.NetworkPolicy", {"spec": {"podSelector": None}}, {"spec": {"podSelector": {}}}),
    ],
)
def test_null_reads_as_empty_and_is_written_as_empty(path: str, sent: dict[str, Any], written: dict[str, Any]) -> None:
    result = json.loads(model(path).from_wire(json.dumps(sent).encode()).to_wire())
    del result["apiVersion"], result["kind"]
    assert result == written


class Composer:
    """Makes objects of a schema, every field filled, values that the API's validation would not always like."""

    def __init__(self, schemas: dict[str, Any], rng: random.Random) -> None:
        self._schemas = schemas
        self._rng = rng

    def make(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if "allOf" in schema:
            schema = schema["allOf"][0]
        if "$ref" in schema:
            return self._named(schema["$ref"].rpartition("/")[2], depth)
        match schema.get("type"):
            case "array":
                return [self.make(schema["items"], depth + 1) for _ in range(self._rng.choice([0, 1, 2]))]
            case "object" if isinstance(schema.get("additionalProperties"), dict):
                return {
                    key: self.make(schema["additionalProperties"], depth + 1) for key in self._rng.choice([[], ["a"]])
                }
            case "object":
                return self._fields(schema, depth)
            case "string":
                return self._rng.choice(["", "text", "é", "$x"])
            case "integer":
                return self._rng.choice([0, 1, -1, 2**31, 2**53 + 1])
            case "boolean":
                return self._rng.choice([True, False])
            case "number":
                return self._rng.choice([0, 1.5, 100])
        return self._rng.choice([{"any": [1, None]}, {}])

    def _named(self, name: str, depth: int) -> Any:
        match name.rpartition(".")[2]:
            case "Time":
                return self._rng.choice(["2026-11-22T10:00:00Z", "2026-11-22T10:00:00+01:00", None])
            case "MicroTime":
                return "2026-11-22T10:00:00.000000Z"
            case "Quantity":
                return self._rng.choice(["500m", "0", 2, 0])
            case "IntOrString":
                return self._rng.choice([0, 80, "http", ""])
            case "RawExtension" | "FieldsV1" | "JSON":
                return self._rng.choice([{"f:x": {".": {}}}, {}])
        return self.make(self._schemas[name], depth + 1)

    def _fields(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        names = schema.get("properties", {})
        if depth > 6:
            names = {name: each for name, each in names.items() if each.get("type") not in {None, "array", "object"}}
        made = {name: self.make(each, depth) for name, each in names.items() if self._rng.random() < 0.8}
        if self._rng.random() < 0.2:
            made["x-unknown"] = {"deep": [{"er": None}]}
        return made


def kinds() -> dict[str, dict[str, Any]]:
    schemas = json.loads(SPEC.read_bytes())["components"]["schemas"]
    return {
        f"{each['group']}/{each['version']}/{each['kind']}": {"name": name, "gvk": each, "schemas": schemas}
        for name, schema in schemas.items()
        if len(schema.get(GVK, [])) == 1 and not name.endswith("List") and ".meta." not in name
        for each in schema[GVK]
    }


def test_every_kind_of_the_api_with_every_field_filled() -> None:
    rng = random.Random(130)
    tried = 0
    for label, kind in kinds().items():
        name, gvk = kind["name"], kind["gvk"]
        folder = {"": "core"}.get(gvk["group"], gvk["group"].partition(".")[0])
        cls = model(f"{folder}.{gvk['version']}.{gvk['kind']}")
        composer = Composer(kind["schemas"], rng)
        for _ in range(2):
            body = composer.make(kind["schemas"][name])
            body["apiVersion"] = f"{gvk['group']}/{gvk['version']}".lstrip("/")
            body["kind"] = gvk["kind"]
            assert json.loads(cls.from_wire(json.dumps(body).encode()).to_wire()) == body, label
        empty = {"apiVersion": body["apiVersion"], "kind": body["kind"]}
        assert json.loads(cls().to_wire()) == empty, label
        assert json.loads(cls.from_wire(b"{}").to_wire()) == empty, label
        tried += 1
    assert tried >= 75
