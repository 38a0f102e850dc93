"""The whole controller on a real kube-apiserver: that it really accepts and refuses what the other tests suppose.

Validation, defaults, admission and rights are here and nowhere else. Its start takes some seconds, once for all tests.
"""

import pytest

from kinform.testing import ControlPlane, eventually
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import ConfigMap
from support import deployment, running

pytestmark = pytest.mark.real_server


def summary(clientset: Clientset, namespace: str) -> ConfigMap:
    """The summary, as soon as there is one."""
    return clientset.core_v1().config_maps(namespace).get("web-summary")


def test_a_summary_follows_its_deployment(kinform_control_plane: ControlPlane, kinform_namespace: str) -> None:
    with running(kinform_control_plane.client, kinform_namespace) as clientset:
        deployments = clientset.apps_v1().deployments(kinform_namespace)
        made = deployments.create(deployment("nginx:1"))
        first = eventually(lambda: summary(clientset, kinform_namespace))
        assert [owner.uid for owner in first.metadata.owner_references] == [made.metadata.uid]
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "nginx:2"}]}}}}
        deployments.patch("web", patch)
        eventually(lambda: summary(clientset, kinform_namespace).data["images"] == "nginx:2")


def test_a_summary_that_is_frozen_is_made_anew(kinform_control_plane: ControlPlane, kinform_namespace: str) -> None:
    """An immutable ConfigMap refuses changes: a rule of validation, which only the real server knows."""
    with running(kinform_control_plane.client, kinform_namespace) as clientset:
        clientset.apps_v1().deployments(kinform_namespace).create(deployment("nginx:1"))
        frozen = eventually(lambda: summary(clientset, kinform_namespace))
        clientset.core_v1().config_maps(kinform_namespace).patch("web-summary", {"immutable": True})
        clientset.apps_v1().deployments(kinform_namespace).patch("web", {"spec": {"replicas": 5}})
        eventually(lambda: summary(clientset, kinform_namespace).data["replicas"] == "5")
        assert summary(clientset, kinform_namespace).metadata.uid != frozen.metadata.uid
