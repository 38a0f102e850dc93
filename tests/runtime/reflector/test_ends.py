"""How watches end: of silence, of age, by an error; and that nothing that comes after the end undoes it."""

from __future__ import annotations

from typing import Any

import pytest

from kinform.errors import FrameError, TransportError

Bench = Any


# ---- silence


@pytest.mark.scenario("fault-empty-stream")
def test_hours_without_an_object_are_no_trouble(bench: Bench) -> None:
    """Bookmarks come each minute, and every watch ends in its time: nothing is fetched again, nothing is reported."""
    bench.synced(version="10")
    bench.close()
    version, until = 10, bench.now + 6 * 3600
    while bench.now < until:
        timeout = int(bench.watch()["timeoutSeconds"])
        assert bench.requests[-1]["resourceVersion"] == str(version)
        for _ in range(timeout // 60):
            bench.now += 60
            version += 7
            bench.feed(bench.bookmark(str(version)))
        bench.close(after=timeout % 60)
    assert len(bench.replaces) == 1
    assert bench.reports == []
    assert 6 * 3600 / 600 < len(bench.requests) < 6 * 3600 / 300
    assert list(bench.machine.statistics().restarts) == ["closed"]


@pytest.mark.scenario("fault-empty-stream")
def test_a_connection_that_has_died_in_silence_is_left_within_minutes(bench: Bench) -> None:
    """No reset, no end, no bookmark: a middlebox has forgotten the connection."""
    bench.synced(version="10")
    bench.feed(bench.bookmark("11"))
    bench.close()
    silence = bench.request().read_timeout
    bench.machine.stream_opened(bench.now)
    assert silence == 180
    bench.fail(TransportError(f"no bytes for {silence} s"), after=silence)
    assert bench.reasons == ["idle"]
    assert bench.watch()["resourceVersion"] == "11"


@pytest.mark.scenario("fault-restored-server")
def test_a_server_that_has_gone_back_is_found_out_by_the_bookmarks_that_do_not_come(bench: Bench) -> None:
    """Its database was restored from a backup: it lets a watch begin in its future, tells nothing, and ends it in time."""
    bench.synced(("a", "900"), version="1000")
    bench.feed(bench.bookmark("1001"))
    bench.close()
    assert bench.request().read_timeout == 180
    bench.machine.stream_opened(bench.now)
    bench.fail(TransportError("no bytes for 180 s"), after=180)
    timeout = int(bench.watch()["timeoutSeconds"])
    bench.close(after=timeout)
    assert "resourceVersion" not in bench.stream(), "the latest, whatever it is"
    bench.feed(bench.added("b", "30"), bench.end("40"))
    assert (bench.store, bench.version) == ({"b": "30"}, "40")
    assert bench.reasons == ["idle", "fruitless"]
    for _ in range(10):
        bench.close(after=400)
        assert bench.watch()["resourceVersion"] == "40", "once"


@pytest.mark.parametrize("event", ["modified", "bookmark"])
def test_a_silence_after_which_something_comes_is_no_reason_to_fetch(bench: Bench, event: str) -> None:
    bench.synced(("a", "1"), version="10")
    bench.feed(bench.bookmark("11"))
    bench.close()
    bench.watch()
    bench.fail(TransportError("no bytes for 180 s"), after=180)
    bench.watch()
    bench.feed(bench.bookmark("12") if event == "bookmark" else bench.modified("a", "12"))
    bench.close(after=600)
    for _ in range(3):
        timeout = int(bench.watch()["timeoutSeconds"])
        assert bench.requests[-1]["resourceVersion"] == "12"
        bench.close(after=timeout)


def test_a_server_that_sends_no_bookmarks_is_not_fetched_from_again_and_again(bench: Bench) -> None:
    bench.synced(version="10")
    for _ in range(10):
        bench.close(after=400)
        assert bench.watch()["resourceVersion"] == "10"
    assert bench.reports == []


# ---- age


@pytest.mark.scenario("trap-20")
@pytest.mark.scenario("fault-endless-stream")
def test_a_watch_that_its_server_does_not_end_in_time_is_ended_by_us(bench: Bench) -> None:
    """It ignores timeoutSeconds: a connection that never ends keeps the credentials and the server it began with."""
    bench.synced(version="10")
    bench.close()
    timeout = int(bench.watch()["timeoutSeconds"])
    for number in range(11, 11 + (timeout + 15) // 10):
        bench.now += 10
        bench.feed(bench.modified("a", str(number)))
        assert bench.machine.streaming
    bench.now += 10
    bench.feed(bench.modified("a", "1000"), bench.modified("a", "1001"))
    assert not bench.machine.streaming
    assert not bench.machine.statistics().connected
    assert bench.store == {"a": "1001"}, "what came with it still counts"
    assert bench.watch()["resourceVersion"] == "1001"
    assert bench.waits[-1][0] < 1
    assert bench.reports == [], "an ordinary end, for us"
    assert bench.machine.statistics().restarts == {"closed": 2}


def test_a_stream_that_ends_by_an_error_just_when_its_time_is_up_ends_once(bench: Bench) -> None:
    bench.synced(version="10")
    bench.close()
    timeout = int(bench.watch()["timeoutSeconds"])
    bench.now += timeout + 60
    bench.feed(bench.modified("a", "11"), bench.error_event(bench.gone()))
    assert bench.machine.statistics().restarts == {"closed": 1, "expired": 1}
    assert bench.stream()["resourceVersion"] == "11"


# ---- what comes after the end


@pytest.mark.parametrize("error", [FrameError("garbage"), TransportError("reset"), KeyError("bug")])
def test_what_fails_once_the_stream_is_over_does_not_undo_what_ended_it(bench: Bench, error: Exception) -> None:
    """Half an event behind an ERROR event, in the same piece of the network's."""
    bench.synced(("a", "1"), version="10")
    bench.feed(bench.error_event(bench.gone()))
    bench.fail(error)
    assert bench.stream()["sendInitialEvents"] == "true"
    assert bench.machine.statistics().restarts == {"expired": 1}
    assert bench.reasons[0] == "expired"


def test_lost_changes_are_fetched_whatever_comes_behind_them(bench: Bench) -> None:
    bench.synced(("a", "1"), version="10")
    bench.feed(bench.modified("a", "11"))
    bench.machine.changes_lost(bench.now, ValueError("the store is broken"))
    bench.fail(FrameError("garbage"))
    assert bench.stream()["sendInitialEvents"] == "true"


def test_a_failure_outside_of_any_request_is_reported_and_waited_for(bench: Bench) -> None:
    bench.synced(version="10")
    bench.close()
    for _ in range(3):
        bench.fail(KeyError("a bug in the clock"), after=5)
    assert bench.reasons == ["internal"] * 3
    assert bench.watch()["resourceVersion"] == "10"
    assert bench.waits[-1][0] >= 3.2
