"""What is recorded of requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.runtime.end_to_end.conftest import pod

from kinform.client import PatchType, PropagationPolicy
from kinform.errors import ApiStatusError, NotFoundError
from kinform.testing import eventually
from kinform.testing.fake_clientset import (
    CreateAction,
    DeleteAction,
    DeleteCollectionAction,
    GetAction,
    ListAction,
    PatchAction,
    UpdateAction,
    WatchAction,
)
from kinform_k8s.models.core.v1 import Pod
from kinform_k8s.resources.core.v1 import PODS

if TYPE_CHECKING:
    from kinform_k8s.testing import FakeClientset


def test_every_verb_in_order(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    made = pods.create(pod("d"), field_manager="me")
    pods.update_status(made)
    pods.get("d")
    pods.list(label_selector="app=web", field_selector="metadata.name=d")
    pods.watch(resource_version=made.metadata.resource_version, label_selector="app").close()
    pods.patch("d", {"metadata": {"labels": {"x": "y"}}}, dry_run=True)
    pods.apply(pod("d"), field_manager="me", force=True)
    pods.delete("d", propagation=PropagationPolicy.FOREGROUND)
    pods.delete_collection(label_selector="app=db", dry_run=True)
    fake.core_v1().nodes().list()
    assert [str(action) for action in fake.actions] == [
        "create pods shop/d",
        "update pods/status shop/d",
        "get pods shop/d",
        "list pods shop",
        "watch pods shop",
        "patch pods shop/d",
        "patch pods shop/d",
        "delete pods shop/d",
        "deletecollection pods shop",
        "list nodes",
    ]
    create, update, get, list_, watch, patch, apply, delete, collection, _ = fake.actions
    assert isinstance(create, CreateAction)
    assert (create.resource, create.namespace, create.name, create.field_manager) == (PODS, "shop", "d", "me")
    assert create.object_as(Pod) == pod("d")
    assert create.object["metadata"] == {"name": "d", "namespace": "shop", "labels": {"app": "web"}}
    assert isinstance(update, UpdateAction)
    assert (update.subresource, update.object_as(Pod).metadata.uid) == ("status", made.metadata.uid)
    assert isinstance(get, GetAction)
    assert isinstance(list_, ListAction)
    assert (list_.label_selector, list_.field_selector) == ("app=web", "metadata.name=d")
    assert isinstance(watch, WatchAction)
    assert (watch.resource_version, watch.label_selector) == (made.metadata.resource_version, "app")
    assert isinstance(patch, PatchAction)
    assert (patch.patch_type, patch.patch, patch.dry_run) == (
        PatchType.MERGE,
        b'{"metadata":{"labels":{"x":"y"}}}',
        True,
    )
    assert isinstance(apply, PatchAction)
    assert (apply.patch_type, apply.field_manager, apply.force) == (PatchType.APPLY, "me", True)
    assert isinstance(delete, DeleteAction)
    assert b"Foreground" in delete.options
    assert not delete.dry_run
    assert isinstance(collection, DeleteCollectionAction)
    assert (collection.label_selector, collection.dry_run) == ("app=db", True)


def test_writes_are_those_that_are_meant_to_change_something(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    pods.list()
    with pytest.raises(NotFoundError):
        pods.delete("x")
    assert [str(action) for action in fake.writes] == ["delete pods shop/x"]  # refused, but asked for
    fake.clear_actions()
    assert fake.actions == fake.writes == []


def test_what_changes_a_copy_changes_no_record(fake: FakeClientset) -> None:
    fake.core_v1().pods("shop").create(pod("d"))
    (action,) = fake.actions
    assert isinstance(action, CreateAction)
    action.object.clear()
    fake.actions.clear()
    assert action.object["kind"] == "Pod"
    assert len(fake.actions) == 1


def test_what_no_server_would_do_is_no_action(fake: FakeClientset) -> None:
    with pytest.raises(ApiStatusError):
        fake.transport.request("POST", "/api/v1/namespaces/shop/pods/a/status", body=b"{}")
    with pytest.raises(NotFoundError):
        fake.transport.request("GET", "/apis/example.com/v1/widgets")
    with pytest.raises(ApiStatusError, match="415"):
        fake.transport.request("PATCH", "/api/v1/namespaces/shop/pods/a", body=b"{}", content_type="text/plain")
    assert [str(action) for action in fake.actions] == ["create pods/status shop/a"]


@pytest.mark.timeout(30)  # less than the wait
def test_waiting_for_actions_of_another_thread(fake: FakeClientset) -> None:
    waiting: Any = fake._cluster.actions._changed

    def work() -> None:
        eventually(lambda: len(waiting._waiters))  # the main thread is there
        for name in "xyz":
            fake.core_v1().pods("shop").create(pod(name))

    worker = threading.Thread(target=work)
    worker.start()
    found = fake.wait_for_actions("create", "pods", count=3, timeout=60)
    worker.join()
    assert [action.name for action in found] == ["x", "y", "z"]
    with pytest.raises(TimeoutError, match="0 such actions, not 1, after 0 s; there were: create pods shop/x"):
        fake.wait_for_actions("delete", "pods", timeout=0)
    with pytest.raises(ValueError, match="'remove' is no verb here"):
        fake.wait_for_actions("remove", "pods")
