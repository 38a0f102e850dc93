"""Every exception has a reason."""

from __future__ import annotations

import pytest

from kinform.errors import (
    AbortedError,
    ConfigurationError,
    FrameError,
    Status,
    StatusCause,
    StatusDetails,
    TransportError,
    status_error,
)
from kinform.reflector import Reason, reason_of


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (400, Reason.REFUSED),
        (401, Reason.UNAUTHORIZED),
        (403, Reason.FORBIDDEN),
        (404, Reason.NOT_FOUND),
        (405, Reason.REFUSED),
        (410, Reason.EXPIRED),
        (422, Reason.REFUSED),
        (429, Reason.THROTTLED),
        (500, Reason.SERVER_ERROR),
        (502, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR),
        (504, Reason.SERVER_ERROR),
        (0, Reason.REFUSED),
    ],
)
def test_status_codes(code: int, reason: Reason) -> None:
    assert reason_of(status_error(Status(code))) is reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TransportError("reset"), Reason.CONNECTION),
        (AbortedError("aborted"), Reason.CONNECTION),
        (FrameError("html"), Reason.FRAME),
        (ConfigurationError("no kubeconfig"), Reason.INTERNAL),
        (KeyError("x"), Reason.INTERNAL),
    ],
)
def test_other_errors(error: Exception, reason: Reason) -> None:
    assert reason_of(error) is reason


@pytest.mark.parametrize(
    "status",
    [
        Status(504, "Timeout", "", StatusDetails(causes=(StatusCause("ResourceVersionTooLarge"),))),
        Status(504, "Timeout", "", StatusDetails(causes=(StatusCause("", "Too large resource version"),))),
        Status(504, "Timeout", "Too large resource version: 30, current: 20"),
    ],
)
def test_the_three_forms_of_a_too_large_version(status: Status) -> None:
    assert reason_of(status_error(status)) is Reason.TOO_LARGE
