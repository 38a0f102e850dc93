"""A cache is the same, however its first contents came: streamed, in pages of any size, or namespace by namespace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec
import pytest

from kinform import InvalidError
from kinform.reflector import ReflectorState
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.models.meta.v1 import ObjectMeta, OwnerReference

if TYPE_CHECKING:
    from tests.real.informers.conftest import MakeNamespace, Sources

    from kinform import ObjectKey, SharedInformer
    from kinform.wire import Owner
    from kinform_k8s import Clientset

TIMEOUT = 30.0
NAMESPACES = 3
EACH = 180
SMALL_PAGE = 100
DEFAULT_PAGE = 500

Content = tuple[str, str, int, dict[str, str], "Owner | None", bytes]


def contents(informer: SharedInformer[ConfigMap]) -> dict[ObjectKey, Content]:
    """All that the cache holds of each object."""
    return {
        entry.key: (
            entry.uid,
            entry.resource_version,
            entry.generation,
            dict(entry.labels),
            entry.owner,
            entry.body,
        )
        for entry in informer.read_entries()
    }


class _List(msgspec.Struct):
    items: list[msgspec.Raw]


class _ManagedFields(msgspec.Struct, rename="camel"):
    managed_fields: msgspec.Raw


class _Item(msgspec.Struct):
    metadata: _ManagedFields


def at_the_server(clientset: Clientset, selector: str) -> list[bytes]:
    """The objects as the server writes them, less their managed fields; lists leave out what type they are of."""
    query = [("labelSelector", selector)]
    listed = clientset.transport.request("GET", "/api/v1/configmaps", query=query).body
    bodies = []
    for item in map(bytes, msgspec.json.decode(listed, type=_List).items):
        managed = bytes(msgspec.json.decode(item, type=_Item).metadata.managed_fields)
        bodies.append(b'{"kind":"ConfigMap","apiVersion":"v1",' + item[1:].replace(b',"managedFields":' + managed, b""))
    return bodies


def can_stream(clientset: Clientset) -> bool:
    try:
        clientset.core_v1().config_maps().watch(send_initial_events=True, timeout=1).close()
    except InvalidError:
        return False
    return True


def test_every_way_to_fetch_gives_the_same_cache(
    clientset: Clientset,
    make_namespace: MakeNamespace,
    make_sources: type[Sources],
) -> None:
    namespaces = [make_namespace("fetch") for _ in range(NAMESPACES)]
    selector = f"fetch={namespaces[0]}"
    owner = OwnerReference(api_version="apps/v1", kind="Deployment", name="web", uid="1-2-3", controller=True)

    def create(number: int) -> ConfigMap:
        metadata = ObjectMeta(
            name=f"object-{number}",
            namespace=namespaces[number % NAMESPACES],
            labels={"fetch": namespaces[0], "number": str(number)},
            owner_references=[owner] if number % 2 else [],
        )
        data = {"text": f"<{number}> & more, 漢字 \u2028 " + "x" * (number * 7 % 3000)}
        return clientset.core_v1().config_maps().create(ConfigMap(metadata=metadata, data=data))

    with ThreadPoolExecutor(4) as pool:
        last = max(pool.map(create, range(NAMESPACES * EACH)), key=lambda made: int(made.metadata.resource_version))

    streams = can_stream(clientset)
    with ExitStack() as stack:

        def fetch(namespace: list[str] | None, sources: Sources) -> SharedInformer[ConfigMap]:
            factory = SharedInformerFactory(
                clientset.transport, namespace=namespace, label_selector=selector, source_factory=sources
            )
            stack.enter_context(factory)
            informer = factory.core().v1().config_maps().informer()
            factory.wait_for_cache_sync(TIMEOUT)
            return informer

        default = fetch(None, make_sources())
        ways = {
            "small pages": fetch(None, make_sources(streaming=False, page_size=SMALL_PAGE)),
            "default pages": fetch(None, make_sources(streaming=False)),
            "one page": fetch(None, make_sources(streaming=False, page_size=10 * DEFAULT_PAGE)),
            "namespace by namespace": fetch(namespaces, make_sources()),
        }
        total = NAMESPACES * EACH
        statistics = {way: informer.statistics() for way, informer in ways.items()}
        assert statistics["small pages"].watches[""].lists == -(-total // SMALL_PAGE)
        assert statistics["default pages"].watches[""].lists == -(-total // DEFAULT_PAGE) == 2
        assert statistics["one page"].watches[""].lists == 1
        fetched = default.statistics().watches[""]
        if streams:
            assert (fetched.initial_fetch, fetched.lists) == (ReflectorState.STREAMING, 0)
        else:
            assert (fetched.initial_fetch, fetched.lists) == (ReflectorState.LISTING, 2)
            assert dict(fetched.restarts) == {"streaming-unsupported": 1}
        assert {watch.initial_fetch for watch in statistics["namespace by namespace"].watches.values()} == {
            fetched.initial_fetch
        }

        expected = contents(default)
        assert len(expected) == total
        assert sorted(body for *_, body in expected.values()) == sorted(at_the_server(clientset, selector))
        assert sum(owner is not None for *_, owner, _ in expected.values()) == total // 2
        for way, informer in ways.items():
            assert contents(informer) == expected, way

        # What comes after the first fetch goes on from there, in all of them alike.
        last.data["text"] = "changed"
        changed = clientset.core_v1().config_maps().update(last)
        for informer in (default, *ways.values()):
            informer.wait_for(changed, TIMEOUT)
            assert contents(informer) == contents(default)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_client_reads_in_pages(limit: int, clientset: Clientset, namespace: str) -> None:
    config_maps = clientset.core_v1().config_maps(namespace)
    names = [f"object-{number}" for number in range(5)]
    for name in names:
        config_maps.create(ConfigMap(metadata=ObjectMeta(name=name)))
    page = config_maps.list(limit=limit)
    pages = [page]
    while page.continue_token:
        page = config_maps.list(limit=limit, continue_token=page.continue_token)
        pages.append(page)
    assert [len(each) for each in pages] == [min(limit, 5 - start) for start in range(0, 5, limit)]
    assert {each.resource_version for each in pages} == {pages[0].resource_version}
    assert [item.metadata.name for each in pages for item in each] == names
    assert [item.metadata.name for item in config_maps.list_all()] == names
