"""The limit on requests: who passes, who waits for how long, and what ends a wait."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kinform.flowcontrol import TokenBucketRateLimiter
from kinform.testing.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


class Restless(VirtualClock):
    """Whoever waits by this clock moves it on."""

    def wait(self, event: threading.Event, timeout: float | None) -> bool:
        assert timeout is not None
        self.advance(timeout)
        return event.is_set()


@pytest.mark.scenario("B06a")
def test_threads_share_the_rate(clock: VirtualClock) -> None:
    limiter = TokenBucketRateLimiter(100.0, 1, clock=clock)
    start = clock.monotonic()
    passed: list[float] = []

    def take_ten() -> None:
        for _ in range(10):
            assert limiter.accept()
            passed.append(clock.monotonic() - start)

    with ThreadPoolExecutor(10) as pool:
        workers = [pool.submit(take_ten) for _ in range(10)]
        while not all(worker.done() for worker in workers):
            clock.advance(0.001)
    for worker in workers:
        worker.result()
    assert len(passed) == 100
    assert max(passed) >= 0.99
    for count, when in enumerate(sorted(passed)):
        assert when >= count / 100 - 1e-6, "never more than the rate allows"


@pytest.mark.scenario("B06b")
def test_a_burst_passes_at_once(clock: VirtualClock) -> None:
    limiter = TokenBucketRateLimiter(1.0, 3, clock=clock)
    assert [limiter.try_accept() for _ in range(4)] == [True, True, True, False]
    assert (limiter.qps, limiter.burst) == (1.0, 3)


@pytest.mark.scenario("B06c")
def test_tokens_come_back_with_time(clock: VirtualClock) -> None:
    limiter = TokenBucketRateLimiter(1.0, 1, clock=clock)
    assert limiter.try_accept()
    assert not limiter.try_accept()
    clock.advance(2.0)
    assert limiter.try_accept()
    assert not limiter.try_accept(), "a rest of two seconds fills a bucket of one"


@pytest.mark.scenario("B06d")
def test_blocking_accepts_take_their_time() -> None:
    clock = Restless()
    limiter = TokenBucketRateLimiter(10.0, 5, clock=clock)
    start = clock.monotonic()
    assert all(limiter.accept() for _ in range(16))
    assert clock.monotonic() - start == pytest.approx(1.1)


@pytest.mark.scenario("B06e")
def test_a_limiter_that_lets_nothing_pass_blocks_until_it_is_stopped(clock: VirtualClock) -> None:
    limiter = TokenBucketRateLimiter(1e-9, 1, clock=clock)
    assert limiter.accept(), "the first one at once"
    assert not limiter.try_accept()
    cancel = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(limiter.accept)
        clock.wait_for_waiters(1)
        cancellable = pool.submit(limiter.wait, cancel=cancel)
        clock.wait_for_deadline(0.1)
        assert not waiting.done()
        limiter.stop()
        assert waiting.result(10) is False
        clock.advance(0.1)
        assert cancellable.result(10) is False
    assert not limiter.accept()
    clock.advance(1e10)
    assert not limiter.try_accept(), "stopped is stopped"


@pytest.mark.scenario("B06f")
def test_a_wait_that_cannot_end_in_time_fails_at_once(clock: VirtualClock) -> None:
    limiter = TokenBucketRateLimiter(0.0001, 1, clock=clock)
    assert limiter.wait(timeout=1.0)
    with pytest.raises(TimeoutError, match=r"0\.0001 requests a second gives no token within 1\.0 s"):
        limiter.wait(timeout=1.0)
    assert clock.waiters == 0
    clock.advance(10_000)
    assert limiter.try_accept(), "who was refused took no token"


@pytest.mark.scenario("B06g")
def test_no_token_is_lost_to_rounding(clock: VirtualClock) -> None:
    limiter = TokenBucketRateLimiter(0.9695, 1, clock=clock)
    for _ in range(60):
        assert limiter.try_accept()
        clock.advance(2.0)


def test_the_rate_is_kept_to_the_nanosecond(clock: VirtualClock) -> None:
    limiter = TokenBucketRateLimiter(10.0, 1, clock=clock)
    for _ in range(10_000):
        assert limiter.try_accept()
        clock.advance(0.1)


def test_a_cancelled_wait_gives_its_token_back(clock: VirtualClock) -> None:
    limiter = TokenBucketRateLimiter(0.5, 1, clock=clock)
    cancel = threading.Event()
    assert limiter.try_accept()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(limiter.wait, cancel=cancel)
        clock.wait_for_waiters(1)
        cancel.set()
        assert waiting.result(10) is False
    assert not limiter.wait(cancel=cancel), "nor does one begin"
    clock.advance(2.0)
    assert limiter.try_accept(), "nobody stands before this one"


def test_a_wait_lasts_as_long_as_it_must_however_it_is_sliced() -> None:
    clock = Restless()
    limiter = TokenBucketRateLimiter(0.4, 1, clock=clock)
    start = clock.monotonic()
    assert limiter.wait(cancel=threading.Event())
    assert limiter.wait(cancel=threading.Event())
    assert clock.monotonic() - start == pytest.approx(2.5)


@pytest.mark.parametrize(("qps", "burst"), [(0.0, 1), (1.0, 0)])
def test_nonsense_is_refused(qps: float, burst: int) -> None:
    with pytest.raises(ValueError, match="qps must be above 0 and burst at least 1"):
        TokenBucketRateLimiter(qps, burst)
