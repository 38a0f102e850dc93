"""Kinds that are known only when the program runs, and informers of metadata alone, at real API servers."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from kinform import (
    ConflictError,
    Controller,
    DynamicClient,
    DynamicObject,
    InvalidError,
    MethodNotAllowedError,
    NoMatchError,
    NotFoundError,
    ObjectKey,
    PartialObjectMetadata,
    Resource,
    VerbNotSupportedError,
    field_index,
    generation_changed,
)
from kinform.client import PatchType
from kinform.factory import InformerFactory
from kinform.transport import Transport
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.models.meta.v1 import ObjectMeta, OwnerReference
from kinform_k8s.resources.core.v1 import CONFIG_MAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.real.informers.conftest import MakeNamespace, Seen, Sources

    from kinform import GenericInformer
    from kinform.testing import ControlPlane
    from kinform.transport import Stream
    from kinform_k8s import Clientset

TIMEOUT = 30.0
DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)


class Definition:
    """A definition in a group of the test's own, as a user applies and deletes it."""

    def __init__(self, client: DynamicClient, group: str) -> None:
        self.client = client
        self.api_version = f"{group}/v1"
        self.short_name = f"wd-{group.partition('.')[0]}"
        self._group = group
        self._definitions = client.for_resource("apiextensions.k8s.io/v1", "crd")

    def apply(self) -> None:
        size = {"type": "object", "properties": {"size": {"type": "integer", "minimum": 0}}}
        fields = {"spec": size, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        version = {
            "name": "v1",
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "properties": fields}},
            "subresources": {
                "status": {},
                "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
            },
        }
        names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": [self.short_name]}
        obj = DynamicObject.new(DEFINITIONS, f"widgets.{self._group}")
        obj["spec"] = {"group": self._group, "scope": "Namespaced", "names": names, "versions": [version]}
        self._definitions.apply(obj, field_manager="test")

    def delete(self) -> None:
        name = f"widgets.{self._group}"
        deleted = self._definitions.get(name)
        self._definitions.delete(name)
        with self._definitions.watch(
            field_selector=f"metadata.name={name}", resource_version=deleted.metadata.resource_version, timeout=60
        ) as watch:
            assert any(event.type == "DELETED" for event in watch)

    def widget(self, name: str, namespace: str, size: int = 1) -> DynamicObject:
        obj = DynamicObject({"apiVersion": self.api_version, "kind": "Widget", "spec": {"size": size}})
        obj.metadata.name, obj.metadata.namespace = name, namespace
        return obj


@pytest.fixture
def recorder(control_plane: ControlPlane) -> Iterator[Recorder]:
    with Recorder(control_plane.client()) as recorder:
        yield recorder


@pytest.fixture
def definition(control_plane: ControlPlane, group_of_widgets: str) -> Iterator[Definition]:
    with DynamicClient(control_plane.client()) as client:
        yield Definition(client, group_of_widgets)


