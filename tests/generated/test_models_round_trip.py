"""Objects as API servers send them, through the generated models and back: nothing lost, nothing added."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.model import Model

OBJECTS = Path(__file__).parent / "objects"

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


def test_every_kind_of_the_api_with_every_field_filled(composed: dict[str, list[dict[str, Any]]]) -> None:
    for path, bodies in composed.items():
        cls = model(path)
        for body in bodies:
            assert json.loads(cls.from_wire(json.dumps(body).encode()).to_wire()) == body, path
        empty = {"apiVersion": bodies[0]["apiVersion"], "kind": bodies[0]["kind"]}
        assert json.loads(cls().to_wire()) == empty, path
        assert json.loads(cls.from_wire(b"{}").to_wire()) == empty, path
    assert len(composed) >= 75
