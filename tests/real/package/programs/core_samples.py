"""Samples of the core group: pods and what is around them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tests.real.package.programs.samples import UNICODE, Sample, metadata

from kinform_k8s.models.core.v1 import (
    ConfigMap,
    ConfigMapVolumeSource,
    Container,
    ContainerPort,
    ContainerState,
    ContainerStateTerminated,
    ContainerStatus,
    CSIPersistentVolumeSource,
    EmptyDirVolumeSource,
    EndpointAddress,
    EndpointPort,
    Endpoints,
    EndpointSubset,
    EnvVar,
    EnvVarSource,
    Event,
    EventSeries,
    EventSource,
    HTTPGetAction,
    KeyToPath,
    LimitRange,
    LimitRangeItem,
    LimitRangeSpec,
    Namespace,
    Node,
    NodeAddress,
    NodeCondition,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    NodeSpec,
    NodeStatus,
    ObjectFieldSelector,
    ObjectReference,
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeSpec,
    Pod,
    PodCondition,
    PodIP,
    PodSecurityContext,
    PodSpec,
    PodTemplate,
    PodTemplateSpec,
    Probe,
    ReplicationController,
    ReplicationControllerSpec,
    ResourceQuota,
    ResourceQuotaSpec,
    ResourceRequirements,
    Secret,
    Service,
    ServiceAccount,
    ServicePort,
    ServiceSpec,
    Taint,
    TCPSocketAction,
    Toleration,
    Volume,
    VolumeMount,
    VolumeNodeAffinity,
    VolumeResourceRequirements,
)
from kinform_k8s.models.meta.v1 import ObjectMeta

__all__ = ["core_samples", "pod_template"]

_NOON = datetime(2026, 2, 28, 12, 0, 0, tzinfo=UTC)


def pod_template(labels: dict[str, str], *, restart_policy: str = "") -> PodTemplateSpec:
    """A template that the kinds which make pods share."""
    container = Container(
        name="main",
        image="registry.example/main:1",
        resources=ResourceRequirements(limits={"cpu": "1500m", "memory": "1Gi"}, requests={"cpu": "0.1"}),
    )
    spec = PodSpec(containers=[container])
    if restart_policy:
        spec.restart_policy = restart_policy
    return PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=spec)


def core_samples(namespace: str) -> list[Sample[Any]]:
    """One of each kind."""
    return [
        Sample(_pod(namespace), _tolerate, _run),
        Sample(_node(namespace), _taint, _report),
        Sample(Namespace(metadata=metadata(f"{namespace}-other"))),
        Sample(
            Secret(
                metadata=metadata("secret", namespace),
                data={"binary": "AP/+gAECAw==", "empty": "", "newline": "Cg=="},
                string_data={"plain": "påssword"},
                type="example.com/any",
            ),
            lambda secret: secret.data.update(binary="//79"),
        ),
        Sample(
            ConfigMap(
                metadata=metadata("config", namespace),
                data={"text": UNICODE, "empty": "", "nul": "a\x00b\x7f", "json": '{"a": [1.0, 1e3]}'},
                binary_data={"bytes": "gIGCg/8="},
            ),
            lambda config: config.data.update(more=UNICODE * 100),
        ),
        Sample(_service(namespace), lambda service: service.spec.ports.reverse()),
        Sample(
            Endpoints(
                metadata=metadata("endpoints", namespace),
                subsets=[
                    EndpointSubset(
                        addresses=[EndpointAddress(ip="192.0.2.1", node_name="n1")],
                        not_ready_addresses=[EndpointAddress(ip="192.0.2.2", hostname="two")],
                        ports=[EndpointPort(name="web", port=8080)],
                    )
                ],
            ),
            lambda endpoints: endpoints.subsets.clear(),
        ),
        Sample(_event(namespace), lambda event: setattr(event, "count", 4)),
        Sample(
            ReplicationController(
                metadata=metadata("controller", namespace),
                spec=ReplicationControllerSpec(
                    replicas=0, selector={"app": "a"}, template=pod_template({"app": "a", "tier": "b"})
                ),
            ),
            lambda controller: controller.spec.selector.update(tier="b"),
        ),
        Sample(PodTemplate(metadata=metadata("template", namespace), template=pod_template({"app": "a"}))),
        Sample(
            ServiceAccount(metadata=metadata("account", namespace), automount_service_account_token=False),
            lambda account: setattr(account, "automount_service_account_token", None),
        ),
        *_storage(namespace),
        *_limits(namespace),
    ]


def _pod(namespace: str) -> Pod:
    return Pod(
        metadata=metadata("pod", namespace),
        spec=PodSpec(
            containers=[
                Container(
                    name="main",
                    image="registry.example/main:1",
                    args=["--flag", UNICODE],
                    env=[
                        EnvVar(name="EMPTY"),
                        EnvVar(
                            name="NAME",
                            value_from=EnvVarSource(field_ref=ObjectFieldSelector(field_path="metadata.name")),
                        ),
                    ],
                    ports=[ContainerPort(name="web", container_port=8080), ContainerPort(container_port=53)],
                    liveness_probe=Probe(http_get=HTTPGetAction(path="/", port="web")),
                    readiness_probe=Probe(tcp_socket=TCPSocketAction(port=8080)),
                    resources=ResourceRequirements(
                        limits={"cpu": "0.5", "memory": "2147483648", "example.com/thing": "3"},
                        requests={"cpu": "100m", "memory": "1.5Gi"},
                    ),
                    volume_mounts=[VolumeMount(name="scratch", mount_path="/scratch")],
                )
            ],
            volumes=[
                Volume(name="scratch", empty_dir=EmptyDirVolumeSource()),
                Volume(
                    name="config",
                    config_map=ConfigMapVolumeSource(
                        name="config", default_mode=0o400, items=[KeyToPath(key="text", path="text", mode=0)]
                    ),
                ),
            ],
            security_context=PodSecurityContext(run_as_non_root=False, run_as_user=0),
            termination_grace_period_seconds=0,
        ),
    )


def _tolerate(pod: Pod) -> None:
    pod.spec.tolerations.append(Toleration(key="any", operator="Exists", effect="NoExecute", toleration_seconds=0))


def _run(pod: Pod) -> None:
    pod.status.phase = "Running"
    pod.status.host_ip = "192.0.2.7"
    pod.status.pod_ip = "10.1.2.3"
    pod.status.pod_ips = [PodIP(ip="10.1.2.3"), PodIP(ip="fd00::1")]
    pod.status.start_time = _NOON
    pod.status.conditions = [
        PodCondition(type="Ready", status="True", last_transition_time=_NOON.astimezone(timezone(timedelta(hours=5)))),
        PodCondition(type="example.com/gate", status="Unknown", message=UNICODE),
    ]
    terminated = ContainerStateTerminated(exit_code=0, started_at=_NOON, finished_at=_NOON + timedelta(minutes=1))
    pod.status.container_statuses = [
        ContainerStatus(
            name="main",
            image="registry.example/main:1",
            image_id="sha256:0",
            restart_count=0,
            ready=False,
            started=False,
            state=ContainerState(terminated=terminated),
        )
    ]


def _node(namespace: str) -> Node:
    return Node(
        metadata=metadata(f"{namespace}-node"),
        spec=NodeSpec(
            pod_cidr="10.7.0.0/24",
            pod_cidrs=["10.7.0.0/24"],
            provider_id="example://n1",
            taints=[Taint(key="edge", effect="NoExecute", time_added=_NOON)],
        ),
        status=NodeStatus(capacity={"cpu": "8", "memory": "32780840Ki", "pods": "110"}),
    )


def _taint(node: Node) -> None:
    node.spec.unschedulable = True
    node.spec.taints.append(Taint(key="drain", value="soon", effect="NoSchedule"))


def _report(node: Node) -> None:
    node.status.allocatable = {"cpu": "7910m", "memory": "1.5e3", "ephemeral-storage": "0"}
    node.status.addresses = [NodeAddress(type="InternalIP", address="192.0.2.7")]
    node.status.conditions = [
        NodeCondition(type="Ready", status="False", last_heartbeat_time=_NOON, last_transition_time=_NOON)
    ]
    node.status.node_info.kubelet_version = "v1.30.14"


def _service(namespace: str) -> Service:
    return Service(
        metadata=metadata("service", namespace),
        spec=ServiceSpec(
            selector={"app": "a"},
            ports=[
                ServicePort(name="by-name", port=80, target_port="web"),
                ServicePort(name="by-number", port=443, target_port=8443),
                ServicePort(name="by-default", port=53, protocol="UDP"),
            ],
        ),
    )


def _event(namespace: str) -> Event:
    return Event(
        metadata=metadata("core-event", namespace),
        involved_object=ObjectReference(
            kind="Pod", name="pod", namespace=namespace, field_path="spec.containers{main}"
        ),
        reason="Started",
        message=UNICODE,
        source=EventSource(component="kubelet", host="n1"),
        first_timestamp=_NOON,
        last_timestamp=_NOON,
        count=3,
        type="Normal",
        event_time=_NOON.replace(microsecond=120_000),
        series=EventSeries(count=2, last_observed_time=_NOON),
        action="Starting",
        reporting_component="kubelet",
        reporting_instance="n1",
    )


def _storage(namespace: str) -> list[Sample[Any]]:
    requirement = NodeSelectorRequirement(key="zone", operator="In", values=["a", "b"])
    return [
        Sample(
            PersistentVolume(
                metadata=metadata(f"{namespace}-volume"),
                spec=PersistentVolumeSpec(
                    capacity={"storage": "10Gi"},
                    access_modes=["ReadWriteOnce", "ReadOnlyMany"],
                    persistent_volume_reclaim_policy="Retain",
                    storage_class_name="",
                    csi=CSIPersistentVolumeSource(driver="csi.example.com", volume_handle="v1", read_only=True),
                    node_affinity=VolumeNodeAffinity(
                        required=NodeSelector(node_selector_terms=[NodeSelectorTerm(match_expressions=[requirement])])
                    ),
                ),
            ),
            lambda volume: volume.spec.capacity.update(storage="0.5Ti"),
            lambda volume: setattr(volume.status, "phase", "Available"),
        ),
        Sample(
            PersistentVolumeClaim(
                metadata=metadata("claim", namespace),
                spec=PersistentVolumeClaimSpec(
                    access_modes=["ReadWriteOnce"],
                    storage_class_name="",
                    resources=VolumeResourceRequirements(requests={"storage": "1.5Gi"}),
                ),
            ),
            None,
            lambda claim: claim.status.capacity.update(storage="2Gi"),
        ),
    ]


def _limits(namespace: str) -> list[Sample[Any]]:
    return [
        Sample(
            LimitRange(
                metadata=metadata("range", namespace),
                spec=LimitRangeSpec(
                    limits=[
                        LimitRangeItem(
                            type="Container",
                            default={"cpu": "0.25", "memory": "128M"},
                            default_request={"cpu": "100m"},
                            max={"cpu": "4", "memory": "1e9"},
                            max_limit_request_ratio={"cpu": "5.5"},
                        )
                    ]
                ),
            ),
            lambda limits: limits.spec.limits[0].max.update(cpu="3500m"),
        ),
        Sample(
            ResourceQuota(
                metadata=metadata("quota", namespace),
                spec=ResourceQuotaSpec(hard={"requests.cpu": "1.5", "limits.memory": "16Gi", "pods": "0"}),
            ),
            lambda quota: quota.spec.hard.update({"requests.cpu": "2000m"}),
            lambda quota: quota.status.used.update({"requests.cpu": "0", "limits.memory": "1.25Gi"}),
        ),
    ]
