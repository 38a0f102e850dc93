"""Answers that are no success, as errors: ``Status`` objects, and whatever else comes."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from kinform.errors import (
    ApiStatusError,
    ForbiddenError,
    InvalidError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnauthorizedError,
)
from kinform.transport.failures import refusal, retry_after


def test_a_status_is_kept_whole() -> None:
    body = b"""{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Pod \\"x\\" is invalid",
        "reason":"Invalid","details":{"name":"x","kind":"Pod","causes":[{"reason":"FieldValueRequired",
        "message":"Required value","field":"spec.containers"}]},"code":422}"""
    error = refusal(422, {}, body, "POST /api/v1/pods")
    assert isinstance(error, InvalidError)
    assert error.status.details.causes[0].field == "spec.containers"
    assert str(error) == 'POST /api/v1/pods: 422 Pod "x" is invalid'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "Bad Gateway"),
        (b"upstream connect error\nor  disconnect", "Bad Gateway: upstream connect error or disconnect"),
        (b"<html><head><title>502 Bad\nGateway</title></head><body>x", "Bad Gateway: 502 Bad Gateway"),
        (b"<!DOCTYPE html><p>no <b>title</b></p>", "Bad Gateway: no title"),
        (b"\xff\xfe\x00", "Bad Gateway: \ufffd\ufffd\x00"),
        (b"x" * 100_000, f"Bad Gateway: {'x' * 300}…"),
        (b'{"error":"nope"}', 'Bad Gateway: {"error":"nope"}'),
        (b"[1,2]", "Bad Gateway: [1,2]"),
        (b'{"kind":"Pod","metadata":{},"status":{}}', 'Bad Gateway: {"kind":"Pod","metadata":{},"status":{}}'),
        (b'{"kind":"Status","details":null,"message":"m","code":"x"}', "m"),
        (
            b'{"kind":"Status","status":"Failure","message":null}',
            'Bad Gateway: {"kind":"Status","status":"Failure","message":null}',
        ),
        (b'{"kind":"Status","status":"Failure"}', 'Bad Gateway: {"kind":"Status","status":"Failure"}'),
        (b"[" * 100_000, f"Bad Gateway: {'[' * 300}…"),
    ],
)
@pytest.mark.scenario("fault-html")
def test_any_body_gives_an_error_that_can_be_read(body: bytes, message: str) -> None:
    error = refusal(502, {}, body, "GET /x")
    assert type(error) is ApiStatusError
    assert error.status.message == message
    assert error.code == 502


def test_the_status_line_wins_over_the_body() -> None:
    assert refusal(403, {}, b'{"kind":"Status","code":0,"message":"m"}', "").code == 403
    assert isinstance(refusal(403, {}, b"<html>", ""), ForbiddenError)
    assert isinstance(refusal(401, {}, b"", ""), UnauthorizedError)
    assert isinstance(refusal(503, {}, b"", ""), ServiceUnavailableError)
    assert refusal(599, {}, b"", "").status.message == "unknown status"


@pytest.mark.scenario("fault-429")
def test_retry_after_in_seconds() -> None:
    assert retry_after({"retry-after": "32"}) == 32.0
    assert retry_after({}) is None
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "-5"}) is None


@pytest.mark.scenario("fault-429")
def test_retry_after_as_a_date_is_measured_by_the_servers_clock() -> None:
    wrong = time.time() - 86_400
    headers = {"retry-after": formatdate(wrong + 20, usegmt=True), "date": formatdate(wrong, usegmt=True)}
    assert retry_after(headers) == 20.0
    headers = {"retry-after": formatdate(wrong, usegmt=True)}
    assert retry_after(headers) == 0.0
    ahead = retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert ahead is not None
    assert 25 < ahead <= 30


def test_the_header_wins_over_the_details_and_these_over_nothing() -> None:
    body = b'{"kind":"Status","reason":"TooManyRequests","details":{"retryAfterSeconds":3}}'
    error = refusal(429, {"retry-after": "9"}, body, "")
    assert isinstance(error, TooManyRequestsError)
    assert error.retry_after == 9.0
    assert refusal(429, {}, body, "").retry_after == 3.0
