"""What typed clients meet: the rules of the API, as a server keeps them, and objects that are nobody else's."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest
from tests.runtime.end_to_end.conftest import pod

from kinform import DynamicClient
from kinform.client import PatchType, Preconditions
from kinform.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidError,
    NotFoundError,
    TooManyRequestsError,
    TransportError,
)
from kinform_k8s import Clientset
from kinform_k8s.models.apps.v1 import Deployment, DeploymentSpec
from kinform_k8s.models.core.v1 import ConfigMap, Namespace, PodCondition, PodStatus
from kinform_k8s.models.meta.v1 import LabelSelector, ObjectMeta
from kinform_k8s.models.policy.v1 import (
    Eviction,
    PodDisruptionBudget,
    PodDisruptionBudgetSpec,
    PodDisruptionBudgetStatus,
)
from kinform_k8s.resources.core.v1 import PODS
from kinform_k8s.testing import FakeClientset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kinform_k8s.models.core.v1 import Pod


def names(pods: Iterable[Pod]) -> list[str]:
    return [each.metadata.name for each in pods]


def config_map(name: str = "m", **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace="shop"), data=data)


def test_it_is_a_clientset(fake: FakeClientset) -> None:
    assert isinstance(fake, Clientset)
    assert fake.core_v1().pods("shop").get("a").spec.containers[0].image == "nginx"


def test_lists_are_in_order_and_selected(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    pods.create(pod("0"))
    assert names(pods.list()) == ["0", "a", "b"]
    assert names(fake.core_v1().pods().list()) == ["c", "0", "a", "b"]  # by namespace, then by name
    assert names(pods.list(label_selector="app=db")) == ["b"]
    assert names(pods.list(label_selector="app notin (db)")) == ["0", "a"]
    assert names(pods.list(field_selector="spec.nodeName=n1")) == ["b"]
    assert names(pods.list(field_selector="metadata.name!=a")) == ["0", "b"]


def test_pages(fake: FakeClientset) -> None:
    first = fake.core_v1().pods().list(limit=2)
    fake.core_v1().pods("shop").delete("b")
    second = fake.core_v1().pods().list(limit=2, continue_token=first.continue_token)
    assert (names(first), names(second)) == (["c", "a"], ["b"])


def test_objects_go_in_and_come_out_as_copies() -> None:
    given = pod("a")
    given.metadata.annotations["n"] = "1"
    fake = FakeClientset(given)
    given.metadata.annotations["n"] = "2"
    pods = fake.core_v1().pods("shop")
    got = pods.get("a")
    assert got.metadata.annotations == {"n": "1"}
    got.metadata.annotations["n"] = "3"
    pods.list()[0].metadata.annotations["n"] = "4"
    made = pods.create(sent := pod("b"))
    made.metadata.labels["app"] = sent.metadata.labels["app"] = "changed"
    seen = fake.tracker.get(PODS, "a", "shop")
    seen["metadata"] = {}
    assert pods.get("a").metadata.annotations == {"n": "1"}
    assert pods.get("b").metadata.labels == {"app": "web"}


def test_stale_writes_conflict(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    mine, theirs = pods.get("a"), pods.get("a")
    theirs.metadata.labels["by"] = "them"
    newer = pods.update(theirs)
    assert int(newer.metadata.resource_version) > int(mine.metadata.resource_version)
    mine.metadata.labels["by"] = "me"
    with pytest.raises(ConflictError, match="the object has been modified"):
        pods.update(mine)
    with pytest.raises(ConflictError):
        pods.delete("a", preconditions=Preconditions(resource_version=mine.metadata.resource_version))
    assert pods.get("a").metadata.labels["by"] == "them"


def test_taken_and_missing_names(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    with pytest.raises(AlreadyExistsError, match='pods "a" already exists'):
        pods.create(pod("a"))
    missing: list[Callable[[], object]] = [
        lambda: pods.get("x"),
        lambda: pods.delete("x"),
        lambda: pods.update(pod("x")),
    ]
    for ask in missing:
        with pytest.raises(NotFoundError, match='pods "x" not found'):
            ask()
    assert fake.core_v1().pods("nowhere").list().items == ()


def test_the_status_stands_apart(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    changed = pods.get("a")
    changed.status = PodStatus(phase="Running")
    changed.metadata.labels["x"] = "y"
    assert pods.update(changed).status.phase == ""
    changed = pods.get("a")
    changed.status = PodStatus(phase="Running")
    changed.spec.node_name = "n9"
    written = pods.update_status(changed)
    assert (written.status.phase, written.spec.node_name) == ("Running", "")


def test_generation_counts_what_is_wanted() -> None:
    deployments = FakeClientset().apps_v1().deployments("shop")
    made = deployments.create(Deployment(metadata=ObjectMeta(name="d"), spec=DeploymentSpec(replicas=1)))
    made.metadata.labels["x"] = "y"
    labelled = deployments.update(made)
    scaled = deployments.patch("d", {"spec": {"replicas": 2}})
    status = deployments.patch_status("d", {"status": {"replicas": 2}})
    assert [each.metadata.generation for each in (made, labelled, scaled, status)] == [1, 1, 2, 2]
    assert deployments.get_scale("d").spec.replicas == 2


def test_names_and_uids_are_the_same_in_each_run() -> None:
    def run() -> list[tuple[str, str]]:
        fake = FakeClientset(pod("a"))
        maps = fake.core_v1().config_maps("shop")
        made = [maps.create(ConfigMap(metadata=ObjectMeta(generate_name="m-"))) for _ in range(3)]
        assert all(re.fullmatch("m-[a-z0-9]{5}", each.metadata.name) for each in made)
        return [(each.metadata.name, each.metadata.uid) for each in made]

    first = run()
    assert first == run()
    assert len(set(first)) == 3


def test_finalizers_hold_objects(fake: FakeClientset) -> None:
    maps = fake.core_v1().config_maps("shop")
    held = config_map()
    held.metadata.finalizers = ["example.com/hold"]
    maps.create(held)
    marked = maps.delete("m")
    assert marked is not None
    assert marked.metadata.deletion_timestamp is not None
    with pytest.raises(InvalidError, match="no new finalizers can be added"):
        maps.patch("m", {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}})
    maps.patch("m", {"metadata": {"finalizers": None}})
    with pytest.raises(NotFoundError):
        maps.get("m")


def test_dry_runs_change_nothing(fake: FakeClientset) -> None:
    before = fake.tracker.resource_version
    pods = fake.core_v1().pods("shop")
    assert pods.create(pod("x"), dry_run=True).metadata.uid
    pods.patch("a", {"metadata": {"labels": {"x": "y"}}}, dry_run=True)
    pods.delete("b", dry_run=True)
    pods.delete_collection(dry_run=True)
    assert fake.tracker.resource_version == before
    assert names(pods.list()) == ["a", "b"]


def test_a_collection_is_deleted_by_selection(fake: FakeClientset) -> None:
    fake.core_v1().pods("shop").delete_collection(label_selector="app=web")
    assert names(fake.core_v1().pods().list()) == ["c", "b"]


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        (PatchType.MERGE, {"data": {"a": "2", "b": None}}),
        (PatchType.STRATEGIC, {"data": {"a": "2", "b": None}}),
        (PatchType.JSON, [{"op": "replace", "path": "/data/a", "value": "2"}, {"op": "remove", "path": "/data/b"}]),
    ],
)
def test_patches(fake: FakeClientset, kind: PatchType, patch: dict[str, object] | list[dict[str, object]]) -> None:
    maps = fake.core_v1().config_maps("shop")
    maps.create(config_map(a="1", b="1"))
    assert maps.patch("m", patch, type=kind).data == {"a": "2"}
    assert maps.get("m").data == {"a": "2"}


def test_applies_have_owners(fake: FakeClientset) -> None:
    maps = fake.core_v1().config_maps("shop")
    maps.apply(config_map(a="1", b="1"), field_manager="one")
    with pytest.raises(ConflictError, match='conflict with "one"'):
        maps.apply(config_map(a="2"), field_manager="two")
    forced = maps.apply(config_map(a="2"), field_manager="two", force=True)
    assert forced.data == {"a": "2", "b": "1"}
    assert maps.apply(config_map(), field_manager="one").data == {"a": "2"}


def test_strict_ones_want_namespaces() -> None:
    fake = FakeClientset(strict=True)
    with pytest.raises(NotFoundError, match='namespaces "shop" not found'):
        fake.core_v1().config_maps("shop").create(config_map())
    fake.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(name="shop")))
    fake.core_v1().config_maps("shop").create(config_map())


def test_garbage_is_collected_where_it_is_asked_for() -> None:
    fake = FakeClientset(garbage_collection=True)
    maps = fake.core_v1().config_maps("shop")
    owner = maps.create(config_map("owner"))
    owned = config_map("owned")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.metadata.uid}
    maps.create(owned)
    maps.patch("owned", {"metadata": {"ownerReferences": [reference]}})
    maps.delete("owner")
    assert maps.list().items == ()


def test_evictions_ask_the_budget(fake: FakeClientset) -> None:
    running = pod("r")
    running.status = PodStatus(phase="Running", conditions=[PodCondition(type="Ready", status="True")])
    budget = PodDisruptionBudget(
        metadata=ObjectMeta(name="b", namespace="shop"),
        spec=PodDisruptionBudgetSpec(selector=LabelSelector(match_labels={"app": "web"})),
        status=PodDisruptionBudgetStatus(observed_generation=1),
    )
    fake.tracker.add(running, budget)
    pods = fake.core_v1().pods("shop")
    with pytest.raises(TooManyRequestsError, match="would violate the pod's disruption budget"):
        pods.create_eviction("r", Eviction())
    fake.policy_v1().pod_disruption_budgets("shop").patch_status("b", {"status": {"disruptionsAllowed": 1}})
    pods.create_eviction("r", Eviction())
    assert names(pods.list()) == ["a", "b"]
    assert str(fake.writes[0]) == "create pods/eviction shop/r"


def test_dynamic_clients_of_it(fake: FakeClientset) -> None:
    dynamic = DynamicClient(fake.client)
    found = dynamic.for_kind("v1", "Pod", namespace="shop").list()
    assert [each.metadata.name for each in found] == ["a", "b"]
    assert [str(action) for action in fake.actions] == ["list pods shop"]  # discovery is none


def test_threads_lose_no_update(fake: FakeClientset) -> None:
    maps = fake.core_v1().config_maps("shop")
    maps.create(config_map(n="0"))

    def count() -> None:
        done = 0
        while done < 25:
            current = maps.get("m")
            current.data["n"] = str(int(current.data["n"]) + 1)
            try:
                maps.update(current)
            except ConflictError:
                continue
            done += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert maps.get("m").data == {"n": "100"}


def test_a_closed_one_answers_no_more() -> None:
    fake = FakeClientset()
    fake.close()
    with pytest.raises(TransportError, match="the transport is closed"):
        fake.core_v1().pods().list()
