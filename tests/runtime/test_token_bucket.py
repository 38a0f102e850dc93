"""The token bucket: golang.org/x/time/rate, call by call."""

from __future__ import annotations

import pytest

from kinform.testing.clock import VirtualClock
from kinform.token_bucket import Reservation, TokenBucket

MS = 0.001


def taken(bucket: TokenBucket) -> Reservation:
    reservation = bucket.reserve()
    assert reservation is not None
    return reservation


# (milliseconds to go on, whether a token must be there now, what golang.org/x/time 0.15 answers: nanoseconds or a bool)
TEN_A_SECOND_BURST_3 = [
    (0, False, 0),
    (0, False, 0),
    (0, False, 0),
    (0, False, 100_000_000),
    (0, False, 200_000_000),
    (150, False, 150_000_000),
    (10_000, False, 0),
    (0, False, 0),
    (0, False, 0),
    (0, False, 100_000_000),
    (70, True, False),
    (31, True, False),
    (0, False, 99_000_000),
    (100, False, 99_000_000),
    (298, True, True),
    (1, True, True),
    (0, True, False),
    (33.333333, False, 66_666_667),
]
THREE_A_SECOND_BURST_1 = [
    (0, False, 0),
    (0, False, 333_333_333),
    (0, False, 666_666_666),
    (100, False, 900_000_000),
    (2000, True, True),
    (0, True, False),
]


@pytest.mark.parametrize(
    ("rate", "burst", "steps"), [(10.0, 3, TEN_A_SECOND_BURST_3), (3.0, 1, THREE_A_SECOND_BURST_1)], ids=["10/3", "3/1"]
)
def test_reservations_are_gos(rate: float, burst: int, steps: list[tuple[float, bool, int | bool]]) -> None:
    clock = VirtualClock()
    bucket = TokenBucket(rate, burst, clock=clock)
    for number, (milliseconds, now, expected) in enumerate(steps):
        clock.advance(milliseconds * MS)
        if now:
            assert (bucket.reserve(max_delay=0.0) is not None) is expected, f"step {number}"
        else:
            assert taken(bucket).delay * 1e9 == pytest.approx(expected, abs=1e-3), f"step {number}"


@pytest.mark.parametrize(
    ("reservations", "milliseconds", "cancelled", "tokens", "next_delay"),
    [
        (3, 20, [2], -0.8, 0.180),
        (3, 20, [1], -1.8, 0.280),
        (2, 150, [1], 0.5, 0.050),
        (3, 20, [2, 1], 0.2, 0.080),
    ],
    ids=[
        "the latest is given back",
        "an earlier one stays paid for",
        "one that was due, too",
        "both, the latest first",
    ],
)
def test_what_a_cancelled_reservation_gives_back_is_gos(
    reservations: int, milliseconds: float, cancelled: list[int], tokens: float, next_delay: float
) -> None:
    clock = VirtualClock()
    bucket = TokenBucket(10.0, 1, clock=clock)
    made = [taken(bucket) for _ in range(reservations)]
    clock.advance(milliseconds * MS)
    for number in cancelled:
        bucket.cancel(made[number])
    assert bucket.tokens() == pytest.approx(tokens)
    assert taken(bucket).delay == pytest.approx(next_delay)


def test_a_reservation_that_would_take_too_long_takes_nothing() -> None:
    bucket = TokenBucket(10.0, 1, clock=VirtualClock())
    assert taken(bucket).delay == 0
    assert bucket.reserve(max_delay=0.099) is None
    assert taken(bucket).delay == 0.1
    assert bucket.reserve(max_delay=0.2) is not None


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (-1.0, 1), (float("nan"), 1), (1.0, 0)])
def test_a_bucket_through_which_nothing_passes_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match=r"qps must be above 0 and burst at least 1"):
        TokenBucket(rate, burst)
