"""The generated clients' requests, and what a real server makes of them."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from kinform import (
    AlreadyExistsError,
    BadRequestError,
    ConflictError,
    EventType,
    ForbiddenError,
    InvalidError,
    MethodNotAllowedError,
    NotFoundError,
    TooManyRequestsError,
    UnauthorizedError,
)
from kinform.client import PatchType, Preconditions, PropagationPolicy, ResourceVersionMatch
from kinform.transport import Transport
from kinform_k8s import Clientset
from kinform_k8s.models.apps.v1 import Deployment, DeploymentSpec
from kinform_k8s.models.authentication.v1 import TokenRequest, TokenRequestSpec
from kinform_k8s.models.core.v1 import (
    ConfigMap,
    Container,
    ContainerPort,
    Namespace,
    Pod,
    PodSpec,
    PodTemplateSpec,
    ServiceAccount,
)
from kinform_k8s.models.meta.v1 import LabelSelector, ObjectMeta
from kinform_k8s.models.policy.v1 import Eviction, PodDisruptionBudget, PodDisruptionBudgetSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kinform.testing import ControlPlane

TIMEOUT = 30.0


@pytest.fixture
def clientset(control_plane: ControlPlane) -> Iterator[Clientset]:
    with Clientset(control_plane.client()) as made:
        yield made


@pytest.fixture
def namespace(clientset: Clientset) -> str:
    """A namespace of the test's own; the server finds its name."""
    made = clientset.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(generate_name="requests-")))
    assert len(made.metadata.name) > len("requests-")
    return made.metadata.name


def config_map(name: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name), data=data)


def deployment(name: str, *, replicas: int | None = None, image: str = "registry.example/a:1") -> Deployment:
    labels = {"app": name}
    container = Container(name="main", image=image, ports=[ContainerPort(name="web", container_port=80)])
    template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=[container]))
    spec = DeploymentSpec(replicas=replicas, selector=LabelSelector(match_labels=labels), template=template)
    return Deployment(metadata=ObjectMeta(name=name), spec=spec)


# ---- errors


