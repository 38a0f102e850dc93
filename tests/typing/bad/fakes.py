"""What a type checker must refuse of fake clientsets."""

from __future__ import annotations

from kinform.testing.fake_clientset import Action, CreateAction, Handled
from kinform_k8s.models.core.v1 import Node, Pod
from kinform_k8s.resources.core.v1 import PODS
from kinform_k8s.testing import FakeClientset


def returns_an_object(action: Action) -> Pod:
    return Pod()


def takes_creations(action: CreateAction) -> None:
    print(action.body)


fake = FakeClientset()
FakeClientset("pod")  # must-fail
fake.core_v1().nodes("shop")  # must-fail
fake.core_v1().pods("shop").create(Node())  # must-fail
fake.prepend_reactor("get", "pods", returns_an_object)  # must-fail
fake.prepend_reactor("create", "pods", takes_creations)  # must-fail
fake.prepend_reactor("get", "pods", lambda action: action.object)  # must-fail
fake.prepend_watch_reactor("pods", lambda _: Handled())  # must-fail
fake.tracker.get(PODS, "a", "shop", model=Pod).spec.no_such_field  # must-fail
fake.actions[0].body  # must-fail
