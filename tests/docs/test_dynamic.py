"""The programs of docs/dynamic.md do what the page says, against an API server in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from kinform import DynamicObject
from kinform_k8s.models.core.v1 import ConfigMap, Secret
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from tests.conftest import Program
    from tests.docs.conftest import Start

    from kinform.meta import Resource
    from kinform.testing import Server

PAGE: Final = "docs/dynamic.md"
PLACES: Final[set[tuple[str, str]]] = set()


def below(heading: str) -> pytest.MarkDecorator:
    """The test runs the program below that heading."""
    PLACES.add((PAGE, heading))
    return pytest.mark.parametrize("place", [(PAGE, heading)], ids=[heading])


def test_every_program_is_run(programs: list[Program]) -> None:
    assert {(each.page, each.heading) for each in programs if each.page == PAGE} == PLACES


@below("Follow a kind that nobody generated")
def test_a_kind_that_nobody_generated_is_followed(start: Start, server: Server, widgets: Resource) -> None:
    blue = DynamicObject.new(widgets, "blue", "shop")
    blue.set_nested_field("spec.size", 3)
    blue.metadata.labels["owner"] = "you"
    server.put(blue)
    program = start()
    program.expect("shop/blue has size 3 and owner you")
    server.delete(widgets, "blue", "shop")
    program.expect("shop/blue is gone")
    program.interrupt()


@below("Write objects of any kind")
def test_objects_of_any_kind_are_written(start: Start, server: Server, widgets: Resource) -> None:
    program = start()
    program.expect("size 4 in generation 2")
    program.end()
    written = server.get(widgets, "blue", "shop")
    assert written is not None
    assert DynamicObject(written).metadata.labels == {"owner": "you"}


@below("Fetch nothing but metadata")
def test_nothing_but_metadata_is_fetched(start: Start, server: Server) -> None:
    metadata = ObjectMeta(name="web", namespace="shop", labels={"app": "web"})
    server.put(ConfigMap(metadata=metadata, data={"a": "b"}))
    program = start()
    program.expect("shop/web has labels {'app': 'web'} and no secret")
    server.put(Secret(metadata=metadata, data={"a": "Yg=="}))
    program.expect("shop/web has labels {'app': 'web'} and a secret")
    program.interrupt()
    asked = [each for each in server.requests if each.verb in {"list", "watch"}]
    assert asked
    assert all("PartialObjectMetadata" in each.headers["accept"] for each in asked)
