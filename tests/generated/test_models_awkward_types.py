"""The types that generators of Kubernetes models get wrong, each by name, right."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from typing import Any

import pydantic
import pytest

from kinform.meta import ObjectKey, controller_of, object_key, owner_key
from kinform_k8s.models.apiextensions.v1 import CustomResourceValidation, JSONSchemaProps
from kinform_k8s.models.apps.v1 import ControllerRevision, Deployment, DeploymentSpec, StatefulSet
from kinform_k8s.models.coordination.v1 import Lease, LeaseSpec
from kinform_k8s.models.core.v1 import (
    ConfigMap,
    Container,
    EmptyDirVolumeSource,
    Event,
    Node,
    Pod,
    PodSpec,
    PodStatus,
    ResourceRequirements,
    Secret,
    Service,
    ServicePort,
)
from kinform_k8s.models.events.v1 import Event as EventsEvent
from kinform_k8s.models.meta.v1 import (
    DeleteOptions,
    LabelSelector,
    ListMeta,
    ManagedFieldsEntry,
    ObjectMeta,
    OwnerReference,
)
from kinform_k8s.models.networking.v1 import IPBlock, NetworkPolicyIngressRule, NetworkPolicyPeer
from kinform_k8s.models.policy.v1 import PodDisruptionBudgetSpec


def written(model: Any) -> Any:
    return json.loads(model.to_wire())


def read(cls: Any, **fields: object) -> Any:
    return cls.from_wire(json.dumps(fields).encode())


def test_5_1_quantity_is_a_bare_str_also_in_maps() -> None:
    resources = read(ResourceRequirements, limits={"cpu": 2, "memory": "1Gi"})
    assert resources.limits == {"cpu": "2", "memory": "1Gi"}
    assert all(isinstance(value, str) for value in resources.limits.values())
    assert written(resources) == {"limits": {"cpu": 2, "memory": "1Gi"}}
    assert read(EmptyDirVolumeSource, sizeLimit=64).size_limit == "64"
    assert EmptyDirVolumeSource().size_limit is None


def test_5_1_int_or_string() -> None:
    port = read(ServicePort, targetPort="http", port=80)
    assert port.target_port == "http"
    port.target_port = 8080
    assert written(port) == {"targetPort": 8080, "port": 80}
    assert ServicePort().target_port == 0
    assert read(ServicePort, targetPort=80.0).target_port == 80
    assert PodDisruptionBudgetSpec().max_unavailable is None


def test_5_1_time_goes_back_with_its_z() -> None:
    meta = read(ObjectMeta, creationTimestamp="2026-11-22T10:00:00Z", deletionTimestamp=None)
    assert meta.creation_timestamp == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert written(meta) == {"creationTimestamp": "2026-11-22T10:00:00Z", "deletionTimestamp": None}


def test_5_1_micro_time_keeps_a_zero_fraction() -> None:
    lease = read(Lease, spec={"renewTime": "2026-11-22T10:00:00.000000Z"})
    assert written(lease)["spec"] == {"renewTime": "2026-11-22T10:00:00.000000Z"}
    lease.spec.renew_time = datetime(2026, 11, 22, 10, 0, 15, tzinfo=UTC)
    lease.spec.acquire_time = lease.metadata.creation_timestamp
    assert written(lease)["spec"] == {"renewTime": "2026-11-22T10:00:15.000000Z", "acquireTime": None}
    event = EventsEvent(event_time=datetime(2026, 11, 22, tzinfo=UTC))
    assert written(event)["eventTime"] == "2026-11-22T00:00:00.000000Z"
    assert written(Event(event_time=datetime(2026, 11, 22, tzinfo=UTC)))["eventTime"] == "2026-11-22T00:00:00.000000Z"


def test_5_1_raw_extension_is_kept() -> None:
    data: dict[str, Any] = {"spec": {"a": [None, {}], "b": {}}}
    revision = read(ControllerRevision, data=data, revision=1)
    assert revision.data == data
    assert written(revision)["data"] == data
    assert ControllerRevision().data == {}


def test_5_1_fields_v1_is_kept_with_its_empty_dicts() -> None:
    fields: dict[str, Any] = {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}}
    assert written(read(ManagedFieldsEntry, fieldsV1=fields)) == {"fieldsV1": fields}


def test_5_1_json_is_any_json() -> None:
    for value in ({"a": 1}, [1, None], "text", 1, 1.5, True, None):
        schema = read(JSONSchemaProps, default=value, enum=[value])
        assert schema.default == value
        assert schema.enum == [value]
        assert written(schema) == {"default": value, "enum": [value]}


def test_5_1_json_schema_props_recursion_is_typed() -> None:
    body: dict[str, Any] = {
        "properties": {"a": {"items": {"type": "string"}, "additionalProperties": {"items": [{"type": "integer"}]}}},
        "additionalProperties": False,
        "allOf": [{"not": {"type": "null"}}],
        "dependencies": {"x": ["y"], "z": {"required": ["w"]}},
    }
    schema = JSONSchemaProps.from_wire(json.dumps(body).encode())
    inner = schema.properties["a"]
    assert isinstance(inner.items, JSONSchemaProps)
    assert inner.items.type == "string"
    assert isinstance(inner.additional_properties, JSONSchemaProps)
    assert isinstance(inner.additional_properties.items, list)
    assert inner.additional_properties.items[0].type == "integer"
    assert schema.additional_properties is False
    assert schema.all_of[0].not_ is not None
    assert isinstance(schema.dependencies["z"], JSONSchemaProps)
    assert schema.dependencies["x"] == ["y"]
    assert written(schema) == body
    inner.items.type = "number"
    inner.additional_properties.items.append(JSONSchemaProps(type="x"))
    assert written(schema)["properties"]["a"] == {
        "items": {"type": "number"},
        "additionalProperties": {"items": [{"type": "integer"}, {"type": "x"}]},
    }


def test_5_1_python_keywords_get_a_trailing_underscore() -> None:
    assert read(ListMeta, **{"continue": "token"}).continue_ == "token"
    assert NetworkPolicyIngressRule(from_=[NetworkPolicyPeer()]).to_wire() == b'{"from":[{}]}'
    assert (
        IPBlock(cidr="10.0.0.0/8", except_=["10.1.0.0/16"]).to_wire()
        == b'{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}'
    )
    assert JSONSchemaProps(not_=JSONSchemaProps()).to_wire() == b'{"not":{}}'


def test_5_1_dollar_and_dashes_in_names() -> None:
    body = {
        "$ref": "#/a",
        "$schema": "s",
        "x-kubernetes-preserve-unknown-fields": True,
        "x-kubernetes-int-or-string": True,
        "x-kubernetes-list-map-keys": ["k"],
    }
    schema = JSONSchemaProps.from_wire(json.dumps(body).encode())
    assert (schema.ref, schema.schema_, schema.x_kubernetes_preserve_unknown_fields) == ("#/a", "s", True)
    assert written(schema) == body
    assert CustomResourceValidation(open_api_v3_schema=schema).open_api_v3_schema is schema


def test_5_1_snake_case_with_acronyms() -> None:
    assert read(PodStatus, podIPs=[{"ip": "1"}], hostIP="2").pod_ips[0].ip == "1"
    node = read(Node, spec={"podCIDRs": ["a"], "providerID": "b"})
    assert (node.spec.pod_cidrs, node.spec.provider_id) == (["a"], "b")
    assert read(Service, spec={"clusterIPs": ["a"], "externalIPs": ["b"]}).spec.cluster_ips == ["a"]


def test_5_1_unknown_fields_survive_a_read_change_write() -> None:
    pod = read(Pod, spec={"containers": [{"name": "a", "futureField": {"x": 1}}]}, futureTop=[1])
    pod.spec.containers[0].image = "b"
    assert written(pod) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {"containers": [{"name": "a", "image": "b", "futureField": {"x": 1}}]},
        "futureTop": [1],
    }


def test_5_1_unknown_arguments_raise_instead_of_vanishing() -> None:
    for arguments in ({"nodeName": "x"}, {"node_nam": "x"}):
        with pytest.raises(pydantic.ValidationError):
            PodSpec(**arguments)  # type: ignore[arg-type]


def test_5_1_zero_and_empty_values_are_kept_and_never_added() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {}}, "data": {}, "immutable": False}
    assert written(read(ConfigMap, **body)) == body
    assert written(ConfigMap(metadata=ObjectMeta(name="a"))) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
    }


def test_5_1_a_null_required_list_is_empty() -> None:
    pod = read(Pod, spec={"containers": None})
    assert pod.spec.containers == []
    pod.spec.containers.append(Container(name="a"))
    assert written(pod)["spec"] == {"containers": [{"name": "a"}]}


def test_5_1_items_of_lists_have_their_api_version_and_kind() -> None:
    assert written(read(Deployment, metadata={"name": "a"})) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
    }
    item = read(Deployment)
    assert (item.api_version, item.kind) == ("apps/v1", "Deployment")


def test_5_1_two_kinds_of_one_name() -> None:
    assert (Event().api_version, EventsEvent().api_version) == ("v1", "events.k8s.io/v1")
    assert "involved_object" in Event.model_fields
    assert "regarding" in EventsEvent.model_fields


def test_format_byte_is_the_wire_s_text() -> None:
    secret = read(Secret, data={"k": "/////w=="})
    assert secret.data == {"k": "/////w=="}
    assert "/////w==" not in repr(secret)
    assert "hunter2" not in repr(Secret(string_data={"password": "hunter2"}))


def test_go_s_values_and_pointers() -> None:
    pod = Pod()
    assert (pod.metadata.name, pod.metadata.uid, pod.metadata.generation) == ("", "", 0)
    assert (pod.spec.node_name, pod.spec.host_network, pod.status.phase) == ("", False, "")
    assert (pod.spec.priority, pod.spec.termination_grace_period_seconds, pod.spec.affinity) == (None, None, None)
    assert Deployment().spec.replicas is None
    assert Deployment().spec.selector == LabelSelector()
    assert (Lease().spec, Lease().spec.holder_identity) == (LeaseSpec(), None)
    assert StatefulSet().status.replicas == 0
    assert read(Container).ports == []
    assert DeleteOptions().propagation_policy is None


def test_a_change_on_a_fresh_object_counts() -> None:
    pod = Pod()
    pod.metadata.labels["a"] = "b"
    pod.spec.containers.append(Container(name="c"))
    pod.spec.containers[0].resources.limits["cpu"] = "1"
    assert written(pod) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": "1"}}}]},
    }


def test_constructors_and_keys() -> None:
    owner = OwnerReference(api_version="apps/v1", kind="ReplicaSet", name="web", uid="1", controller=True)
    pod = Pod(
        metadata=ObjectMeta(name="web-0", namespace="shop", owner_references=[owner]), spec=PodSpec(node_name="n1")
    )
    assert object_key(pod) == ObjectKey("shop", "web-0")
    assert controller_of(pod) == owner
    assert owner_key(pod, "ReplicaSet") == ObjectKey("shop", "web")
    assert written(Deployment(spec=DeploymentSpec(replicas=0)))["spec"] == {"replicas": 0}


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pods_need_core_and_meta_only() -> None:
    loaded = run(
        """
        import sys
        from kinform_k8s.models.core.v1 import Pod
        print(*sorted(name for name in sys.modules if name.startswith("kinform_k8s.models.") and name.count(".") == 3))
        assert not Pod.__pydantic_complete__, "built at import"
        assert "kubernetes" not in sys.modules
        """
    )
    assert loaded.split() == ["kinform_k8s.models.core.v1", "kinform_k8s.models.meta.v1"]


def test_many_threads_at_the_first_pod() -> None:
    run(
        """
        import sys, threading
        from kinform_k8s.models.core.v1 import Container, Pod, PodSpec
        sys.setswitchinterval(1e-6)
        barrier, errors = threading.Barrier(16), []
        def work(n):
            barrier.wait()
            try:
                if n % 2:
                    assert Pod.from_wire(b'{"spec":{"containers":[{"name":"a"}]}}').spec.containers[0].name == "a"
                else:
                    assert b"image" in Pod(spec=PodSpec(containers=[Container(image="x")])).to_wire()
            except BaseException as error:
                errors.append(error)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not errors, errors
        """
    )
