"""The machine's ordinary life: a full fetch, then changes; and what it must never show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import UndecodableObjectError
from kinform.reflector import ReflectorOptions, ReflectorState, StreamingSupport, Wait
from kinform.wire import EventType, PoisonEvent, UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Callable

Bench = Any


# ---- the streaming list


@pytest.mark.scenario("trap-22")
def test_streaming_list(bench: Bench) -> None:
    query = bench.stream()
    assert "resourceVersion" not in query
    assert (query["sendInitialEvents"], query["resourceVersionMatch"]) == ("true", "NotOlderThan")
    bench.feed(bench.added("b", "9"), bench.added("a", "3"))
    assert bench.store == {}, "half a fetch must not show"
    assert not bench.machine.statistics().synced
    bench.feed(bench.end("12"), bench.modified("a", "13"))
    assert bench.store == {"b": "9", "a": "13"}
    assert bench.version == "13"
    assert bench.replaces[0].resource_version == "12"
    statistics = bench.machine.statistics()
    assert (statistics.synced, statistics.state, statistics.last_resource_version) == (True, "watching", "13")
    assert statistics.initial_fetch is ReflectorState.STREAMING
    assert len(bench.requests) == 1, "the same stream goes on as the watch"


def test_an_empty_collection_syncs_at_once(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.end("5"))
    assert bench.machine.statistics().synced
    assert bench.store == {}


@pytest.mark.scenario("W15")
def test_an_ordinary_bookmark_does_not_end_the_initial_events(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("a", "3"), bench.bookmark("8"))
    assert bench.replaces == []
    assert bench.bookmarks == []
    bench.close()
    assert "resourceVersion" not in bench.stream(), "nor is its version one to resume from"


def test_more_initial_events_than_one_per_object(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("a", "1"), bench.added("a", "5"), bench.modified("b", "6"), bench.deleted("never", "7"))
    bench.feed(bench.end("7"))
    assert bench.store == {"a": "5", "b": "6"}


def test_initial_silence_is_short_and_later_silence_long(bench: Bench) -> None:
    assert bench.request().read_timeout == 30
    bench.machine.stream_opened(bench.now)
    assert bench.machine.read_timeout == 30
    bench.feed(bench.end("1"))
    timeout = int(bench.requests[0]["timeoutSeconds"])
    assert bench.machine.read_timeout == timeout + 15


# ---- pages


@pytest.mark.scenario("fault-paging")
def test_pages(paging: Bench) -> None:
    assert paging.list() == {"limit": "500"}
    paging.page(("a", "3"), ("b", "4"), version="20", token="t1")
    assert paging.list() == {"limit": "500", "continue": "t1"}
    paging.page(("c", "5"), version="20", token="t2")
    assert paging.store == {}
    assert paging.list() == {"limit": "500", "continue": "t2"}
    paging.page(("d", "6"), version="21")
    assert paging.store == {"a": "3", "b": "4", "c": "5", "d": "6"}
    assert paging.version == "20", "the first page's version counts: what is missed comes by the watch"
    assert paging.watch()["resourceVersion"] == "20"
    assert paging.waits == []
    assert paging.machine.statistics().initial_fetch is ReflectorState.LISTING


def test_page_size(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(ReflectorOptions(streaming=False, page_size=4))
    assert bench.list() == {"limit": "4"}


@pytest.mark.scenario("trap-16")
def test_a_list_without_version_is_followed_by_a_watch_without(paging: Bench) -> None:
    """Some aggregated APIs have no resourceVersions: the watch then replays everything, in any order."""
    paging.list()
    paging.page(("a", ""), version="")
    assert "resourceVersion" not in paging.watch()
    paging.feed(paging.added("a", "7"), paging.added("b", "3"))
    assert paging.machine.statistics().last_resource_version == ""
    paging.close()
    paging.list()
    paging.page(("a", "7"), version="0")
    assert "resourceVersion" not in paging.watch()
    paging.feed(paging.added("a", "7"), paging.modified("b", "9"), paging.added("c", "10"))
    assert paging.machine.statistics().last_resource_version == "10"
    paging.close()
    assert paging.watch()["resourceVersion"] == "10"


def test_order_returns_with_the_next_full_fetch(make_bench: Callable[..., Bench]) -> None:
    """A watch without version knows no order; the stream that follows it does."""
    support = StreamingSupport()
    bench = make_bench(support=support)
    support.refuse("https://server", bench.machine._resource, bench.now)
    bench.list()
    bench.page(("a", ""), version="")
    bench.watch()
    bench.feed(bench.added("a", "7"))
    bench.close(after=4000)  # long enough to try streaming again
    bench.stream()
    bench.feed(bench.end("20"), bench.added("b", "21"))
    bench.close()
    assert bench.watch()["resourceVersion"] == "21"


# ---- the watch


def test_changes(bench: Bench) -> None:
    bench.synced(("a", "1"), ("b", "2"), version="10")
    bench.feed(bench.added("c", "11"), bench.modified("a", "12"), bench.deleted("b", "13"), bench.bookmark("20"))
    assert bench.store == {"a": "12", "c": "11"}
    assert bench.bookmarks == ["20"]
    bench.close()
    assert bench.watch()["resourceVersion"] == "20"


@pytest.mark.scenario("trap-19")
@pytest.mark.scenario("fault-clean-close")
def test_the_watch_after_a_clean_end(bench: Bench) -> None:
    bench.synced(("a", "1"), version="10")
    bench.close(after=400)
    query = bench.watch()
    assert query["resourceVersion"] == "10"
    assert "sendInitialEvents" not in query
    assert "resourceVersionMatch" not in query
    assert query["allowWatchBookmarks"] == "true"
    assert [reason for _, reason in bench.waits] == ["closed"]
    assert bench.waits[0][0] < 1
    assert bench.reports == [], "an ordinary end is no error"
    assert bench.machine.statistics().restarts == {"closed": 1}


@pytest.mark.scenario("fault-clean-close")
def test_ends_of_many_watches_at_once_are_spread(make_bench: Callable[..., Bench]) -> None:
    waits = set()
    for seed in range(30):
        bench = make_bench(seed=seed)
        bench.synced()
        bench.close(after=100)
        bench.watch()
        waits.add(bench.waits[0][0])
    assert len(waits) == 30
    assert max(waits) - min(waits) > 0.5


@pytest.mark.scenario("R30a")
@pytest.mark.scenario("R30b")
@pytest.mark.scenario("trap-20")
def test_time_outs_are_drawn_from_the_range(make_bench: Callable[..., Bench]) -> None:
    for span in ((300, 600), (1800, 3600)):
        bench = make_bench(ReflectorOptions(watch_timeout=span))
        bench.synced()
        drawn = set()
        for _ in range(50):
            bench.close()
            drawn.add(int(bench.watch()["timeoutSeconds"]))
        assert span[0] <= min(drawn)
        assert max(drawn) < span[1]
        assert len(drawn) > 20


def test_silence_is_borne_less_long_where_bookmarks_come(bench: Bench) -> None:
    bench.synced(version="10")
    bench.close()
    action = bench.request()
    assert action.read_timeout == int(bench.requests[-1]["timeoutSeconds"]) + 15
    bench.machine.stream_opened(bench.now)
    bench.feed(bench.bookmark("11"))
    bench.close()
    assert bench.request().read_timeout == 180


# ---- poison and the unknown


def _poison(bench: Bench, kind: EventType = EventType.MODIFIED, name: str = "", version: str = "") -> PoisonEvent:
    entry = bench.entry(name, version) if name else None
    return PoisonEvent(name, UndecodableObjectError(name or "?", "it is bad"), kind, entry)


@pytest.mark.scenario("fault-poison")
def test_poison_is_reported_and_passed(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("a", "1"), _poison(bench), _poison(bench, EventType.ADDED, "bad", "2"), bench.end("5"))
    assert bench.store == {"a": "1", "bad": "2"}
    bench.feed(_poison(bench, name="a", version="6"), _poison(bench), bench.modified("bad", "7"))
    assert bench.store == {"a": "6", "bad": "7"}
    bench.feed(_poison(bench, EventType.DELETED, "bad", "8"))
    assert bench.store == {"a": "6"}
    assert bench.reasons == ["poison"] * 5
    assert [report.key for report in bench.reports] == ["", "bad", "a", "", "bad"]
    assert bench.machine.statistics().poison == 5
    bench.close()
    assert bench.watch()["resourceVersion"] == "8", "the version of a bad object still counts"


def test_poison_in_a_list(paging: Bench) -> None:
    paging.list()
    paging.page(("a", "1"), version="5", poison=[_poison(paging)])
    assert paging.store == {"a": "1"}
    assert paging.reasons == ["poison"]
    assert paging.watch()["resourceVersion"] == "5"


@pytest.mark.scenario("fault-unknown-event")
def test_unknown_events_are_reported_and_passed(bench: Bench) -> None:
    bench.stream()
    bench.feed(UnknownEvent("PAUSED", "3"), bench.end("5"), UnknownEvent("PAUSED", "9"), UnknownEvent("PAUSED"))
    assert bench.reasons == ["unknown-event"] * 3
    assert "PAUSED" in str(bench.reports[0].exception)
    bench.close()
    assert bench.watch()["resourceVersion"] == "9"


@pytest.mark.parametrize("odd", ["9", "0", "latest"])
def test_an_odd_bookmark_is_reported_and_moves_nothing(bench: Bench, odd: str) -> None:
    """To resume from an older state would tell all of it again; from what is no version, nothing ever again."""
    bench.synced(version="10")
    bench.feed(bench.bookmark("11"), bench.bookmark(odd), bench.bookmark(""), UnknownEvent("PAUSED", odd))
    assert (bench.version, bench.bookmarks) == ("11", ["11"])
    assert bench.reasons == ["poison", "unknown-event"]
    bench.close()
    assert bench.watch()["resourceVersion"] == "11"


def test_versions_that_are_no_numbers_are_all_alike(bench: Bench) -> None:
    """Some aggregated servers make such; what comes last counts then."""
    bench.synced(version="b:7")
    bench.feed(bench.bookmark("a:9"))
    bench.close()
    assert bench.watch()["resourceVersion"] == "a:9"
    assert bench.reports == []


# ---- the machine itself


def test_waits_can_be_cut_short_and_asked_again(bench: Bench) -> None:
    bench.synced()
    bench.fail(503)
    first = bench.machine.next(bench.now)
    assert isinstance(first, Wait)
    second = bench.machine.next(bench.now + 0.5)
    assert isinstance(second, Wait)
    assert second.seconds == pytest.approx(first.seconds - 0.5)
    assert bench.machine.statistics().state is ReflectorState.WAITING


def test_input_out_of_place_is_ignored(bench: Bench) -> None:
    bench.stream()
    bench.page(("a", "1"))
    assert bench.store == {}
    bench.feed(bench.end("5"), bench.error_event(bench.error(500)), bench.added("late", "6"))
    bench.close()
    bench.feed(bench.added("later", "7"))
    assert bench.store == {}
    assert bench.machine.statistics().restarts == {"watch-error": 1}


def test_statistics(bench: Bench) -> None:
    statistics = bench.machine.statistics()
    assert (statistics.state, statistics.connected, statistics.last_activity) == ("new", False, None)
    bench.stream(opened=False)
    assert not bench.machine.statistics().connected
    bench.machine.stream_opened(bench.now)
    assert bench.machine.statistics().connected
    assert bench.machine.statistics().state == "streaming"
    bench.now += 5
    bench.feed(bench.added("a", "1"), bench.end("2"))
    statistics = bench.machine.statistics()
    assert (statistics.last_activity, statistics.events, statistics.watches) == (1005, 1, 1)
    bench.close()
    assert not bench.machine.statistics().connected


def test_reports_name_the_informer(bench: Bench) -> None:
    bench.stream()
    bench.fail(403)
    assert [(r.informer, r.reason.value, type(r.exception).__name__) for r in bench.reports] == [
        ("pods", "forbidden", "ForbiddenError")
    ]


def test_lost_changes_are_made_up_for_by_a_full_fetch(bench: Bench) -> None:
    bench.synced(("a", "1"), version="10")
    bench.feed(bench.modified("a", "11"))
    bench.machine.changes_lost(bench.now, RuntimeError("the store is broken"))
    assert not bench.machine.streaming
    assert not bench.machine.statistics().synced
    assert bench.stream()["resourceVersion"] == "11"
    assert bench.reasons == ["sink"]
    assert bench.waits[0][1] == "sink"
