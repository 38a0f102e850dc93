"""Is a cache what the server has? Compared with a quorum list, object for object and byte for byte."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinform import SharedInformer
    from kinform.transport import Transport

_PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_POLL_SECONDS = 0.05


def quorum_list(transport: Transport, informer: SharedInformer[Any], *, metadata_only: bool) -> dict[str, str]:
    """What the informer should have, by ``namespace/name``, each object as canonical text.

    One list for each namespace, without a resourceVersion and so from etcd's quorum, of objects of that selection only.
    """
    options = informer.options
    query = [("labelSelector", options.label_selector), ("fieldSelector", options.field_selector)]
    found: dict[str, str] = {}
    for namespace in informer.namespaces:
        answer = transport.request(
            "GET",
            informer.resource.path(namespace),
            query=[(name, text) for name, text in query if text],
            accept=_PARTIAL if metadata_only else "application/json",
            timeout=30.0,
        )
        for item in json.loads(answer.body)["items"]:
            metadata = item["metadata"]
            found[f"{metadata.get('namespace', '')}/{metadata['name']}"] = canonical(item)
    return found


def cached(informer: SharedInformer[Any]) -> dict[str, str]:
    """What the informer has, likewise."""
    return {
        f"{entry.key.namespace}/{entry.key.name}": canonical(json.loads(entry.body))
        for entry in informer.read_entries()
    }


def canonical(obj: dict[str, Any]) -> str:
    """The object as text in which nothing but white space is lost.

    The order of keys stays. Items of lists have no apiVersion and kind, and informers drop ``managedFields``.
    """
    obj.pop("apiVersion", None)
    obj.pop("kind", None)
    obj["metadata"].pop("managedFields", None)
    return json.dumps(obj)


def differences(transport: Transport, informer: SharedInformer[Any], *, metadata_only: bool) -> dict[str, list[str]]:
    """What is missing, in excess or otherwise; empty: the cache is the server's state."""
    here, there = cached(informer), quorum_list(transport, informer, metadata_only=metadata_only)
    return {
        what: keys
        for what, keys in {
            "missing": sorted(there.keys() - here.keys()),
            "in excess": sorted(here.keys() - there.keys()),
            "otherwise": sorted(key for key in here.keys() & there.keys() if here[key] != there[key]),
        }.items()
        if keys
    }


def seconds_until_equal(
    transport: Transport, informer: SharedInformer[Any], timeout: float, *, metadata_only: bool
) -> float:
    """Blocks until a cache is equal, while nobody writes; for how many seconds that took.

    Raises:
        AssertionError: Not in time.
    """
    began = time.monotonic()
    there = quorum_list(transport, informer, metadata_only=metadata_only)
    while cached(informer) != there:
        if time.monotonic() - began > timeout:
            raise AssertionError(f"{informer}: {differences(transport, informer, metadata_only=metadata_only)}")
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - began
