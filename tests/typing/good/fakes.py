"""A fake clientset goes wherever a clientset goes, and its parts are typed."""

from __future__ import annotations

from typing import assert_type

from kinform import ApiClient, DynamicClient
from kinform.errors import ConflictError, Status
from kinform.testing.fake_clientset import (
    Action,
    CreateAction,
    FakeWatch,
    Handled,
    PatchAction,
    Reactor,
    Refuse,
    WatchAction,
)
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.core.v1 import Pod
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import PODS
from kinform_k8s.testing import FakeClientset


def scale_down(clientset: Clientset) -> None:
    clientset.core_v1().pods("shop").delete("web-0")


def refuse(action: Action) -> Refuse | None:
    return Refuse(409, reason="Conflict") if action.name == "web-0" else None


def fail(_: Action) -> None:
    raise ConflictError(Status(409, "Conflict"))


def answer(action: Action) -> Handled | None:
    match action:
        case CreateAction():
            return Handled(action.object_as(Pod))
        case PatchAction(patch_type="application/apply-patch+yaml"):
            return Handled({"apiVersion": "v1", "kind": "Pod"})
        case _:
            return None


pod = Pod(metadata=ObjectMeta(name="web-0", namespace="shop"))
fake = FakeClientset(pod, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}, strict=True)
scale_down(fake)
assert_type(fake.core_v1().pods("shop").get("web-0"), Pod)
assert_type(fake.actions, list[Action])
assert_type(fake.tracker.get(PODS, "web-0", "shop", model=Pod), Pod)
assert_type(fake.tracker.list(PODS, model=Pod), list[Pod])
assert_type(fake.client(), ApiClient)
fake.tracker.add(pod)
fake.tracker.delete(PODS, "web-0", "shop")
reactors: list[Reactor] = [refuse, fail, answer, lambda action: None, lambda _: Handled([pod, pod])]
for reactor in reactors:
    fake.prepend_reactor("*", "pods/status", reactor)
fake.add_reactor("create", "pods/eviction", lambda _: Handled())
fake.prepend_watch_reactor("pods", lambda action: FakeWatch() if action.send_initial_events else None)
for each in fake.wait_for_actions("create", "pods"):
    if isinstance(each, WatchAction):
        print(each.label_selector)
factory = SharedInformerFactory(fake.client)
shared = SharedInformerFactory(fake.transport)
dynamic = DynamicClient(fake.client())
other: FakeClientset = FakeClientset.sharing(fake, pod)
