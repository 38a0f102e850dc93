"""What an election can be configured to, and what it cannot."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from kinform import LeaderElection, ObjectKey
from kinform.leaderelection import default_identity


def seconds(**durations: float) -> dict[str, timedelta]:
    return {name: timedelta(seconds=value) for name, value in durations.items()}


def test_the_defaults_are_those_of_client_go_but_for_the_release() -> None:
    config = LeaderElection(lease="shop/rollup")
    assert config.key == ObjectKey("shop", "rollup")
    assert (config.lease_duration, config.renew_deadline, config.retry_period) == tuple(
        timedelta(seconds=value) for value in (15, 10, 2)
    )
    assert config.identity is None
    assert config.release_on_cancel is True
    assert config == LeaderElection(lease="shop/rollup")
    assert hash(config) == hash(LeaderElection(lease="shop/rollup"))


def test_a_key_serves_as_well() -> None:
    assert LeaderElection(lease=ObjectKey("a", "b.c")).key == ObjectKey("a", "b.c")


@pytest.mark.scenario("E06")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lease": "rollup"}, "the lease 'rollup' needs a namespace and a name, as in 'shop/rollup'"),
        ({"lease": "shop/"}, "needs a namespace and a name"),
        ({"lease": ""}, "needs a namespace and a name"),
        ({"lease": "a/b/c"}, "is not an object key"),
        ({"lease": "shop/Rollup"}, "'Rollup' cannot be a lease's name: at most 253 lower-case letters"),
        ({"lease": "shop/" + "x" * 254}, "cannot be a lease's name"),
        ({"lease": "s.hop/rollup"}, "'s.hop' cannot be a lease's namespace: at most 63 lower-case letters"),
        ({"lease": f"{'x' * 64}/rollup"}, "cannot be a lease's namespace"),
        ({"lease": ObjectKey("..", "rollup")}, "cannot be a lease's namespace"),
        ({"identity": ""}, "the lock's identity is empty"),
        (seconds(retry_period=0), "retry_period must be greater than 0, not 0:00:00"),
        (seconds(retry_period=-1), "retry_period must be greater than 0"),
        (
            seconds(renew_deadline=2.4),
            r"renew_deadline \(0:00:02.400000\) must be greater than 1.2 times retry_period \(0:00:02\)",
        ),
        (seconds(renew_deadline=15), r"lease_duration \(0:00:15\) must be greater than renew_deadline \(0:00:15\)"),
        (seconds(lease_duration=2**31), "more than a lease can hold"),
        ({"labels": {"-": "x"}}, "label '-' of the lease must be"),
        ({"labels": {"app": "a b"}}, "the value 'a b' of label 'app' of the lease must be"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_wrong(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LeaderElection(**{"lease": "shop/rollup", **options})


def test_the_inequalities_are_strict() -> None:
    LeaderElection(
        lease="a/b",
        retry_period=timedelta(seconds=2),
        renew_deadline=timedelta(seconds=2.401),
        lease_duration=timedelta(seconds=2.402),
    )


def test_an_identity_names_the_host_and_is_never_the_same() -> None:
    first, second = default_identity(), default_identity()
    assert first != second
    assert re.fullmatch(r".+_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
