"""Events, finalizers, conditions and retries with generated models."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import assert_type

from kinform import (
    Abort,
    Controller,
    EventRecorder,
    LeaderElection,
    ObjectKey,
    ObjectReference,
    ReconcileLogFilter,
    Reconciliation,
    add_finalizer,
    annotations_changed,
    connect,
    controller_of,
    current_reconciliation,
    finalizer_patch,
    find_condition,
    generation_changed,
    has_finalizer,
    is_condition_true,
    remove_condition,
    remove_finalizer,
    retry_on_conflict,
    retry_on_error,
    run,
    set_condition,
)
from kinform.events import EventRecorderLike
from kinform.testing import FakeRecorder
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.apps.v1 import Deployment, DeploymentCondition
from kinform_k8s.models.core.v1 import Node, Pod, PodCondition
from kinform_k8s.models.meta.v1 import Condition
from kinform_k8s.models.networking.v1 import Ingress
from kinform_k8s.models.policy.v1 import PodDisruptionBudget


def events(recorder: EventRecorderLike, pod: Pod, node: Node, ingress: Ingress) -> None:
    recorder.event(pod, "Warning", "Unplaced", f"{node.metadata.name} is full", action="Place", related=node)
    recorder.event(ingress, "Normal", "Synced", "it is in place", annotations={"example.com/by": "me"})
    recorder.event(ObjectReference(kind="Pod", name="web-0", namespace="shop"), "Normal", "Seen", "by its name")


def recorders(pod: Pod, node: Node, ingress: Ingress) -> None:
    with EventRecorder(connect, "rollup") as recorder:
        events(recorder, pod, node, ingress)
        assert_type(recorder.flush(1.0), bool)
    fake = FakeRecorder()
    events(fake, pod, node, ingress)
    assert_type(fake.events, list[str])


def conditions(budget: PodDisruptionBudget, deployment: Deployment, pod: Pod) -> bool:
    assert_type(find_condition(budget.status.conditions, "Ready"), Condition | None)
    assert_type(find_condition(deployment.status.conditions, "Available"), DeploymentCondition | None)
    changed = set_condition(budget.status.conditions, Condition(type="Ready", status="True", reason="Synced"))
    changed |= set_condition(deployment.status.conditions, DeploymentCondition(type="Available", status="True"))
    changed |= set_condition(pod.status.conditions, PodCondition(type="example.com/Ready", status="True"))
    changed |= remove_condition(pod.status.conditions, "example.com/Old")
    return changed and is_condition_true(pod.status.conditions, "Ready")


def finalizers(clientset: Clientset, factory: SharedInformerFactory, key: ObjectKey) -> Pod | None:
    name = "example.com/volume"
    pod = factory.core().v1().pods().lister().copy(key)
    if controller_of(pod) is None and (add_finalizer(pod, name) or remove_finalizer(pod, name)):
        return clientset.core_v1().pods(key.namespace).update(pod)
    if has_finalizer(pod, name) and (patch := finalizer_patch(pod, remove=name)):
        assert_type(clientset.core_v1().pods(key.namespace).patch(key.name, patch), Pod)
    return None


def retries(clientset: Clientset) -> None:
    pods = clientset.core_v1().pods("shop")

    def label() -> Pod:
        pod = pods.get("web-0")
        pod.metadata.labels["seen"] = "yes"
        return pods.update(pod)

    assert_type(retry_on_conflict(label), Pod)
    assert_type(retry_on_error(label, lambda error: "again" in str(error)), Pod)


def reconcile(key: ObjectKey) -> None:
    call = current_reconciliation()
    assert_type(call, Reconciliation | None)
    if call is not None:
        call.raise_if_overdue()
        assert_type(call.remaining(), float | None)
        assert_type(call.abort, Abort)


def controllers(factory: SharedInformerFactory) -> None:
    handler = logging.StreamHandler()
    handler.addFilter(ReconcileLogFilter())
    controller = Controller("rollup", reconcile, reconcile_timeout=timedelta(minutes=1))
    controller.watches(factory.apps().v1().deployments(), where=generation_changed | annotations_changed)
    assert_type(controller.statistics().timed_out, int)
    with EventRecorder(factory.transport, "rollup") as recorder, Abort().covers():
        run(factory, controller, leader_election=LeaderElection(lease="shop/rollup"), recorder=recorder)
