"""client-go's reflector scenarios, by their IDs. Where the design decides otherwise, the ID stands on our behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import Status, StatusCause, StatusDetails, TransportError, UndecodableObjectError, status_error
from kinform.reflector import ReflectorOptions
from kinform.wire import EventType, PoisonEvent

if TYPE_CHECKING:
    from collections.abc import Callable

Bench = Any


# ---- reflector_test.go


@pytest.mark.scenario("R01")
def test_r01_an_error_event_without_a_status_ends_the_stream(bench: Bench) -> None:
    """client-go returns nil and lists; we report it and fetch anew, not older than what we have."""
    bench.synced(version="10")
    bench.feed(bench.error_event(bench.error(0, message="an error event that holds a Pod in place of a Status")))
    assert not bench.machine.streaming
    assert bench.reasons == ["watch-error"]
    assert bench.stream()["resourceVersion"] == "10"


@pytest.mark.scenario("R08")
@pytest.mark.scenario("R09")
@pytest.mark.parametrize("lived", [0, 0.01])
def test_r08_r09_a_watch_that_ends_at_once_is_an_error(bench: Bench, lived: float) -> None:
    """client-go lists; we wait, watch again, and fetch anew only after several in a row."""
    bench.synced(version="10")
    bench.close()
    bench.watch()
    bench.close(after=lived)
    assert bench.reasons == ["short-watch"]
    assert bench.reports[0].informer == "pods"
    assert bench.watch()["resourceVersion"] == "10"
    assert bench.waits[-1][0] >= 0.8


@pytest.mark.scenario("R10")
@pytest.mark.scenario("trap-16")
def test_r10_wrong_types_do_not_count_and_the_last_event_wins(bench: Bench) -> None:
    bench.synced(("foo", "1"), ("bar", "2"), version="10")
    wrong = PoisonEvent("svc", UndecodableObjectError("svc", "it is a Service of v1, not a Pod of v1"), EventType.ADDED)
    bench.feed(wrong)
    assert bench.machine.statistics().last_resource_version == "10", "an object of another type moves nothing"
    bench.feed(bench.deleted("foo", "3"), bench.modified("bar", "55"), bench.added("baz", "32"))
    assert bench.store == {"bar": "55", "baz": "32"}
    assert bench.machine.statistics().last_resource_version == "32"


@pytest.mark.scenario("R12")
def test_r12_one_streaming_request_does_it_all(bench: Bench) -> None:
    query = bench.stream()
    assert "resourceVersion" not in query
    assert query["resourceVersionMatch"] == "NotOlderThan"
    assert query["allowWatchBookmarks"] == "true"
    bench.feed(bench.added("foo", "1"), bench.end("1"), bench.modified("foo", "2"))
    bench.feed(*(bench.added(name, str(v)) for v, name in enumerate(["bar", "baz", "qux", "zoo"], 3)))
    assert bench.store == {"foo": "2", "bar": "3", "baz": "4", "qux": "5", "zoo": "6"}
    assert len(bench.requests) == 1


@pytest.mark.scenario("R13")
@pytest.mark.scenario("W06")
def test_r13_without_streaming_a_list_and_a_watch_give_the_same(paging: Bench) -> None:
    """The list asks for the latest in pages of 500 (client-go: version 0, where the limit does not count)."""
    assert paging.list() == {"limit": "500"}
    paging.page(("foo", "1"), version="1")
    query = paging.watch()
    assert (query["resourceVersion"], query["allowWatchBookmarks"]) == ("1", "true")
    paging.feed(paging.modified("foo", "2"))
    paging.feed(*(paging.added(name, str(v)) for v, name in enumerate(["bar", "baz", "qux", "zoo"], 3)))
    assert paging.store == {"foo": "2", "bar": "3", "baz": "4", "qux": "5", "zoo": "6"}
    assert len(paging.requests) == 2


@pytest.mark.scenario("R14a")
@pytest.mark.scenario("R14b")
@pytest.mark.scenario("R14c")
@pytest.mark.scenario("R14d")
@pytest.mark.scenario("R14e")
def test_r14_a_life_with_faults(paging: Bench) -> None:
    """client-go lists anew after a watch that cannot be opened; we open it again from the same version."""
    paging.list()
    paging.page(version="1")
    paging.watch()
    paging.feed(paging.added("foo", "2"), paging.added("bar", "3"), paging.error_event(paging.gone()))
    paging.list()
    paging.page(("foo", "2"), ("bar", "3"), version="3")
    paging.watch()
    paging.feed(paging.deleted("foo", "4"), paging.added("qux", "5"), paging.error_event(paging.gone()))
    paging.list()
    paging.fail(500, message="a list error")
    assert paging.store == {"bar": "3", "qux": "5"}
    assert "a list error" in str(paging.reports[-1].exception)
    paging.list()
    paging.page(("bar", "3"), ("qux", "5"), version="5")
    paging.watch(opened=False)
    paging.fail(500, message="a watch error")
    assert "a watch error" in str(paging.reports[-1].exception)
    assert paging.watch()["resourceVersion"] == "5"
    paging.feed(paging.added("baz", "6"))
    assert paging.store == {"bar": "3", "qux": "5", "baz": "6"}


@pytest.mark.scenario("R17")
def test_r17_429_backs_off_wherever_it_comes_from(paging: Bench) -> None:
    paging.list()
    paging.page(version="1")
    paging.watch(opened=False)
    paging.fail(429)
    paging.watch()
    paging.feed(paging.error_event(paging.error(429)))
    paging.watch()
    paging.close()
    paging.watch()
    reasons = [reason for _, reason in paging.waits]
    assert reasons == ["throttled", "throttled", "closed"]
    assert 0.8 <= paging.waits[0][0] < 1.6 <= paging.waits[1][0] < 3.2, "the back-off was consulted exactly twice"


@pytest.mark.scenario("R18")
@pytest.mark.scenario("trap-18")
def test_r18_429_never_lists(paging: Bench) -> None:
    paging.list()
    paging.page(version="1")
    for _ in range(4):
        paging.watch(opened=False)
        paging.fail(429)
    paging.watch()
    statistics = paging.machine.statistics()
    assert (statistics.lists, statistics.watches) == (1, 5)


@pytest.mark.scenario("R19a")
@pytest.mark.scenario("R19b")
@pytest.mark.scenario("R19c")
def test_r19_internal_errors_are_retried_within_their_window(bench: Bench) -> None:
    """30 s after the first of a series, boundary included; client-go's default is none, and it does not wait."""
    bench.synced(version="10")
    error = bench.error_event(bench.error(500, "InternalError"))
    began = bench.now
    bench.feed(error)
    bench.watch()
    bench.now = began + 30
    bench.feed(error)
    bench.watch()
    bench.now += 60  # a minute of quiet starts a new window
    bench.feed(error)
    bench.watch()
    bench.now += 30.1
    bench.feed(error)
    assert bench.stream()["resourceVersion"] == "10"


