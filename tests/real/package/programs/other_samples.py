"""Samples of the groups that run things, say who may, and connect them: apps, batch, rbac, networking and so on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.real.package.programs.core_samples import pod_template
from tests.real.package.programs.samples import UNICODE, Sample, metadata

from kinform_k8s.models.apps.v1 import (
    ControllerRevision,
    DaemonSet,
    DaemonSetSpec,
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    RollingUpdateDeployment,
    StatefulSet,
    StatefulSetSpec,
)
from kinform_k8s.models.autoscaling import v1 as autoscaling_v1
from kinform_k8s.models.autoscaling.v2 import (
    CrossVersionObjectReference,
    ExternalMetricSource,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior,
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
    HPAScalingRules,
    MetricIdentifier,
    MetricSpec,
    MetricTarget,
    ResourceMetricSource,
)
from kinform_k8s.models.batch.v1 import CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec
from kinform_k8s.models.coordination.v1 import Lease, LeaseSpec
from kinform_k8s.models.core.v1 import (
    EventSource,
    ObjectReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    TopologySelectorLabelRequirement,
    TopologySelectorTerm,
    VolumeResourceRequirements,
)
from kinform_k8s.models.discovery.v1 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from kinform_k8s.models.events import v1 as events_v1
from kinform_k8s.models.meta.v1 import LabelSelector, LabelSelectorRequirement, ObjectMeta
from kinform_k8s.models.networking.v1 import (
    HTTPIngressPath,
    HTTPIngressRuleValue,
    Ingress,
    IngressBackend,
    IngressClass,
    IngressClassSpec,
    IngressRule,
    IngressServiceBackend,
    IngressSpec,
    IngressTLS,
    IPBlock,
    NetworkPolicy,
    NetworkPolicyEgressRule,
    NetworkPolicyIngressRule,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicySpec,
    ServiceBackendPort,
)
from kinform_k8s.models.node.v1 import Overhead, RuntimeClass
from kinform_k8s.models.policy.v1 import PodDisruptionBudget, PodDisruptionBudgetSpec
from kinform_k8s.models.rbac.v1 import (
    AggregationRule,
    ClusterRole,
    ClusterRoleBinding,
    PolicyRule,
    Role,
    RoleBinding,
    RoleRef,
    Subject,
)
from kinform_k8s.models.scheduling.v1 import PriorityClass
from kinform_k8s.models.storage.v1 import CSIDriver, CSIDriverSpec, StorageClass

__all__ = ["other_samples"]

_LABELS = {"app": "a"}
_SELECTOR = LabelSelector(match_labels=_LABELS)
_NOON = datetime(2026, 2, 28, 12, 0, 0, tzinfo=UTC)


def other_samples(namespace: str) -> list[Sample[Any]]:
    """One of each kind."""
    return [*_workloads(namespace), *_scaling(namespace), *_network(namespace), *_rights(namespace), *_rest(namespace)]


def _workloads(namespace: str) -> list[Sample[Any]]:
    claim = PersistentVolumeClaim(
        metadata=ObjectMeta(name="data"),
        spec=PersistentVolumeClaimSpec(
            access_modes=["ReadWriteOnce"], resources=VolumeResourceRequirements(requests={"storage": "1Gi"})
        ),
    )
    strategy = DeploymentStrategy(rolling_update=RollingUpdateDeployment(max_surge="30%", max_unavailable=0))
    return [
        Sample(
            Deployment(
                metadata=metadata("deployment", namespace),
                spec=DeploymentSpec(
                    replicas=0, selector=_SELECTOR, strategy=strategy, template=pod_template(_LABELS), paused=True
                ),
            ),
            _unpause,
            lambda deployment: setattr(deployment.status, "observed_generation", 2),
        ),
        Sample(
            StatefulSet(
                metadata=metadata("stateful", namespace),
                spec=StatefulSetSpec(
                    selector=_SELECTOR,
                    service_name="stateful",
                    template=pod_template(_LABELS),
                    volume_claim_templates=[claim],
                ),
            ),
            lambda stateful: setattr(stateful.spec, "replicas", 3),
            lambda stateful: setattr(stateful.status, "replicas", 3),
        ),
        Sample(
            DaemonSet(
                metadata=metadata("daemon", namespace),
                spec=DaemonSetSpec(selector=_SELECTOR, template=pod_template(_LABELS)),
            ),
            lambda daemon: setattr(daemon.spec, "min_ready_seconds", 5),
        ),
        Sample(
            ReplicaSet(
                metadata=metadata("replicas", namespace),
                spec=ReplicaSetSpec(selector=_SELECTOR, template=pod_template(_LABELS)),
            ),
            lambda replicas: setattr(replicas.spec, "replicas", 0),
        ),
        Sample(
            ControllerRevision(
                metadata=metadata("revision", namespace),
                # No text that Go escapes: the server compares these bytes, and refuses even its own, once escaped.
                data={"spec": {"template": {"$patch": "replace", "n": [1, 1.5, -0.25, None, True, "Käse 🧀", {}]}}},
                revision=1,
            ),
            lambda revision: setattr(revision, "revision", 2),
        ),
        Sample(
            Job(
                metadata=metadata("job", namespace),
                spec=JobSpec(backoff_limit=0, suspend=True, template=pod_template(_LABELS, restart_policy="Never")),
            ),
            lambda job: setattr(job.spec, "parallelism", 0),
            lambda job: setattr(job.status, "terminating", 0),
        ),
        Sample(
            CronJob(
                metadata=metadata("cron", namespace),
                spec=CronJobSpec(
                    schedule="*/5 * * * *",
                    time_zone="Etc/UTC",
                    starting_deadline_seconds=0,
                    job_template=JobTemplateSpec(spec=JobSpec(template=pod_template({}, restart_policy="OnFailure"))),
                ),
            ),
            lambda cron: setattr(cron.spec, "suspend", True),
            lambda cron: setattr(cron.status, "last_schedule_time", _NOON),
        ),
    ]


def _unpause(deployment: Deployment) -> None:
    deployment.spec.paused = False
    deployment.spec.replicas = None


def _scaling(namespace: str) -> list[Sample[Any]]:
    target = {"api_version": "apps/v1", "kind": "Deployment", "name": "deployment"}
    metrics = [
        MetricSpec(
            type="Resource",
            resource=ResourceMetricSource(name="cpu", target=MetricTarget(type="Utilization", average_utilization=60)),
        ),
        MetricSpec(
            type="External",
            external=ExternalMetricSource(
                metric=MetricIdentifier(name="queue", selector=LabelSelector()),
                target=MetricTarget(type="Value", value="1500m"),
            ),
        ),
    ]
    rules = HPAScalingRules(
        policies=[HPAScalingPolicy(type="Pods", value=1, period_seconds=60)], stabilization_window_seconds=0
    )
    return [
        Sample(
            HorizontalPodAutoscaler(
                metadata=metadata("scaler", namespace),
                spec=HorizontalPodAutoscalerSpec(
                    scale_target_ref=CrossVersionObjectReference(**target),
                    max_replicas=5,
                    metrics=metrics,
                    behavior=HorizontalPodAutoscalerBehavior(scale_down=rules),
                ),
            ),
            lambda scaler: setattr(scaler.spec, "max_replicas", 6),
            lambda scaler: setattr(scaler.status, "desired_replicas", 3),
        ),
        Sample(
            autoscaling_v1.HorizontalPodAutoscaler(
                metadata=metadata("scaler-v1", namespace),
                spec=autoscaling_v1.HorizontalPodAutoscalerSpec(
                    scale_target_ref=autoscaling_v1.CrossVersionObjectReference(**target),
                    max_replicas=2,
                    target_cpu_utilization_percentage=70,
                ),
            ),
        ),
        Sample(
            PodDisruptionBudget(
                metadata=metadata("budget", namespace),
                spec=PodDisruptionBudgetSpec(
                    min_available="50%",
                    selector=LabelSelector(
                        match_expressions=[LabelSelectorRequirement(key="app", operator="Exists")],
                    ),
                ),
            ),
            _at_least_two,
            lambda budget: setattr(budget.status, "disrupted_pods", {"pod": _NOON}),
        ),
    ]


def _at_least_two(budget: PodDisruptionBudget) -> None:
    budget.spec.min_available = 2


def _network(namespace: str) -> list[Sample[Any]]:
    by_name = IngressBackend(service=IngressServiceBackend(name="service", port=ServiceBackendPort(name="web")))
    by_number = IngressBackend(service=IngressServiceBackend(name="service", port=ServiceBackendPort(number=80)))
    peers = [
        NetworkPolicyPeer(ip_block=IPBlock(cidr="10.0.0.0/8", except_=["10.1.0.0/16", "10.2.0.0/16"])),
        NetworkPolicyPeer(namespace_selector=LabelSelector(), pod_selector=_SELECTOR),
    ]
    return [
        Sample(
            Ingress(
                metadata=metadata("ingress", namespace),
                spec=IngressSpec(
                    default_backend=by_number,
                    rules=[
                        IngressRule(
                            host="*.example.com",
                            http=HTTPIngressRuleValue(
                                paths=[HTTPIngressPath(path="/a", path_type="Prefix", backend=by_name)]
                            ),
                        ),
                    ],
                    tls=[IngressTLS(hosts=["a.example.com"], secret_name="secret")],
                ),
            ),
            lambda ingress: ingress.spec.tls.clear(),
        ),
        Sample(
            IngressClass(
                metadata=metadata(f"{namespace}-class"), spec=IngressClassSpec(controller="example.com/controller")
            )
        ),
        Sample(
            NetworkPolicy(
                metadata=metadata("policy", namespace),
                spec=NetworkPolicySpec(
                    pod_selector=LabelSelector(),
                    policy_types=["Ingress", "Egress"],
                    ingress=[NetworkPolicyIngressRule(from_=peers, ports=[NetworkPolicyPort(port="web")])],
                    egress=[
                        NetworkPolicyEgressRule(),
                        NetworkPolicyEgressRule(to=peers[:1], ports=[NetworkPolicyPort(port=8000, end_port=8999)]),
                    ],
                ),
            ),
            lambda policy: policy.spec.ingress[0].from_.pop(),
        ),
        Sample(
            EndpointSlice(
                metadata=metadata("slice", namespace),
                address_type="IPv6",
                endpoints=[
                    Endpoint(
                        addresses=["fd00::1"],
                        conditions=EndpointConditions(ready=True, serving=False),
                        target_ref=ObjectReference(kind="Pod", namespace=namespace, name="pod"),
                        zone="a",
                    )
                ],
                ports=[EndpointPort(name="", port=8080), EndpointPort(name="any", protocol="UDP")],
            ),
            lambda endpoint_slice: endpoint_slice.endpoints.clear(),
        ),
    ]


def _rights(namespace: str) -> list[Sample[Any]]:
    rules = [
        PolicyRule(api_groups=[""], resources=["pods", "pods/log"], verbs=["get", "list"], resource_names=["pod"]),
        PolicyRule(api_groups=["*"], resources=["*"], verbs=["watch"]),
    ]
    subjects = [
        Subject(kind="User", name="jäne@example.com", api_group="rbac.authorization.k8s.io"),
        Subject(kind="ServiceAccount", name="account", namespace=namespace),
    ]

    def role(kind: str) -> RoleRef:
        return RoleRef(api_group="rbac.authorization.k8s.io", kind=kind, name="role")

    return [
        Sample(Role(metadata=metadata("role", namespace), rules=rules), lambda found: found.rules.pop()),
        Sample(
            RoleBinding(metadata=metadata("binding", namespace), role_ref=role("Role"), subjects=subjects),
            lambda binding: binding.subjects.clear(),
        ),
        Sample(
            ClusterRole(
                metadata=metadata(f"{namespace}:role"),
                aggregation_rule=AggregationRule(
                    cluster_role_selectors=[LabelSelector(match_labels={"kinform": namespace})]
                ),
            ),
            _add_urls,
        ),
        Sample(
            ClusterRoleBinding(
                metadata=metadata(f"{namespace}:binding"), role_ref=role("ClusterRole"), subjects=subjects
            )
        ),
    ]


def _add_urls(role: ClusterRole) -> None:
    role.aggregation_rule = None
    role.rules = [PolicyRule(non_resource_urls=["/healthz/*"], verbs=["get"])]


def _rest(namespace: str) -> list[Sample[Any]]:
    return [
        Sample(
            Lease(
                metadata=metadata("lease", namespace),
                spec=LeaseSpec(
                    holder_identity="",
                    lease_duration_seconds=15,
                    acquire_time=_NOON,  # MicroTime, whose fraction is six digits also when it is zero
                    renew_time=_NOON.replace(microsecond=500),
                ),
            ),
            lambda lease: setattr(lease.spec, "renew_time", _NOON.replace(microsecond=120_000)),
        ),
        Sample(
            events_v1.Event(
                metadata=metadata("event", namespace),
                event_time=_NOON.replace(microsecond=1),
                action="Scaling",
                reason="Scaled",
                note="up from 1 to 2",
                type="Normal",
                regarding=ObjectReference(kind="Deployment", namespace=namespace, name="deployment"),
                reporting_controller="example.com/controller",
                reporting_instance="controller-0",
                deprecated_source=EventSource(),
            ),
            lambda event: setattr(
                event, "series", events_v1.EventSeries(count=2, last_observed_time=_NOON.replace(microsecond=990_000))
            ),
        ),
        Sample(
            StorageClass(
                metadata=metadata(f"{namespace}-class"),
                provisioner="csi.example.com",
                parameters={"type": "fast", "empty": ""},
                allow_volume_expansion=False,
                volume_binding_mode="WaitForFirstConsumer",
                mount_options=["noatime"],
                allowed_topologies=[
                    TopologySelectorTerm(
                        match_label_expressions=[TopologySelectorLabelRequirement(key="zone", values=["a"])]
                    )
                ],
            ),
            lambda storage: setattr(storage, "allow_volume_expansion", True),
        ),
        Sample(CSIDriver(metadata=metadata(f"{namespace}.example.com"), spec=CSIDriverSpec(pod_info_on_mount=True))),
        Sample(
            PriorityClass(metadata=metadata(f"{namespace}-class"), value=-10, preemption_policy="Never"),
            lambda priority: setattr(priority, "description", UNICODE),
        ),
        Sample(
            RuntimeClass(
                metadata=metadata(f"{namespace}-class"), handler="h", overhead=Overhead(pod_fixed={"cpu": "0.25"})
            )
        ),
    ]
