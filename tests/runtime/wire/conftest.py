"""Resources and objects for the wire's tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform.meta import Resource

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def pods() -> Resource:
    return Resource("", "v1", "pods", "Pod", namespaced=True)


@pytest.fixture
def widgets() -> Resource:
    return Resource("example.com", "v1", "widgets", "Widget", namespaced=False)


@pytest.fixture
def make_pod() -> Callable[..., dict[str, Any]]:
    """A pod as an API server writes it: kind first, fields of metadata in Go's order, managedFields last."""

    def make(name: str = "web-0", version: str = "7", **metadata: Any) -> dict[str, Any]:
        return {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "name": name,
                "namespace": "shop",
                "uid": f"uid-of-{name}",
                "resourceVersion": version,
                "generation": 3,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"app": "web"},
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u1"},
                    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u2", "controller": True},
                ],
                **metadata,
                "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:metadata": {"f:labels": {".": {}}}}}],
            },
            "spec": {"nodeName": "n1", "containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:2"}]},
            "status": {"phase": "Running"},
        }

    return make


@pytest.fixture
def dump() -> Callable[[object], bytes]:
    """JSON as an API server writes it: without white space, not escaped."""
    return lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
