"""From the bytes of a watch to what handlers would hear, through decoder, reflector and store: no thread, no network.

Each room has its own tests; these are for what only holds if all of them keep to it.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import Status, status_error
from kinform.meta import ObjectKey, Resource
from kinform.reflector import ListPage, Reflector, ReflectorOptions, StreamingSupport, Wait, Watch
from kinform.store import Store, field_index
from kinform.wire import Decoder, FrameSplitter

if TYPE_CHECKING:
    from kinform.reflector import Report
    from kinform.store import Notification
    from kinform.wire import Change, Transform

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)


def pod(name: str, rv: int | str, *, uid: str = "", node: str = "", **metadata: object) -> dict[str, Any]:
    metadata |= {"name": name, "namespace": "shop", "uid": uid or f"uid-{name}", "resourceVersion": str(rv)}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": {"nodeName": node}}


def event(kind: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"


def bookmark(rv: int | str, *, end: str = "") -> bytes:
    annotations = {"k8s.io/initial-events-end": end} if end else {}
    metadata = {"resourceVersion": str(rv), "annotations": annotations}
    return event("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": metadata})


def error(code: int, reason: str = "") -> bytes:
    return event("ERROR", {"kind": "Status", "apiVersion": "v1", "code": code, "reason": reason})


def said(told: list[Notification]) -> list[str]:
    """``add a@1``, ``update a@1>2``, ``delete a@3``; ``!`` for an unknown final state, ``*`` for initial."""
    words = []
    for each in told:
        marks = "!" * each.final_state_unknown + "*" * each.initial
        if each.old is None:
            assert each.new is not None
            words.append(f"add {each.key.name}@{each.new.resource_version}{marks}")
        elif each.new is None:
            words.append(f"delete {each.key.name}@{each.old.resource_version}{marks}")
        else:
            words.append(f"update {each.key.name}@{each.old.resource_version}>{each.new.resource_version}{marks}")
    return words


class Pipeline:
    """One watch over all pods. What is fed in comes out as words; waits are jumped over."""

    def __init__(self, transform: Transform | None = None, *, streaming: bool = True) -> None:
        self.store = Store(PODS)
        self.decoder = Decoder(PODS, transform, known=self.store.get)
        options = ReflectorOptions(streaming=streaming)
        self.machine = Reflector(PODS, options, random.Random(1), support=StreamingSupport())
        self.now = 1000.0
        self.reports: list[Report] = []
        self._splitter = FrameSplitter()

    def ask(self) -> dict[str, str]:
        """The next request, already accepted."""
        action = self.machine.next(self.now)
        if isinstance(action, Wait):
            self.now += action.seconds
            action = self.machine.next(self.now)
        assert isinstance(action, ListPage | Watch)
        if isinstance(action, Watch):
            self.machine.stream_opened(self.now)
            self._splitter = FrameSplitter()
        return dict(action.query)

    def feed(self, *data: bytes) -> list[str]:
        """The network delivers this in one piece."""
        events = [self.decoder.event(frame) for frame in self._splitter.feed(b"".join(data))]
        return self._apply(self.machine.events(self.now, events))

    def page(self, *objects: dict[str, Any], rv: int | str, token: str = "") -> list[str]:
        metadata = {"resourceVersion": str(rv), "continue": token}
        items = [{"metadata": each["metadata"], "spec": each["spec"]} for each in objects]  # as lists have them
        body = json.dumps({"kind": "PodList", "metadata": metadata, "items": items}, separators=(",", ":")).encode()
        return self._apply(self.machine.page(self.now, self.decoder.page(body)))

    def sync(self, *objects: dict[str, Any], rv: int | str) -> list[str]:
        """A whole streaming list."""
        assert self.ask().get("sendInitialEvents") == "true"
        return self.feed(*(event("ADDED", each) for each in objects), bookmark(rv, end="true"))

    def close(self) -> None:
        """The server ends the watch, which has lived for a while."""
        self.now += 60
        self.machine.stream_ended(self.now)

    def _apply(self, changes: list[Change]) -> list[str]:
        self.reports += self.machine.take_reports()
        return said(self.store.apply("", changes))

    @property
    def held(self) -> dict[str, str]:
        return {each.key.name: each.resource_version for each in self.store.entries()}

    @property
    def resumes_from(self) -> str:
        return self.machine.statistics().last_resource_version


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.mark.scenario("trap-01")
def test_what_is_there_decides_between_add_and_update_and_not_the_verb(pipeline: Pipeline) -> None:
    """After a resume a server may say ADDED of what we know, and MODIFIED of what we have never seen."""
    assert pipeline.sync(pod("a", 1), rv=5) == ["add a@1*"]
    assert pipeline.feed(event("ADDED", pod("a", 6)), event("MODIFIED", pod("b", 7))) == ["update a@1>6", "add b@7"]
    assert pipeline.feed(event("MODIFIED", pod("b", 7))) == [], "the same version again is no news"


@pytest.mark.scenario("trap-02")
def test_the_deletion_of_what_nobody_heard_of_is_no_news_but_counts(pipeline: Pipeline) -> None:
    """client-go calls OnDelete."""
    pipeline.sync(rv=5)
    assert pipeline.feed(event("DELETED", pod("ghost", 8))) == []
    assert (pipeline.resumes_from, pipeline.store.resource_version("")) == ("8", "8")


@pytest.mark.scenario("trap-03")
@pytest.mark.scenario("trap-04")
def test_a_relist_tells_deletions_first_each_once_with_the_newest_state_and_then_what_changed(
    pipeline: Pipeline,
) -> None:
    pipeline.sync(pod("a", 1), pod("b", 2), pod("c", 3), pod("d", 4), rv=5)
    pipeline.feed(event("MODIFIED", pod("b", 6)), event("DELETED", pod("c", 7)), error(410, "Expired"))
    told = pipeline.sync(pod("e", 9), pod("d", 8), pod("a", 1), rv=10)
    assert told == ["delete b@6!", "add e@9", "update d@4>8"], "c is not deleted twice, nothing is said of a"


@pytest.mark.scenario("trap-05")
def test_a_transform_that_blanks_the_resource_version_hides_no_update() -> None:
    """In client-go every update looks like a resync then, and handlers without resync hear no more."""

    def blank(obj: dict[str, Any]) -> dict[str, Any]:
        del obj["metadata"]["resourceVersion"], obj["metadata"]["uid"]
        return obj

    pipeline = Pipeline(blank)
    assert pipeline.sync(pod("a", 1), pod("b", 2), rv=5) == ["add a@1*", "add b@2*"]
    assert pipeline.feed(event("MODIFIED", pod("a", 6)), error(410, "Expired")) == ["update a@1>6"]
    assert pipeline.sync(pod("a", 6), pod("b", 7), rv=8) == ["update b@2>7"], "nor is what is unchanged told again"
    entry = pipeline.store.get(ObjectKey("shop", "a"))
    assert entry is not None
    assert "resourceVersion" not in json.loads(entry.body)["metadata"]


@pytest.mark.scenario("trap-14")
@pytest.mark.scenario("invariant-9")
@pytest.mark.parametrize("relist", [True, False])
def test_each_object_has_its_own_beginning_and_end_also_under_one_name(pipeline: Pipeline, relist: bool) -> None:
    """client-go tells one update of an object that was deleted and made anew while the watch was away."""
    pipeline.sync(pod("a", 1, uid="first"), rv=5)
    if relist:
        pipeline.feed(error(410, "Expired"))
        told = pipeline.sync(pod("a", 9, uid="second"), rv=10)
    else:
        told = pipeline.feed(event("MODIFIED", pod("a", 9, uid="second")))
    assert told == ["delete a@1!", "add a@9"]
    assert pipeline.feed(event("MODIFIED", pod("a", 11, uid="second"))) == ["update a@9>11"]


@pytest.mark.scenario("trap-15")
def test_an_inferred_deletion_leaves_every_index_and_carries_what_was_known(pipeline: Pipeline) -> None:
    by_node = pipeline.store.add_index(field_index("spec.nodeName"), lambda entry: entry)
    pipeline.sync(pod("a", 1, node="n1"), pod("b", 2, node="n1"), rv=5)
    pipeline.feed(event("MODIFIED", pod("a", 6, node="n2")), error(410, "Expired"))
    assert pipeline.sync(pod("b", 2, node="n1"), rv=10) == ["delete a@6!"]
    assert by_node.index_values() == ["n1"]
    assert by_node.object_keys("n1") == [ObjectKey("shop", "b")]


@pytest.mark.scenario("trap-16")
@pytest.mark.scenario("invariant-3")
def test_where_a_watch_resumes_is_the_last_event_that_counts(pipeline: Pipeline) -> None:
    pipeline.sync(rv=10)
    service = {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "s", "resourceVersion": "99"}}
    table = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "98"}}
    steps = [
        (event("MODIFIED", pod("a", 55)), "55"),
        (event("ADDED", pod("b", 32)), "32"),  # the last one, not the highest: nothing is compared
        (event("ADDED", service), "32"),
        (event("ADDED", table), "32"),
        (event("ADDED", {"kind": "Pod", "apiVersion": "v1"}), "32"),
        (event("HEARTBEAT", pod("c", 40)), "40"),
        (bookmark(50), "50"),
        (bookmark(""), "50"),
        (event("DELETED", pod("a", 60)), "60"),
    ]
    for data, version in steps:
        pipeline.feed(data)
        assert pipeline.resumes_from == version, data
    assert pipeline.held == {"b": "32"}
    assert {report.reason for report in pipeline.reports} == {"poison", "unknown-event"}
    pipeline.close()
    assert pipeline.ask()["resourceVersion"] == "60"


@pytest.mark.scenario("trap-16")
@pytest.mark.scenario("trap-22")
@pytest.mark.scenario("invariant-1")
@pytest.mark.scenario("invariant-2")
def test_a_stream_that_dies_before_its_end_bookmark_reaches_no_reader(pipeline: Pipeline) -> None:
    pipeline.sync(pod("a", 1), pod("gone", 2), rv=10)
    pipeline.feed(error(410, "Expired"))
    assert pipeline.ask()["resourceVersion"] == "10", "never 0: the cache must not travel back in time"
    told = pipeline.feed(event("ADDED", pod("half", 500)), event("DELETED", pod("a", 501)), bookmark(502, end="false"))
    assert told == []
    assert pipeline.held == {"a": "1", "gone": "2"}
    assert pipeline.store.resource_version("") == "10"
    pipeline.close()
    assert pipeline.ask()["resourceVersion"] == "10", "and not from something in the middle"
    told = pipeline.feed(
        event("ADDED", pod("a", 1)),
        event("ADDED", pod("late", 503)),
        event("MODIFIED", pod("a", 504)),
        event("DELETED", pod("late", 505)),
        bookmark(506, end="true"),
        event("ADDED", pod("live", 507)),
    )
    assert told == ["delete gone@2!", "update a@1>504", "add live@507"], "the same stream goes on as the watch"
    assert pipeline.resumes_from == "507"


@pytest.mark.scenario("trap-23")
def test_a_transform_that_fails_loses_neither_the_change_nor_the_place() -> None:
    """client-go drops the change and moves on, and in a list it never syncs at all."""

    def transform(obj: dict[str, Any]) -> dict[str, Any]:
        if "bad" in obj["metadata"]:
            raise RuntimeError("no")
        obj["metadata"]["name"] = "renamed"
        return obj

    for pipeline in (Pipeline(transform), Pipeline(transform, streaming=False)):
        objects = pod("a", 1), pod("b", 2, bad=True)
        if pipeline.machine._options.streaming:
            told = pipeline.sync(*objects, rv=5)
        else:
            pipeline.ask()
            told = pipeline.page(*objects, rv=5)
            pipeline.ask()
        assert told == ["add a@1*", "add b@2*"]
        assert pipeline.feed(event("MODIFIED", pod("a", 6, bad=True))) == ["update a@1>6"]
        assert pipeline.resumes_from == "6"
        assert [report.key for report in pipeline.reports] == ["shop/b", "shop/a"]
        assert pipeline.held == {"a": "6", "b": "2"}, "and renaming moves nothing"


@pytest.mark.scenario("trap-23")
@pytest.mark.parametrize("streaming", [True, False])
def test_what_a_transform_failed_on_is_whole_again_once_it_succeeds(streaming: bool) -> None:
    """Also where the object has not changed since: a full fetch tries again."""
    fails = [True]

    def transform(obj: dict[str, Any]) -> dict[str, Any]:
        if fails[0]:
            raise RuntimeError("its configuration is not there yet")
        return obj

    pipeline = Pipeline(transform, streaming=streaming)

    def fetch() -> list[str]:
        if streaming:
            return pipeline.sync(pod("a", 1), rv=5)
        pipeline.ask()
        told = pipeline.page(pod("a", 1), rv=5)
        pipeline.ask()
        return told

    assert fetch() == ["add a@1*"]
    fails[0] = False
    pipeline.feed(error(410, "Expired"))
    assert fetch() == ["update a@1>1"], "who could not read it before hears of it again"
    entry = pipeline.store.get(ObjectKey("shop", "a"))
    assert entry is not None
    assert json.loads(entry.body) == pod("a", 1)
    fails[0] = True
    pipeline.feed(error(410, "Expired"))
    assert fetch() == [], "and what is readable is not lost again"
    assert pipeline.store.get(entry.key) is entry


@pytest.mark.scenario("trap-23")
@pytest.mark.scenario("invariant-8")
@pytest.mark.scenario("K07")
def test_each_version_of_an_object_is_transformed_once_over_relists_and_resumes() -> None:
    calls: list[str] = []

    def transform(obj: dict[str, Any]) -> dict[str, Any]:
        assert "done" not in obj, "what is shared already must not be touched"
        calls.append(f"{obj['metadata']['name']}@{obj['metadata']['resourceVersion']}")
        return {**obj, "done": True}

    pipeline = Pipeline(transform)
    pipeline.sync(pod("a", 1), pod("b", 2), rv=5)
    pipeline.feed(event("MODIFIED", pod("a", 6)))
    pipeline.close()
    pipeline.ask()
    pipeline.feed(event("ADDED", pod("a", 6)), error(410, "Expired"))
    pipeline.sync(pod("a", 6), pod("b", 7), rv=8)
    assert calls == ["a@1", "b@2", "a@6", "b@7"]


@pytest.mark.scenario("trap-25")
def test_the_stores_version_is_that_of_the_last_write_whatever_its_form(pipeline: Pipeline) -> None:
    beyond_64_bits = "1" + "0" * 30
    pipeline.sync(pod("a", 1), rv=beyond_64_bits)
    assert pipeline.store.resource_version("") == beyond_64_bits
    pipeline.feed(event("MODIFIED", pod("a", "opaque-7")))
    assert pipeline.store.resource_version("") == pipeline.resumes_from == "opaque-7"
    pipeline.feed(error(410, "Expired"))
    pipeline.sync(pod("a", "opaque-7"), rv=3)
    assert pipeline.store.resource_version("") == "3", "also a lower one, after a restore of the server's database"


@pytest.mark.scenario("trap-17")
@pytest.mark.scenario("invariant-1")
def test_pages_are_one_list_at_the_version_of_the_first() -> None:
    pipeline = Pipeline(streaming=False)
    assert pipeline.ask() == {"limit": "500"}
    assert pipeline.page(pod("a", 1), rv=5, token="t") == []
    assert pipeline.ask() == {"limit": "500", "continue": "t"}, "no version and no match beside a token"
    assert pipeline.page(pod("b", 2), rv=9) == ["add a@1*", "add b@2*"]
    assert pipeline.ask()["resourceVersion"] == "5", "what came to pass between the pages is not missed"
    pipeline.feed(event("MODIFIED", pod("a", 7)), error(410, "Expired"))
    pipeline.ask()
    pipeline.page(pod("a", 7), rv=11, token="t")
    assert pipeline.held == {"a": "7", "b": "2"}
    pipeline.ask()
    expired = Status(410, "Expired", "The provided continue parameter is too old")
    pipeline.machine.failed(pipeline.now, status_error(expired))
    assert pipeline.held == {"a": "7", "b": "2"}, "half a list is never taken for the whole"
    assert pipeline.ask() == {"limit": "500"}
    assert pipeline.page(pod("c", 12), rv=13) == ["delete a@7!", "delete b@2!", "add c@12"]


@pytest.mark.scenario("invariant-4")
def test_one_cause_is_one_full_fetch(pipeline: Pipeline) -> None:
    pipeline.sync(pod("a", 1), rv=5)
    pipeline.feed(error(410, "Expired"), error(410, "Expired"), event("MODIFIED", pod("a", 6)))
    pipeline.close()
    pipeline.sync(pod("a", 7), rv=8)
    assert pipeline.machine.statistics().restarts == {"expired": 1}
    assert pipeline.machine.statistics().watches == 2