def found(factory: InformerFactory, api_version: str) -> GenericInformer[DynamicObject]:
    """The informer of the widgets, as soon as the server says that it has them."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return factory.dynamic().for_resource(api_version, "widgets")
        except NoMatchError:
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)  # discovery lags behind the definition by up to a second


def test_a_definition_that_is_applied_is_found_and_its_objects_followed(
    control_plane: ControlPlane, definition: Definition, seen: Seen, namespace: str
) -> None:
    factory = InformerFactory(control_plane.client(), namespace=namespace)
    factory.on_error(seen.error)
    with factory:
        with pytest.raises(NoMatchError, match="the server has no"):
            factory.dynamic().for_resource(definition.api_version, "widgets")
        definition.apply()
        widgets = found(factory, definition.api_version)
        informer, lister = widgets.informer(), widgets.lister()
        informer.add_handler(seen.event)
        by_size = informer.add_index(field_index("spec.size"))
        metadata = factory.metadata().for_kind(definition.api_version, "Widget")
        metadata.informer()
        informer.wait_for_sync(60)
        metadata.informer().wait_for_sync(60)
        assert widgets is factory.dynamic().for_kind(definition.api_version, "Widget")
        short = factory.rest_mapper.resolve(definition.short_name)
        assert short.resource == widgets.resource
        assert set(short.subresources) == {"status", "scale"}

        client = DynamicClient(factory.transport, mapper=factory.rest_mapper)
        objects = client.for_kind(definition.api_version, "Widget", namespace=namespace)
        made = objects.create(definition.widget("a", namespace))
        informer.wait_for(made, TIMEOUT)
        assert lister.get(ObjectKey(namespace, "a")).nested_int("spec.size") == 1

        changed = lister.copy(ObjectKey(namespace, "a"))
        changed.set_nested_field("spec.size", 2)
        changed.metadata.labels["app"] = "web"
        changed.metadata.finalizers.append("example.com/keep")
        updated = objects.update(changed)
        with pytest.raises(ConflictError):
            objects.update(changed)
        updated["status"] = {"size": 2}
        objects.update_status(updated)
        applied = DynamicObject.new(widgets.resource, "a", namespace)
        applied.set_nested_field("spec.size", 3)
        objects.apply(applied, field_manager="test", force=True)
        scale = objects.get_subresource("a", "scale")
        assert (scale.kind, scale.nested_int("spec.replicas"), scale.nested_int("status.replicas")) == ("Scale", 3, 2)
        scale.set_nested_field("spec.replicas", 4)
        objects.update_subresource("a", "scale", scale)
        last = objects.patch("a", [{"op": "replace", "path": "/spec/size", "value": 5}], type=PatchType.JSON)
        informer.wait_for(last, TIMEOUT)
        cached = lister.namespace(namespace).get("a")
        assert cached.metadata.uid == made.metadata.uid
        assert cached.metadata.generation == 5
        assert (cached.nested_int("spec.size"), cached.nested_int("status.size")) == (5, 2)
        assert [each.metadata.name for each in by_size["5"]] == ["a"]
        metadata.informer().wait_for(PartialObjectMetadata.of(last), TIMEOUT)
        partial = metadata.lister().namespace(namespace).get("a")
        assert (partial.api_version, partial.kind) == (definition.api_version, "Widget")
        assert partial.metadata.labels == {"app": "web"}
        assert partial.metadata.finalizers == ["example.com/keep"]
        assert partial.metadata.creation_timestamp == cached.metadata.creation_timestamp

        wrong = definition.widget("b", namespace, size=-1)
        with pytest.raises(InvalidError):
            objects.create(wrong)
        objects.delete("a")
        objects.patch("a", {"metadata": {"finalizers": None}})
        seen.wait_for_event("DELETED", ObjectKey(namespace, "a"))
        with pytest.raises(NotFoundError):
            objects.get("a")


def test_a_definition_that_goes_and_comes_again_under_both_kinds_of_informers(
    control_plane: ControlPlane, definition: Definition, seen: Seen, make_sources: type[Sources], namespace: str
) -> None:
    factory = InformerFactory(control_plane.client(), namespace=namespace, source_factory=make_sources())
    factory.on_error(seen.error)
    definition.apply()
    widgets = found(factory, definition.api_version)
    metadata = factory.metadata().for_resource(widgets.resource)
    for handler in (widgets.informer().add_handler, metadata.informer().add_handler):
        handler(seen.event)
    key = ObjectKey(namespace, "a")
    with factory:
        factory.wait_for_cache_sync(60)
        objects = definition.client.for_resource(widgets.resource, namespace=namespace)
        first = objects.create(definition.widget("a", namespace))
        seen.wait_for(lambda: seen.events == [("ADDED", key)] * 2)
        seen.forget()
        definition.delete()
        seen.wait_for(lambda: seen.events == [("DELETED", key)] * 2)
        for informer in (widgets.informer().name, metadata.informer().name):
            seen.wait_for_error(informer, "not-found")
        definition.apply()
        while True:
            try:
                second = objects.create(definition.widget("a", namespace, size=2))
                break
            except (NotFoundError, MethodNotAllowedError):
                threading.Event().wait(0.05)
        assert second.metadata.uid != first.metadata.uid
        seen.wait_for(lambda: seen.events[2:] == [("ADDED", key)] * 2, 60)
        assert widgets.lister().get(key).nested_int("spec.size") == 2
        assert metadata.lister().get(key).metadata.uid == second.metadata.uid


def test_resources_that_cannot_be_followed(control_plane: ControlPlane) -> None:
    with InformerFactory(control_plane.client()) as factory:
        with pytest.raises(VerbNotSupportedError, match=r"componentstatuses/v1 cannot be followed.*has get, list"):
            factory.dynamic().for_resource("v1", "cs")
        with pytest.raises(VerbNotSupportedError, match="has create"):
            factory.metadata().for_kind("authorization.k8s.io/v1", "SubjectAccessReview")


# ---- metadata alone


class Recorder(Transport):
    """A transport that keeps all that comes over it, by what was asked for."""

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self.pieces: list[tuple[str, bytes]] = []

    def fetch(self, path: str, take: Callable[[bytes], object], **options: Any) -> None:
        def kept(piece: bytes) -> None:
            self.pieces.append((options["accept"], piece))
            take(piece)

        super().fetch(path, kept, **options)

    def open(self, path: str, **options: Any) -> Stream:
        stream = super().open(path, **options)
        read = stream.read

        def kept() -> bytes:
            data = read()
            self.pieces.append((options["accept"], data))
            return data

        stream.read = kept  # type: ignore[method-assign]
        return stream

    def received(self, *, metadata: bool) -> bytes:
        return b"".join(data for accept, data in self.pieces if ("PartialObjectMetadata" in accept) is metadata)


def test_nothing_but_metadata_comes_over_the_wire(
    control_plane: ControlPlane, clientset: Clientset, recorder: Recorder, namespace: str, seen: Seen
) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    for number in range(20):
        labels = {"number": str(number)}
        config_maps.create(
            ConfigMap(metadata=ObjectMeta(name=f"c{number}", labels=labels), data={"key": "the-content " * 200})
        )
    factory = SharedInformerFactory(recorder, namespace=namespace)
    factory.on_error(seen.error)
    whole, partial = factory.core().v1().config_maps(), factory.metadata().for_resource(CONFIG_MAPS)
    whole.informer()
    partial.informer().add_handler(seen.event)
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        fetch = next(iter(partial.informer().statistics().watches.values())).initial_fetch
        assert fetch == ("listing" if control_plane.version.startswith("v1.30") else "streaming")
        changed = config_maps.patch("c0", {"data": {"key": "other the-content"}})
        whole.informer().wait_for(changed, TIMEOUT)
        partial.informer().wait_for(PartialObjectMetadata.of(changed), TIMEOUT)
        config_maps.delete("c1")
        seen.wait_for_event("DELETED", ObjectKey(namespace, "c1"))
        metadata_bytes, whole_bytes = recorder.received(metadata=True), recorder.received(metadata=False)
        assert b"the-content" in whole_bytes
        assert b"the-content" not in metadata_bytes
        assert b'"data"' not in metadata_bytes.replace(b'"f:data"', b"")
        assert len(metadata_bytes) < len(whole_bytes) / 4
        assert partial.informer().statistics().bytes < whole.informer().statistics().bytes / 4
        assert partial.lister().namespace(namespace).get("c2").metadata.labels == {"number": "2"}
        names = {each.metadata.name for each in partial.lister().list("number in (2, 3)")}
        assert names == {"c2", "c3"}
    assert seen.errors == []


def test_a_controller_of_owned_objects_needs_no_more_than_their_metadata(
    control_plane: ControlPlane, clientset: Clientset, make_namespace: MakeNamespace
) -> None:
    namespace = make_namespace("owners")
    config_maps = clientset.core_v1().config_maps(namespace)
    parent = config_maps.create(ConfigMap(metadata=ObjectMeta(name="parent")))
    factory = InformerFactory(control_plane.client(), namespace=namespace)
    metadata = factory.metadata().for_resource("v1", "configmaps")
    reconciled = threading.Semaphore(0)
    keys: list[ObjectKey] = []

    def reconcile(key: ObjectKey) -> None:
        keys.append(key)
        reconciled.release()

    controller = (
        Controller("parents", reconcile)
        .watches(metadata, where=lambda obj: obj.metadata.name == "parent")
        .owns(metadata, where=~generation_changed)
    )
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        controller.wait_for_sync(TIMEOUT)
        controller.start()
        assert reconciled.acquire(timeout=TIMEOUT)
        child = ConfigMap(metadata=ObjectMeta(name="child"))
        child.metadata.owner_references.append(
            OwnerReference(api_version="v1", kind="ConfigMap", name="parent", uid=parent.metadata.uid, controller=True)
        )
        config_maps.create(child)
        assert reconciled.acquire(timeout=TIMEOUT)
        controller.stop(TIMEOUT)
    assert keys == [ObjectKey(namespace, "parent")] * 2
