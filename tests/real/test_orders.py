"""Kinds that tell the server what to do (Binding, Eviction) are answered with a Status, and their clients return None."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kinform.errors import NotFoundError
from kinform_k8s import Clientset
from kinform_k8s.models.authentication.v1 import TokenRequest, TokenRequestSpec
from kinform_k8s.models.core.v1 import (
    Binding,
    Container,
    Namespace,
    Node,
    ObjectReference,
    Pod,
    PodSpec,
    ServiceAccount,
)
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.models.policy.v1 import Eviction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.testing import ControlPlane

NAMESPACE = "orders"


@pytest.fixture
def clientset(control_plane: ControlPlane) -> Iterator[Clientset]:
    with Clientset(control_plane.client) as clientset:
        clientset.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        clientset.core_v1().nodes().create(Node(metadata=ObjectMeta(name="orders-1")))
        clientset.core_v1().service_accounts(NAMESPACE).create(ServiceAccount(metadata=ObjectMeta(name="default")))
        yield clientset
        clientset.core_v1().nodes().delete("orders-1")


def test_orders_are_carried_out_and_return_nothing(clientset: Clientset) -> None:
    core = clientset.core_v1()
    pods = core.pods(NAMESPACE)
    spec = PodSpec(automount_service_account_token=False, containers=[Container(name="c", image="i")])
    for name in ("a", "b"):
        pods.create(Pod(metadata=ObjectMeta(name=name), spec=spec))

    def binding(name: str) -> Binding:
        return Binding(metadata=ObjectMeta(name=name), target=ObjectReference(kind="Node", name="orders-1"))

    pods.create_binding("a", binding("a"))
    core.bindings(NAMESPACE).create(binding("b"))
    assert [pods.get(name).spec.node_name for name in ("a", "b")] == ["orders-1", "orders-1"]
    pods.create_eviction("a", Eviction(metadata=ObjectMeta(name="a")), dry_run=True)
    assert pods.get("a").metadata.deletion_timestamp is None
    pods.create_eviction("a", Eviction(metadata=ObjectMeta(name="a")))
    assert pods.get("a").metadata.deletion_timestamp is not None
    with pytest.raises(NotFoundError):
        pods.create_eviction("c", Eviction(metadata=ObjectMeta(name="c")))
    # A posted kind with a status does come back.
    wanted = TokenRequest(spec=TokenRequestSpec(audiences=["https://kubernetes.default.svc"]))
    assert core.service_accounts(NAMESPACE).create_token("default", wanted).status.token
