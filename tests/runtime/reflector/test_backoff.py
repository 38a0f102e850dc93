"""Back-off doubles up to its cap, jittered, and starts over when told."""

from __future__ import annotations

import random

import pytest

from kinform.reflector import Backoff


def _steps(backoff: Backoff, count: int) -> list[float]:
    return [backoff.step() for _ in range(count)]


def test_defaults_are_client_gos() -> None:
    delays = _steps(Backoff(random.Random(3)), 12)
    for delay, base in zip(delays, [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, *[30.0] * 6], strict=True):
        assert base <= delay < 2 * base


def test_without_jitter() -> None:
    assert _steps(Backoff(random.Random(), initial=1, factor=3, cap=20, jitter=0), 5) == [1, 3, 9, 20, 20]


def test_reset() -> None:
    backoff = Backoff(random.Random(), jitter=0)
    _steps(backoff, 5)
    backoff.reset()
    assert _steps(backoff, 2) == [0.8, 1.6]


def test_jitter_differs_between_informers() -> None:
    assert len({Backoff(random.Random(seed)).step() for seed in range(50)}) == 50


@pytest.mark.parametrize(("steps", "base"), [(5, 0.031), (40, 1.763)])
@pytest.mark.scenario("R15a")
@pytest.mark.scenario("R15b")
def test_total_wait(steps: int, base: float) -> None:
    """From 1 ms up to 50 ms; client-go's second row has twice our bounds, since its jitter there grows with the cap."""
    for seed in range(20):
        assert base <= sum(_steps(Backoff(random.Random(seed), initial=0.001, cap=0.05), steps)) < 2 * base


@pytest.mark.scenario("R16a")
def test_custom_backoff_without_jitter() -> None:
    assert sum(_steps(Backoff(random.Random(), initial=0.01, cap=0.1, jitter=0), 5)) == pytest.approx(0.25)


@pytest.mark.scenario("R16b")
def test_two_refusals_with_the_defaults_are_over_in_ten_seconds() -> None:
    assert sum(_steps(Backoff(random.Random(9)), 2)) < 10
