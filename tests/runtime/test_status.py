"""``Status`` objects as servers write them, well or badly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import ApiStatusError, Status, StatusCause, StatusDetails
from kinform.meta import Resource
from kinform.status import read_status
from kinform.transport.failures import refusal
from kinform.wire import Decoder, ErrorEvent

if TYPE_CHECKING:
    from collections.abc import Callable

WHOLE = {
    "kind": "Status",
    "status": "Failure",
    "message": "it is gone",
    "reason": "Gone",
    "details": {
        "name": "a",
        "group": "apps",
        "kind": "deployments",
        "uid": "u",
        "causes": [{"reason": "R", "message": "m", "field": "spec.x"}],
        "retryAfterSeconds": 3,
    },
    "code": 410,
}
READ = Status(
    410, "Gone", "it is gone", StatusDetails("a", "apps", "deployments", "u", (StatusCause("R", "m", "spec.x"),), 3)
)


def in_response(status: dict[str, Any]) -> ApiStatusError:
    return refusal(410, {}, json.dumps(status).encode(), "GET /x")


def in_event(status: dict[str, Any]) -> ApiStatusError:
    decoder = Decoder(Resource("", "v1", "pods", "Pod", namespaced=True))
    event = decoder.event(json.dumps({"type": "ERROR", "object": status}).encode())
    assert isinstance(event, ErrorEvent)
    assert isinstance(event.error, ApiStatusError)
    return event.error


def test_a_status_is_read_whole() -> None:
    assert read_status(json.dumps(WHOLE).encode()) == READ


@pytest.mark.parametrize("where", [in_response, in_event])
@pytest.mark.parametrize("bad", [None, [], {}, True, "x", 1.5])
@pytest.mark.parametrize("spoilt", ["name", "group", "kind", "uid", "causes", "retryAfterSeconds"])
def test_a_bad_detail_costs_no_other(
    where: Callable[[dict[str, Any]], ApiStatusError], bad: object, spoilt: str
) -> None:
    error = where({**WHOLE, "details": {**WHOLE["details"], spoilt: bad}})  # type: ignore[dict-item]
    assert error.status.message == "it is gone"
    details = error.status.details
    assert details.name == (READ.details.name if spoilt != "name" else bad if isinstance(bad, str) else "")
    assert details.causes == (READ.details.causes if spoilt != "causes" else ())
    assert error.retry_after == (3 if spoilt != "retryAfterSeconds" else None)


@pytest.mark.parametrize("where", [in_response, in_event])
@pytest.mark.parametrize("causes", [[None], ["x"], [{"reason": None, "message": 1}]])
def test_a_bad_cause_is_an_empty_one(where: Callable[[dict[str, Any]], ApiStatusError], causes: list[Any]) -> None:
    good = WHOLE["details"]["causes"][0]  # type: ignore[index]
    error = where({**WHOLE, "details": {"causes": [*causes, good]}})
    assert error.status.details.causes == (StatusCause(), StatusCause("R", "m", "spec.x"))


def test_numbers_may_come_as_text() -> None:
    status = read_status(b'{"code":"429","details":{"retryAfterSeconds":"7"}}')
    assert status is not None
    assert (status.code, status.details.retry_after_seconds) == (429, 7)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"<html>", b"[]", b'"x"', b"null", b"{}", b"\xff", b'{"a":' * 50_000),
        *(b'{"kind":"Pod","message":"m"}', b'{"kind":"Status"}'),
        b'{"kind":"Status","code":"many","message":null,"details":null}',
    ],
)
def test_what_says_nothing_is_none(data: bytes) -> None:
    assert read_status(data) is None
