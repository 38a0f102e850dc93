"""Who takes the lease, and when: the election's first half, against a lease in one variable."""

from __future__ import annotations

import pytest
from tests.runtime.leaderelection.conftest import Bench, config, error

from kinform.leaderelection.actions import Finish, Send, Wait
from kinform.leaderelection.lock import Verb
from kinform.leaderelection.machine import Phase

OTHER = {
    "holderIdentity": "other",
    "leaseDurationSeconds": 3,
    "leaseTransitions": 7,
    "acquireTime": "a",
    "renewTime": "r",
}


@pytest.mark.scenario("E01a")
@pytest.mark.scenario("E01i")
def test_a_lease_that_does_not_exist_is_made(bench: Bench) -> None:
    assert bench.attempt() == ["get", "create"]
    assert bench.leads()
    assert bench.started == 1
    assert bench.leaders == ["me"]
    assert bench.store.spec == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "2025-06-15T15:06:40.000000Z",
        "renewTime": "2025-06-15T15:06:40.000000Z",
        "leaseTransitions": 0,
    }
    assert bench.errors == []


@pytest.mark.scenario("E01b")
@pytest.mark.parametrize("spec", [{}, {"holderIdentity": ""}, {"holderIdentity": None}])
def test_a_lease_without_a_record_is_taken(bench: Bench, spec: dict[str, object]) -> None:
    bench.store.put(**spec)
    assert bench.attempt() == ["get", "update"]
    assert bench.leads()
    assert bench.store.spec["leaseTransitions"] == 1
    assert bench.leaders == ["me"]


@pytest.mark.scenario("E01d")
@pytest.mark.scenario("E01f")
def test_a_lease_that_nobody_holds_is_taken_at_once_however_fresh(bench: Bench) -> None:
    bench.store.put(**OTHER)
    bench.attempt()
    bench.store.put(**{**OTHER, "holderIdentity": "", "leaseDurationSeconds": 3600})
    assert bench.attempt() == ["get", "update"]
    assert bench.leads()
    assert bench.store.spec["leaseTransitions"] == 8
    assert bench.leaders == ["other", "me"]


@pytest.mark.scenario("E01c")
def test_anothers_lease_is_left_alone_for_its_duration_from_when_it_was_first_seen(bench: Bench) -> None:
    bench.store.put(**{**OTHER, "renewTime": "1999-01-01T00:00:00.000000Z"})
    began = bench.now.awake
    assert bench.attempt() == ["get"], "however old it says that it is"
    assert bench.leaders == ["other"]
    while not bench.leads():
        assert bench.now.awake < began + 3.001
        bench.request()
    assert bench.calls[-2:] == ["get", "update"]
    assert bench.now.awake == pytest.approx(began + 3), "as soon as it has expired, not some retries later"
    assert bench.store.spec["leaseTransitions"] == 8
    assert bench.store.spec["acquireTime"] == bench.store.spec["renewTime"]
    assert bench.leaders == ["other", "me"]


@pytest.mark.scenario("E01e")
def test_a_record_that_was_seen_long_ago_and_has_not_changed_is_taken(bench: Bench) -> None:
    bench.store.put(**OTHER)
    bench.attempt()
    bench.advance(3600)
    assert bench.attempt() == ["get", "update"]
    assert bench.leads()
    assert bench.store.spec["leaseTransitions"] == 8


def test_every_change_of_the_record_starts_the_time_anew(bench: Bench) -> None:
    bench.store.put(**OTHER)
    for number in range(20):
        assert bench.attempt() == ["get"]
        bench.store.put(**{**OTHER, "renewTime": f"r{number}"})
    assert not bench.leads()
    assert bench.leaders == ["other"], "told once"


def test_what_is_no_part_of_the_record_keeps_no_lease_alive(bench: Bench) -> None:
    bench.store.put(**OTHER)
    bench.attempt()
    assert bench.store.tree is not None
    began = bench.now.awake
    while not bench.leads():
        bench.store.tree["metadata"]["labels"] = {"touched": str(bench.now.awake)}
        bench.store.put(**OTHER)
        bench.attempt()
    assert bench.now.awake == pytest.approx(began + 3)


@pytest.mark.scenario("trap-30")
def test_the_time_that_the_machine_is_suspended_is_not_the_others_fault(bench: Bench) -> None:
    bench.store.put(**OTHER)
    bench.attempt()
    bench.suspend(3600)
    assert bench.attempt() == ["get"], "it may be that both have been suspended"
    assert not bench.leads()
    bench.advance(3)
    assert bench.attempt() == ["get", "update"]


