"""How a leader keeps the lease, loses it and gives it up, against a lease in one variable."""

from __future__ import annotations

import pytest
from tests.runtime.leaderelection.conftest import Bench, config, error

from kinform.errors import LeadershipLostError, TransportError
from kinform.leaderelection.actions import Finish, Send, Wait
from kinform.leaderelection.lock import Verb
from kinform.leaderelection.machine import Phase

# ---- keeping it


@pytest.mark.scenario("E07a")
def test_a_leader_renews_without_reading(bench: Bench) -> None:
    for _ in range(4):
        bench.request()
    assert bench.calls == ["get", "create", "update", "update"]
    assert bench.waits == [2, 2]
    assert bench.leads()
    assert (bench.machine.renewals, bench.machine.slow_renewals) == (3, 0)


@pytest.mark.scenario("E07b")
def test_a_conflict_makes_the_leader_read_and_write_again_at_once(bench: Bench) -> None:
    bench.lead()
    bench.request()
    assert bench.store.tree is not None
    bench.store.put(**bench.store.spec)  # someone touches the lease, and changes nothing of the record
    before = bench.now
    assert bench.request() == "update"
    assert [bench.request(), bench.request()] == ["get", "update"]
    assert bench.now.elapsed == before.elapsed + 2, "all within one try"
    assert bench.request() == "update", "and the next is optimistic again"
    assert [type(each).__name__ for each in bench.errors] == ["ConflictError"]
    assert bench.waits == [2, 2, 2]
    assert bench.leads()
    assert bench.machine.slow_renewals == 1


def test_a_leader_keeps_when_it_began_and_how_often_the_lease_changed_hands(bench: Bench) -> None:
    bench.store.put(leaseTransitions=4)
    bench.lead()
    first = dict(bench.store.spec)
    for _ in range(3):
        bench.request()
    bench.request(error(409, "Conflict"))
    bench.request()
    bench.request()
    assert bench.store.spec["leaseTransitions"] == first["leaseTransitions"] == 5
    assert bench.store.spec["acquireTime"] == first["acquireTime"] == "2025-06-15T15:06:40.000000Z"
    assert bench.store.spec["renewTime"] == "2025-06-15T15:06:48.000000Z"
    assert bench.leaders == [], "the leader is the same"


def test_renewals_are_paced_from_when_they_are_sent(bench: Bench) -> None:
    bench.lead()
    for _ in range(3):
        bench.send()
        bench.answer(after=1.5)
        assert bench.next() == Wait(0.5)


def test_a_deleted_lease_is_made_again_as_it_was(bench: Bench) -> None:
    bench.store.put(leaseTransitions=4)
    bench.lead()
    acquired = bench.store.spec["acquireTime"]
    bench.store.tree = None
    assert bench.attempt() == ["update", "get", "create"]
    assert bench.leads()
    assert bench.store.spec["leaseTransitions"] == 5
    assert bench.store.spec["acquireTime"] == acquired
    assert bench.request() == "update"


def test_a_leader_whose_name_was_taken_out_of_the_lease_takes_it_again(bench: Bench) -> None:
    bench.lead()
    bench.store.put(**{**bench.store.spec, "holderIdentity": ""})
    assert bench.attempt() == ["update", "get", "update"]
    assert bench.leads()
    assert bench.started == 1
    assert bench.store.spec["leaseTransitions"] == 1


@pytest.mark.parametrize("failure", [error(403), error(429, retry_after=30), error(500), error(503), error(504)])
def test_a_leader_that_is_refused_reports_it_and_tries_again_after_the_retry_period(
    bench: Bench, failure: Exception
) -> None:
    bench.lead()
    assert bench.request(failure) == "update"
    assert bench.next() == Wait(2), "whatever the server asks for: the leader's time runs out"
    assert bench.leads()
    assert bench.attempt() == ["get", "update"], "what failed may have been done, so it looks"
    assert bench.errors == [failure]
    assert bench.request() == "update"


