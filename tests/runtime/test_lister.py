"""Listers: by name, by namespace, by selector; misses, scopes, unsynced caches; nothing inflated for nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import msgspec
import pytest

from kinform.errors import (
    ApiStatusError,
    CacheNotSyncedError,
    NotCachedError,
    NotFoundError,
    SelectorError,
    UndecodableObjectError,
)
from kinform.lister import ClusterLister, NamespacedLister, NamespaceLister
from kinform.meta import ObjectKey, Resource
from kinform.selectors import FieldSelector, LabelSelector
from kinform.store import CacheReader, Inflater, Store
from kinform.wire import Entry, Replace, Upsert

if TYPE_CHECKING:
    from collections.abc import Callable

PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)
DAEMON_SETS = Resource(group="apps", version="v1", plural="daemonsets", kind="DaemonSet", namespaced=True)


@dataclass
class Thing:
    """A model."""

    name: str
    namespace: str
    labels: dict[str, str]

    made = 0

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        Thing.made += 1
        metadata = msgspec.json.decode(data)["metadata"]
        return cls(metadata["name"], metadata.get("namespace", ""), metadata["labels"])

    def to_wire(self) -> bytes:
        return b""


class Cache:
    """An informer as listers see it, over a real store."""

    def __init__(self, resource: Resource, namespaces: tuple[str, ...] = ("",)) -> None:
        self.resource = resource
        self.store = Store(resource, namespaces)
        self.inflater = Inflater(Thing, resource)
        self.inflate = self.inflater.inflate
        self.copy = self.inflater.copy

    def fill(self, *entries: Entry) -> Cache:
        for partition in self.store.partitions:
            mine = {each.key: each for each in entries if partition in {"", each.key.namespace}}
            self.store.apply(partition, [Replace(mine, "1")])
        return self

    def check(self, namespace: str | None, allow_unsynced: bool) -> None:
        if namespace is not None and self.store.partition_of(namespace) is None:
            raise NotCachedError(namespace)
        if not allow_unsynced and not all(map(self.store.synced, self.store.partitions)):
            raise CacheNotSyncedError("not yet")

    def read_entry(self, key: ObjectKey, *, allow_unsynced: bool) -> Entry | None:
        self.check(key.namespace, allow_unsynced)
        return self.store.get(key)

    def read_entries(
        self, namespace: str | None, selector: LabelSelector | None, *, allow_unsynced: bool
    ) -> list[Entry]:
        self.check(namespace, allow_unsynced)
        return self.store.entries(namespace, selector)


class ThingLister(NamespacedLister[Thing]):
    """As generated."""

    def things(self, namespace: str) -> NamespaceLister[Thing]:
        return NamespaceLister(self._informer, namespace, allow_unsynced=self._allow_unsynced)


@pytest.fixture(autouse=True)
def _nothing_made_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Thing, "made", 0)


def entry(name: str, namespace: str = "", labels: dict[str, str] | None = None, **spec: object) -> Entry:
    annotations = {"example.com/k": "v,w"} if name == "b" else {}
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}, "annotations": annotations}
    body = msgspec.json.encode({"metadata": metadata, "spec": spec})
    return Entry(ObjectKey(namespace, name), f"uid-{namespace}-{name}", "1", 1, "", labels or {}, None, body)


@pytest.fixture
def pods() -> Cache:
    """Three pods in two namespaces."""
    web, db = {"app": "web"}, {"app": "db"}
    return Cache(PODS).fill(entry("web-0", "shop", web), entry("db-0", "shop", db), entry("web-0", "test", web))


@pytest.fixture
def lister(pods: Cache) -> ThingLister:
    reader: CacheReader[Thing] = pods
    return ThingLister(reader)


def names(things: object) -> list[str]:
    assert hasattr(things, "__iter__")
    return sorted(f"{each.namespace}/{each.name}" for each in things)


# ---- what is found


@pytest.mark.scenario("I05a")
def test_get_and_find(lister: ThingLister) -> None:
    pod = lister.things("shop").get("web-0")
    assert pod == Thing("web-0", "shop", {"app": "web"})
    assert lister.things("shop").find("web-0") is pod, "shared by all who hold it"
    assert lister.things("shop").find("web-9") is None
    with pytest.raises(NotFoundError):
        lister.things("shop").get("web-9")


@pytest.mark.scenario("I05b")
def test_a_namespaces_list_has_only_its_own(lister: ThingLister) -> None:
    assert names(lister.things("shop").list()) == ["shop/db-0", "shop/web-0"]
    assert names(lister.things("test").list()) == ["test/web-0"]
    assert names(lister.things("empty").list()) == []
    assert len(lister.things("shop")) == 2
    assert set(lister.things("shop").keys()) == {ObjectKey("shop", "db-0"), ObjectKey("shop", "web-0")}


@pytest.mark.scenario("I05c")
def test_cluster_scoped_kinds() -> None:
    nodes = ClusterLister(Cache(NODES).fill(entry("n1"), entry("n2")))
    assert nodes.get("n1").name == "n1"
    assert nodes.find("n3") is None
    with pytest.raises(NotFoundError, match=r'^node "n3" not found in the cache$'):
        nodes.get("n3")
    assert sorted(each.name for each in nodes.list()) == ["n1", "n2"]
    assert nodes.copy(ObjectKey("", "n2")).name == "n2"
    assert nodes.keys() == [ObjectKey("", "n1"), ObjectKey("", "n2")]


@pytest.mark.scenario("I06a")
@pytest.mark.parametrize("count", [1, 3])
def test_everything_is_listed(count: int) -> None:
    lister = ThingLister(Cache(DAEMON_SETS).fill(*(entry(f"ds-{n}", "shop") for n in range(count))))
    assert len(lister.list()) == len(lister.list(LabelSelector.everything())) == len(lister.list("")) == count
    assert len(lister) == len(lister.keys()) == count


@pytest.mark.scenario("L01")
def test_selectors_run_on_labels_and_inflate_nothing() -> None:
    """client-go's benchmark lists 10,000 of 100,000; here 2,000 of 20,000, whose bodies nobody may look at."""
    cache = Cache(PODS)
    some = [entry(f"pod-{n}", f"ns-{n % 20}", {"app": "match" if n % 10 == 0 else "other"}) for n in range(20_000)]
    for each in some:
        each.stored = b"not json"
    lister = ThingLister(cache.fill(*some))
    assert len(lister.list("app=match")) == 2_000
    assert len(lister.list("app notin (match)")) == 18_000
    assert len(lister.list("app=none")) == 0
    assert len(lister.list()) == 20_000
    assert len(lister.things("ns-0").list("app=match")) == 1_000
    assert Thing.made == 0


