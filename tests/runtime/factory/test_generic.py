"""Informers of resources that are given as values: what they share, what they are called, what their listers read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.runtime.factory.conftest import NODES, PODS

from kinform import PartialObjectMetadata, drop, field_index, index, label_index
from kinform.errors import ConflictingInformerError, NotFoundError
from kinform.factory import GenericInformer
from kinform.meta import ObjectKey

if TYPE_CHECKING:
    from tests.runtime.factory.conftest import Factory, MakeFactory, MakeThing

    from kinform.testing.fake_source import FakeSource


def test_metadata_is_shared_with_those_who_want_metadata_alone(factory: Factory) -> None:
    pods = factory.metadata().for_resource(PODS)
    assert factory.metadata().for_resource(PODS) is pods
    assert factory.metadata().for_resource(PODS, label_selector="") is pods
    assert factory.metadata().for_resource(PODS, label_selector="a=b") is not pods
    assert factory.metadata().for_resource(NODES) is not pods
    assert isinstance(pods, GenericInformer)
    whole: object = factory.pods().informer()
    assert pods.informer() is not whole
    assert pods.informer() is factory.informer_for(PODS, PartialObjectMetadata)


def test_its_name_tells_it_from_that_of_whole_objects(make: MakeFactory) -> None:
    factory = make(namespace="shop")
    factory.pods().informer()
    pods = factory.metadata().for_resource(PODS, label_selector="a=b")
    assert pods.informer().name == "pods/v1 metadata in shop (a=b)"
    factory.metadata().for_resource(PODS).informer()
    assert len(factory.statistics().informers) == 3


def test_options_are_those_of_every_informer(factory: Factory) -> None:
    pods = factory.metadata()
    pods.for_resource(PODS, transform=drop("metadata.annotations"))
    with pytest.raises(ConflictingInformerError, match="pods/v1 metadata was asked for before with another transform"):
        pods.for_resource(PODS)
    with pytest.raises(ValueError, match="cluster-scoped"):
        pods.for_resource(NODES, namespace="shop")


def test_the_source_is_asked_for_metadata(factory: Factory, source: FakeSource, thing: MakeThing) -> None:
    factory.pods().informer()
    pods = factory.metadata().for_resource(PODS)
    informer, lister = pods.informer(), pods.lister()
    by_app = informer.add_index(label_index("app"))
    by_owner = informer.add_index(index("owner", lambda obj: [each.name for each in obj.metadata.owner_references]))
    with factory:
        assert [feed.request.metadata_only for feed in source.feeds] == [False, True]
        obj = thing("a")
        obj.doc["spec"] = {"large": "x" * 1000}
        obj.doc["metadata"] |= {"labels": {"app": "web"}, "ownerReferences": [{"name": "o"}]}
        source.feeds[1].replace(obj, thing("b"), resource_version=5)
        assert sorted(map(str, lister.keys())) == ["shop/a", "shop/b"]
        assert [each.metadata.name for each in by_app["web"]] == ["a"]
        assert [each.metadata.name for each in by_owner["o"]] == ["a"]
        found = lister.get(ObjectKey("shop", "a"))
        assert (found.api_version, found.kind, found.metadata.labels) == ("v1", "Pod", {"app": "web"})
        assert informer.statistics().bytes < 500
        informer.wait_for(PartialObjectMetadata.of(obj), 10)


def test_an_index_of_what_is_never_there_is_refused(factory: Factory) -> None:
    informer = factory.metadata().for_resource(PODS).informer()
    informer.add_index(field_index("metadata.annotations.owner"))
    with pytest.raises(ValueError, match=r"pods/v1 metadata has nothing but metadata: an index of spec\.nodeName"):
        informer.add_index(field_index("spec.nodeName"))
    factory.pods().informer().add_index(field_index("spec.nodeName"))


@pytest.mark.scenario("I05a")
@pytest.mark.scenario("I05b")
@pytest.mark.scenario("I05c")
def test_listers_read_by_key_and_by_namespace(factory: Factory, source: FakeSource, thing: MakeThing) -> None:
    pods, nodes = factory.metadata().for_resource(PODS).lister(), factory.metadata().for_resource(NODES).lister()
    with factory:
        source.feed(PODS).replace(thing("a"), thing("a", namespace="test"), resource_version=5)
        source.feed(NODES).replace(thing("n1", namespace=""), resource_version=5)
        assert pods.get(ObjectKey("test", "a")).metadata.namespace == "test"
        assert pods.namespace("shop").get("a").metadata.namespace == "shop"
        assert [each.metadata.namespace for each in pods.namespace("shop").list()] == ["shop"]
        assert len(pods.list()) == 2
        assert nodes.get(ObjectKey("", "n1")).metadata.name == "n1"
        assert [each.metadata.name for each in nodes.list()] == ["n1"]
        for missing in (ObjectKey("", "a"), ObjectKey("shop", "b")):
            assert pods.find(missing) is None
            with pytest.raises(NotFoundError, match=f'pod "{missing.name}" not found'):
                pods.get(missing)
        with pytest.raises(NotFoundError):
            pods.namespace("shop").get("b")
        with pytest.raises(ValueError, match="cluster-scoped"):
            nodes.namespace("shop")
        with pytest.raises(ValueError, match="needs a namespace"):
            pods.namespace("")
        copied = pods.copy(ObjectKey("shop", "a"))
        copied.metadata.labels["x"] = "y"
        assert pods.get(ObjectKey("shop", "a")).metadata.labels == {}
