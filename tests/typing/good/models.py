"""Generated models: made by attribute names, read without None checks, written as the wire protocol has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_type

from kinform.meta import HasMetadata, WireObject, object_key, owner_key
from kinform.model import IntOrString, Json
from kinform_k8s.models.apiextensions.v1 import JSONSchemaProps
from kinform_k8s.models.apps.v1 import ControllerRevision, Deployment, DeploymentSpec
from kinform_k8s.models.coordination.v1 import Lease, LeaseSpec
from kinform_k8s.models.core.v1 import Container, Pod, PodSpec, ResourceRequirements, ServicePort
from kinform_k8s.models.meta.v1 import LabelSelector, ObjectMeta
from kinform_k8s.models.networking.v1 import IPBlock
from kinform_k8s.models.rbac.v1 import ClusterRole


def wire(model: type[WireObject]) -> None:
    print(model)


def keys(*objects: HasMetadata) -> None:
    for each in objects:
        print(object_key(each), owner_key(each, "ReplicaSet"))


wire(Pod)
wire(ClusterRole)
assert_type(Pod.from_wire(b"{}"), Pod)
assert_type(Pod().to_wire(), bytes)

pod = Pod(
    metadata=ObjectMeta(name="web-0", labels={"app": "web"}),
    spec=PodSpec(
        node_name="n1",
        containers=[Container(name="web", resources=ResourceRequirements(limits={"cpu": "1"}))],
    ),
)
keys(pod, Deployment(), ClusterRole())
assert_type(pod.metadata.name, str)
assert_type(pod.spec.node_name, str)
assert_type(pod.spec.host_network, bool)
assert_type(pod.spec.priority, int | None)
assert_type(pod.metadata.labels, dict[str, str])
assert_type(pod.spec.containers, list[Container])
assert_type(pod.metadata.creation_timestamp, datetime | None)
assert_type(pod.metadata.managed_fields[0].fields_v1, dict[str, Json])
assert_type(pod.spec.containers[0].resources.limits, dict[str, str])
assert_type(pod.model_extra, dict[str, Json])
pod.model_extra["newField"] = {"a": [1, None]}

assert_type(Deployment(spec=DeploymentSpec(replicas=3, selector=LabelSelector())).spec.replicas, int | None)

lease = Lease(spec=LeaseSpec(holder_identity="me", renew_time=datetime.now(UTC)))
lease.spec.renew_time = datetime.now(UTC)
assert_type(lease.spec.holder_identity, str | None)

port = ServicePort(port=80, target_port="http")
assert_type(ServicePort.from_wire(b"{}").target_port, int | str)
name: IntOrString = port.target_port

assert_type(ControllerRevision(data={"a": [1, {"b": None}]}).data, dict[str, Json])
assert_type(JSONSchemaProps().items, JSONSchemaProps | list[JSONSchemaProps] | None)
assert_type(JSONSchemaProps().default, Json)
assert_type(IPBlock(cidr="10.0.0.0/8", except_=["10.1.0.0/16"]).except_, list[str])
