"""A custom resource's definition comes late, is removed under a running informer, and made again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import pytest
from pydantic import Field

from kinform import NotFoundError, ObjectKey, Resource
from kinform.factory import InformerFactory
from kinform.model import Model
from kinform.transport import Transport
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.informers.conftest import Seen, Sources

    from kinform.testing import ControlPlane

TIMEOUT = 60.0


class Widget(Model):
    """As the generator would write it."""

    api_version: Annotated[str, Field(alias="apiVersion")] = "example.com/v1"
    kind: str = "Widget"
    metadata: ObjectMeta = Field(default_factory=lambda: ObjectMeta())  # noqa: PLW0108


class Definition:
    """The definition, and objects of it, as their administrator has them."""

    def __init__(self, control_plane: ControlPlane, transport: Transport, group: str) -> None:
        self._control_plane = control_plane
        self._transport = transport
        self.resource = Resource(group, "v1", "widgets", "Widget", namespaced=True)
        self.name = f"widgets.{group}"

    def create(self) -> None:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
        spec = {"group": self.resource.group, "scope": "Namespaced", "names": names, "versions": [version]}
        body = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.name},
            "spec": spec,
        }
        self._control_plane.kubectl("create", "--filename", "-", input=json.dumps(body))
        self._control_plane.kubectl("wait", "--for=condition=Established", f"crd/{self.name}", "--timeout=30s")

    def delete(self) -> None:
        """Returns when the server has removed the objects and the definition."""
        self._control_plane.kubectl("delete", "crd", self.name, "--timeout=50s")

    def add(self, name: str) -> Widget:
        body = Widget(api_version=self.resource.api_version, metadata=ObjectMeta(name=name)).to_wire()
        return Widget.from_wire(self._transport.request("POST", self.resource.path("default"), body=body).body)


@pytest.fixture
def definition(control_plane: ControlPlane, group_of_widgets: str) -> Iterator[Definition]:
    with Transport(control_plane.client()) as transport:
        yield Definition(control_plane, transport, group_of_widgets)


def test_a_definition_that_comes_goes_and_comes_again(
    control_plane: ControlPlane, definition: Definition, seen: Seen, make_sources: type[Sources]
) -> None:
    sources = make_sources()
    factory = InformerFactory(control_plane.client(), source_factory=sources)
    factory.on_error(seen.error)
    informer = factory.informer_for(definition.resource, Widget)
    informer.add_handler(seen.event)
    with factory:
        seen.wait_for_error(informer.name, "not-found")
        assert isinstance(informer.last_error, NotFoundError)
        assert not informer.has_synced()

        definition.create()
        factory.wait_for_cache_sync(TIMEOUT)
        first = definition.add("a")
        informer.wait_for(first, TIMEOUT)
        informer.wait_for(definition.add("b"), TIMEOUT)
        seen.wait_for(lambda: len(seen.events) == 2)
        seen.forget()

        definition.delete()
        for name in "ab":
            seen.wait_for_event("DELETED", ObjectKey("default", name))
        seen.wait_for_error(informer.name, "not-found")
        statistics = informer.statistics()
        assert (statistics.synced, statistics.connected, statistics.objects) == (True, False, 0)
        fetches = sources.fetches["widgets"]

        definition.create()
        again = definition.add("a")
        assert again.metadata.uid != first.metadata.uid
        seen.wait_for(lambda: seen.events[2:] == [("ADDED", ObjectKey("default", "a"))], TIMEOUT)
        assert sources.fetches["widgets"] == fetches + 1, "one relist"
        informer.wait_for(definition.add("c"), TIMEOUT)
        assert seen.reasons() == {"not-found"}
        assert informer.statistics().restarts["not-found"] >= 2
