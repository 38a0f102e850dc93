"""Who shares an informer with whom: by resource, namespaces and what is selected, never by accident."""

from __future__ import annotations

import queue
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from tests.runtime.factory.conftest import NodeInformer

from kinform.errors import ConflictingInformerError, InformerStoppedError, SelectorError
from kinform.factory import InformerFactory, ListOptions
from kinform.meta import Resource
from kinform.selectors import FieldSelector, LabelSelector
from kinform.wire import drop

if TYPE_CHECKING:
    from typing import Unpack

    from tests.runtime.factory.conftest import Factory, MakeFactory, MakeThing

    from kinform.factory import InformerOptions
    from kinform.meta import ObjectKey, WireObject
    from kinform.testing.clock import VirtualClock
    from kinform.testing.fake_source import FakeSource


@pytest.mark.scenario("trap-29")
def test_one_informer_for_all_who_ask_alike(factory: Factory) -> None:
    assert factory.pods() is factory.pods()
    assert factory.pods().informer() is factory.pods().informer()
    nodes: object = factory.nodes().informer()
    assert factory.pods().informer() is not nodes
    assert factory.pods(label_selector="tier=db") is factory.pods(label_selector="tier=db")
    assert factory.pods(label_selector="tier=db") is not factory.pods()
    assert factory.pods(label_selector="tier=db").informer() is not factory.pods().informer()


def test_what_means_the_same_is_the_same_however_it_is_spelt(factory: Factory) -> None:
    assert factory.pods(label_selector="") is factory.pods()
    assert factory.pods(label_selector=None, namespace=None, transform=None) is factory.pods()
    one = factory.pods(label_selector="b=2, a in (1)", namespace=["y", "x"])
    assert factory.pods(label_selector=LabelSelector({"a": "1", "b": "2"}), namespace=("x", "y", "x")) is one
    model = SimpleNamespace(match_labels={"a": "1", "b": "2"}, match_expressions=[])
    assert factory.pods(label_selector=model, namespace=iter("xy")) is one
    fields = factory.pods(field_selector="spec.nodeName==n1")
    assert factory.pods(field_selector=FieldSelector({"spec.nodeName": "n1"})) is fields
    assert factory.pods(namespace="x").informer() is factory.pods(namespace=["x"]).informer()
    assert factory.pods(tweak=lambda options: options) is factory.pods()


def test_the_factorys_options_are_those_of_all_unless_given_otherwise(make: MakeFactory) -> None:
    factory = make(namespace="shop", label_selector="app=web", field_selector="spec.nodeName=n1")
    plain = factory.pods().informer()
    assert plain.namespaces == ("shop",)
    assert plain.options == ListOptions("app=web", "spec.nodeName=n1")
    assert plain.name == "pods/v1 in shop (app=web; spec.nodeName=n1)"
    own = factory.pods(namespace=None, label_selector="app=db", field_selector=None).informer()
    assert own.namespaces == ("",)
    assert own.options == ListOptions("app=db", "")


@pytest.mark.scenario("I03a")
@pytest.mark.scenario("I03b")
def test_several_namespaces_stand_behind_one_lister(make: MakeFactory, source: FakeSource, thing: MakeThing) -> None:
    factory = make(namespace=iter(["test", "shop"]))
    lister = factory.pods().lister()
    with factory:
        assert [feed.request.namespace for feed in source.feeds] == ["shop", "test"]
        source.feed(namespace="shop").replace(thing("a", 1), resource_version=1)
        source.feed(namespace="test").replace(thing("b", 2, namespace="test"), resource_version=2)
        factory.wait_for_cache_sync(10)
        assert sorted(map(str, lister.keys())) == ["shop/a", "test/b"]


def test_kinds_without_namespaces_pass_the_factorys_over_but_refuse_their_own(make: MakeFactory) -> None:
    factory = make(namespace="shop")
    assert factory.nodes().informer().namespaces == ("",)
    assert factory.nodes(namespace=None) is factory.nodes()
    with pytest.raises(ValueError, match="cluster-scoped"):
        factory.nodes(namespace="shop")


def test_an_empty_set_of_namespaces_is_not_all_of_them(make: MakeFactory, factory: Factory) -> None:
    for wrong in ([], ["shop", ""], [""]):
        with pytest.raises(ValueError, match="namespaces are"):
            make(namespace=wrong)
        with pytest.raises(ValueError, match="namespaces are"):
            factory.pods(namespace=wrong)
    assert factory.pods(namespace="") is factory.pods()
    assert make(namespace="").pods().informer().namespaces == ("",)
    with pytest.raises(ValueError, match="part of a path"):
        factory.pods(namespace="a/b")


@pytest.mark.scenario("I03c")
@pytest.mark.scenario("I03d")
@pytest.mark.scenario("I03e")
@pytest.mark.scenario("I03f")
def test_tweak_has_the_last_word_and_reaches_the_server(make: MakeFactory, source: FakeSource) -> None:
    seen = []

    def tweak(options: ListOptions) -> ListOptions:
        seen.append(options)
        return ListOptions(f"{options.label_selector},x", "a=b", (("shardSelector", "s"),))

    factory = make(label_selector="app=web", tweak=tweak)
    informer = factory.pods().informer()
    assert seen == [ListOptions("app=web", "")]
    assert informer.options == ListOptions("app=web,x", "a=b", (("shardSelector", "s"),))
    factory.start()
    assert source.feed().request.options == informer.options
    assert factory.pods(tweak=None).informer().options == ListOptions("app=web")


