"""The benchmark's replayer writes what a real API server writes: the same keys in the same order, in lists and watches."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from benchmarks.processes import Replayer
from tests.conftest import skip_for_want_of

if TYPE_CHECKING:
    from kinform.testing import ControlPlane

COUNT = 3
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "releases.shop.example.com"},
    "spec": {
        "group": "shop.example.com",
        "names": {"kind": "Release", "listKind": "ReleaseList", "plural": "releases", "singular": "release"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
STREAM = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"


def difference(ours: Any, theirs: Any, where: str = "") -> str:
    """Where two values first have other keys, or keys in another order; empty if they do not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if where.endswith(".httpGet"):
            theirs = {
                key: value for key, value in theirs.items() if key != "protocol"
            }  # by a gate that is off elsewhere
        if list(ours) != list(theirs):
            return f"{where}: {list(ours)} is not {list(theirs)}"
        own = ("labels", "annotations", "fieldsV1")
        pairs = [(f"{where}.{key}", ours[key], theirs[key]) for key in ours if key not in own]
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{where}: {len(ours)} items, not {len(theirs)}"
        pairs = [(f"{where}[{at}]", one, other) for at, (one, other) in enumerate(zip(ours, theirs, strict=True))]
    else:
        return "" if type(ours) is type(theirs) else f"{where}: {ours!r} is not {theirs!r}"
    return next((found for place, one, other in pairs if (found := difference(one, other, place))), "")


def events_until_bookmark(response: http.client.HTTPResponse) -> list[Any]:
    """What a streaming list begins with, its end bookmark included."""
    events = [json.loads(response.readline())]
    while events[-1]["type"] != "BOOKMARK":
        events.append(json.loads(response.readline()))
    return events


class RealServer:
    """Raw requests as an administrator."""

    def __init__(self, plane: ControlPlane) -> None:
        pool: Any = plane.client().rest_client
        files = pool.pool_manager.connection_pool_kw
        self._context = ssl.create_default_context(cafile=files["ca_certs"])
        self._context.load_cert_chain(files["cert_file"], files["key_file"])
        self._address = urlsplit(plane.url)

    def ask(self, method: str, path: str, body: object = None, *, stream: bool = False) -> list[Any]:
        connection = http.client.HTTPSConnection(
            self._address.hostname or "", self._address.port, timeout=30, context=self._context
        )
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            with connection.getresponse() as response:
                if stream:
                    return events_until_bookmark(response)
                told = json.load(response)
                assert response.status in {200, 201, 409}, told
                return [told]
        finally:
            connection.close()


def replayed(replayer: Replayer, query: str, *, stream: bool = False) -> list[Any]:
    parts = urlsplit(replayer.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", f"{replayer.stats['path']}?{query}")
        with connection.getresponse() as response:
            if stream:
                return events_until_bookmark(response)
            return [json.load(response)]
    finally:
        connection.close()


def created(server: RealServer, collection: str, item: dict[str, Any], namespaced: str) -> None:
    """Makes an object as controllers do: it is created without status, and its status is reported on."""
    metadata = {
        name: value
        for name, value in item["metadata"].items()
        if name not in {"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"}
    }
    server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": metadata["namespace"]}})
    body = {**item, "metadata": metadata}
    (made,) = server.ask("POST", f"{namespaced}?fieldManager=creator", body)
    made["status"] = item["status"]
    server.ask("PUT", f"{namespaced}/{metadata['name']}/status?fieldManager=reporter", made)


@pytest.mark.parametrize("corpus", ["pods", "pods-small", "releases"])
def test_lists_and_watches_have_the_keys_of_a_real_server_in_its_order(
    control_plane_v1_37: ControlPlane, corpus: str
) -> None:
    if shutil.which("go") is None:
        skip_for_want_of("the replayer is written in Go, and there is no go on PATH")
    real_server = RealServer(control_plane_v1_37)
    with Replayer(corpus, COUNT, 1, protobuf=False) as replayer:
        path = replayer.stats["path"]
        root, _, plural = path.rpartition("/")
        if corpus == "releases":
            control_plane_v1_37.install(DEFINITION)
        ours = replayed(replayer, "limit=0")[0]["items"]
        for item in ours:
            kind = {"apiVersion": "v1", "kind": "Pod"} if plural == "pods" else {}
            namespaced = f"{root}/namespaces/{item['metadata']['namespace']}/{plural}"
            created(real_server, path, {**kind, **item}, namespaced)
        try:
            _compare(real_server, replayer, path)
        finally:
            for item in ours:
                namespaced = f"{root}/namespaces/{item['metadata']['namespace']}/{plural}"
                real_server.ask("DELETE", f"{namespaced}/{item['metadata']['name']}?gracePeriodSeconds=0")


def _compare(server: RealServer, replayer: Replayer, path: str) -> None:
    """What the server has besides, left by other tests, is no matter."""
    theirs = {
        event["object"]["metadata"].get("name"): event for event in server.ask("GET", f"{path}?{STREAM}", stream=True)
    }
    ours = {event["object"]["metadata"].get("name"): event for event in replayed(replayer, STREAM, stream=True)}
    assert len(ours) == COUNT + 1
    assert ours.keys() <= theirs.keys()
    for name, event in ours.items():
        assert not difference(event, theirs[name])
    for limit in (2, 500):
        (our_page,), (their_page,) = replayed(replayer, f"limit={limit}"), server.ask("GET", f"{path}?limit={limit}")
        by_name = {item["metadata"]["name"]: item for item in their_page["items"]}
        assert not difference({**our_page, "items": []}, {**their_page, "items": []})
        for item in our_page["items"]:
            assert not difference(item, by_name.get(item["metadata"]["name"], item))
