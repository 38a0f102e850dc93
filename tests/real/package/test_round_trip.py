"""Objects of many kinds come back through client and cache as the server holds them, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kinform.testing import ControlPlane

# What must be among them: each has something that JSON, models or the API server treat in a way of their own.
REQUIRED = {
    "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    "apps/v1/ControllerRevision",
    "apps/v1/DaemonSet",
    "apps/v1/Deployment",
    "apps/v1/ReplicaSet",
    "apps/v1/StatefulSet",
    "autoscaling/v2/HorizontalPodAutoscaler",
    "batch/v1/CronJob",
    "batch/v1/Job",
    "coordination.k8s.io/v1/Lease",
    "discovery.k8s.io/v1/EndpointSlice",
    "events.k8s.io/v1/Event",
    "networking.k8s.io/v1/Ingress",
    "networking.k8s.io/v1/NetworkPolicy",
    "policy/v1/PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1/ClusterRole",
    "rbac.authorization.k8s.io/v1/Role",
    "rbac.authorization.k8s.io/v1/RoleBinding",
    "scheduling.k8s.io/v1/PriorityClass",
    "storage.k8s.io/v1/StorageClass",
    "v1/ConfigMap",
    "v1/Event",
    "v1/LimitRange",
    "v1/Namespace",
    "v1/Node",
    "v1/PersistentVolume",
    "v1/PersistentVolumeClaim",
    "v1/Pod",
    "v1/ResourceQuota",
    "v1/Secret",
    "v1/Service",
}


def test_objects_come_back_as_the_server_holds_them(
    control_plane: ControlPlane, package: Path, run_program: Callable[..., Any]
) -> None:
    report = run_program("round_trip", package, str(control_plane.kubeconfig), "round-trip")
    assert report["failures"] == []
    assert set(report["kinds"]) >= REQUIRED


def test_an_older_package_loses_nothing_of_a_newer_server(
    control_plane_v1_37: ControlPlane, committed_package: Path, run_program: Callable[..., Any]
) -> None:
    report = run_program("round_trip", committed_package, str(control_plane_v1_37.kubeconfig), "older-package")
    assert report["failures"] == []
    assert set(report["kinds"]) >= REQUIRED
