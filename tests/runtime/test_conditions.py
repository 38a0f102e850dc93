"""Conditions as apimachinery's ``meta`` package keeps them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kinform import (
    find_condition,
    is_condition_equal,
    is_condition_false,
    is_condition_true,
    remove_condition,
    set_condition,
)
from kinform.testing import VirtualClock
from kinform_k8s.models.core.v1 import NodeCondition
from kinform_k8s.models.meta.v1 import Condition

EARLIER = datetime(2025, 1, 1, tzinfo=UTC)
CLOCK = VirtualClock(wall=1_750_000_000.75)
NOW = datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)


def ready(status: str = "True", *, reason: str = "Synced", message: str = "", generation: int = 0) -> Condition:
    return Condition(type="Ready", status=status, reason=reason, message=message, observed_generation=generation)


def one() -> list[Condition]:
    return [Condition(type="Ready", status="True", reason="Synced", last_transition_time=EARLIER)]


def test_a_new_condition_is_appended_with_the_time() -> None:
    conditions = one()
    conditions[0].type = "Other"
    new = ready()
    assert set_condition(conditions, new, clock=CLOCK)
    assert conditions[1] is new
    assert new.last_transition_time == NOW
    assert json.loads(new.to_wire())["lastTransitionTime"] == "2025-06-15T15:06:40Z"


def test_a_time_that_is_given_stays() -> None:
    conditions: list[Condition] = []
    new = ready()
    new.last_transition_time = EARLIER
    assert set_condition(conditions, new, clock=CLOCK)
    assert new.last_transition_time == EARLIER
    conditions[0].last_transition_time = NOW
    other = ready("False")
    other.last_transition_time = EARLIER
    assert set_condition(conditions, other, clock=CLOCK)
    assert conditions[0].last_transition_time == EARLIER


def test_another_status_is_a_transition() -> None:
    conditions = one()
    (kept,) = conditions
    assert set_condition(conditions, ready("False", reason="Failed", message="m", generation=3), clock=CLOCK)
    assert conditions == [kept]
    assert conditions[0] is kept
    assert (kept.status, kept.reason, kept.message, kept.observed_generation) == ("False", "Failed", "m", 3)
    assert kept.last_transition_time == NOW


@pytest.mark.parametrize("new", [ready(reason="Other"), ready(message="m"), ready(generation=2)])
def test_another_reason_message_or_generation_is_none(new: Condition) -> None:
    conditions = one()
    assert set_condition(conditions, new, clock=CLOCK)
    assert conditions[0].last_transition_time == EARLIER
    assert conditions[0].model_copy(update={"last_transition_time": None}) == new


def test_the_same_again_changes_nothing() -> None:
    conditions = one()
    before = conditions[0].to_wire()
    new = ready()
    new.last_transition_time = NOW
    assert not set_condition(conditions, new, clock=CLOCK)
    assert conditions[0].to_wire() == before


def test_the_fields_that_only_one_kind_has_are_kept() -> None:
    node = [NodeCondition(type="Ready", status="Unknown", last_heartbeat_time=EARLIER, last_transition_time=EARLIER)]
    assert set_condition(node, NodeCondition(type="Ready", status="True", reason="KubeletReady"), clock=CLOCK)
    assert (node[0].status, node[0].last_heartbeat_time, node[0].last_transition_time) == ("True", EARLIER, NOW)


def test_questions() -> None:
    conditions = [ready(), Condition(type="Degraded", status="False"), Condition(type="Other", status="Unknown")]
    assert find_condition(conditions, "Degraded") is conditions[1]
    assert find_condition(conditions, "Missing") is None
    assert [is_condition_true(conditions, each) for each in ("Ready", "Degraded", "Other", "Missing")] == [True] + [
        False
    ] * 3
    assert [is_condition_false(conditions, each) for each in ("Ready", "Degraded", "Missing")] == [False, True, False]
    assert is_condition_equal(conditions, "Other", "Unknown")
    assert not is_condition_equal([], "Other", "Unknown")


def test_removal() -> None:
    conditions = [ready(), Condition(type="Degraded"), ready("False")]
    assert remove_condition(conditions, "Ready")
    assert [each.type for each in conditions] == ["Degraded"]
    assert not remove_condition(conditions, "Ready")
