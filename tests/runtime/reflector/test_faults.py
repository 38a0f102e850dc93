"""What the machine does about each thing that can go wrong: the right request next, after a wait, never in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import FrameError, TransportError
from kinform.reflector import ReflectorOptions, StreamingSupport

if TYPE_CHECKING:
    from collections.abc import Callable

Bench = Any


# ---- falling back from streaming (the only three ways to do so)


@pytest.mark.parametrize("field", ["sendInitialEvents", "resourceVersionMatch"])
@pytest.mark.parametrize("in_stream", [False, True])
@pytest.mark.scenario("W08")
@pytest.mark.scenario("fault-watchlist-refused")
def test_a_server_that_refuses_to_stream_is_listed(bench: Bench, field: str, in_stream: bool) -> None:
    bench.stream()
    if in_stream:
        bench.feed(bench.error_event(bench.unsupported(field)))
    else:
        bench.fail(bench.unsupported(field))
    assert bench.list() == {"limit": "500"}
    assert bench.waits == []
    assert bench.reports == [], "an older server is no error"
    bench.page(("a", "1"), version="5")
    assert bench.watch()["resourceVersion"] == "5"
    assert bench.machine.statistics().restarts == {"streaming-unsupported": 1}


@pytest.mark.scenario("fault-watchlist-refused")
def test_the_refusal_is_remembered_for_an_hour(make_bench: Callable[..., Bench]) -> None:
    support = StreamingSupport()
    first = make_bench(support=support)
    first.stream()
    first.fail(first.unsupported())
    second = make_bench(support=support)
    second.now = first.now + 3599
    second.list()
    third = make_bench(support=support)
    third.now = first.now + 3600
    third.stream()


@pytest.mark.scenario("fault-watchlist-silent")
def test_thirty_seconds_without_anything_are_a_refusal(bench: Bench) -> None:
    bench.stream()
    bench.now += 29
    bench.feed(bench.added("a", "1"))
    bench.fail(TransportError("no bytes for 30 s"), after=30)
    assert bench.list() == {"limit": "500"}
    assert bench.reasons == ["streaming-stalled"]
    assert bench.waits == []
    bench.page(("b", "2"))
    assert bench.store == {"b": "2"}, "nothing of the half-filled stream may be left"


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("synced", [False, True])
def test_what_a_request_waited_before_it_went_out_is_not_the_servers_silence(
    bench: Bench, sent: bool, synced: bool
) -> None:
    if synced:
        bench.synced()
        bench.close()
        bench.now += bench.machine.next(bench.now).seconds
    bench.machine.next(bench.now)
    bench.now += 1000
    if sent:
        bench.machine.sent(bench.now)
    bench.fail(TransportError("connection refused"), after=10)
    assert bench.reasons == ["connection"]
    assert "watch" in bench.watch() if synced else bench.stream()


def test_a_stream_that_makes_progress_may_take_all_the_time_that_was_asked_for(bench: Bench) -> None:
    timeout = int(bench.stream()["timeoutSeconds"])
    for number in range(timeout // 25):
        bench.now += 25
        bench.feed(bench.added(f"a{number}", str(number)) if number % 2 else bench.bookmark(str(number)))
    bench.fail(TransportError("reset"), after=5)
    bench.stream()
    assert bench.reasons == ["connection"]


@pytest.mark.parametrize("ends_it", [True, False])
@pytest.mark.scenario("fault-watchlist-endless")
def test_a_server_that_streams_but_never_ends_the_initial_events_is_listed_in_the_end(
    bench: Bench, ends_it: bool
) -> None:
    """It ignores sendInitialEvents, and there is always some change: no silence, but no end either.

    Nor does one that ignores timeoutSeconds as well get more time than it was asked to take.
    """
    timeout = int(bench.stream()["timeoutSeconds"])
    for number in range(timeout // 10):
        bench.now += 10
        bench.feed(bench.modified("a", str(number)))
    if ends_it:
        bench.close(after=timeout % 10)
    else:
        assert bench.machine.streaming
        bench.now += 30
        bench.feed(bench.modified("a", "1000"))
    assert not bench.machine.streaming
    bench.list()
    assert bench.reasons == ["streaming-stalled"]
    assert bench.machine.statistics().restarts == {"streaming-stalled": 1}


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 410, 422, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("in_stream", [False, True])
@pytest.mark.scenario("fault-watchlist-error")
@pytest.mark.scenario("fault-403")
def test_no_other_refusal_ends_streaming(bench: Bench, code: int, in_stream: bool) -> None:
    for _ in range(4):
        bench.stream()
        if in_stream:
            bench.feed(bench.added("a", "1"), bench.error_event(bench.error(code, message="no")))
        else:
            bench.fail(code, message="no")
    assert len(bench.reports) == 4
    assert len(bench.waits) == 3
    assert bench.store == {}
    bench.synced(("b", "2"), version="3")
    assert bench.store == {"b": "2"}


@pytest.mark.parametrize("error", [TransportError("refused"), FrameError("<html>"), KeyError("bug")])
def test_nor_does_a_broken_connection(bench: Bench, error: Exception) -> None:
    bench.stream(opened=False)
    bench.fail(error)
    bench.stream()
    assert bench.waits[0][0] >= 0.8


@pytest.mark.scenario("fault-watchlist-cut")
def test_an_initial_stream_that_ends_early_is_thrown_away(bench: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("gone-meanwhile", "1"))
    bench.close(after=10)
    assert "resourceVersion" not in bench.stream(), "a version of a synthetic event is none to resume from"
    assert bench.reasons == ["initial-incomplete"]
    bench.feed(bench.added("a", "5"), bench.end("6"))
    assert bench.store == {"a": "5"}


# ---- 410 and 504


@pytest.mark.parametrize("in_stream", [False, True])
@pytest.mark.scenario("trap-18")
@pytest.mark.scenario("fault-410-watch-open")
@pytest.mark.scenario("fault-410-watch-event")
def test_an_expired_watch_is_followed_by_a_full_fetch_not_older(bench: Bench, in_stream: bool) -> None:
    bench.synced(("a", "1"), ("b", "2"), version="10")
    if in_stream:
        bench.feed(bench.modified("a", "11"), bench.error_event(bench.gone()))
    else:
        bench.feed(bench.modified("a", "11"))
        bench.close()
        bench.watch(opened=False)
        bench.fail(bench.gone())
    assert bench.store == {"a": "11", "b": "2"}, "the store keeps serving meanwhile"
    query = bench.stream()
    assert (query["resourceVersion"], query["resourceVersionMatch"]) == ("11", "NotOlderThan")
    assert bench.waits[-1] == (pytest.approx(1.2, abs=0.4), "expired")
    bench.feed(bench.added("a", "11"), bench.end("30"))
    assert bench.store == {"a": "11"}
    assert bench.machine.statistics().synced


def test_an_expiry_that_ends_an_outage_is_not_waited_for_as_the_outage_was(bench: Bench) -> None:
    bench.synced(version="10")
    for _ in range(8):
        bench.fail(TransportError("refused"))
        bench.watch()
    assert bench.waits[-1][0] >= 30.0
    bench.fail(bench.gone())
    bench.stream()
    assert bench.waits[-1] == (pytest.approx(1.2, abs=0.4), "expired")
    bench.feed(bench.end("20"), bench.error_event(bench.gone()))
    bench.stream()
    assert bench.waits[-1][0] >= 30.0, "it goes on expiring: no full fetches in quick succession"
    bench.feed(bench.end("30"))
    bench.close(after=100.0)
    bench.watch()
    bench.fail(bench.error(410, "Expired", retry_after=20))
    bench.stream()
    assert bench.waits[-1][0] >= 20.0, "the server has its say"


def test_an_expired_watch_of_a_paging_server(paging: Bench) -> None:
    paging.list()
    paging.page(("a", "1"), ("b", "2"), version="10")
    paging.watch()
    paging.feed(paging.error_event(paging.gone()))
    assert paging.list() == {"limit": "500"}
    paging.page(("b", "2"), version="20")
    assert paging.store == {"b": "2"}


@pytest.mark.parametrize("error", ["gone", "too_large"])
@pytest.mark.parametrize("in_stream", [False, True])
@pytest.mark.scenario("fault-410-list")
@pytest.mark.scenario("fault-504-too-large")
def test_a_streaming_list_at_an_impossible_version_is_asked_for_the_latest(
    bench: Bench, error: str, in_stream: bool
) -> None:
    bench.synced(("a", "1"), version="10")
    bench.feed(bench.error_event(bench.gone()))
    assert bench.stream()["resourceVersion"] == "10"
    if in_stream:
        bench.feed(bench.error_event(getattr(bench, error)()))
    else:
        bench.fail(getattr(bench, error)())
    assert "resourceVersion" not in bench.stream()
    assert bench.waits[-1][0] >= 1
    bench.feed(bench.end("4"))
    assert bench.version == "4", "after an etcd restore versions are lower: the server's word counts"


@pytest.mark.parametrize("in_stream", [False, True])
@pytest.mark.scenario("fault-504-too-large")
def test_a_watch_ahead_of_its_server_waits_for_it_once(bench: Bench, in_stream: bool) -> None:
    bench.synced(("a", "1"), version="10")
    bench.close()
    for _ in range(2):
        assert bench.watch(opened=in_stream)["resourceVersion"] == "10"
        if in_stream:
            bench.feed(bench.error_event(bench.too_large()))
        else:
            bench.fail(bench.too_large())
    assert "resourceVersion" not in bench.stream()
    assert bench.reasons == ["too-large-resource-version"] * 2
    assert all(seconds >= 1 for seconds, _ in bench.waits[1:])


def test_a_server_that_catches_up_is_forgiven(bench: Bench) -> None:
    bench.synced(version="10")
    bench.close()
    for version in ("11", "12", "13"):
        bench.watch(opened=False)
        bench.fail(bench.too_large())
        bench.watch()
        bench.feed(bench.bookmark(version))
        bench.close()
    assert bench.watch()["resourceVersion"] == "13"


# ---- continue tokens


def test_a_server_whose_tokens_keep_expiring_is_asked_ever_more_slowly(paging: Bench) -> None:
    for _ in range(6):
        paging.list()
        paging.page(("a", "1"), token="next")
        paging.list()
        paging.fail(paging.gone())
    waits = [seconds for seconds, reason in paging.waits if reason == "continue-expired"]
    assert len(waits) == 4, "the first restart alone is free; the last one is still to come"
    assert all(later > earlier for earlier, later in zip(waits[::2], waits[2::2], strict=False))


@pytest.mark.scenario("fault-410-continue")
def test_an_expired_token_restarts_the_list_and_the_second_one_means_no_pages(paging: Bench) -> None:
    for _ in range(2):
        assert paging.list() == {"limit": "500"}
        paging.page(("old", "1"), version="5", token="t")
        assert paging.list()["continue"] == "t"
        paging.fail(paging.error(410, "Expired", "The provided continue parameter is too old"))
    assert paging.list() == {}
    assert paging.reasons == ["continue-expired"] * 2
    paging.page(("a", "6"), version="7")
    assert paging.store == {"a": "6"}
    assert paging.watch()["resourceVersion"] == "7"
    paging.feed(paging.error_event(paging.gone()))
    assert paging.list() == {"limit": "500"}, "the next fetch tries pages again"


def test_a_token_that_the_server_calls_bad_is_treated_alike(paging: Bench) -> None:
    paging.list()
    paging.page(token="t")
    paging.list()
    paging.fail(400, message="continue key is not valid")
    assert paging.list() == {"limit": "500"}


def test_a_server_that_repeats_its_token_does_not_page_for_ever(paging: Bench) -> None:
    for _ in range(2):
        paging.list()
        paging.page(("a", "1"), token="t")
        assert paging.list()["continue"] == "t"
        paging.page(("a", "1"), token="t")
    assert paging.list() == {}


@pytest.mark.parametrize("error", [TransportError("reset"), FrameError("<html>")])
@pytest.mark.scenario("fault-paging")
def test_a_page_that_fails_is_asked_for_again(paging: Bench, error: Exception) -> None:
    paging.list()
    paging.page(("a", "1"), version="5", token="t")
    for wrong in (error, paging.error(500), paging.error(429)):
        assert paging.list()["continue"] == "t"
        paging.fail(wrong)
    assert paging.list()["continue"] == "t"
    assert len(paging.waits) == 3
    paging.page(("b", "2"), version="5")
    assert paging.store == {"a": "1", "b": "2"}


@pytest.mark.scenario("invariant-1")
@pytest.mark.scenario("fault-410-list")
def test_a_list_that_fails_leaves_the_store_alone(paging: Bench) -> None:
    paging.list()
    paging.page(("a", "1"), version="5")
    paging.watch()
    paging.feed(paging.error_event(paging.gone()))
    for code in (500, 403, 410, 504):
        paging.list()
        paging.fail(code)
    assert paging.store == {"a": "1"}
    assert paging.machine.statistics().synced


# ---- a watch that fails


@pytest.mark.parametrize("code", [401, 403, 429, 500, 502, 503, 504])
@pytest.mark.scenario("trap-18")
@pytest.mark.scenario("fault-403")
@pytest.mark.scenario("fault-5xx")
def test_a_watch_that_cannot_be_opened_is_opened_again_from_the_same_version(bench: Bench, code: int) -> None:
    bench.synced(version="10")
    bench.close()
    for _ in range(10):
        assert bench.watch(opened=False)["resourceVersion"] == "10"
        bench.fail(code)
    assert len(bench.replaces) == 1
    assert len(bench.reports) == 10


@pytest.mark.parametrize("code", [401, 403, 429, 503, 504])
@pytest.mark.scenario("trap-18")
def test_so_is_one_that_is_ended_by_such_an_event(bench: Bench, code: int) -> None:
    bench.synced(version="10")
    bench.feed(bench.error_event(bench.error(code)))
    assert bench.watch()["resourceVersion"] == "10"


def test_a_broken_connection_resumes(bench: Bench) -> None:
    bench.synced(version="10")
    bench.feed(bench.modified("a", "15"))
    bench.fail(TransportError("reset by peer"), after=3)
    assert bench.watch()["resourceVersion"] == "15"
    assert bench.reasons == ["connection"]


@pytest.mark.scenario("fault-404")
def test_a_resource_that_is_gone_is_fetched_anew_once_it_is_back(bench: Bench) -> None:
    """A custom resource definition was removed and made again: another world behind the same path."""
    bench.synced(("a", "1"), version="10")
    bench.close()
    bench.watch(opened=False)
    bench.fail(404)
    assert "resourceVersion" not in bench.stream()
    bench.fail(404)
    bench.stream()
    bench.feed(bench.end("50"))
    assert bench.store == {}


@pytest.mark.scenario("fault-empty-stream")
def test_silence_for_longer_than_the_watch_was_to_last(bench: Bench) -> None:
    bench.synced(version="10")
    bench.close()
    for expected in ("idle", "connection"):
        action = bench.request()
        bench.machine.stream_opened(bench.now)
        late = action.read_timeout if expected == "idle" else action.read_timeout / 2
        bench.fail(TransportError("no bytes"), after=late)
        assert bench.reasons[-1] == expected
    assert bench.watch()["resourceVersion"] == "10"


def test_a_server_that_stops_sending_bookmarks_gets_its_full_time_again(bench: Bench) -> None:
    bench.synced(version="10")
    bench.feed(bench.bookmark("11"))
    bench.close()
    assert bench.request().read_timeout == 180
    bench.fail(TransportError("no bytes for 180 s"), after=180)
    assert bench.request().read_timeout > 300


# ---- watches that come to nothing


@pytest.mark.scenario("trap-19")
@pytest.mark.scenario("fault-short-watch")
def test_several_very_short_watches_mean_one_full_fetch(bench: Bench) -> None:
    bench.synced(version="10")
    bench.close()
    for _ in range(5):
        assert bench.watch()["resourceVersion"] == "10"
        bench.close(after=0.2)
    assert bench.reasons == ["short-watch"] * 4 + ["fruitless"]
    assert all(seconds >= 0.8 for seconds, _ in bench.waits[1:])
    assert "resourceVersion" not in bench.stream()
    bench.feed(bench.end("20"))
    bench.close(after=0.2)
    for _ in range(30):
        assert bench.watch()["resourceVersion"] == "20", "once, not for ever"
        bench.close(after=0.2)
    bench.watch()
    bench.feed(bench.bookmark("21"))
    bench.close()
    for _ in range(5):
        bench.watch()
        bench.close(after=0.2)
    bench.stream()


def test_a_short_watch_with_an_event_is_fruitful_but_not_repeated_at_once(bench: Bench) -> None:
    bench.synced(version="10")
    bench.close()
    for number in range(11, 21):
        bench.watch()
        bench.feed(bench.modified("a", str(number)))
        bench.close(after=0.2)
    assert bench.watch()["resourceVersion"] == "20"
    assert all(seconds >= 0.8 for seconds, _ in bench.waits[1:])
    assert bench.reports == []


@pytest.mark.parametrize("wrong", [FrameError("garbage"), 400, 422, 405, KeyError("bug")])
def test_neither_does_a_watch_that_is_always_refused_go_on_for_ever(bench: Bench, wrong: Any) -> None:
    bench.synced(version="10")
    bench.close()
    for _ in range(5):
        bench.watch()
        bench.fail(wrong)
    assert "resourceVersion" not in bench.stream()


# ---- waits


@pytest.mark.scenario("trap-21")
def test_the_back_off_grows_over_all_causes_alike(bench: Bench) -> None:
    bench.stream()
    causes = [503, TransportError("reset"), 403, 429, FrameError("x"), 500, 401, TransportError("refused")]
    for cause in causes:
        bench.fail(cause)
        bench.stream()
    for (seconds, _), base in zip(bench.waits, [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30], strict=True):
        assert base <= seconds < 2 * base


@pytest.mark.scenario("trap-21")
@pytest.mark.scenario("fault-back-off-reset")
def test_only_health_resets_the_back_off(bench: Bench) -> None:
    for _ in range(6):
        bench.stream()
        bench.fail(503)
    bench.synced(version="10")
    bench.fail(TransportError("reset"), after=119)
    bench.watch()
    assert bench.waits[-1][0] >= 25.6, "119 s of health are not enough"
    bench.fail(TransportError("reset"), after=119)
    bench.watch()
    assert bench.waits[-1][0] >= 30
    bench.fail(TransportError("reset"), after=120)
    bench.watch()
    assert bench.waits[-1][0] < 1.6


@pytest.mark.scenario("fault-back-off-reset")
def test_a_request_that_hangs_is_not_health(bench: Bench) -> None:
    for _ in range(6):
        bench.stream(opened=False)
        bench.fail(TransportError("time-out"), after=20)
    assert bench.waits[-1][0] >= 12.8


def test_clean_ends_in_between_do_not_harm_health(bench: Bench) -> None:
    bench.stream()
    bench.fail(503)
    bench.synced()
    bench.close(after=70)
    bench.watch()
    bench.close(after=70)
    bench.watch()
    bench.fail(TransportError("reset"))
    bench.watch()
    assert bench.waits[-1][0] < 1.6


@pytest.mark.parametrize(("asked", "low", "high"), [(0.1, 0.8, 1.6), (5, 5, 7.5), (60, 60, 90), (3600, 60, 90)])
@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.scenario("fault-429")
def test_retry_after_is_heeded_capped_and_jittered(
    make_bench: Callable[..., Bench], code: int, asked: float, low: float, high: float
) -> None:
    waits = set()
    for seed in range(10):
        bench = make_bench(seed=seed)
        bench.stream()
        bench.fail(code, retry_after=asked)
        bench.stream()
        waits.add(bench.waits[0][0])
    assert low <= min(waits)
    assert max(waits) <= high
    assert len(waits) == 10


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("expired", lambda b: b.fail(b.gone())),
        ("expired in the stream", lambda b: b.feed(b.error_event(b.gone()))),
        ("too large", lambda b: b.fail(b.too_large())),
        ("forbidden", lambda b: b.fail(403)),
        ("not found", lambda b: b.fail(404)),
        ("internal error event", lambda b: b.feed(b.error_event(b.error(500, "InternalError")))),
        ("connection refused", lambda b: b.fail(TransportError("refused"))),
        ("html", lambda b: b.fail(FrameError("html"))),
        ("closed at once", lambda b: b.close(after=0.01)),
        ("closed after one event", lambda b: (b.feed(b.modified("x", "7")), b.close(after=0.01))),
        ("lost changes", lambda b: b.machine.changes_lost(b.now, ValueError("x"))),
        ("bug", lambda b: b.fail(AssertionError("bug"))),
    ],
)
@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("sync_works", [True, False])
@pytest.mark.scenario("invariant-7")
def test_no_fault_that_lasts_makes_many_requests(
    make_bench: Callable[..., Bench], name: str, act: Callable[[Bench], Any], streaming: bool, sync_works: bool
) -> None:
    """An hour of the same fault: the back-off's cap of 30 to 60 s allows some 80 tries, and as many fetches."""
    bench = make_bench(ReflectorOptions(streaming=streaming))
    start = bench.now
    while bench.now < start + 3600:
        request = bench.request()
        if "watch" in bench.requests[-1]:
            bench.machine.stream_opened(bench.now)
            if getattr(request, "initial", False) and sync_works:
                bench.feed(bench.end("5"))
            act(bench)
        elif sync_works or name in {"closed at once", "closed after one event", "lost changes", "internal error event"}:
            bench.page(version="5")
        elif name == "expired in the stream":
            bench.fail(bench.gone())
        else:
            act(bench)
    assert len(bench.requests) < 260, f"{len(bench.requests)} requests in an hour of: {name}"
    assert len(bench.requests) > 40, "and it does go on trying"


def test_a_watch_closed_each_second_is_a_poll_at_worst(bench: Bench) -> None:
    bench.synced()
    start = bench.now
    while bench.now < start + 600:
        bench.close(after=1)
        bench.watch()
    assert len(bench.requests) < 600 / 1.4


@pytest.mark.scenario("trap-18")
def test_internal_errors_are_resumed_from_for_a_while_and_then_relisted(bench: Bench) -> None:
    bench.synced(version="10")
    start = bench.now
    watches = 0
    while bench.machine.statistics().restarts.get("watch-error", 0) == 0:
        bench.feed(bench.error_event(bench.error(500, "InternalError", "etcd is unwell")))
        bench.request()
        bench.machine.stream_opened(bench.now)
        watches += 1
    assert watches >= 4
    assert bench.now - start > 30
    assert bench.requests[-1].get("sendInitialEvents") == "true"


def test_half_a_fetch_does_not_stay_in_memory(bench: Bench, paging: Bench) -> None:
    bench.stream()
    bench.feed(bench.added("a", "1"))
    bench.fail(503)
    assert bench.machine._scratch == {}
    paging.list()
    paging.page(("a", "1"), token="t")
    paging.list()
    paging.fail(paging.gone())
    assert paging.machine._scratch == {}
