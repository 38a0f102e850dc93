"""Rate limiters: client-go's formulas, row by row."""

from __future__ import annotations

import pytest

from kinform.testing.clock import VirtualClock
from kinform.workqueue import (
    BucketRateLimiter,
    ItemExponentialFailureRateLimiter,
    ItemFastSlowRateLimiter,
    MaxOfRateLimiter,
    RateLimiter,
    WithMaxWaitRateLimiter,
    default_controller_rate_limiter,
    default_item_based_rate_limiter,
)


def delays(limiter: RateLimiter[str], item: str, count: int) -> list[float]:
    return [round(limiter.when(item), 9) for _ in range(count)]


@pytest.mark.scenario("Q26a")
def test_exponential_doubles_per_item_and_forgets() -> None:
    limiter = ItemExponentialFailureRateLimiter(0.001, 1.0)
    assert delays(limiter, "one", 5) == [0.001, 0.002, 0.004, 0.008, 0.016]
    assert limiter.num_requeues("one") == 5
    assert delays(limiter, "two", 2) == [0.001, 0.002]
    limiter.forget("one")
    assert limiter.num_requeues("one") == 0
    assert delays(limiter, "one", 1) == [0.001]


@pytest.mark.scenario("Q26b")
@pytest.mark.parametrize(
    ("base", "maximum", "nth", "expected"), [(0.001, 1000.0, 6, 0.032), (60.0, 3_600_000.0, 3, 240.0)]
)
@pytest.mark.scenario("trap-28")
def test_exponential_never_overflows(base: float, maximum: float, nth: int, expected: float) -> None:
    limiter = ItemExponentialFailureRateLimiter(base, maximum)
    assert delays(limiter, "x", nth)[-1] == pytest.approx(expected)
    assert delays(limiter, "x", 2000)[-1] == maximum


def test_exponential_reaches_its_maximum_exactly_when_the_power_does() -> None:
    limiter = ItemExponentialFailureRateLimiter(1.0, 8.0)
    assert delays(limiter, "x", 5) == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert delays(ItemExponentialFailureRateLimiter(1.0, 5.0), "x", 4) == [1.0, 2.0, 4.0, 5.0]
    assert delays(ItemExponentialFailureRateLimiter(5.0, 1.0), "x", 2) == [1.0, 1.0]


@pytest.mark.scenario("Q26c")
def test_fast_slow() -> None:
    limiter = ItemFastSlowRateLimiter(0.005, 10.0, 3)
    assert delays(limiter, "one", 5) == [0.005, 0.005, 0.005, 10.0, 10.0]
    assert limiter.num_requeues("one") == 5
    assert delays(limiter, "two", 2) == [0.005, 0.005]
    limiter.forget("one")
    assert delays(limiter, "one", 1) == [0.005]


@pytest.mark.scenario("Q26d")
@pytest.mark.scenario("trap-28")
def test_max_of_asks_every_limiter() -> None:
    limiter = MaxOfRateLimiter[str](
        ItemFastSlowRateLimiter(0.005, 3.0, 3), ItemExponentialFailureRateLimiter(0.001, 1.0)
    )
    assert delays(limiter, "one", 5) == [0.005, 0.005, 0.005, 3.0, 3.0]
    assert limiter.num_requeues("one") == 5
    limiter.forget("one")
    assert limiter.num_requeues("one") == 0
    assert delays(limiter, "one", 1) == [0.005]


@pytest.mark.scenario("Q26e")
def test_max_wait_caps_another_limiter() -> None:
    limiter = WithMaxWaitRateLimiter[str](ItemFastSlowRateLimiter(0.005, 1000.0, 100), 500.0)
    assert delays(limiter, "x", 200) == [0.005] * 100 + [500.0] * 100
    assert limiter.num_requeues("x") == 200
    limiter.forget("x")
    assert limiter.num_requeues("x") == 0


# What client-go 0.37 and golang.org/x/time 0.15 answer to the same calls, in nanoseconds.
GO_TABLES: list[tuple[str, RateLimiter[str], list[int]]] = [
    (
        "exponential from 5 ms to 1000 s",
        ItemExponentialFailureRateLimiter(0.005, 1000.0),
        [5_000_000 * 2**n for n in range(18)] + [1_000_000_000_000] * 4,
    ),
    (
        "exponential from 3 ms to 1 s",
        ItemExponentialFailureRateLimiter(0.003, 1.0),
        [3, 6, 12, 24, 48, 96, 192, 384, 768, 1000, 1000, 1000],
    ),
    ("exponential, base above the maximum", ItemExponentialFailureRateLimiter(7.0, 5.0), [5000, 5000, 5000]),
    ("fast and slow", ItemFastSlowRateLimiter(0.005, 10.0, 3), [5, 5, 5, 10_000, 10_000, 10_000]),
    (
        "the longer of two",
        MaxOfRateLimiter[str](ItemFastSlowRateLimiter(0.005, 0.3, 3), ItemExponentialFailureRateLimiter(0.001, 1.0)),
        [5, 5, 5, 300, 300, 300, 300, 300, 300, 512, 1000, 1000],
    ),
    (
        "cut at a maximum",
        WithMaxWaitRateLimiter[str](ItemExponentialFailureRateLimiter(0.001, 1.0), 0.1),
        [1, 2, 4, 8, 16, 32, 64, 100, 100],
    ),
]


@pytest.mark.parametrize(("limiter", "expected"), [row[1:] for row in GO_TABLES], ids=[row[0] for row in GO_TABLES])
def test_delays_are_those_of_client_go(limiter: RateLimiter[str], expected: list[int]) -> None:
    unit = 1e9 if max(expected) > 1_000_000 else 1e3
    assert [round(limiter.when("x") * unit, 3) for _ in expected] == expected


@pytest.mark.scenario("trap-28")
def test_bucket_takes_tokens_that_are_not_there_yet() -> None:
    clock = VirtualClock()
    bucket = BucketRateLimiter(10.0, 3, clock=clock)
    assert delays(bucket, "a", 5) == [0.0, 0.0, 0.0, 0.1, 0.2]
    clock.advance(0.2)
    assert delays(bucket, "b", 1) == [0.1]
    clock.advance(3600)
    assert delays(bucket, "c", 4) == [0.0, 0.0, 0.0, 0.1], "the bucket holds no more than its burst"
    assert bucket.num_requeues("a") == 0


def test_defaults_are_client_gos() -> None:
    clock = VirtualClock()
    limiter = default_controller_rate_limiter(clock=clock)
    assert round(limiter.when("x"), 6) == 0.005
    for number in range(99):
        assert round(limiter.when(("other", number)), 6) == 0.005
    assert round(limiter.when("late"), 6) == 0.1, "the 101st call within a second waits for the bucket"
    assert round(default_item_based_rate_limiter().when("x"), 6) == 0.001


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        ItemExponentialFailureRateLimiter(0.0)
    with pytest.raises(ValueError, match="burst at least 1"):
        BucketRateLimiter(1.0, 0)
    with pytest.raises(ValueError, match="at least one"):
        MaxOfRateLimiter[str]()