def test_a_tweak_that_goes_wrong_is_refused(factory: Factory) -> None:
    with pytest.raises(TypeError, match="tweak returned dict"):
        factory.pods(tweak=lambda options: {})  # type: ignore[arg-type,return-value]  # refused here, too
    with pytest.raises(SelectorError):
        factory.pods(tweak=lambda options: ListOptions("app in"))
    with pytest.raises(ValueError, match="resourceVersion"):
        factory.pods(tweak=lambda options: ListOptions(query=(("resourceVersion", "0"),)))


def test_selectors_are_parsed_at_once(make: MakeFactory, factory: Factory) -> None:
    with pytest.raises(SelectorError):
        make(label_selector="app in")
    with pytest.raises(SelectorError):
        make(field_selector="spec.nodeName")
    with pytest.raises(SelectorError):
        factory.pods(label_selector="app in")
    with pytest.raises(SelectorError):
        factory.pods(field_selector="spec.nodeName")


def test_options_that_do_not_exist_are_refused(factory: Factory) -> None:
    with pytest.raises(TypeError, match="unknown informer options: labels; known are field_selector"):
        factory.pods(labels="app=web")  # type: ignore[call-arg]  # refused here, too


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        ({}, {"transform": drop("spec")}, "transform"),
        ({"transform": drop("spec")}, {}, "transform"),
        ({"transform": drop("spec")}, {"transform": drop("status")}, "transform"),
        ({}, {"resync": timedelta(minutes=1)}, "resync"),
        ({"transform": len}, {"transform": repr, "resync": timedelta(1)}, "transform and another resync"),
    ],
    ids=str,
)
@pytest.mark.scenario("trap-29")
def test_one_watch_cannot_have_two_transforms(
    factory: Factory, first: InformerOptions, second: InformerOptions, what: str
) -> None:
    factory.pods(**first)
    with pytest.raises(ConflictingInformerError, match=f"pods/v1 was asked for before with another {what}:"):
        factory.pods(**second)


def test_equal_transforms_do_not_conflict(factory: Factory) -> None:
    one = factory.pods(transform=drop("spec.containers", "status"))
    assert factory.pods(transform=drop("status", "spec.containers")) is one
    factory.pods(label_selector="other=one", transform=None)


def test_one_resource_cannot_have_two_models(factory: Factory) -> None:
    informer = factory.pods().informer()
    pods, pod = informer.resource, type("Pod", (), {})
    with pytest.raises(ConflictingInformerError, match="another model"):
        factory.informer_for(pods, pod)


def test_informers_can_be_had_without_an_accessor(factory: Factory) -> None:
    resource = Resource("example.com", "v1", "widgets", "Widget", True)
    model: type[WireObject] = type("Widget", (), {})
    informer = factory.informer_for(resource, model, namespace="shop")
    assert factory.informer_for(resource, model, namespace="shop") is informer
    assert factory.informer_for(resource, model) is not informer
    assert informer.name == "widgets.example.com/v1 in shop"


def test_every_option_has_its_effect(
    make: MakeFactory, source: FakeSource, thing: MakeThing, clock: VirtualClock
) -> None:
    """C9: options that are accepted and then ignored."""
    transform = drop("spec")
    factory = make(transform=transform, resync=timedelta(seconds=5))
    heard: queue.Queue[ObjectKey] = queue.Queue()
    registration = factory.pods().informer().add_key_handler(heard.put)
    with factory:
        assert source.feed().request.transform is transform
        source.feed().replace(thing("a"), resource_version=1)
        registration.wait_for_sync(10)
        heard.get(timeout=10)
        clock.wait_for_waiters(1)
        assert heard.empty()
        clock.advance(5)
        heard.get(timeout=10)


def test_a_negative_resync_is_refused(make: MakeFactory, factory: Factory) -> None:
    with pytest.raises(ValueError, match="negative"):
        make(resync=timedelta(-1))
    with pytest.raises(ValueError, match="negative"):
        factory.pods(resync=timedelta(-1))


class OtherFactory(InformerFactory):
    """As generated by another package."""

    def nodes(self, **options: Unpack[InformerOptions]) -> NodeInformer:
        return self.resource_informer(NodeInformer, **options)


def test_two_packages_share_one_factory(factory: Factory, source: FakeSource) -> None:
    other = OtherFactory.sharing(factory)
    heard: list[object] = []
    other.on_error(heard.append)
    other.nodes().informer()
    factory.pods().informer()
    assert factory.nodes().informer() is other.nodes().informer()
    with factory:
        assert len(source.feeds) == 2  # each started the other's
        for feed in source.feeds:
            feed.replace(resource_version=1)
        other.wait_for_cache_sync(0)
        factory.wait_for_cache_sync(0)
        assert other.statistics() == factory.statistics()
        assert other.statistics().synced
    with pytest.raises(InformerStoppedError):
        other.start()
    assert other.transport is factory.transport