def test_a_broken_connection_is_tried_anew_at_once_but_only_once(bench: Bench) -> None:
    """A server that restarts closes kept connections, which shows only when the next request goes out."""
    bench.lead()
    assert bench.request(OSError("reset")) == "update"
    assert bench.next() == Wait(2), "an error of no known kind is none of the connection"
    bench.request()
    bench.request()
    bench.errors.clear()
    failure = TransportError("connection refused")
    assert bench.request(failure) == "update"
    assert isinstance(bench.machine._follow_up, Send)
    assert bench.request(failure) == "get"
    assert bench.next() == Wait(2)
    assert bench.errors == [failure, failure]
    assert bench.attempt() == ["get", "update"]


def test_a_create_that_another_forestalled_shows_who_it_was(bench: Bench) -> None:
    bench.lead()
    bench.store.tree = None
    assert [bench.request(), bench.request()] == ["update", "get"]
    bench.send()
    bench.store.put(holderIdentity="other", leaseDurationSeconds=15)
    bench.answer()
    assert bench.machine.phase is Phase.LEADING
    assert bench.next() == Wait(2), "it has looked once in this try already"
    bench.request()
    assert not bench.leads()
    assert str(bench.lost[0]) == "the lease shop/rollup is lost: 'other' holds it now"


# ---- losing it


def test_a_leader_leads_until_the_deadline_after_its_last_renewal_and_no_moment_longer(bench: Bench) -> None:
    bench.lead()
    bench.request()
    renewed = bench.machine.last_renewal
    assert renewed is not None
    bench.run_out()
    assert bench.now.elapsed == pytest.approx(renewed + 10)
    assert bench.machine.leads_at(renewed + 9.999) is False, "lost is lost"
    (lost,) = bench.lost
    assert isinstance(lost, LeadershipLostError)
    assert lost.lease == "shop/rollup"
    assert str(lost) == (
        "the lease shop/rollup is lost: not renewed within 10 s (PUT of the lease shop/rollup: no answer in 5 s)"
    )
    assert lost.__cause__ is bench.errors[-1]
    assert bench.finish == Finish(lost)


def test_the_deadline_holds_while_nothing_is_asked_of_the_machine(bench: Bench) -> None:
    bench.lead()
    now = bench.now.elapsed
    assert bench.machine.leads_at(now + 9.999)
    assert not bench.machine.leads_at(now + 10)


def test_no_request_of_a_leader_may_outlast_its_deadline(bench: Bench) -> None:
    bench.lead()
    assert bench.send().timeout == 5
    bench.advance(5)
    assert bench.send().timeout == 3
    assert bench.waits == [2], "the time-out was wait enough"
    bench.advance(2.5)
    assert bench.next() == Wait(0.5)
    bench.advance(0.5)
    assert isinstance(bench.next(), Finish)


def test_a_success_after_the_deadline_comes_too_late(bench: Bench) -> None:
    """The process was stopped: another may have taken over meanwhile, and may be gone again."""
    bench.lead()
    bench.send()
    bench.answer(after=8)
    assert len(bench.lost) == 1
    assert bench.started == 1
    assert not bench.leads()


@pytest.mark.parametrize("seconds", [7.9, 8.0])
def test_the_time_that_the_machine_is_suspended_counts_against_the_leader(bench: Bench, seconds: float) -> None:
    bench.lead()
    bench.send()
    bench.suspend(seconds)
    assert bench.leads() is (seconds < 8)
    bench.answer()
    assert bench.leads() is (seconds < 8)
    assert len(bench.lost) == (seconds >= 8)


@pytest.mark.scenario("trap-30")
def test_the_time_of_day_counts_for_nothing(bench: Bench) -> None:
    bench.lead()
    for wall in (0.0, 4e9):
        bench.now = bench.now._replace(wall=wall)
        bench.request()
        assert bench.leads()
    bench.store.put(**{**bench.store.spec, "holderIdentity": "other"})
    follower = Bench(identity="me too", store=bench.store)
    follower.now = follower.now._replace(wall=9e9)
    assert follower.attempt() == ["get"]


