"""Entries for tests of the store, made from what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from kinform.meta import ObjectKey, Resource
from kinform.wire import Entry

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def pods() -> Resource:
    """A namespaced resource."""
    return Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)


@pytest.fixture
def entry() -> Callable[..., Entry]:
    """Makes an entry, with a body that says the same."""

    def make(
        name: str,
        rv: int | str = 1,
        *,
        namespace: str = "shop",
        uid: str | None = None,
        labels: dict[str, str] | None = None,
        value: str = "",
    ) -> Entry:
        uid = f"uid-of-{name}" if uid is None else uid
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "resourceVersion": str(rv),
            "labels": labels or {},
        }
        body = msgspec.json.encode({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"value": value}})
        return Entry(ObjectKey(namespace, name), uid, str(rv), 1, "", labels or {}, None, body)

    return make
