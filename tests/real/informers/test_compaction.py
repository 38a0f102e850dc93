"""A resourceVersion expires under an informer that was cut off: it fetches everything again, and tells the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform import ExpiredError, ObjectKey
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import ConfigMap, Secret
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.real.informers.conftest import Gate, Seen, Sources

    from kinform.testing import ControlPlane
    from kinform_k8s import Clientset

TIMEOUT = 30.0
BEFORE = ("changed", "deleted", "deleted-too", "kept", "kept-too", "replaced")


def change_everything(client: Any, make: Callable[[ObjectMeta], Any], kind: str) -> None:
    """Creates, changes, deletes and replaces some objects of a kind, and leaves two alone."""
    obj = client.get(f"{kind}-changed")
    obj.metadata.labels["changed"] = "yes"
    client.update(obj)
    for name in ("deleted", "deleted-too", "replaced"):
        client.delete(f"{kind}-{name}")
    for name in ("new", "replaced"):
        client.create(make(ObjectMeta(name=f"{kind}-{name}")))


def expected_events(kind: str) -> list[tuple[str, str]]:
    return [
        (f"{kind}-changed", "MODIFIED"),
        (f"{kind}-deleted", "DELETED"),
        (f"{kind}-deleted-too", "DELETED"),
        (f"{kind}-new", "ADDED"),
        (f"{kind}-replaced", "ADDED"),
        (f"{kind}-replaced", "DELETED"),
    ]


@pytest.mark.parametrize("crash", [False, True], ids=["compaction", "crash"])
def test_expired_watches_relist_by_difference(  # noqa: PLR0917  (they are fixtures)
    crash: bool,
    own_control_plane: ControlPlane,
    own_clientset: Clientset,
    own_namespace: str,
    gate: Gate,
    kubeconfig_behind_gate: Path,
    make_sources: type[Sources],
    seen: Seen,
) -> None:
    """By a compaction alone, watches from etcd expire; after a crash those from the watch cache do, which is new."""
    clients: dict[str, tuple[Any, Callable[[ObjectMeta], Any]]] = {
        "map": (own_clientset.core_v1().config_maps(own_namespace), lambda metadata: ConfigMap(metadata=metadata)),
    }
    sources = make_sources()
    factory = SharedInformerFactory(
        own_control_plane.client(kubeconfig_behind_gate), namespace=own_namespace, source_factory=sources
    )
    factory.on_error(seen.error)
    informers: dict[str, Any] = {"map": factory.core().v1().config_maps().informer()}
    if crash:
        clients["secret"] = (
            own_clientset.core_v1().secrets(own_namespace),
            lambda metadata: Secret(metadata=metadata),
        )
        informers["secret"] = factory.core().v1().secrets().informer()
    for kind, (client, make) in clients.items():
        informers[kind].add_handler(seen.event)
        for name in BEFORE:
            client.create(make(ObjectMeta(name=f"{kind}-{name}")))
    with factory:
        factory.wait_for_cache_sync(TIMEOUT)
        seen.wait_for(lambda: len(seen.events) == len(BEFORE) * len(clients))
        seen.forget()
        before = {kind: informer.statistics().watches[own_namespace] for kind, informer in informers.items()}

        gate.shut()
        seen.wait_for(lambda: bool(seen.errors))
        for kind, (client, make) in clients.items():
            change_everything(client, make, kind)
        own_control_plane.compact()
        if crash:
            own_control_plane.restart_apiserver(graceful=False)
        for kind, (client, _) in clients.items():
            with (
                pytest.raises(ExpiredError),
                client.watch(resource_version=before[kind].last_resource_version, timeout=1) as watch,
            ):
                next(watch)
        assert not seen.events
        gate.open()

        for kind, (client, make) in clients.items():
            last = client.create(make(ObjectMeta(name=f"{kind}-last")))
            informers[kind].wait_for(last, TIMEOUT)
            seen.wait_for_event("ADDED", ObjectKey(own_namespace, f"{kind}-last"))
            assert {entry.key.name for entry in informers[kind].read_entries()} == {
                f"{kind}-{name}" for name in ("changed", "kept", "kept-too", "last", "new", "replaced")
            }
    for kind in clients:
        events = [(key.name, type_) for type_, key in seen.events if key.name.startswith(kind)]
        assert sorted(events) == sorted([*expected_events(kind), (f"{kind}-last", "ADDED")])
        replaced = [type_ for name, type_ in events if name == f"{kind}-replaced"]
        assert replaced == ["DELETED", "ADDED"]
        gone = {ObjectKey(own_namespace, f"{kind}-{name}") for name in ("deleted", "deleted-too", "replaced")}
        assert {key for key in seen.tombstones if key.name.startswith(kind)} == gone
    assert set(sources.fetches.values()) == {2}
    assert seen.reasons() == {"connection", "expired"}