def test_a_leader_that_sees_another_in_the_lease_is_over_at_once(bench: Bench) -> None:
    """client-go would go on until its deadline."""
    bench.lead()
    bench.store.put(holderIdentity="other", leaseDurationSeconds=15)
    assert bench.attempt() == ["update", "get"]
    assert not bench.leads()
    assert str(bench.lost[0]) == "the lease shop/rollup is lost: 'other' holds it now"
    assert bench.leaders == ["other"]
    assert bench.next() == Finish(bench.lost[0])  # type: ignore[arg-type]
    assert bench.store.spec["holderIdentity"] == "other"


def test_an_old_error_is_not_blamed_for_a_loss(bench: Bench) -> None:
    bench.lead()
    bench.request(error(500))
    bench.attempt()
    bench.advance(10)
    bench.next()
    assert str(bench.lost[0]) == "the lease shop/rollup is lost: not renewed within 10 s"
    assert bench.lost[0].__cause__ is None
    assert bench.machine.last_error is bench.errors[0]


# ---- giving it up


def stop(bench: Bench, *, cleanly: bool = True) -> None:
    bench.machine.stop(bench.now)
    bench.machine.work_ended(bench.now, cleanly=cleanly)


@pytest.mark.scenario("E04a")
@pytest.mark.scenario("E04b")
def test_a_lease_is_released_after_looking_whose_it_is(bench: Bench) -> None:
    bench.store.put(leaseTransitions=4)
    bench.lead()
    bench.advance(1)
    stop(bench)
    assert not bench.leads()
    assert bench.end() == Finish(None)
    assert bench.calls == ["get", "update"]
    assert bench.store.spec == {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "acquireTime": "2025-06-15T15:06:41.000000Z",
        "renewTime": "2025-06-15T15:06:41.000000Z",
        "leaseTransitions": 5,
    }
    assert bench.leaders == [""]
    assert bench.machine.released
    assert bench.errors == []


@pytest.mark.scenario("E04c")
def test_a_release_that_meets_a_conflict_begins_anew(bench: Bench) -> None:
    bench.lead()
    stop(bench)
    bench.request()
    assert bench.request(error(409, "Conflict")) == "update"
    assert bench.end() == Finish(None)
    assert bench.calls == ["get", "update", "get", "update"]
    assert bench.store.spec["holderIdentity"] == ""


def test_a_release_that_meets_only_conflicts_is_paced_and_ends(bench: Bench) -> None:
    bench.lead()
    stop(bench)
    began = bench.now.elapsed
    while bench.machine.phase is not Phase.ENDED:
        if bench.request() == "get":
            bench.send()
            bench.answer(error(409, "Conflict"))
    assert bench.now.elapsed - began <= 10
    assert len(bench.calls) <= 4 * 10 / 2, "twice at once, then a wait"
    assert not bench.machine.released


def test_a_release_ends_by_its_deadline_even_after_a_suspend(bench: Bench) -> None:
    bench.lead()
    stop(bench)
    bench.request()
    bench.request(error(409, "Conflict"))
    bench.request()
    bench.request(error(409, "Conflict"))
    assert isinstance(bench.next(), Wait)
    bench.suspend(60)
    assert bench.next() == Finish(None)


@pytest.mark.parametrize("failure", [error(403), error(500), OSError("no")])
@pytest.mark.parametrize("at", [0, 1])
def test_a_release_that_fails_is_reported_and_left(bench: Bench, failure: Exception, at: int) -> None:
    bench.lead()
    stop(bench)
    for _ in range(at):
        bench.request()
    bench.request(failure)
    assert bench.errors == [failure]
    assert bench.next() == Finish(None)
    assert not bench.machine.released


def test_a_release_does_not_hang(bench: Bench) -> None:
    bench.lead()
    stop(bench)
    bench.send()
    bench.advance(5)
    assert bench.next() == Finish(None)


