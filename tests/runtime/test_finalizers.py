"""Finalizers: in memory, and by patches that cannot undo what another writer did."""

from __future__ import annotations

import pytest

from kinform import ConflictError, add_finalizer, finalizer_patch, has_finalizer, remove_finalizer
from kinform.testing import Server
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import CONFIG_MAPS

OURS, THEIRS = "example.com/ours", "example.com/theirs"


def config_map(*finalizers: str, uid: str = "u1", version: str = "7") -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="a", uid=uid, resource_version=version, finalizers=list(finalizers)))


def test_in_memory() -> None:
    obj = ConfigMap()
    assert not has_finalizer(obj, OURS)
    assert add_finalizer(obj, OURS)
    assert not add_finalizer(obj, OURS)
    assert obj.metadata.finalizers == [OURS]
    assert ConfigMap.from_wire(obj.to_wire()).metadata.finalizers == [OURS]
    obj.metadata.finalizers += [THEIRS, OURS]
    assert remove_finalizer(obj, OURS)
    assert obj.metadata.finalizers == [THEIRS]
    assert not remove_finalizer(obj, OURS)


def test_a_patch_names_what_it_was_made_from_and_leaves_the_object_alone() -> None:
    obj = config_map(THEIRS)
    patch = finalizer_patch(obj, add=OURS)
    assert patch == {"metadata": {"uid": "u1", "resourceVersion": "7", "finalizers": [THEIRS, OURS]}}
    assert obj.metadata.finalizers == [THEIRS]
    both = finalizer_patch(obj, add=OURS, remove=THEIRS)
    assert both == {"metadata": {"uid": "u1", "resourceVersion": "7", "finalizers": [OURS]}}


def test_no_patch_where_it_is_so_already() -> None:
    assert finalizer_patch(config_map(OURS), add=OURS) is None
    assert finalizer_patch(config_map(THEIRS), remove=OURS) is None
    assert finalizer_patch(config_map()) is None
    assert finalizer_patch(ConfigMap(), remove=OURS) is None


@pytest.mark.parametrize("obj", [config_map(uid=""), config_map(version="")])
def test_a_patch_needs_an_object_that_was_read(obj: ConfigMap) -> None:
    with pytest.raises(ValueError, match="'a' has no uid and resourceVersion"):
        finalizer_patch(obj, add=OURS)


def test_two_writers_do_not_undo_each_other() -> None:
    with Server(resources=[CONFIG_MAPS]) as server, Clientset(server.client) as clientset:
        client = clientset.core_v1().config_maps("shop")
        read = client.create(ConfigMap(metadata=ObjectMeta(name="a")))
        mine, others = finalizer_patch(read, add=OURS), finalizer_patch(read, add=THEIRS)
        assert mine is not None
        assert others is not None
        assert client.patch("a", others).metadata.finalizers == [THEIRS]
        with pytest.raises(ConflictError):
            client.patch("a", mine)
        again = finalizer_patch(client.get("a"), add=OURS)
        assert again is not None
        assert client.patch("a", again).metadata.finalizers == [THEIRS, OURS]