def test_404_names_what_is_missing(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    requests: tuple[Callable[[str], object], ...] = (config_maps.get, config_maps.delete)
    for request in requests:
        with pytest.raises(NotFoundError) as caught:
            request("none")
        assert (caught.value.code, caught.value.reason) == (404, "NotFound")
        assert (caught.value.status.details.name, caught.value.status.details.kind) == ("none", "configmaps")
    with pytest.raises(NotFoundError):
        config_maps.patch("none", {"data": {"a": "b"}})
    absent = config_map("none")
    absent.metadata.resource_version = "1"
    with pytest.raises(NotFoundError):
        config_maps.update(absent)


def test_the_two_kinds_of_409_differ(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    stale = config_maps.create(config_map("one", a="1"))
    with pytest.raises(AlreadyExistsError):
        config_maps.create(config_map("one"))
    fresh = config_maps.get("one")
    fresh.data["a"] = "2"
    config_maps.update(fresh)
    stale.data["a"] = "3"
    with pytest.raises(ConflictError):
        config_maps.update(stale)
    with pytest.raises(ConflictError):
        config_maps.patch("one", {"metadata": {"resourceVersion": stale.metadata.resource_version}, "data": {"a": "4"}})
    assert config_maps.get("one").data == {"a": "2"}
    deployments = clientset.apps_v1().deployments(namespace)
    old = deployments.create(deployment("web"))
    current = deployments.get("web")
    current.status.observed_generation = 1
    deployments.update_status(current)
    old.status.observed_generation = 2
    with pytest.raises(ConflictError):
        deployments.update_status(old)


def test_422_names_the_fields(clientset: Clientset, namespace: str) -> None:
    wrong = deployment("Wrong_Name", image="")
    with pytest.raises(InvalidError) as caught:
        clientset.apps_v1().deployments(namespace).create(wrong)
    assert {cause.field for cause in caught.value.status.details.causes} == {
        "metadata.name",
        "spec.template.spec.containers[0].image",
    }


def test_what_a_go_client_wrote_goes_back_by_the_byte(control_plane: ControlPlane, namespace: str) -> None:
    """The API server compares a revision's data as text, which it keeps as it came: here, from Go's encoder."""
    body = rb"""{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"r"},"revision":1,"data":
        {"args":["a \u003c b \u0026\u0026 c \u003e d \u2028"]}}"""
    with Transport(control_plane.client()) as transport:
        transport.request("POST", f"/apis/apps/v1/namespaces/{namespace}/controllerrevisions", body=body)
        revisions = Clientset(transport).apps_v1().controller_revisions(namespace)
        made = revisions.get("r")
        assert made.data == {"args": ["a < b && c > d \u2028"]}
        made.revision = 2
        assert revisions.update(made).revision == 2


def test_400_401_403_and_405(control_plane: ControlPlane, clientset: Clientset, namespace: str, tmp_path: Path) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    config_maps.create(config_map("one"))
    with pytest.raises(BadRequestError):
        config_maps.patch("one", b"{not json", type=PatchType.MERGE)
    with pytest.raises(MethodNotAllowedError):
        clientset.transport.request("DELETE", "/api/v1/namespaces")
    with (
        Clientset(control_plane.client(control_plane.add_user("nobody"))) as nobody,
        pytest.raises(ForbiddenError) as caught,
    ):
        nobody.core_v1().config_maps(namespace).get("one")
    assert 'User "nobody" cannot get resource "configmaps"' in caught.value.status.message
    config = json.loads(control_plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": "nonsense"}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    with Clientset(control_plane.client(kubeconfig)) as stranger, pytest.raises(UnauthorizedError):
        stranger.core_v1().config_maps(namespace).get("one")


# ---- apply and patches


def test_server_side_apply(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    made = config_maps.apply(config_map("one", a="1", b="1"), field_manager="first")
    assert made.data == {"a": "1", "b": "1"}
    with pytest.raises(ConflictError) as caught:
        config_maps.apply(config_map("one", a="2"), field_manager="second")
    assert [(cause.reason, cause.field) for cause in caught.value.status.details.causes] == [
        ("FieldManagerConflict", ".data.a")
    ]
    taken = config_maps.apply(config_map("one", a="2", c="2"), field_manager="second", force=True)
    assert taken.data == {"a": "2", "b": "1", "c": "2"}
    # What a manager no longer wants, and nobody else owns, is removed.
    assert config_maps.apply(config_map("one"), field_manager="first").data == {"a": "2", "c": "2"}


def test_apply_of_status_and_of_a_part(clientset: Clientset, namespace: str) -> None:
    deployments = clientset.apps_v1().deployments(namespace)
    deployments.apply(deployment("web", replicas=2), field_manager="owner")
    part = Deployment(metadata=ObjectMeta(name="web"))
    part.status.replicas = 1
    applied = deployments.apply_status(part, field_manager="controller")
    assert (applied.spec.replicas, applied.status.replicas) == (2, 1)


def test_patches_of_all_types(clientset: Clientset, namespace: str) -> None:
    deployments = clientset.apps_v1().deployments(namespace)
    deployments.create(deployment("web", replicas=1))
    merged = deployments.patch("web", {"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 2}})
    assert (merged.metadata.labels["a"], merged.spec.replicas) == ("b", 2)
    image = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.example/a:2"}
    patched = deployments.patch(
        "web", [{"op": "test", "path": "/spec/replicas", "value": 2}, image], type=PatchType.JSON
    )
    assert patched.spec.template.spec.containers[0].image == "registry.example/a:2"
    with pytest.raises(InvalidError):
        deployments.patch("web", [{"op": "test", "path": "/spec/replicas", "value": 7}, image], type=PatchType.JSON)
    second = Container(name="second", image="registry.example/b:1")
    strategic = deployments.patch(
        "web", {"spec": {"template": {"spec": {"containers": [second]}}}}, type=PatchType.STRATEGIC
    )
    assert {container.name for container in strategic.spec.template.spec.containers} == {"main", "second"}
    status = deployments.patch_status("web", {"status": {"replicas": 3}})
    assert (status.status.replicas, status.spec.replicas) == (3, 2)
    assert deployments.get_status("web").status.replicas == 3


def test_dry_runs_leave_no_trace(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    assert config_maps.create(config_map("ghost"), dry_run=True).metadata.uid
    with pytest.raises(NotFoundError):
        config_maps.get("ghost")
    before = config_maps.create(config_map("real", a="1"))
    changed = config_maps.get("real")
    changed.data["a"] = "2"
    assert config_maps.update(changed, dry_run=True).data == {"a": "2"}
    assert config_maps.patch("real", {"data": {"a": "3"}}, dry_run=True).data == {"a": "3"}
    applied = config_maps.apply(config_map("real", a="4"), field_manager="m", force=True, dry_run=True)
    assert applied.data == {"a": "4"}
    config_maps.delete("real", dry_run=True)
    config_maps.delete_collection(dry_run=True)
    assert config_maps.get("real") == before


# ---- deletion


def test_preconditions_of_a_deletion(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    stale = config_maps.create(config_map("one"))
    current = config_maps.patch("one", {"data": {"a": "b"}})
    with pytest.raises(ConflictError):
        config_maps.delete("one", preconditions=Preconditions(uid="another"))
    with pytest.raises(ConflictError):
        config_maps.delete("one", preconditions=Preconditions.of(stale))
    assert config_maps.delete("one", preconditions=Preconditions.of(current)) is None
    with pytest.raises(NotFoundError):
        config_maps.get("one")


def test_an_object_that_cannot_go_yet_is_returned(clientset: Clientset, namespace: str) -> None:
    deployments = clientset.apps_v1().deployments(namespace)
    deployments.create(deployment("web"))
    left = deployments.delete("web", propagation=PropagationPolicy.FOREGROUND)
    assert left is not None
    assert left.metadata.deletion_timestamp is not None
    assert left.metadata.finalizers == ["foregroundDeletion"]
    left.metadata.finalizers.clear()
    deployments.update(left)
    with pytest.raises(NotFoundError):
        deployments.get("web")


def test_a_collection_is_deleted_by_selector(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    for name, tier in (("a", "web"), ("b", "web"), ("c", "db")):
        made = config_map(name)
        made.metadata.labels["tier"] = tier
        config_maps.create(made)
    config_maps.delete_collection(label_selector="tier=web", field_selector="metadata.name!=b")
    assert {item.metadata.name for item in config_maps.list()} == {"b", "c"}


# ---- lists and watches


def test_a_list_can_be_of_an_exact_version(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    config_maps.create(config_map("one"))
    then = config_maps.list()
    config_maps.create(config_map("two"))
    exact = ResourceVersionMatch.EXACT
    old = config_maps.list(resource_version=then.resource_version, resource_version_match=exact)
    assert [item.metadata.name for item in old] == ["one"]
    assert old.resource_version == then.resource_version
    at_least = config_maps.list(resource_version=then.resource_version)
    assert int(at_least.resource_version) >= int(then.resource_version)
    item = config_maps.list()[0]
    assert (item.api_version, item.kind) == ("v1", "ConfigMap")  # which lists leave out
    assert item == config_maps.get("one")


def test_a_watch_tells_what_happens_from_a_version_on(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    config_maps.create(config_map("before"))
    start = config_maps.list().resource_version
    with config_maps.watch(resource_version=start, field_selector="metadata.name=one", timeout=20) as watch:
        made = config_maps.create(config_map("one", a="1"))
        config_maps.create(config_map("two"))
        updated = config_maps.patch("one", {"data": {"a": "2"}})
        config_maps.delete("one")
        events = [next(watch) for _ in range(3)]
    assert [event.type for event in events] == [EventType.ADDED, EventType.MODIFIED, EventType.DELETED]
    assert [event.object for event in events[:2]] == [made, updated]
    last = events[2].object
    assert last.data == {"a": "2"}
    assert int(last.metadata.resource_version) > int(updated.metadata.resource_version)
    assert list(watch) == []


def test_a_watch_ends_by_its_time_out_or_from_another_thread(clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    config_maps.create(config_map("one"))
    with config_maps.watch(allow_bookmarks=True, timeout=1) as watch:
        events = list(watch)
    assert events[0].type is EventType.ADDED
    assert {event.type for event in events[1:]} <= {EventType.BOOKMARK}
    watch = config_maps.watch()
    assert next(watch).object.metadata.name == "one"
    ended = threading.Event()

    def wait_for_more() -> None:
        for _ in watch:
            pass
        ended.set()

    waiting = threading.Thread(target=wait_for_more)
    waiting.start()
    watch.close()
    waiting.join(TIMEOUT)
    assert ended.is_set()


def test_a_watch_of_all_there_is_ends_its_beginning_with_a_bookmark(
    control_plane: ControlPlane, clientset: Clientset, namespace: str
) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    config_maps.create(config_map("one"))
    if control_plane.version.startswith("v1.30."):
        with pytest.raises(InvalidError, match="sendInitialEvents"):
            config_maps.watch(send_initial_events=True, timeout=1)
        return
    with config_maps.watch(send_initial_events=True, timeout=10) as watch:
        first, bookmark = next(watch), next(watch)
    assert (first.type, first.object.metadata.name) == (EventType.ADDED, "one")
    assert bookmark.type is EventType.BOOKMARK
    assert bookmark.object.metadata.annotations == {"k8s.io/initial-events-end": "true"}


# ---- subresources


def test_scale(clientset: Clientset, namespace: str) -> None:
    deployments = clientset.apps_v1().deployments(namespace)
    deployments.create(deployment("web", replicas=1))
    scale = deployments.get_scale("web")
    assert (scale.spec.replicas, scale.status.selector) == (1, "app=web")
    scale.spec.replicas = 3
    assert deployments.update_scale("web", scale).spec.replicas == 3
    assert deployments.patch_scale("web", {"spec": {"replicas": 0}}).spec.replicas == 0
    assert deployments.get("web").spec.replicas == 0


def test_an_eviction_respects_the_budget(clientset: Clientset, namespace: str) -> None:
    pods = clientset.core_v1().pods(namespace)
    labels = {"app": "web"}
    spec = PodSpec(containers=[Container(name="c", image="registry.example/c:1")], node_name="n1")
    pod = pods.create(Pod(metadata=ObjectMeta(name="web-0", labels=labels), spec=spec))
    pod.status.phase = "Running"
    pods.update_status(pod)
    budget = PodDisruptionBudgetSpec(min_available=1, selector=LabelSelector(match_labels=labels))
    clientset.policy_v1().pod_disruption_budgets(namespace).create(
        PodDisruptionBudget(metadata=ObjectMeta(name="web"), spec=budget)
    )
    with pytest.raises(TooManyRequestsError):
        pods.create_eviction("web-0", Eviction(metadata=ObjectMeta(name="web-0", namespace=namespace)))
    assert pods.get("web-0").metadata.deletion_timestamp is None


def test_a_token_for_a_service_account(clientset: Clientset, namespace: str) -> None:
    accounts = clientset.core_v1().service_accounts(namespace)
    accounts.create(ServiceAccount(metadata=ObjectMeta(name="robot")))
    request = TokenRequest(spec=TokenRequestSpec(audiences=["https://example.com"], expiration_seconds=3600))
    answer = accounts.create_token("robot", request)
    assert answer.status.token.count(".") == 2
    assert answer.status.expiration_timestamp is not None
