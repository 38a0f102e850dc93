"""Patches of finalizers against real API servers, whose answer to a wrong uid or version is what they rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kinform import ConflictError, NotFoundError, finalizer_patch, retry_on_conflict
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import ConfigMap, Namespace
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from kinform.testing import ControlPlane

OURS, THEIRS = "example.com/ours", "example.com/theirs"


def test_no_writer_undoes_anothers_work(control_plane: ControlPlane) -> None:
    with Clientset(control_plane.client()) as clientset:
        namespace = clientset.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(generate_name="fin-")))
        client = clientset.core_v1().config_maps(namespace.metadata.name)

        def change(*, add: str | None = None, remove: str | None = None) -> ConfigMap:
            read = client.get("a")
            patch = finalizer_patch(read, add=add, remove=remove)
            return read if patch is None else client.patch("a", patch)

        read = client.create(ConfigMap(metadata=ObjectMeta(name="a")))
        assert change(add=THEIRS).metadata.finalizers == [THEIRS]
        stale = finalizer_patch(read, add=OURS)
        assert stale is not None
        with pytest.raises(ConflictError):
            client.patch("a", stale)
        assert retry_on_conflict(lambda: change(add=OURS)).metadata.finalizers == [THEIRS, OURS]

        client.delete("a")
        deleting = client.get("a")
        assert deleting.metadata.deletion_timestamp is not None
        assert change(remove=THEIRS).metadata.finalizers == [OURS]
        change(remove=OURS)
        with pytest.raises(NotFoundError):
            client.get("a")

        client.create(ConfigMap(metadata=ObjectMeta(name="a")))
        of_another = finalizer_patch(deleting, add="example.com/late")
        assert of_another is not None
        with pytest.raises(ConflictError):
            client.patch("a", of_another)
