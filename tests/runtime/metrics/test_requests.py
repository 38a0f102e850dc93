"""Requests, as Prometheus sees them: by code, method and host, and with bounded labels."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from kinform.errors import NotFoundError, TransportError
from kinform.flowcontrol import TokenBucketRateLimiter
from kinform.metrics.metrics import _Requests
from kinform.testing import Server
from kinform.testing.clock import VirtualClock
from kinform.transport import Abort, Transport
from kinform_k8s.resources.core.v1 import NODES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.metrics.conftest import Series

    from kinform.metrics import Metrics


@pytest.fixture
def api() -> Iterator[Server]:
    with Server(resources=[NODES]) as server:
        yield server


def test_each_answer_counts_by_code_and_each_request_takes_its_time(
    metrics: Metrics, series: Series, api: Server
) -> None:
    clock = VirtualClock()
    limiter = TokenBucketRateLimiter(1.0, 4, clock=clock)
    with Transport(api.client, rate_limiter=limiter, clock=clock) as transport:
        host = transport.host.removeprefix("http://")
        metrics.add_transport(transport)
        metrics.add_transport(transport)
        transport.request("GET", "/api/v1/nodes")
        with pytest.raises(NotFoundError):
            transport.request("GET", "/api/v1/nodes/none")
        with pytest.raises(NotFoundError):
            transport.request("DELETE", "/api/v1/nodes/none")
        transport.open("/api/v1/nodes", abort=Abort(), read_timeout=10).close()
        waiting = threading.Thread(target=transport.request, args=("GET", "/api/v1/nodes"))
        waiting.start()
        clock.wait_for_waiters(1)
        clock.advance(1.0)
        waiting.join(10)
    assert series("rest_client_requests_total", "rest_client_request_duration_seconds_count") == {
        f'rest_client_requests_total{{code="200",host="{host}",method="GET"}}': 3,
        f'rest_client_requests_total{{code="404",host="{host}",method="GET"}}': 1,
        f'rest_client_requests_total{{code="404",host="{host}",method="DELETE"}}': 1,
        f'rest_client_request_duration_seconds_count{{host="{host}",verb="GET"}}': 3,
        f'rest_client_request_duration_seconds_count{{host="{host}",verb="DELETE"}}': 1,
    }, "a stream counts, but how long it lasts is no latency"
    waits = series("rest_client_rate_limiter_duration_seconds_count", "rest_client_rate_limiter_duration_seconds_sum")
    assert waits == {
        f'rest_client_rate_limiter_duration_seconds_count{{host="{host}",verb="GET"}}': 4,
        f'rest_client_rate_limiter_duration_seconds_count{{host="{host}",verb="DELETE"}}': 1,
        f'rest_client_rate_limiter_duration_seconds_sum{{host="{host}",verb="GET"}}': 1.0,
        f'rest_client_rate_limiter_duration_seconds_sum{{host="{host}",verb="DELETE"}}': 0.0,
    }
    assert series("rest_client_request_duration_seconds_sum")[
        f'rest_client_request_duration_seconds_sum{{host="{host}",verb="GET"}}'
    ] == pytest.approx(1.0), "with the wait, as in client-go"
    buckets = series("rest_client_request_duration_seconds_bucket")
    assert {name.split('le="')[1].split('"')[0] for name in buckets} == {
        *("0.005", "0.025", "0.1", "0.25", "0.5", "1.0", "2.0", "4.0", "8.0", "15.0", "30.0", "60.0", "+Inf")
    }


def test_what_is_not_answered_is_an_error(metrics: Metrics, series: Series) -> None:
    with Server(resources=[]) as server:
        client = server.client
    transport = Transport(client)
    metrics.add_transport(transport)
    with pytest.raises(TransportError):
        transport.request("GET", "/version")
    transport.close()
    (name,) = series("rest_client_requests_total")
    assert 'code="<error>"' in name


def test_neither_server_nor_caller_can_make_ever_new_series(metrics: Metrics, series: Series) -> None:
    requests = _Requests(metrics._requests, metrics._durations, metrics._throttles, "host")
    for number in range(1000, 1100):
        requests.answered(f"VERB{number}", str(number))
        requests.finished(f"VERB{number}", 0.1)
        requests.throttled(f"VERB{number}", 0.1)
    requests.answered("GET", "٢٠٠")
    assert series("rest_client_requests_total", "rest_client_request_duration_seconds_count") == {
        'rest_client_requests_total{code="other",host="host",method="other"}': 100,
        'rest_client_requests_total{code="other",host="host",method="GET"}': 1,
        'rest_client_request_duration_seconds_count{host="host",verb="other"}': 100,
    }
