"""Named checks: what an API server would say of them."""

from __future__ import annotations

import logging

import pytest

from kinform.health import HealthChecks


def broken() -> None:
    raise RuntimeError("the database has the password hunter2")


@pytest.fixture
def checks() -> HealthChecks:
    made = HealthChecks("readyz")
    made.add("informer-sync", lambda: None)
    return made


def test_all_is_well(checks: HealthChecks) -> None:
    assert checks.report() == (True, "ok")
    assert checks.report(verbose=True) == (True, "[+]ping ok\n[+]informer-sync ok\nreadyz check passed\n")


def test_a_failure_names_every_check_and_tells_the_reason_to_the_log_only(
    checks: HealthChecks, caplog: pytest.LogCaptureFixture
) -> None:
    checks.add("database", broken)
    with caplog.at_level(logging.INFO, "kinform.health"):
        assert checks.report() == (
            False,
            "[+]ping ok\n[+]informer-sync ok\n[-]database failed: reason withheld\nreadyz check failed\n",
        )
    assert caplog.messages == ["readyz: check database failed: the database has the password hunter2"]


def test_what_is_excluded_is_not_run_and_what_cannot_be_is_said(checks: HealthChecks) -> None:
    checks.add("database", broken)
    assert checks.report(["database"]) == (True, "ok")
    ok, said = checks.report(["database", "zz", "aa"], verbose=True)
    assert ok
    assert said.splitlines() == [
        "[+]ping ok",
        "[+]informer-sync ok",
        "[+]database excluded: ok",
        'warn: some health checks cannot be excluded: no matches for "aa","zz"',
        "readyz check passed",
    ]


def test_one_alone(checks: HealthChecks) -> None:
    checks.add("database", broken)
    assert checks.report_one("informer-sync") == (True, "ok")
    assert checks.report_one("database") == (False, "internal server error: the database has the password hunter2\n")
    assert checks.report_one("unheard-of") is None


def test_a_check_that_was_removed_is_gone(checks: HealthChecks) -> None:
    checks.remove("informer-sync")
    checks.remove("informer-sync")
    assert checks.report(verbose=True) == (True, "[+]ping ok\nreadyz check passed\n")


@pytest.mark.parametrize("name", ["", "a/b", "a b", ".a", "a.", "a\nb", "ä"])
def test_a_name_must_do_for_a_path(checks: HealthChecks, name: str) -> None:
    with pytest.raises(ValueError, match="a check's name has"):
        checks.add(name, broken)


def test_names_are_taken_once(checks: HealthChecks) -> None:
    with pytest.raises(ValueError, match="readyz has a check 'ping' already"):
        checks.add("ping", broken)