def test_selectors_in_every_form(lister: ThingLister) -> None:
    @dataclass
    class Model:
        match_labels: dict[str, str]
        match_expressions: list[object] = field(default_factory=list)

    for selector in ("app=web", "app in (web,x)", "app!=db", LabelSelector({"app": "web"}), Model({"app": "web"})):
        assert names(lister.list(selector)) == ["shop/web-0", "test/web-0"]  # type: ignore[arg-type]
        assert names(lister.things("shop").list(selector)) == ["shop/web-0"]  # type: ignore[arg-type]
    assert len(lister.list(Model({}))) == 3  # type: ignore[arg-type]


def test_a_selector_that_does_not_parse_raises_and_never_lists_all(lister: ThingLister) -> None:
    for text in ("app ~ web", "app in web", "app=web,,tier"):
        with pytest.raises(SelectorError):
            lister.list(text)
        with pytest.raises(SelectorError):
            lister.things("shop").list(text)


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("spec.nodeName=n1", "ad"),
        ("spec.nodeName!=n1", "bc"),
        ("spec.nodeName=", "c"),
        ("spec.nodeName!=", "abd"),
        ("spec.nodeName==n1,spec.containers.image!=x", "d"),
        ("spec.containers.image=y", "ab"),
        ("spec.replicas=3", "a"),
        ("metadata.namespace=shop,metadata.name!=a", "bcd"),
        ("metadata.annotations['example.com/k']=v\\,w", "b"),
        ("", "abcd"),
        (FieldSelector({"spec.nodeName": "n2"}), "b"),
    ],
)
def test_field_selectors_are_judged_by_the_bytes(selector: str | FieldSelector, found: str) -> None:
    specs: dict[str, dict[str, object]] = {
        "a": {"nodeName": "n1", "containers": [{"image": "x"}, {"image": "y"}], "replicas": 3},
        "b": {"nodeName": "n2", "containers": [{"image": "y"}]},
        "c": {},
        "d": {"nodeName": "n1"},
    }
    cache = Cache(PODS).fill(*(entry(name, "shop", {"app": "web"}, **spec) for name, spec in specs.items()))
    things = ThingLister(cache)
    listed = things.things("shop").list("app=web", field_selector=selector)
    assert Thing.made == 0
    assert "".join(sorted(thing.name for thing in listed)) == found
    assert len(things.list("app=db", field_selector=selector)) == 0


@pytest.mark.parametrize("selector", ["spec.nodeName", "a..b=c", "a[b=c"])
def test_a_field_selector_that_does_not_parse_raises(lister: ThingLister, selector: str) -> None:
    with pytest.raises(SelectorError, match="field selector"):
        lister.list(field_selector=selector)


def test_what_cannot_be_judged_by_its_fields_is_there_for_its_reader(pods: Cache, lister: ThingLister) -> None:
    key = ObjectKey("shop", "broken")
    pods.store.apply("", [Upsert(Entry(key, "u", "2", 1, "", {}, None, b""))])
    listed = lister.list(field_selector="spec.nodeName=n1")
    assert len(listed) == 1
    with pytest.raises(UndecodableObjectError, match="shop/broken"):
        list(listed)


def test_a_list_is_of_one_moment_and_inflates_what_is_looked_at(pods: Cache, lister: ThingLister) -> None:
    found = lister.list()
    pods.fill()
    assert len(found) == 3
    assert Thing.made == 0
    assert found[0].name == "web-0"
    assert Thing.made == 1
    assert len(lister) == 0


