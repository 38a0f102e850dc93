"""Selectors, namespaces and permissions: which objects an informer has, as a real server decides it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from kinform import (
    BadRequestError,
    CacheSyncError,
    ForbiddenError,
    LabelSelector,
    NotCachedError,
    ObjectKey,
    field_index,
)
from kinform.factory import ListOptions
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import Binding, ConfigMap, Container, ObjectReference, Pod, PodSpec
from kinform_k8s.models.meta.v1 import LabelSelector as SelectorModel
from kinform_k8s.models.meta.v1 import LabelSelectorRequirement, ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.real.informers.conftest import MakeNamespace, Seen

    from kinform.testing import ControlPlane
    from kinform_k8s import Clientset

TIMEOUT = 30.0

SELECTORS = [
    "",
    "app",
    "!app",
    "app=web",
    "app==web",
    "app!=web",
    "app in (web, db)",
    "app notin (web, db)",
    "app=,tier",
    "app=web,tier=front",
    "app in (web,),tier!=back",
    "weight>1",
    "weight<10",
    "example.com/long-name",
    "example.com/long-name=v_1.x",
]


def names(keys: Iterable[ObjectKey]) -> set[str]:
    return {key.name for key in keys}


@pytest.fixture
def labelled(clientset: Clientset, namespace: str) -> str:
    """A namespace with objects of all sorts of labels."""
    for number, labels in enumerate(
        [
            {},
            {"app": ""},
            {"app": "", "tier": ""},
            {"app": "web"},
            {"app": "web", "tier": "front"},
            {"app": "web", "tier": "back", "weight": "10"},
            {"app": "db", "tier": "back", "weight": "2"},
            {"app": "other", "weight": "1"},
            {"weight": "not a number".replace(" ", "-")},
            {"example.com/long-name": "v_1.x"},
        ]
    ):
        clientset.core_v1().config_maps(namespace).create(
            ConfigMap(metadata=ObjectMeta(name=f"object-{number}", labels=labels))
        )
    return namespace


def test_label_selectors_choose_what_the_server_chooses(clientset: Clientset, labelled: str) -> None:
    """Twice: by the server, in an informer of that selector, and here, in a lister of all that there is."""
    factory = SharedInformerFactory(clientset.transport, namespace=labelled)
    everything = factory.core().v1().config_maps().lister()
    with factory:
        selected = {
            selector: factory.core().v1().config_maps(label_selector=selector).lister() for selector in SELECTORS
        }
        factory.wait_for_cache_sync(TIMEOUT)
        for selector, lister in selected.items():
            listed = clientset.core_v1().config_maps(labelled).list(label_selector=selector)
            wanted = {item.metadata.name for item in listed}
            assert names(lister.keys()) == wanted, selector
            assert {item.metadata.name for item in everything.list(selector)} == wanted, selector
    assert len({len(lister) for lister in selected.values()}) > 5  # or the selectors do not tell objects apart


def test_selectors_of_models_and_code_mean_the_same(clientset: Clientset, labelled: str) -> None:
    requirement = LabelSelectorRequirement(key="app", operator="In", values=["web", "db"])
    model = SelectorModel(match_labels={"tier": "back"}, match_expressions=[requirement])
    text = "tier=back,app in (db,web)"
    with SharedInformerFactory(clientset.transport, namespace=labelled) as factory:
        config_maps = factory.core().v1()
        informer = config_maps.config_maps(label_selector=model).informer()
        assert config_maps.config_maps(label_selector=text).informer() is informer
        assert config_maps.config_maps(label_selector=LabelSelector.parse(text)).informer() is informer
        factory.wait_for_cache_sync(TIMEOUT)
        assert len(config_maps.config_maps(label_selector=model).lister()) == 2


def test_objects_move_in_and_out_of_a_selection(clientset: Clientset, namespace: str, seen: Seen) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    factory = SharedInformerFactory(clientset.transport, namespace=namespace, label_selector="tier in (web, db)")
    accessor = factory.core().v1().config_maps()
    informer, lister = accessor.informer(), accessor.lister().config_maps(namespace)
    informer.add_handler(seen.event)
    key = ObjectKey(namespace, "moving")
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        obj = config_maps.create(ConfigMap(metadata=ObjectMeta(name="moving")))
        informer.wait_for(obj, TIMEOUT)  # at once: it is not selected
        assert lister.find("moving") is None
        for tier, event in (("web", "ADDED"), ("db", "MODIFIED"), ("cache", "DELETED"), ("web", "ADDED")):
            obj.metadata.labels["tier"] = tier
            obj = config_maps.update(obj)
            informer.wait_for(obj, TIMEOUT)
            seen.wait_for(lambda event=event: seen.events[-1:] == [(event, key)])  # type: ignore[misc]
            found = lister.find("moving")
            if event == "DELETED":
                assert found is None
            else:
                assert found is not None
                assert found.metadata.resource_version == obj.metadata.resource_version
        config_maps.delete("moving")
        informer.wait_for_deleted(obj, TIMEOUT)
        seen.wait_for(lambda: len(seen.events) == 5)
    assert [event for event, _ in seen.events] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]


def test_field_selectors_and_field_indexes(clientset: Clientset, namespace: str, seen: Seen) -> None:
    pods = clientset.core_v1().pods(namespace)
    factory = SharedInformerFactory(clientset.transport, namespace=namespace)
    on_node = factory.core().v1().pods(field_selector="spec.nodeName=n1,status.phase!=Succeeded")
    by_node = factory.core().v1().pods().informer().add_index(field_index("spec.nodeName"))
    on_node.informer().add_handler(seen.event)
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        for name in ("a", "b"):
            spec = PodSpec(containers=[Container(name="c", image="registry.example/c:1")])
            pods.create(Pod(metadata=ObjectMeta(name=name), spec=spec))
        node = ObjectReference(api_version="v1", kind="Node", name="n1")
        pods.create_binding("a", Binding(metadata=ObjectMeta(name="a"), target=node))
        bound = pods.get("a")
        on_node.informer().wait_for(bound, TIMEOUT)
        factory.core().v1().pods().informer().wait_for(bound, TIMEOUT)
        assert on_node.lister().keys() == [ObjectKey(namespace, "a")]
        everywhere = factory.core().v1().pods().lister()
        for selector in ("spec.nodeName=n1,status.phase!=Succeeded", "spec.nodeName!=n1", "metadata.name=b"):
            asked = [pod.metadata.name for pod in pods.list(field_selector=selector)]
            assert [pod.metadata.name for pod in everywhere.list(field_selector=selector)] == asked
        assert [pod.metadata.name for pod in by_node["n1"]] == ["a"]
        assert list(by_node.index_values()) == ["n1"]
        bound.status.phase = "Succeeded"
        finished = pods.update_status(bound)
        seen.wait_for_event("DELETED", ObjectKey(namespace, "a"))
        on_node.informer().wait_for_deleted(finished, TIMEOUT)
        assert len(on_node.lister()) == 0
        assert names(factory.core().v1().pods().lister().keys()) == {"a", "b"}


def test_a_set_of_namespaces_is_one_cache(clientset: Clientset, make_namespace: MakeNamespace, seen: Seen) -> None:
    first, second, other = make_namespace("set"), make_namespace("set"), make_namespace("other")
    factory = SharedInformerFactory(clientset.transport, namespace=[first, second])
    accessor = factory.core().v1().config_maps()
    accessor.informer().add_handler(seen.event)
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        made = {
            namespace: clientset.core_v1().config_maps(namespace).create(ConfigMap(metadata=ObjectMeta(name="same")))
            for namespace in (first, second, other)
        }
        for obj in made.values():
            accessor.informer().wait_for(obj, TIMEOUT)
        lister = accessor.lister()
        assert sorted(lister.keys()) == sorted(ObjectKey(each, "same") for each in (first, second))
        for each in (first, second):
            assert lister.config_maps(each).get("same").metadata.uid == made[each].metadata.uid
        with pytest.raises(NotCachedError):
            lister.config_maps(other).get("same")
        clientset.core_v1().config_maps(first).delete("same")
        accessor.informer().wait_for_deleted(made[first], TIMEOUT)
        assert lister.keys() == [ObjectKey(second, "same")]
        seen.wait_for_event("DELETED", ObjectKey(first, "same"))
        # Kinds without namespaces are watched as a whole by the same factory.
        namespaces = factory.core().v1().namespaces()
        namespaces.informer().wait_for_sync(TIMEOUT)
        assert names(namespaces.lister().keys()) >= {first, second, other}


def test_a_tweak_reaches_the_server(clientset: Clientset, labelled: str) -> None:
    def only_web(options: ListOptions) -> ListOptions:
        return ListOptions(label_selector="app=web", field_selector=options.field_selector)

    factory = SharedInformerFactory(
        clientset.transport, namespace=labelled, field_selector="metadata.name!=object-3", tweak=only_web
    )
    lister = factory.core().v1().config_maps().lister()
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        assert names(lister.keys()) == {"object-4", "object-5"}


def test_a_selector_that_the_server_refuses_is_reported(clientset: Clientset, namespace: str, seen: Seen) -> None:
    factory = SharedInformerFactory(clientset.transport, namespace=namespace, field_selector="data.text=x")
    factory.on_error(seen.error)
    factory.core().v1().config_maps().informer()
    with factory:
        seen.wait_for(lambda: bool(seen.errors))
        with pytest.raises(CacheSyncError, match=r"data\.text.*400 .*data\.text"):
            factory.wait_for_cache_sync(timeout=0.1)
    assert isinstance(seen.errors[0].exception, BadRequestError)
    assert seen.reasons() == {"refused"}


@pytest.fixture
def reader(control_plane: ControlPlane, namespace: str) -> Iterator[SharedInformerFactory]:
    """A factory with the credentials of a user who may do nothing yet."""
    client = control_plane.client(control_plane.add_user(f"reader-{namespace}"))
    with ExitStack() as stack:
        factory = SharedInformerFactory(client, namespace=namespace)
        stack.callback(factory.stop)
        yield factory


def test_permissions_given_later_let_an_informer_sync(
    control_plane: ControlPlane, clientset: Clientset, namespace: str, reader: SharedInformerFactory, seen: Seen
) -> None:
    reader.on_error(seen.error)
    lister = reader.core().v1().config_maps().lister()
    clientset.core_v1().config_maps(namespace).create(ConfigMap(metadata=ObjectMeta(name="one")))
    reader.start()
    seen.wait_for(lambda: bool(seen.errors))
    assert isinstance(seen.errors[0].exception, ForbiddenError)
    assert not reader.core().v1().config_maps().informer().has_synced()
    user = f"reader-{namespace}"
    role = ["--verb=list,watch", "--resource=configmaps", f"--namespace={namespace}"]
    control_plane.kubectl("create", "role", "reader", *role)
    control_plane.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--user={user}", f"--namespace={namespace}"
    )
    reader.wait_for_cache_sync(TIMEOUT)
    assert lister.config_maps(namespace).get("one").metadata.name == "one"
    assert seen.reasons() == {"forbidden"}
