"""A real control plane is killed, frozen, compacted and cut off under ten informers, and nothing is lost.

Which disturbances there are says ``disturbances.py``; what must hold afterwards, ``chaos.py``. The short run makes each
of them once, on a clock that runs six times as fast as time, so that waits between tries are shorter. The long run takes
ten minutes on a clock that runs as time does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.conftest import skip_for_want_of
from tests.real.chaos.chaos import LONG, SHORT, VERSIONS, Chaos, Plan

from kinform.testing import ControlPlaneNotFoundError

if TYPE_CHECKING:
    from collections import Counter


def survive(plan: Plan, version: str, monkeypatch: pytest.MonkeyPatch, figures: Counter[str]) -> None:
    chaos = Chaos(plan, version, monkeypatch)
    try:
        found = chaos.run()
    except ControlPlaneNotFoundError as error:
        skip_for_want_of(str(error))
    print(json.dumps(found, indent=1))  # noqa: T201  (shown where it fails)
    figures["chaos: disturbances"] += sum(found["disturbances"].values())
    figures["chaos: writes"] += sum(found["writes"].values())
    figures["chaos: events"] += found["events"]
    assert not found["problems"]


@pytest.mark.timeout(180)
def test_each_disturbance_once(monkeypatch: pytest.MonkeyPatch, figures: Counter[str]) -> None:
    survive(SHORT, "v1.37", monkeypatch, figures)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("version", VERSIONS)
def test_ten_minutes(version: str, monkeypatch: pytest.MonkeyPatch, figures: Counter[str]) -> None:
    survive(LONG, version, monkeypatch, figures)