# ---- what is not found


@pytest.mark.scenario("trap-29")
def test_a_miss_says_what_client_go_says(lister: ThingLister) -> None:
    with pytest.raises(NotFoundError) as caught:
        lister.things("shop").get("web-9")
    error = caught.value
    assert isinstance(error, ApiStatusError)
    assert str(error) == "pod \"web-9\" not found in the cache of namespace 'shop'"
    assert (error.code, error.reason) == (404, "NotFound")
    details = error.status.details
    assert (details.name, details.group, details.kind) == ("web-9", "", "pod")


def test_a_miss_of_a_grouped_kind_names_the_group() -> None:
    lister = ThingLister(Cache(DAEMON_SETS).fill())
    with pytest.raises(NotFoundError, match=r'^daemonset\.apps "agent" not found') as caught:
        lister.things("kube-system").get("agent")
    assert (caught.value.status.details.group, caught.value.status.details.kind) == ("apps", "daemonset")


@pytest.mark.parametrize(
    "read",
    [
        lambda lister: lister.things("shop").copy("web-9"),
        lambda lister: lister.copy(ObjectKey("shop", "web-9")),
        lambda lister: lister.copy(ObjectKey("", "web-0")),
    ],
)
def test_copies_of_what_is_not_there(lister: ThingLister, read: Callable[[ThingLister], object]) -> None:
    with pytest.raises(NotFoundError):
        read(lister)


@pytest.mark.scenario("trap-29")
def test_a_namespace_lister_needs_a_namespace(lister: ThingLister) -> None:
    """client-go's ``Pods("")`` lists everything and gets nothing: a namespace lost on the way stays unnoticed there."""
    with pytest.raises(ValueError, match="needs a namespace"):
        lister.things("")


# ---- what cannot be read


def test_before_the_first_sync_every_read_raises() -> None:
    cache = Cache(PODS)
    lister = ThingLister(cache)
    reads: list[Callable[[], object]] = [
        lister.list,
        lister.keys,
        lambda: len(lister),
        lambda: lister.copy(ObjectKey("shop", "a")),
        lambda: lister.things("shop").get("a"),
        lambda: lister.things("shop").find("a"),
        lambda: lister.things("shop").copy("a"),
        lister.things("shop").list,
        lister.things("shop").keys,
        lambda: len(lister.things("shop")),
    ]
    for read in reads:
        with pytest.raises(CacheNotSyncedError):
            read()
    cache.fill(entry("a", "shop"))
    for read in reads:
        read()


def test_unsynced_reads_for_those_who_ask_for_them() -> None:
    lister = ThingLister(Cache(PODS), allow_unsynced=True)
    assert list(lister.list()) == []
    assert lister.things("shop").find("a") is None
    with pytest.raises(NotFoundError):
        lister.things("shop").get("a")


def test_namespaces_outside_the_scope_raise_rather_than_look_empty() -> None:
    cache = Cache(PODS, ("shop", "test")).fill(entry("a", "shop"), entry("b", "test"))
    lister = ThingLister(cache)
    assert names(lister.list()) == ["shop/a", "test/b"]
    reads: list[Callable[[], object]] = [
        lambda: lister.things("prod").list(),
        lambda: lister.things("prod").find("a"),
        lambda: lister.copy(ObjectKey("prod", "a")),
    ]
    for read in reads:
        with pytest.raises(NotCachedError):
            read()


def test_an_undecodable_object_is_there_and_raises_for_its_reader_only(pods: Cache, lister: ThingLister) -> None:
    poison = entry("bad", "shop")
    poison.stored = b"{"
    pods.fill(poison, entry("good", "shop"))
    assert lister.things("shop").get("good").name == "good"
    assert len(lister.things("shop").list()) == 2
    shop = lister.things("shop")
    for read in (shop.get, shop.find, shop.copy):
        with pytest.raises(UndecodableObjectError, match="Pod shop/bad"):
            read("bad")


# ---- small things


def test_copies_are_private(lister: ThingLister) -> None:
    shared = lister.things("shop").get("web-0")
    for copy in (lister.copy(ObjectKey("shop", "web-0")), lister.things("shop").copy("web-0")):
        assert copy == shared
        copy.labels["app"] = "changed"
    assert lister.things("shop").get("web-0").labels == {"app": "web"}


def test_a_lister_of_nothing_is_still_a_lister() -> None:
    lister = ThingLister(Cache(PODS).fill())
    assert len(lister) == 0
    assert lister or pytest.fail("an empty lister counted as none")
    assert lister.things("shop") or pytest.fail("an empty lister counted as none")


def test_a_selector_that_is_not_there_is_not_taken_for_all() -> None:
    """As ``spec.selector`` of a PodDisruptionBudget may be: None, which selects nothing."""
    lister = ThingLister(Cache(PODS).fill(entry("a", "shop")))
    with pytest.raises(TypeError):
        lister.list(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        lister.things("shop").list(None)  # type: ignore[arg-type]
    assert len(lister.list("")) == len(lister.list(LabelSelector.parse(""))) == 1