@pytest.mark.scenario("E01g")
def test_a_record_seen_in_the_future_has_not_expired(bench: Bench) -> None:
    bench.store.put(**OTHER)
    bench.attempt()
    bench.now = bench.now._replace(awake=bench.now.awake - 1000)
    bench.advance(3)
    assert bench.attempt() == ["get"]
    assert not bench.leads()
    assert bench.machine.record.holder == "other"


@pytest.mark.parametrize("duration", [None, 0])
def test_a_holder_that_does_not_say_for_how_long_gets_as_long_as_one_would_oneself(
    bench: Bench, duration: int | None
) -> None:
    bench.store.put(**{**OTHER, "leaseDurationSeconds": duration})
    began = bench.now.awake
    while not bench.leads():
        bench.request()
    assert bench.now.awake == pytest.approx(began + 15)


@pytest.mark.scenario("E01h")
def test_who_finds_itself_in_the_lease_takes_it_without_waiting(bench: Bench) -> None:
    bench.store.put(**{**OTHER, "holderIdentity": "me"})
    assert bench.attempt() == ["get", "update"]
    assert bench.leads()
    assert bench.store.spec["leaseTransitions"] == 7
    assert bench.store.spec["acquireTime"] == "a"
    assert bench.store.spec["renewTime"] != "r"


def test_waits_are_between_one_and_two_point_two_retry_periods(bench: Bench) -> None:
    bench.store.put(**{**OTHER, "leaseDurationSeconds": 3600})
    for _ in range(200):
        bench.attempt()
    assert 2 <= min(bench.waits) < 2.1
    assert 4.3 < max(bench.waits) < 4.4


@pytest.mark.parametrize(
    "failure",
    [error(403), error(401), error(409, "Conflict"), error(429, retry_after=1), error(500), error(503), OSError("no")],
)
def test_a_candidate_reports_every_failure_and_tries_again_after_a_wait(bench: Bench, failure: Exception) -> None:
    for number in range(1, 6):
        before = bench.now.elapsed
        bench.request(failure)
        assert bench.errors == [failure] * number
        assert isinstance(wait := bench.next(), Wait)
        assert 2 <= wait.seconds <= 4.4
        assert bench.now.elapsed >= before
    assert bench.attempt() == ["get", "create"]


def test_a_candidate_waits_as_long_as_the_server_asks_but_not_for_ever(bench: Bench) -> None:
    for asked, expected in ((30, 30), (86400, 60)):
        bench.request(error(429, retry_after=asked))
        assert bench.next() == Wait(expected)


def test_a_missing_namespace_is_told_by_the_attempt_to_create(bench: Bench) -> None:
    bench.request()
    assert bench.errors == [], "that there is no lease is no error"
    missing = error(404, "NotFound")
    bench.request(missing)
    assert bench.errors == [missing]
    assert isinstance(bench.next(), Wait)


def test_who_comes_second_waits(bench: Bench) -> None:
    bench.request()
    bench.store.put(**OTHER)
    bench.request()
    assert bench.calls == ["get", "create"]
    assert [type(each).__name__ for each in bench.errors] == ["AlreadyExistsError"]
    assert isinstance(bench.next(), Wait)
    assert bench.attempt() == ["get"]
    assert bench.leaders == ["other"]


def test_a_conflict_in_taking_over_means_that_another_was_faster(bench: Bench) -> None:
    bench.store.put()
    bench.send()
    bench.answer()
    bench.send()
    bench.store.put(**OTHER)
    bench.answer()
    assert [type(each).__name__ for each in bench.errors] == ["ConflictError"]
    assert isinstance(bench.next(), Wait)
    assert not bench.leads()


def test_a_request_that_hangs_is_given_up(bench: Bench) -> None:
    assert bench.send().timeout == 5
    bench.advance(4.9)
    assert bench.next() == Wait(pytest.approx(0.1))  # type: ignore[arg-type]
    bench.advance(0.1)
    assert isinstance(bench.next(), Wait)
    assert str(bench.errors[0]) == "GET of the lease shop/rollup: no answer in 5 s"
    bench.machine.answered(bench.now, bench.store.perform(Verb.CREATE, bench.machine._claim(bench.now, None).lease))
    assert not bench.leads(), "an answer that was given up counts for nothing"


