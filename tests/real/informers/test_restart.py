"""The API server restarts, or is gone, under running informers."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from kinform import CacheSyncError, ObjectKey
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import ConfigMap, Secret
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.informers.conftest import Gate, Seen, Sources

    from kinform.factory import InformerFactory
    from kinform.testing import ControlPlane
    from kinform_k8s import Clientset

TIMEOUT = 30.0
STOP_SECONDS = 2.0


def stop_in_time(factory: InformerFactory) -> None:
    started = time.monotonic()
    result = factory.stop()
    assert result.clean, result
    assert time.monotonic() - started < STOP_SECONDS


def test_informers_go_on_over_a_restart(
    own_control_plane: ControlPlane,
    own_clientset: Clientset,
    own_namespace: str,
    make_sources: type[Sources],
    seen: Seen,
) -> None:
    """ConfigMaps are watched from etcd here, so that a watch resumes; Secrets from a cache that the restart empties."""
    config_maps = own_clientset.core_v1().config_maps(own_namespace)
    secrets = own_clientset.core_v1().secrets(own_namespace)
    for name in ("changed", "deleted", "kept"):
        config_maps.create(ConfigMap(metadata=ObjectMeta(name=f"map-{name}")))
        secrets.create(Secret(metadata=ObjectMeta(name=f"secret-{name}")))
    sources = make_sources()
    factory = SharedInformerFactory(own_control_plane.client(), namespace=own_namespace, source_factory=sources)
    factory.on_error(seen.error)
    maps, keys = factory.core().v1().config_maps(), factory.core().v1().secrets()
    map_informer, secret_informer = maps.informer(), keys.informer()
    map_informer.add_handler(seen.event)
    secret_informer.add_handler(seen.event)
    early, late = (SharedInformerFactory(own_control_plane.client(), namespace=own_namespace) for _ in range(2))
    with factory, early, late:
        early.core().v1().config_maps().informer()
        for each in (factory, early):
            each.wait_for_cache_sync(TIMEOUT)
        seen.wait_for(lambda: len(seen.events) == 6)
        seen.forget()

        own_control_plane.stop_apiserver()
        for informer in (map_informer, secret_informer):
            seen.wait_for_error(informer.name, "connection")
        statistics = factory.statistics()
        assert statistics.synced
        assert not statistics.connected
        assert maps.lister().config_maps(own_namespace).get("map-kept").metadata.name == "map-kept"
        assert len(keys.lister().list()) == 3

        late.core().v1().config_maps().informer()
        with pytest.raises(CacheSyncError):
            late.wait_for_cache_sync(0.1)
        for each in (early, late):
            stop_in_time(each)

        own_control_plane.start_apiserver()
        new_map = config_maps.create(ConfigMap(metadata=ObjectMeta(name="map-new")))
        new_secret = secrets.create(Secret(metadata=ObjectMeta(name="secret-new")))
        map_informer.wait_for(new_map, TIMEOUT)
        secret_informer.wait_for(new_secret, TIMEOUT)
        config_map = maps.lister().config_maps(own_namespace).copy("map-changed")
        config_map.data["a"] = "b"
        map_informer.wait_for(config_maps.update(config_map), TIMEOUT)
        secret = keys.lister().secrets(own_namespace).copy("secret-changed")
        secret.string_data["a"] = "b"
        secret_informer.wait_for(secrets.update(secret), TIMEOUT)
        config_maps.delete("map-deleted")
        secrets.delete("secret-deleted")
        for kind in ("map", "secret"):
            seen.wait_for_event("DELETED", ObjectKey(own_namespace, f"{kind}-deleted"))
        assert factory.statistics().connected
        stop_in_time(factory)
    # Nothing was told of what did not change, and nothing twice.
    assert sorted((key.name, type_) for type_, key in seen.events) == [
        (f"{kind}-{name}", type_)
        for kind in ("map", "secret")
        for name, type_ in (("changed", "MODIFIED"), ("deleted", "DELETED"), ("new", "ADDED"))
    ]
    assert not seen.tombstones
    assert sources.fetches["configmaps"] == 1
    assert sources.fetches["secrets"] <= 2
    # While it drains it ends new watches at once, or refuses them.
    assert seen.reasons() <= {"connection", "expired", "short-watch", "server-error", "throttled"}


def test_stop_is_quick_when_the_server_has_gone_silent_or_away(
    own_control_plane: ControlPlane, own_namespace: str, gate: Gate, kubeconfig_behind_gate: Path, seen: Seen
) -> None:
    def make() -> SharedInformerFactory:
        factory = SharedInformerFactory(own_control_plane.client(kubeconfig_behind_gate), namespace=own_namespace)
        stack.callback(factory.stop)
        factory.on_error(seen.error)
        factory.core().v1().config_maps().informer()
        factory.core().v1().pods().informer()
        return factory

    with ExitStack() as stack:
        connected, connecting, waiting, never_synced = make(), make(), make(), make()
        for factory in (connected, connecting, waiting):
            factory.start()
            factory.wait_for_cache_sync(TIMEOUT)
        stop_in_time(connected)

        gate.shut(silent=True)
        never_synced.start()
        gate.wait_for_unanswered(6)  # of three factories, two each
        stop_in_time(connecting)

        seen.forget()
        gate.close()
        seen.wait_for(lambda: len(seen.errors) >= 4)  # of two factories, which are waiting now to try again
        stop_in_time(waiting)
        stop_in_time(never_synced)
        assert seen.reasons() == {"connection"}
        assert not [thread.name for thread in threading.enumerate() if own_namespace in thread.name]
