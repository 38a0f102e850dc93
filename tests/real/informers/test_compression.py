"""Answers that come as gzip: lists in one member, streaming lists in one for each flush; the cache is none the wiser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kinform import ObjectKey
from kinform.transport import Abort, Transport
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import CONFIG_MAPS

if TYPE_CHECKING:
    from tests.real.informers.conftest import Seen

    from kinform.testing import ControlPlane

COUNT: Final = 40
TEXT: Final = 'ü "𝄞" \\ \n' * 500  # API servers compress what is longer than 128 KiB
STREAMED: Final = (
    ("watch", "true"),
    ("allowWatchBookmarks", "true"),
    ("sendInitialEvents", "true"),
    ("resourceVersionMatch", "NotOlderThan"),
)


def test_what_comes_compressed_is_what_comes_plain(
    control_plane: ControlPlane, clientset: Clientset, namespace: str, seen: Seen
) -> None:
    maps = clientset.core_v1().config_maps(namespace)
    for number in range(COUNT):
        maps.create(ConfigMap(metadata=ObjectMeta(name=f"m{number}"), data={"text": TEXT}))
    minor = int(control_plane.version.split(".")[1])
    with (
        Transport(control_plane.client(), compression=True) as compressing,
        Transport(control_plane.client(), compression=False) as plain,
    ):
        path = CONFIG_MAPS.path(namespace)
        for transport, encoding in ((compressing, "gzip"), (plain, None)):
            assert transport.request("GET", path).headers.get("content-encoding") == encoding
            if minor >= 37:  # the gate WatchListCompression
                with transport.open(path, query=STREAMED, abort=Abort(), read_timeout=30) as stream:
                    assert stream.headers.get("content-encoding") == encoding
        factories = [SharedInformerFactory(transport, namespace=namespace) for transport in (compressing, plain)]
        informers = [factory.core().v1().config_maps().informer() for factory in factories]
        informers[0].add_handler(seen.event)
        factories[0].on_error(seen.error)
        with factories[0], factories[1]:
            for factory in factories:
                factory.wait_for_cache_sync(30)
            changed = maps.get("m0")
            changed.data["text"] = "short"
            last = [maps.update(changed)]
            for number in range(5):  # one by one: each is an event that nothing waits behind, and a member of its own
                last.append(maps.create(ConfigMap(metadata=ObjectMeta(name=f"live-{number}"), data={"n": "𝄞"})))
                seen.wait_for_event("ADDED", ObjectKey(namespace, f"live-{number}"))
            for informer in informers:
                for written in last:
                    informer.wait_for(written, 30)
            one, other = ({entry.key: entry.body for entry in informer.read_entries()} for informer in informers)
            assert one == other
            assert {f"m{number}" for number in range(COUNT)} <= {key.name for key in one}
    assert seen.errors == []