def test_a_deleted_lease_needs_no_release(bench: Bench) -> None:
    bench.lead()
    stop(bench)
    bench.store.tree = None
    assert bench.end() == Finish(None)
    assert bench.calls == ["get"]
    assert bench.errors == []


def test_anothers_lease_is_never_released(bench: Bench) -> None:
    bench.lead()
    stop(bench)
    bench.store.put(holderIdentity="other")
    assert bench.end() == Finish(None)
    assert bench.store.spec == {"holderIdentity": "other"}


@pytest.mark.scenario("trap-30")
def test_not_even_where_the_other_takes_it_between_look_and_write(bench: Bench) -> None:
    """client-go judges by what it remembers, and would blank the successor's lease."""
    bench.lead()
    stop(bench)
    bench.request()
    bench.store.put(holderIdentity="other")
    assert bench.end() == Finish(None)
    assert bench.calls == ["get", "update", "get"]
    assert bench.store.spec == {"holderIdentity": "other"}
    assert bench.leaders == ["other"]


@pytest.mark.scenario("E05a")
def test_a_stop_while_a_renewal_hangs_still_releases(bench: Bench) -> None:
    bench.lead()
    renewal = bench.send()
    assert renewal.verb is Verb.UPDATE
    stop(bench)
    assert bench.send().verb is Verb.GET, "which gives the renewal up"
    bench.store.perform(renewal.verb, renewal.lease)  # it arrives in spite of that
    bench.answer()
    assert bench.end() == Finish(None)
    assert bench.store.spec["holderIdentity"] == ""
    assert bench.machine.released


@pytest.mark.scenario("E05b")
def test_a_stop_while_a_read_hangs_still_releases(bench: Bench) -> None:
    bench.lead()
    bench.request(error(409, "Conflict"))
    assert bench.send().verb is Verb.GET
    stop(bench)
    assert bench.end() == Finish(None)
    assert bench.store.spec["holderIdentity"] == ""


@pytest.mark.scenario("trap-30")
def test_the_lease_is_renewed_until_the_work_has_ended(bench: Bench) -> None:
    bench.lead()
    bench.machine.stop(bench.now)
    for _ in range(30):
        assert bench.request() == "update"
        assert bench.leads()
        bench.machine.stop(bench.now)
    bench.machine.work_ended(bench.now, cleanly=True)
    assert not bench.leads()
    assert bench.end() == Finish(None)
    assert bench.machine.released


def test_the_lease_can_be_lost_while_the_work_drains(bench: Bench) -> None:
    bench.lead()
    bench.machine.stop(bench.now)
    bench.run_out()
    assert len(bench.lost) == 1
    assert bench.finish == Finish(bench.lost[0])  # type: ignore[arg-type]
    bench.machine.work_ended(bench.now, cleanly=True)
    assert bench.next() == bench.finish
    assert bench.store.spec["holderIdentity"] == "me", "that is for others to find out"


def test_the_lease_is_left_to_expire_where_work_may_still_run(bench: Bench) -> None:
    bench.lead()
    stop(bench, cleanly=False)
    assert bench.next() == Finish(None)
    assert not bench.leads()
    assert bench.calls == []


def test_the_lease_is_left_to_expire_where_it_is_not_to_be_released() -> None:
    bench = Bench(config(release_on_cancel=False))
    bench.lead()
    stop(bench)
    assert bench.next() == Finish(None)
    assert not bench.machine.released
    assert bench.store.spec["holderIdentity"] == "me"


def test_work_that_ends_by_itself_ends_nothing(bench: Bench) -> None:
    bench.lead()
    bench.machine.work_ended(bench.now, cleanly=True)
    assert bench.leads()
    assert bench.request() == "update"


def test_whoever_waits_takes_a_released_lease_at_its_next_try(bench: Bench) -> None:
    rival = Bench(identity="rival", store=bench.store)
    bench.lead()
    rival.attempt()
    stop(bench)
    bench.end()
    assert rival.attempt() == ["get", "update"]
    assert rival.leads()
    assert rival.leaders == ["me", "rival"]