def test_a_write_of_unknown_outcome_is_looked_into(bench: Bench) -> None:
    """The server made this the holder, and its answer got lost."""
    bench.request()
    create = bench.send()
    bench.store.perform(create.verb, create.lease)
    bench.answer(OSError("connection reset"))
    assert not bench.leads()
    assert bench.attempt() == ["get", "update"]
    assert bench.leads()
    assert bench.store.spec["leaseTransitions"] == 0


def test_a_lease_won_by_an_answer_that_came_too_late_is_not_believed(bench: Bench) -> None:
    """The process was stopped while its request was under way: by now another may have waited long enough."""
    bench.request()
    bench.send()
    bench.answer(after=10)
    assert not bench.leads()
    assert bench.started == 0
    assert len(bench.errors) == 1
    assert bench.attempt() == ["get", "update"]
    assert bench.leads()


def test_the_answer_counts_from_when_the_request_was_sent(bench: Bench) -> None:
    bench.request()
    bench.send()
    sent = bench.now.elapsed
    bench.answer(after=4)
    assert bench.machine.leads_at(sent + 9.99)
    assert not bench.machine.leads_at(sent + 10)


def test_a_server_that_makes_someone_else_the_holder_is_reported(bench: Bench) -> None:
    bench.request()
    bench.send()
    bench.store.put(**OTHER)
    bench.machine.answered(bench.now, bench.store.perform(Verb.GET, None))
    bench._take_effects()
    assert not bench.leads()
    assert str(bench.errors[0]) == "the server made 'other' the holder of the lease shop/rollup"
    assert isinstance(bench.next(), Wait)


def test_durations_are_written_in_whole_seconds_rounded_up() -> None:
    bench = Bench(config(lease_duration=1.2, renew_deadline=1.1, retry_period=0.2))
    bench.lead()
    assert bench.store.spec["leaseDurationSeconds"] == 2


def test_a_candidate_that_is_told_to_stop_is_over_at_once(bench: Bench) -> None:
    bench.send()
    bench.machine.stop(bench.now)
    assert bench.next() == Finish(None)
    assert bench.next() == Finish(None)
    bench.machine.stop(bench.now)
    bench.machine.failed(bench.now, OSError("late"))
    assert bench.errors == []


def test_a_candidate_that_is_told_to_stop_before_anything_asks_nothing(bench: Bench) -> None:
    bench.machine.stop(bench.now)
    assert bench.next() == Finish(None)


@pytest.mark.parametrize("when", ["under way", "failed", "late"])
def test_who_stops_without_knowing_whether_it_has_become_the_leader_finds_out_and_releases(
    bench: Bench, when: str
) -> None:
    """Else nobody could lead before the lease of one who never led has expired."""
    bench.request()
    create = bench.send()
    bench.store.perform(create.verb, create.lease)
    if when == "failed":
        bench.answer(error(500))
    if when == "late":
        bench.advance(10)
        bench.machine.answered(bench.now, bench.store.perform(Verb.GET, None))
    bench.machine.stop(bench.now)
    assert bench.machine.phase is Phase.RELEASING
    assert bench.end() == Finish(None)
    assert bench.calls[2:] == ["get", "update"]
    assert bench.store.spec["holderIdentity"] == ""
    assert bench.started == 0


def test_who_stops_after_a_write_that_was_refused_has_nothing_to_release(bench: Bench) -> None:
    bench.request()
    bench.request(error(403))
    bench.machine.stop(bench.now)
    assert bench.next() == Finish(None)


def test_who_is_not_to_release_does_not_look_either() -> None:
    bench = Bench(config(release_on_cancel=False))
    bench.request()
    bench.send()
    bench.machine.stop(bench.now)
    assert bench.next() == Finish(None)
    assert bench.calls == ["get", "create"]


def test_two_candidates(bench: Bench) -> None:
    """The second takes over when the first has fallen silent, and neither leads while the other does."""
    rival = Bench(identity="rival", store=bench.store, seed=2)
    bench.lead()
    last_seen = bench.now.elapsed
    rival.now = bench.now
    while not rival.leads():
        rival.request()
        assert not (rival.leads() and bench.machine.leads_at(rival.now.elapsed))
    assert rival.now.elapsed - last_seen <= 15 + 4.4
    assert rival.store.spec["leaseTransitions"] == 1
    assert isinstance(rival.next(), Wait | Send)
