"""A transport with a rate limit: what waits, what ends the wait, and what is said of it."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from kinform.client import ClientsetBase
from kinform.errors import AbortedError, TransportError
from kinform.factory import InformerFactory
from kinform.flowcontrol import TokenBucketRateLimiter
from kinform.testing.clock import VirtualClock
from kinform.transport import Abort, Transport
from kinform.transport.throttle import _Alarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.runtime.transport.conftest import FakeApiClient, Serve, StartTask


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def limited(
    serve: Serve, api_client: type[FakeApiClient], clock: VirtualClock
) -> Iterator[Callable[[float, int], Transport]]:
    made: list[Transport] = []

    def make(qps: float, burst: int) -> Transport:
        server = serve(lambda peer, request: peer.respond())
        limiter = TokenBucketRateLimiter(qps, burst, clock=clock)
        made.append(Transport(api_client(server.url), rate_limiter=limiter, clock=clock))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def test_requests_beyond_the_burst_wait_and_say_so(
    limited: Callable[[float, int], Transport],
    clock: VirtualClock,
    task: StartTask,
    caplog: pytest.LogCaptureFixture,
) -> None:
    transport = limited(0.5, 2)
    caplog.set_level(logging.DEBUG, "kinform.transport")
    for _ in range(2):
        transport.request("GET", "/version")
    assert not caplog.records
    waits = [(2.0, "WARNING"), (2.0, "DEBUG")]  # one warning in ten seconds will do
    for seconds, level in waits:
        waiting = task(lambda: transport.request("GET", "/version"))
        clock.wait_for_waiters(1)
        clock.advance(seconds)
        assert waiting.wait().status == 200
        assert caplog.records[-1].levelname == level
        assert caplog.records[-1].getMessage() == (
            "waited 2.000 s before sending GET /version (client-side throttling, not priority and fairness)"
        )
    clock.advance(20.0)
    for _ in range(2):
        transport.request("GET", "/version")
    waiting = task(lambda: transport.request("GET", "/version"))
    clock.wait_for_waiters(1)
    clock.advance(2.0)
    waiting.wait()
    assert caplog.records[-1].levelname == "WARNING"


def test_a_short_wait_is_nobodys_business(
    limited: Callable[[float, int], Transport],
    clock: VirtualClock,
    task: StartTask,
    caplog: pytest.LogCaptureFixture,
) -> None:
    transport = limited(20.0, 1)
    caplog.set_level(logging.DEBUG, "kinform.transport")
    transport.request("GET", "/version")
    waiting = task(lambda: transport.request("GET", "/version"))
    clock.wait_for_waiters(1)
    clock.advance(0.05)
    waiting.wait()
    assert not caplog.records


def test_a_stream_waits_once_when_it_is_opened(
    limited: Callable[[float, int], Transport], clock: VirtualClock, task: StartTask, abort: Abort
) -> None:
    transport = limited(1.0, 1)
    transport.request("GET", "/version")
    sent_at: list[float] = []
    began = clock.monotonic()
    opening = task(
        lambda: transport.open(
            "/api/v1/pods", abort=abort, read_timeout=10.0, on_send=lambda: sent_at.append(clock.monotonic())
        )
    )
    clock.wait_for_waiters(1)
    assert not sent_at
    clock.advance(1.0)
    with opening.wait() as stream:
        assert sent_at == [began + 1.0]
        assert stream.read() == b"{}"
        assert stream.read() == b""


@pytest.mark.parametrize("how", ["abort", "close", "stop"])
def test_what_ends_a_wait(
    serve: Serve, api_client: type[FakeApiClient], clock: VirtualClock, task: StartTask, how: str
) -> None:
    abort = Abort()
    server = serve(lambda peer, request: peer.respond())
    limiter = TokenBucketRateLimiter(0.001, 1, clock=clock)
    transport = Transport(api_client(server.url), rate_limiter=limiter, clock=clock)
    transport.request("GET", "/version")
    waiting = task(lambda: transport.request("GET", "/version", abort=abort))
    clock.wait_for_waiters(1)
    if how == "abort":
        abort.abort()
        expected: type[Exception] = AbortedError
    elif how == "close":
        transport.close()
        expected = TransportError
    else:
        limiter.stop()
        clock.advance(0.1)
        expected = TransportError
    with pytest.raises(
        expected, match={"abort": "aborted", "close": "closed", "stop": "limiter has been stopped"}[how]
    ):
        waiting.wait()
    assert len(server.requests) == 1
    transport.close()


def test_who_is_aborted_already_takes_no_token(limited: Callable[[float, int], Transport], abort: Abort) -> None:
    transport = limited(0.001, 1)
    abort.abort()
    with pytest.raises(AbortedError):
        transport.request("GET", "/version", abort=abort)
    assert transport.request("GET", "/version").status == 200


def test_a_signal_handler_may_end_the_wait_of_the_thread_it_interrupts(
    serve: Serve, api_client: type[FakeApiClient], abort: Abort
) -> None:
    server = serve(lambda peer, request: peer.respond())
    main = threading.main_thread().ident
    assert main is not None
    waits = threading.Event()

    class Slow(TokenBucketRateLimiter):
        def wait(self, *, timeout: float | None = None, cancel: threading.Event | None = None) -> bool:
            waits.set()
            return super().wait(timeout=timeout, cancel=cancel)

    def interrupt() -> None:
        assert waits.wait(10)
        signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda number, frame: abort.abort())
    killer = threading.Thread(target=interrupt)
    try:
        with Transport(api_client(server.url), rate_limiter=Slow(0.001, 1)) as transport:
            transport.request("GET", "/version")
            killer.start()
            with pytest.raises(AbortedError):
                transport.request("GET", "/version", abort=abort)
    finally:
        killer.join(10)
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_handler_that_finds_the_wait_holding_its_lock_does_not_wait_for_it() -> None:
    alarm = _Alarm()
    with vars(alarm.rung)["_cond"]:
        alarm.shutdown()
    assert alarm.rung.wait(10)


def test_factories_and_clientsets_take_a_limiter_unless_their_transport_is_made(
    serve: Serve, api_client: type[FakeApiClient]
) -> None:
    server = serve(lambda peer, request: peer.respond())
    limiter = TokenBucketRateLimiter(0.001, 2)
    factory = InformerFactory(api_client(server.url), rate_limiter=limiter)
    with ClientsetBase(api_client(server.url), rate_limiter=limiter) as clientset:
        clientset.transport.request("GET", "/version")
        factory.transport.request("GET", "/version")
        assert not limiter.try_accept(), "both have taken from the same bucket"
        for make in (ClientsetBase, InformerFactory):
            with pytest.raises(ValueError, match="has its own rate limit"):
                make(clientset.transport, rate_limiter=limiter)
    assert factory.stop().clean
