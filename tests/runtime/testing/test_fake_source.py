"""What feeds informers by hand says and refuses as a watch would."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from kinform.errors import ForbiddenError, Status, UndecodableObjectError
from kinform.informer import SharedInformer
from kinform.meta import ObjectKey, Resource
from kinform.testing.fake_source import FakeSource
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from kinform.informer import ErrorReport

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)


class Thing:
    """The least that a model can be."""

    def __init__(self, **metadata: object) -> None:
        self.doc: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        return cls(**json.loads(data)["metadata"])

    def to_wire(self) -> bytes:
        return json.dumps(self.doc, separators=(",", ":")).encode()


@pytest.fixture
def transport() -> Iterator[Transport]:
    """Leads nowhere."""
    client = SimpleNamespace(
        configuration=SimpleNamespace(host="http://127.0.0.1:1"),
        rest_client=SimpleNamespace(pool_manager=urllib3.PoolManager()),
        default_headers={},
    )
    with Transport(client) as transport:
        yield transport


def test_feeds_are_found_by_what_was_asked_for_the_newest_first(transport: Transport) -> None:
    source = FakeSource()
    with pytest.raises(LookupError, match="no informer of anything in None has been started"):
        source.feed()
    informers = [
        SharedInformer(PODS, Thing, transport, namespaces=("a", "b"), source_factory=source),
        SharedInformer(NODES, Thing, transport, source_factory=source),
    ]
    for informer in informers:
        informer.start()
    assert source.feed(PODS).request.namespace == "b"
    assert source.feed(PODS, "a").request.namespace == "a"
    assert source.feed() is source.feed(NODES)
    assert all(feed.started and not feed.stopped for feed in source.feeds)
    with pytest.raises(LookupError, match="no informer of nodes/v1 in 'a' has been started"):
        source.feed(NODES, "a")
    for informer in informers:
        assert informer.stop(10).clean
    assert all(feed.stopped for feed in source.feeds)


def test_what_a_watch_would_report_is_reported(transport: Transport) -> None:
    source = FakeSource()
    told: list[ErrorReport] = []
    informer = SharedInformer(PODS, Thing, transport, source_factory=source, on_error=told.append)
    informer.start()
    feed = source.feed()
    assert (feed.statistics().state, feed.statistics().connected) == ("new", False)
    good = Thing(name="good", namespace="shop", uid="1", resourceVersion="1")
    odd = Thing(name="odd", namespace="shop", uid="2", resourceVersion="2", labels={"app": 5})
    feed.replace(good, odd, resource_version=2)
    feed.fail(ForbiddenError(Status(403, "Forbidden", "no")))
    assert [(each.reason, each.key) for each in told] == [("poison", "shop/odd"), ("forbidden", "")]
    assert informer.read_entry(ObjectKey("shop", "odd")) is not None, "a bad object is there, for its readers to meet"
    assert isinstance(told[0].exception, UndecodableObjectError)
    feed.bookmark(9)
    assert informer.statistics().watches[""].last_resource_version == "9"
    assert informer.stop(10).clean
    assert not feed.statistics().connected


def test_what_no_server_would_send_is_refused(transport: Transport) -> None:
    source = FakeSource()
    informer = SharedInformer(PODS, Thing, transport, source_factory=source)
    informer.start()
    with pytest.raises(ValueError, match="no server would send this"):
        source.feed().upsert(Thing(namespace="shop"))
    assert informer.stop(10).clean