@pytest.mark.scenario("R21")
def test_r21_a_page_size_is_kept_to(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(ReflectorOptions(streaming=False, page_size=4))
    names = [f"p{i}" for i in range(10)]
    for start, token in ((0, "a"), (4, "b"), (8, "")):
        assert bench.list()["limit"] == "4"
        bench.page(*((name, "1") for name in names[start : start + 4]), version="10", token=token)
    assert list(bench.store) == names


@pytest.mark.scenario("R22")
@pytest.mark.scenario("R23")
@pytest.mark.scenario("R24")
@pytest.mark.scenario("trap-17")
@pytest.mark.scenario("fault-sticky-paging")
def test_r22_r23_r24_every_list_is_paged_and_consistent(paging: Bench) -> None:
    """client-go lists at its last version without a limit, or with one once pages came; ours never sends a version."""
    for cycle in range(3):
        assert paging.list() == {"limit": "500"}
        paging.page(("a", "1"), version=str(10 + cycle), token="t")
        assert paging.list() == {"limit": "500", "continue": "t"}
        paging.page(("b", "1"), version=str(10 + cycle))
        paging.watch()
        paging.feed(paging.error_event(paging.gone()))


@pytest.mark.scenario("R25")
def test_r25_an_expired_fetch_is_followed_by_one_at_the_latest(bench: Bench) -> None:
    """client-go at once; we after a wait. Ours streams; a list of ours has no version that could expire."""
    bench.synced(version="10")
    bench.feed(bench.error_event(bench.gone()))
    assert bench.stream()["resourceVersion"] == "10"
    bench.fail(bench.gone())
    assert "resourceVersion" not in bench.stream()


@pytest.mark.scenario("R26")
@pytest.mark.scenario("trap-17")
def test_r26_an_expired_page_restarts_the_list_then_one_without_pages(make_bench: Callable[..., Bench]) -> None:
    """client-go goes to the list without pages at once; we try pages a second time, for the server's memory's sake."""
    bench = make_bench(ReflectorOptions(streaming=False, page_size=4))
    for _ in range(2):
        bench.list()
        bench.page(("a", "1"), token="t")
        bench.list()
        bench.fail(bench.gone())
    assert bench.list() == {}


@pytest.mark.parametrize(
    "status",
    [
        Status(504, "Timeout", "", StatusDetails(causes=(StatusCause("ResourceVersionTooLarge"),))),
        Status(504, "Timeout", "", StatusDetails(causes=(StatusCause("", "Too large resource version"),))),
        Status(504, "Timeout", "Too large resource version: 20, current: 10"),
    ],
)
@pytest.mark.scenario("R27")
@pytest.mark.scenario("fault-504-too-large")
def test_r27_a_version_the_server_has_not_seen_is_followed_by_the_latest(bench: Bench, status: Status) -> None:
    bench.synced(version="20")
    bench.feed(bench.error_event(bench.gone()))
    assert bench.stream()["resourceVersion"] == "20"
    bench.fail(status_error(status))
    assert "resourceVersion" not in bench.stream()
    assert bench.waits[-1][0] >= 1


@pytest.mark.scenario("R31")
def test_r31_versions_come_in_order_bookmarks_included(bench: Bench) -> None:
    seen = []
    bench.synced(version="10")
    for event in (bench.added("a", "10"), bench.modified("a", "20"), bench.bookmark("30"), bench.deleted("a", "40")):
        bench.feed(event)
        seen.append(bench.version)
    assert seen == ["10", "20", "30", "40"]


@pytest.mark.scenario("R33")
def test_r33_a_store_read_error_is_healed_by_a_full_fetch(bench: Bench) -> None:
    bench.synced(*((f"foo-{i}", "1") for i in (1, 2, 3)), version="10")
    bench.feed(bench.added("foo", "11"))
    bench.feed(bench.error_event(bench.error(500, "StoreReadError", "data is corrupt")))
    bench.stream()
    bench.feed(*(bench.added(f"foo-{i}", "1") for i in (1, 2, 3)), bench.end("20"))
    assert bench.store == {"foo-1": "1", "foo-2": "1", "foo-3": "1"}
    assert bench.machine.statistics().last_resource_version == "20"


# ---- reflector_watchlist_test.go


@pytest.mark.scenario("W01")
def test_w01_streaming_can_be_switched_off(bench: Bench, paging: Bench) -> None:
    bench.stream()
    paging.list()


@pytest.mark.scenario("W04")
def test_w04_where_to_resume_is_known_by_the_end_bookmark_only(bench: Bench) -> None:
    def version() -> Any:
        return bench.machine.statistics().last_resource_version

    bench.stream()
    assert version() == ""
    bench.feed(bench.added("a", "1"))
    assert version() == ""
    bench.feed(bench.end("2"))
    assert version() == "2"


@pytest.mark.scenario("W05")
def test_w05_without_the_bookmark_the_store_stays_empty(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("a", "1"))
    assert bench.store == {}
    assert len(bench.requests) == 1


@pytest.mark.scenario("W07")
@pytest.mark.scenario("fault-watchlist-error")
def test_w07_an_arbitrary_error_is_retried_streaming(bench: Bench) -> None:
    """client-go lists (which has brought API servers and clients down); only a refusal to stream makes us list."""
    bench.stream(opened=False)
    bench.fail(TransportError("dummy error"))
    bench.stream()
    bench.feed(bench.added("a", "1"), bench.end("1"), bench.added("b", "2"))
    assert bench.store == {"a": "1", "b": "2"}
    statistics = bench.machine.statistics()
    assert (statistics.lists, statistics.watches) == (0, 2)


@pytest.mark.scenario("W09")
def test_w09_the_plain_case(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("p1", "1"), bench.added("p2", "2"), bench.end("2"))
    assert set(bench.store) == {"p1", "p2"}
    assert bench.machine.statistics().synced


@pytest.mark.scenario("W10")
def test_w10_changes_among_the_initial_events_count(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("p1", "1"), bench.added("p2", "2"), bench.modified("p1", "3"))
    bench.feed(bench.added("p3", "4"), bench.deleted("p3", "5"), bench.end("5"))
    assert bench.store == {"p1": "3", "p2": "2"}


@pytest.mark.scenario("W11")
def test_w11_429_repeats_the_streaming_request(bench: Bench) -> None:
    for _ in range(2):
        bench.stream(opened=False)
        bench.fail(429)
    bench.synced(("p1", "1"))
    own = [{k: v for k, v in query.items() if k != "timeoutSeconds"} for query in bench.requests]
    assert own[0] == own[1] == own[2]
    assert bench.machine.statistics().lists == 0


@pytest.mark.scenario("W12")
@pytest.mark.scenario("trap-22")
@pytest.mark.scenario("fault-watchlist-cut")
def test_w12_an_interrupted_stream_starts_from_nothing(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("p1", "1"))
    bench.close(after=2)
    assert "resourceVersion" not in bench.stream()
    bench.feed(bench.added("p2", "2"), bench.end("2"))
    assert bench.store == {"p2": "2"}
    assert ["resourceVersion" in query for query in bench.requests] == [False, False]


@pytest.mark.scenario("W13")
@pytest.mark.scenario("trap-22")
def test_w13_after_the_bookmark_a_plain_watch_resumes(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("p1", "1"), bench.added("p2", "2"), bench.end("2"), bench.added("p3", "3"))
    bench.close()
    query = bench.watch()
    assert query["resourceVersion"] == "3"
    assert "sendInitialEvents" not in query
    bench.feed(bench.added("p4", "4"))
    assert set(bench.store) == {"p1", "p2", "p3", "p4"}


@pytest.mark.scenario("W14")
def test_w14_expired_after_the_bookmark_keeps_the_data(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("p1", "1"), bench.end("2"))
    bench.close()
    bench.watch(opened=False)
    bench.fail(bench.gone())
    assert bench.store == {"p1": "1"}
    assert bench.reasons == ["expired"]


# ---- api-behaviour.md, 6.14


@pytest.mark.scenario("invariant-3")
def test_invariant_3_versions_of_an_interrupted_stream_are_never_resumed_from(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("a", "500"), bench.modified("a", "900"), bench.bookmark("950"))
    bench.fail(TransportError("reset"))
    bench.stream()
    assert all(query.get("resourceVersion", "") == "" for query in bench.requests)


@pytest.mark.scenario("invariant-4")
def test_invariant_4_one_fetch_for_each_cause(bench: Bench) -> None:
    bench.synced(version="10")
    bench.feed(bench.error_event(bench.gone()), bench.error_event(bench.gone()))
    bench.close()
    bench.stream()
    bench.feed(bench.end("20"))
    assert len(bench.replaces) == 2
    assert bench.machine.statistics().restarts == {"expired": 1}


@pytest.mark.scenario("invariant-10")
def test_invariant_10_everything_is_readable_at_any_time(bench: Bench) -> None:
    for act in (
        lambda: None,
        lambda: bench.stream(opened=False),
        lambda: bench.machine.stream_opened(bench.now),
        lambda: bench.feed(bench.end("5")),
        lambda: bench.fail(503),
    ):
        act()
        statistics = bench.machine.statistics()
        assert isinstance(statistics.synced, bool)
        assert isinstance(statistics.connected, bool)
        assert isinstance(statistics.last_resource_version, str)
        assert isinstance(statistics.restarts, dict)
    assert (statistics.synced, statistics.connected, statistics.last_resource_version) == (True, False, "5")
    statistics.restarts["made-up"] = 1
    assert "made-up" not in bench.machine.statistics().restarts, "it is a copy"
