"""What ``eventually`` and ``consistently`` return is typed by what they wait for."""

from __future__ import annotations

from typing import assert_type

from kinform.testing import VirtualClock, consistently, eventually
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.core.v1 import Pod


def test_it(factory: SharedInformerFactory, clientset: Clientset, clock: VirtualClock) -> None:
    pods = factory.core().v1().pods().lister().pods("shop")
    assert_type(eventually(lambda: pods.find("web-0")), Pod)
    assert_type(eventually(lambda: clientset.core_v1().pods("shop").get("web-0"), timeout=30, clock=clock), Pod)
    assert_type(consistently(lambda: len(pods.keys()) == 1), bool)

    def is_running() -> None:
        assert pods.get("web-0").status.phase == "Running"

    eventually(is_running, interval=0.5)
    consistently(is_running, duration=1.0)
    assert_type(eventually(is_running), None)
    assert_type(consistently(is_running), None)
    assert_type(eventually(lambda: pods.get("web-0")).metadata.name, str)
