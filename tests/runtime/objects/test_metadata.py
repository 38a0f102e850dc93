"""Objects of which only the metadata is known."""

from __future__ import annotations

import json
import weakref
from datetime import UTC, datetime

import msgspec
import pytest

from kinform import DynamicObject, ObjectKey, PartialObjectMetadata, object_key, owner_key
from kinform.objects import ObjectMeta, OwnerReference, View, view_of
from kinform_k8s.models.core.v1 import Pod, PodSpec
from kinform_k8s.models.meta.v1 import ObjectMeta as GeneratedMeta

WIRE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "a",
        "generateName": "a-",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "7",
        "generation": 3,
        "creationTimestamp": "2026-11-25T11:05:35Z",
        "deletionTimestamp": "2026-11-25T11:05:36Z",
        "deletionGracePeriodSeconds": 0,
        "labels": {"app": "web"},
        "annotations": {"x/y": "z"},
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "r",
                "uid": "o",
                "controller": True,
                "blockOwnerDeletion": False,
            }
        ],
        "finalizers": ["f"],
    },
}


def test_it_has_what_metadata_has() -> None:
    obj = PartialObjectMetadata.from_wire(json.dumps(WIRE).encode())
    assert json.loads(obj.to_wire()) == WIRE
    assert (obj.api_version, obj.kind, obj.metadata.generation) == ("v1", "Pod", 3)
    assert obj.metadata.creation_timestamp == datetime(2026, 11, 25, 11, 5, 35, tzinfo=UTC)
    assert obj.metadata.owner_references == [
        OwnerReference(
            api_version="apps/v1", kind="ReplicaSet", name="r", uid="o", controller=True, block_owner_deletion=False
        )
    ]
    assert object_key(obj) == ObjectKey("shop", "a")
    assert owner_key(obj, "ReplicaSet") == ObjectKey("shop", "r")
    assert weakref.ref(obj)() is obj, "the cache remembers it weakly"


def test_metadata_has_every_field_that_kubernetes_has_but_two() -> None:
    ours = {each.name for each in msgspec.structs.fields(ObjectMeta)}
    assert set(GeneratedMeta.model_fields) - ours == {"managed_fields", "self_link"}
    assert ours <= set(GeneratedMeta.model_fields)


def test_objects_share_nothing() -> None:
    PartialObjectMetadata().metadata.labels["a"] = "b"
    assert PartialObjectMetadata().metadata.labels == {}
    assert PartialObjectMetadata().to_wire() == b'{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata"}'


def test_of_another_object() -> None:
    pod = Pod(metadata=GeneratedMeta(name="a", labels={"x": "y"}), spec=PodSpec(node_name="n"))
    obj = PartialObjectMetadata.of(pod)
    assert obj == PartialObjectMetadata(api_version="v1", kind="Pod", metadata=ObjectMeta(name="a", labels={"x": "y"}))
    with pytest.raises(ValueError, match="metadata"):
        PartialObjectMetadata.of(DynamicObject({"metadata": {"name": []}}))


def test_the_class_says_what_is_wanted() -> None:
    class Mine(DynamicObject):
        pass

    assert [view_of(each) for each in (Pod, PartialObjectMetadata, DynamicObject, Mine)] == [
        View.TYPED,
        View.METADATA,
        View.DYNAMIC,
        View.DYNAMIC,
    ]
