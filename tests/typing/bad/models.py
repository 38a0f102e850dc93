"""What a type checker must refuse of models."""

from __future__ import annotations

from kinform_k8s.models.apps.v1 import Deployment
from kinform_k8s.models.coordination.v1 import LeaseSpec
from kinform_k8s.models.core.v1 import Pod, PodSpec, ServicePort

pod = Pod()
PodSpec(nodeName="n1")  # must-fail
PodSpec(containers=[{"name": "web"}])  # must-fail
Pod(spec=None)  # must-fail
pod.spec.node_name = None  # must-fail
pod.spec.host_network = "yes"  # must-fail
pod.metadata.labels = None  # must-fail
pod.spec.nodeName = "n1"  # must-fail
print(pod.spec.priority + 1)  # must-fail
print(Deployment().spec.replicas > 1)  # must-fail
print(pod.spec.affinity.node_affinity)  # must-fail
ServicePort(target_port=1.5)  # must-fail
LeaseSpec(renew_time="2026-11-22T10:00:00.000000Z")  # must-fail
Pod.from_wire({})  # must-fail
