"""Back-off per key: client-go's rows."""

from __future__ import annotations

import itertools
import random

import pytest

from kinform.flowcontrol import Backoff
from kinform.testing.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def failing(backoff: Backoff[str], clock: VirtualClock, times: int) -> list[float]:
    """The delays before each of so many failures, a second apart."""
    found = []
    for _ in range(times):
        found.append(backoff.get("x"))
        clock.advance(1)
        backoff.next("x")
    return found


@pytest.mark.scenario("B01")
def test_delays_double_up_to_the_maximum(clock: VirtualClock) -> None:
    backoff: Backoff[str] = Backoff(1, 50, clock=clock)
    assert failing(backoff, clock, 10) == [0, 1, 2, 4, 8, 16, 32, 50, 50, 50]
    backoff.reset("x")
    backoff.reset("x")
    assert backoff.get("x") == 0


@pytest.mark.scenario("B02a")
def test_a_key_is_in_backoff_since_an_event_until_its_delay_is_over(clock: VirtualClock) -> None:
    backoff: Backoff[str] = Backoff(1, 5, clock=clock)
    failing(backoff, clock, 5)
    event = clock.monotonic()
    assert backoff.get("x") == 5
    assert backoff.is_in_backoff_since("x", event)
    clock.advance(5)
    assert not backoff.is_in_backoff_since("x", event)
    clock.advance(6)
    assert not backoff.is_in_backoff_since("x", clock.monotonic()), "twice the maximum has passed"
    assert not backoff.is_in_backoff_since("unknown", event)


@pytest.mark.scenario("B02b")
def test_at_the_maximum_a_late_failure_stays_there(clock: VirtualClock) -> None:
    backoff: Backoff[str] = Backoff(1, 5, clock=clock)
    failing(backoff, clock, 5)
    clock.advance(6)
    assert backoff.next("x") == 5


@pytest.mark.scenario("B03a")
@pytest.mark.scenario("B03b")
@pytest.mark.parametrize(
    ("maximum", "expires_after", "kept_at", "dropped_at"), [(5, None, 6, 12), (50, 200, 101, 602)], ids=["usual", "own"]
)
def test_gc_drops_what_has_expired(
    clock: VirtualClock, maximum: float, expires_after: float | None, kept_at: float, dropped_at: float
) -> None:
    backoff: Backoff[str] = Backoff(1, maximum, expires_after=expires_after, clock=clock)
    backoff.next("x")
    clock.advance(kept_at)
    assert (backoff.gc(), len(backoff)) == (0, 1)
    clock.advance(dropped_at - kept_at)
    assert (backoff.gc(), len(backoff), backoff.get("x")) == (1, 0, 0)


@pytest.mark.scenario("B03c")
@pytest.mark.scenario("B03d")
@pytest.mark.parametrize(("expires_after", "later"), [(None, 101), (8, 9)], ids=["usual", "own"])
def test_a_key_that_has_not_failed_for_long_starts_over(
    clock: VirtualClock, expires_after: float | None, later: float
) -> None:
    backoff: Backoff[str] = Backoff(1, 50, expires_after=expires_after, clock=clock)
    backoff.next("x")
    clock.advance(5)
    assert backoff.next("x") == 2
    clock.advance(later)
    assert backoff.next("x") == 1


@pytest.mark.scenario("B04")
def test_who_asks_each_second_is_let_through_after_each_delay(clock: VirtualClock) -> None:
    backoff: Backoff[str] = Backoff(1, 10, clock=clock)
    passed = []
    for tick in range(58):
        if 36 <= tick < 56:
            clock.advance(1)
            continue
        if tick == 57:
            assert not backoff.is_in_backoff_since_update("x", clock.monotonic()), "it has started over, from 1 s"
        if not backoff.is_in_backoff_since_update("x"):
            passed.append((tick, backoff.next("x")))
        clock.advance(1)
    assert passed == [(0, 1), (1, 2), (3, 4), (7, 8), (15, 10), (25, 10), (35, 10), (56, 1), (57, 2)]


@pytest.mark.scenario("B05")
def test_jitter_adds_up_to_its_share(clock: VirtualClock) -> None:
    backoff: Backoff[str] = Backoff(0.1, 60, jitter=0.1, clock=clock, rng=random.Random(7))
    delays = [backoff.next("x") for _ in range(12)]
    assert 0.1 < delays[0] <= 0.11
    for before, after in itertools.pairwise(delays):
        assert 2 * before < after <= 2.1 * before or after == 60
    assert delays[-1] == 60
    assert len({round(after / before, 9) for before, after in itertools.pairwise(delays)}) > 1


def test_a_failure_may_be_told_of_later(clock: VirtualClock) -> None:
    backoff: Backoff[str] = Backoff(1, 5, clock=clock)
    backoff.next("x")
    clock.advance(11)
    assert backoff.next("x", event_time=clock.monotonic() - 2) == 2, "when it happened the key had not expired"


@pytest.mark.parametrize(("initial", "maximum", "jitter"), [(0, 1, 0), (2, 1, 0), (1, 1, -1)])
def test_nonsense_is_refused(initial: float, maximum: float, jitter: float) -> None:
    with pytest.raises(ValueError, match="a back-off goes from initial"):
        Backoff[str](initial, maximum, jitter=jitter)
